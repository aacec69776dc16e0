"""Bridges and VXLAN devices that the configuration asks us to make; all of them or none.

What is missing is made, and what was made in vain is removed again. Of what exists only the VXLAN device is changed, to
what its VNI needs, and set right what an agent has left that ended in the midst of it.
"""

import contextlib
import errno
import logging
from collections.abc import Sequence
from functools import partial

from evpn.agent.strategies import plan_of
from evpn.agent.vxlan import Undo, VxlanDevices
from evpn.config.settings import Settings, VniSettings
from evpn.dataplane.attach import choose, vxlan_by_vni
from evpn.dataplane.link import Link
from evpn.netlink.errors import NetlinkError
from evpn.netlink.groups import allow
from evpn.netlink.isolation import is_isolated
from evpn.netlink.links import Links

log = logging.getLogger(__name__)


def make(settings: Settings, links: Links) -> None:
    """Make what is missing; a `NetlinkError` names the device, and nothing new is left behind."""
    undo: Undo = []
    try:
        maker = _Maker(settings, links, undo)
        wanted = [vni for vni in settings.vnis if vni.create]
        maker.allow_groups(wanted)
        for vni in wanted:
            maker.vxlan.underlay(plan_of(vni))  # what can be wrong is, before anything is done
        for vni in wanted:
            maker.make(vni)
    except NetlinkError:
        for take_back in reversed(undo):
            with contextlib.suppress(NetlinkError):  # of a device that has gone meanwhile
                take_back()
        raise


def mend(settings: Settings, links: Links) -> None:
    """The same for an agent that is started again: what cannot be made for one VNI is no reason to leave the others."""
    maker = _Maker(settings, links, [])
    for vni in settings.vnis:
        try:
            if vni.create:
                maker.allow_groups(settings.vnis)
                maker.make(vni)
        except NetlinkError as error:
            log.error("device not made vni=%d error=%s", vni.vni, error)


def plug(settings: Settings, links: Links, port: Link) -> None:
    """A device has appeared: put it into its bridge if it is a port that the configuration names."""
    for vni in settings.vnis:
        if not vni.create or port.name not in vni.ports or port.master:
            continue
        try:
            links.enslave(port.ifindex, vni.bridge)
            links.set_up(port.ifindex)
            log.info("port=%s put into bridge=%s", port.name, vni.bridge)
        except NetlinkError as error:
            log.warning("port=%s not put into bridge=%s error=%s", port.name, vni.bridge, error)


def keep_flags(settings: Settings, links: Links, device: Link) -> None:
    """The bridge has told of one of its ports: a VXLAN device that is ours to make keeps the flags of its strategy."""
    vni = next((vni for vni in settings.vnis if vni.create and vni.device == device.name), None)
    if vni is None or device.kind != "vxlan" or device.vni != vni.vni:
        return
    plan = plan_of(vni)
    if (device.port_learning, bool(device.neighbor_suppression)) == (plan.learning, plan.suppression):
        return
    try:
        if links.set_port(device.ifindex, learning=plan.learning, neigh_suppress=plan.suppression):
            log.warning("somebody changed flags of device=%s as a port, they are %s's again", device.name, plan.name)
    except NetlinkError as error:
        if error.errno != errno.ENODEV:  # it was made again meanwhile
            log.warning("flags of device=%s not set again error=%s", device.name, error)


class _Maker:
    """One pass over the VNIs: what there is, listed once, and what takes back what was done."""

    def __init__(self, settings: Settings, links: Links, undo: Undo) -> None:
        self.vtep = settings.vtep
        self.links = links
        self.undo = undo
        self.known = {link.name: link for link in links.list()}
        self.by_vni = vxlan_by_vni({link.ifindex: link for link in self.known.values()})
        self.vxlan = VxlanDevices(settings, links, undo, self.known)

    def allow_groups(self, vnis: Sequence[VniSettings]) -> None:
        """Those of the configuration, and of devices that others have made."""
        groups = [plan.group for vni in vnis if vni.create and (plan := plan_of(vni)).group]
        others = [link.group for link in self.known.values() if link.group]
        if groups and len(self.vtep) == 4:
            allow(len(groups) + len(others))

    def make(self, vni: VniSettings) -> None:
        device = choose(self.by_vni.get(vni.vni, []), vni.device, self.vtep)
        bridge = self.known.get(vni.bridge) or self._bridge_of(device) or self._bridge(vni)
        if not bridge.up and is_isolated(bridge.name):
            self._up(bridge)
        if device is None:
            self.vxlan.make(vni, bridge)
        elif device.local == self.vtep:
            self.vxlan.adapt(vni, device, bridge)
        for name in vni.ports:
            port = self.known.get(name)
            if port is None:
                log.warning("port=%s of vni=%d is not there yet", name, vni.vni)
            else:
                self._port(port, bridge)

    def _bridge_of(self, device: Link | None) -> Link | None:
        """A bridge that has been given another name since."""
        return next((link for link in self.known.values() if device and link.ifindex == device.master), None)

    def _bridge(self, vni: VniSettings) -> Link:
        bridge = self.links.create_bridge(vni.bridge, mtu=self.vxlan.mtu(vni))
        self.undo.append(partial(self.links.delete, bridge.ifindex))
        self.links.set_up(bridge.ifindex)
        self.known[vni.bridge] = bridge._replace(up=True)
        log.info("made bridge=%s mtu=%d", vni.bridge, bridge.mtu)
        return self.known[vni.bridge]

    def _port(self, port: Link, bridge: Link) -> None:
        if not port.master:
            self.links.enslave(port.ifindex, bridge.ifindex)
            self.undo.append(partial(self.links.enslave, port.ifindex, 0))
        if not port.up:
            self._up(port)

    def _up(self, link: Link) -> None:
        self.links.set_up(link.ifindex)
        self.undo.append(partial(self.links.set_up, link.ifindex, False))
