"""Bridges and VXLAN devices that the configuration asks us to make; all of them or none.

What exists is left as it is: only what is missing is made, and what was made in vain is removed again.
"""

import contextlib
import logging
from collections.abc import Callable
from functools import partial

from evpn.config.settings import Settings, VniSettings
from evpn.dataplane.attach import choose, vxlan_by_vni
from evpn.dataplane.link import Link
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


class _Maker:
    """One pass over the VNIs: what there is, listed once, and what takes back what was done."""

    def __init__(self, settings: Settings, links: Links, undo: Undo) -> None:
        self.vtep = settings.vtep
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
        links, mtu = self.links, vni.mtu or self._payload_mtu()
        device = links.create_vxlan(vni.device, vni.vni, self.vtep, port=vni.port, learning=False, mtu=mtu)
        self.undo.append(partial(links.delete, device.ifindex))
        links.enslave(device.ifindex, bridge.ifindex)
        links.set_port(device.ifindex, learning=False, neigh_suppress=vni.neighbor_suppression)
        links.set_up(device.ifindex)
        log.info("made device=%s vni=%d bridge=%s mtu=%d", vni.device, vni.vni, vni.bridge, mtu)

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
            self._payload = self.links.underlay_mtu(self.vtep) - overhead
        return self._payload
