"""Bridges and VXLAN devices that the configuration asks us to make; all of them or none.

What is missing is made, and what was made in vain is removed again. Of what exists only the VXLAN device is changed, to
what its strategy needs.
"""

import contextlib
import errno
import logging
import time
from collections.abc import Callable
from functools import partial

from evpn.agent.strategies import plan_of
from evpn.config.ipsec import share
from evpn.config.settings import Settings, VniSettings
from evpn.dataplane.attach import choose, vxlan_by_vni
from evpn.dataplane.link import Link
from evpn.dataplane.plan import Plan, is_made_for
from evpn.netlink.errors import NetlinkError
from evpn.netlink.links import Links

log = logging.getLogger(__name__)

Undo = list[Callable[[], None]]
"""What takes the changes back, the latest last."""

OVERHEAD_IPV4, OVERHEAD_IPV6 = 50, 70
"""Octets that VXLAN adds: outer IP, UDP, VXLAN and the inner Ethernet header."""


def make(settings: Settings, links: Links) -> None:
    """Make what is missing; a `NetlinkError` names the device, and nothing new is left behind."""
    undo: Undo = []
    try:
        maker = _Maker(settings, links, undo)
        for vni in settings.vnis:
            if vni.create:
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
        links.set_port(device.ifindex, learning=plan.learning, neigh_suppress=plan.suppression)
        log.warning("somebody changed flags of device=%s as a port, they are %s's again", device.name, plan.name)
    except NetlinkError as error:  # it has left the bridge meanwhile
        log.warning("flags of device=%s not set again error=%s", device.name, error)


class _Maker:
    """One pass over the VNIs: what there is, listed once, and what takes back what was done."""

    def __init__(self, settings: Settings, links: Links, undo: Undo) -> None:
        self.vtep = settings.vtep
        self.ipsec = settings.ipsec
        self.links = links
        self.undo = undo
        self.known = {link.name: link for link in links.list()}
        self.by_vni = vxlan_by_vni({link.ifindex: link for link in self.known.values()})
        self._payload = 0

    def make(self, vni: VniSettings) -> None:
        device = choose(self.by_vni.get(vni.vni, []), vni.device, self.vtep)
        bridge = self.known.get(vni.bridge) or self._bridge_of(device) or self._bridge(vni)
        if device is None:
            self._device(vni, bridge)
        elif device.name == vni.device and device.local == self.vtep:
            self._adapt(vni, device, bridge)
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
        bridge = self.links.create_bridge(vni.bridge, mtu=vni.mtu or self._payload_mtu())
        self.undo.append(partial(self.links.delete, bridge.ifindex))
        self.known[vni.bridge] = bridge
        self.links.set_up(bridge.ifindex)
        log.info("made bridge=%s mtu=%d", vni.bridge, bridge.mtu)
        return bridge

    def _device(self, vni: VniSettings, bridge: Link) -> None:
        plan, mtu = plan_of(vni), vni.mtu or self._payload_mtu()
        self._create(vni, plan, bridge, mtu, self._underlay(plan))
        log.info("made device=%s vni=%d bridge=%s mtu=%d strategy=%s", vni.device, vni.vni, vni.bridge, mtu, plan.name)

    def _create(self, vni: VniSettings, plan: Plan, bridge: Link, mtu: int, underlay: int) -> float:
        """The moment from which on it carries frames."""
        links = self.links
        device = links.create_vxlan(
            vni.device,
            vni.vni,
            self.vtep,
            port=vni.port,
            learning=plan.learning,
            proxy=plan.proxy,
            l2miss=plan.misses,
            l3miss=plan.misses,
            mtu=mtu,
            group=plan.group,
            device=underlay,
            ttl=plan.ttl,
        )
        self.undo.append(partial(links.delete, device.ifindex))
        links.enslave(device.ifindex, bridge.ifindex)
        links.set_port(device.ifindex, learning=plan.learning, neigh_suppress=plan.suppression)
        links.set_up(device.ifindex)
        return time.monotonic()

    def _adapt(self, vni: VniSettings, device: Link, bridge: Link) -> None:
        """A device that is fed otherwise from now on: changed where the kernel can, else made again."""
        plan = plan_of(vni)
        underlay = self._underlay(plan)
        if not is_made_for(device, plan):
            self.links.load()
            began = time.monotonic()
            self.undo.append(partial(self._restore, vni, device, bridge))
            create = partial(self._create, vni, plan, bridge, device.mtu, underlay)
            took = 1000 * (self.links.replace(device.ifindex, create) - began)
            log.warning("made device=%s again for strategy=%s, which took %.0f ms", device.name, plan.name, took)
            return
        changed = self.links.set_vxlan(
            device.ifindex, learning=plan.learning, group=plan.group, underlay=underlay, ttl=plan.ttl
        )
        self.links.set_port(device.ifindex, learning=plan.learning, neigh_suppress=plan.suppression)
        if changed:
            log.info("changed device=%s for strategy=%s", device.name, plan.name)

    def _restore(self, vni: VniSettings, device: Link, bridge: Link) -> None:
        """The device that was taken away for another one, which is gone by now."""
        plan = Plan(learning=device.learning, proxy=device.proxy, misses=device.l2miss, group=device.group)
        self._create(vni, plan._replace(ttl=device.ttl), bridge, device.mtu, device.parent)

    def _underlay(self, plan: Plan) -> int:
        """ifindex of the device on which a group is joined; 0 without a group."""
        if not plan.group:
            return 0
        if plan.underlay is None:
            return self.links.addresses().get(self.vtep, 0)
        known = self.known.get(plan.underlay)
        if known is None:
            raise NetlinkError(errno.ENODEV, f"multicast.device {plan.underlay}")
        return known.ifindex

    def _port(self, port: Link, bridge: Link) -> None:
        if not port.master:
            self.links.enslave(port.ifindex, bridge.ifindex)
            self.undo.append(partial(self.links.enslave, port.ifindex, 0))
        if not port.up:
            self.links.set_up(port.ifindex)
            self.undo.append(partial(self.links.set_up, port.ifindex, False))

    def _payload_mtu(self) -> int:
        """What is left of the underlay's MTU (RFC 7348 section 4.3: a VTEP does not fragment); looked up once."""
        if not self._payload:
            overhead = OVERHEAD_IPV4 if len(self.vtep) == 4 else OVERHEAD_IPV6
            underlay = self.links.underlay_mtu(self.vtep)
            self._payload = underlay - overhead - (share(self.ipsec, underlay) if self.ipsec else 0)
        return self._payload
