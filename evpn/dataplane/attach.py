"""Which devices carry a VNI: found by the VNI, wherever the device's name comes from (RFC 7348; DESIGN: `device`)."""

from collections.abc import Mapping

from evpn.dataplane.link import Link
from evpn.dataplane.segment import Attachment
from evpn.text import format_ip
from evpn.values import IpAddress

TWO_FAMILIES = "IPv4 and IPv6 VNIs need an agent each, with a vtep-address of that family"


def vxlan_by_vni(links: Mapping[int, Link]) -> dict[int, list[Link]]:
    found: dict[int, list[Link]] = {}
    for link in links.values():
        if link.kind == "vxlan" and link.vni:
            found.setdefault(link.vni, []).append(link)
    return found


def choose(candidates: list[Link], name: str, vtep: IpAddress) -> Link | None:
    """Of the devices with a VNI the one of that name, else one of our VTEP address, else any."""
    return min(candidates, key=lambda link: (link.name != name, link.local != vtep, link.ifindex), default=None)


def is_of_other_family(device: Link, vtep: IpAddress) -> bool:
    """The kernel refuses every row for it: a VXLAN device is of one family, that of its local address."""
    return bool(device.local) and len(device.local) != len(vtep)


def attachment(device: Link | None, links: Mapping[int, Link], vtep: IpAddress, down: bool = False) -> Attachment | str:
    """The devices of a bridge domain, or why it cannot be served now. `down`: devices that are down will do."""
    if device is None:
        return "no VXLAN device with this VNI"
    if device.local != vtep:
        found = f"{device.name} has local address {format_ip(device.local) or 'none'} instead of {format_ip(vtep)}"
        return f"{found}: {TWO_FAMILIES}" if is_of_other_family(device, vtep) else found
    bridge = links.get(device.master)
    if bridge is None or bridge.kind != "bridge":
        return f"{device.name} is in no bridge"
    if bridge.vlan_filtering:
        return f"{bridge.name} filters VLANs, and only a bridge that does not is served"
    for link in (device, bridge):
        if not (link.up or down):
            return f"{link.name} is down"
    return Attachment(device, bridge)
