"""Bridges and VXLAN devices that the configuration asks us to make; all of them or none.

What exists is left as it is: only what is missing is made, and what was made in vain is removed again.
"""

import contextlib
import logging
from collections.abc import Callable, Iterator
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
        known = {link.name: link for link in links.list()}
        for vni in settings.vnis:
            if vni.create:
                _make_one(settings, vni, links, known, undo)
    except NetlinkError:
        for take_back in reversed(undo):
            with contextlib.suppress(NetlinkError):  # of a device that has gone meanwhile
                take_back()
        raise


def advice(settings: Settings, links: dict[int, Link]) -> Iterator[str]:
    """What is not as the strategy needs it on devices that are not ours to change."""
    by_vni = vxlan_by_vni(links)
    for vni in settings.vnis:
        device = choose(by_vni.get(vni.vni, []), vni.device, settings.vtep)
        if device is None:
            continue
        if device.learning:
            yield f"{device.name} learns from the tunnel: ip link set {device.name} type vxlan nolearning"
        if device.port_learning:
            yield f"the bridge learns from {device.name}: bridge link set dev {device.name} learning off"
        if vni.neighbor_suppression and device.neighbor_suppression is False:
            yield f"{device.name} does not suppress ARP and ND: bridge link set dev {device.name} neigh_suppress on"


def _make_one(settings: Settings, vni: VniSettings, links: Links, known: dict[str, Link], undo: Undo) -> None:
    candidates = [link for link in known.values() if link.kind == "vxlan" and link.vni == vni.vni]
    mtu = vni.mtu or _payload_mtu(settings, links)
    bridge = known.get(vni.bridge)
    if bridge is None:
        bridge = links.create_bridge(vni.bridge, mtu=mtu)
        undo.append(partial(links.delete, bridge.ifindex))
        known[vni.bridge] = bridge
        links.set_up(bridge.ifindex)
        log.info("made bridge=%s mtu=%d", vni.bridge, mtu)
    device = choose(candidates, vni.device, settings.vtep)
    if device is None:
        device = links.create_vxlan(vni.device, vni.vni, settings.vtep, port=vni.port, learning=False, mtu=mtu)
        undo.append(partial(links.delete, device.ifindex))
        links.enslave(device.ifindex, bridge.ifindex)
        links.set_port(device.ifindex, learning=False, neigh_suppress=vni.neighbor_suppression)
        links.set_up(device.ifindex)
        log.info("made device=%s vni=%d bridge=%s mtu=%d", vni.device, vni.vni, vni.bridge, mtu)
    for name in vni.ports:
        port = known[name]
        if not port.master:
            links.enslave(port.ifindex, bridge.ifindex)
            undo.append(partial(links.enslave, port.ifindex, 0))
        if not port.up:
            links.set_up(port.ifindex)
            undo.append(partial(links.set_up, port.ifindex, False))


def _payload_mtu(settings: Settings, links: Links) -> int:
    """What is left of the underlay's MTU (RFC 7348 section 4.3: a VTEP does not fragment)."""
    overhead = OVERHEAD_IPV4 if len(settings.vtep) == 4 else OVERHEAD_IPV6
    return links.underlay_mtu(settings.vtep) - overhead
