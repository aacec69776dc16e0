"""What carries VXLAN packets: the MTU of the device that has the VTEP address (RFC 7348 section 4.3)."""

import errno

from evpn.dataplane.link import Link
from evpn.netlink.dump import dump_addresses, dump_links
from evpn.netlink.errors import NetlinkError
from evpn.text import format_ip
from evpn.values import IpAddress

_LOOPBACK = 1
_LINK_LOCAL = b"\xfe\x80"


def underlay_mtu(ip: IpAddress) -> int:
    """MTU of the device with this address; of the narrowest device with any when this one is on a loopback."""
    addresses = {address.ip: address.ifindex for address in dump_addresses()}
    links = {link.ifindex: link for link in dump_links()}
    if ip not in addresses:
        raise NetlinkError(errno.EADDRNOTAVAIL, f"underlay address {format_ip(ip)}")
    device = links[addresses[ip]]
    if not _is_loopback(device):
        return device.mtu
    overlay = {link.master for link in links.values() if link.kind == "vxlan"}
    carriers = [
        link
        for link in links.values()
        if not _is_loopback(link) and link.kind != "vxlan" and link.ifindex not in overlay
    ]
    # every device has a link-local address, tenants' ones too; an underlay has more than that, or is unnumbered
    numbered = {ifindex for other, ifindex in addresses.items() if other[:2] != _LINK_LOCAL}
    unnumbered = set(addresses.values()) - {link.ifindex for link in carriers if link.master or link.kind == "bridge"}
    for having_address in (numbered, unnumbered):
        if mtus := [link.mtu for link in carriers if link.ifindex in having_address]:
            return min(mtus)
    return 1500


def _is_loopback(link: Link) -> bool:
    return link.ifindex == _LOOPBACK or link.kind == "dummy"
