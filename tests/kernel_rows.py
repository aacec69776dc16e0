"""Rows as the kernel tells them, in notifications and dumps (docs/kernel.md)."""

from evpn.netlink.constants import (
    AF_BRIDGE,
    AF_INET,
    AF_INET6,
    NTF_EXT_LEARNED,
    NTF_SELF,
    NTF_STICKY,
    NUD_NOARP,
    NUD_PERMANENT,
    NUD_REACHABLE,
    NUD_STALE,
    RTM_DELNEIGH,
    RTM_GETNEIGH,
    RTM_NEWNEIGH,
)
from evpn.netlink.neighbor import NeighborMessage
from evpn.values import NO_IP, ZERO_MAC, IpAddress, MacAddress

BRIDGE, DEVICE, PORT, OTHER_PORT = 1, 2, 11, 12
"""ifindexes of the bridge, the VXLAN device and two ports for hosts."""


def bridge_row(
    mac: MacAddress, port: int, state: int = NUD_REACHABLE, flags: int = 0, bridge: int = BRIDGE, gone: bool = False
) -> NeighborMessage:
    """As the bridge tells of a row: the port, no destination, its own ifindex as master."""
    kind = RTM_DELNEIGH if gone else RTM_NEWNEIGH
    return NeighborMessage(kind, AF_BRIDGE, port, state, flags, 0, 0, mac, NO_IP, 0, bridge, 0, 0, 0, 0)


def host_row(mac: MacAddress, port: int, sticky: bool = False, gone: bool = False) -> NeighborMessage:
    """As the bridge tells of a host that was known beforehand."""
    state, flags = (NUD_NOARP, NTF_EXT_LEARNED | NTF_STICKY) if sticky else (NUD_REACHABLE, NTF_EXT_LEARNED)
    return bridge_row(mac, port, state, flags, gone=gone)


def tunnel_row(
    mac: MacAddress,
    vtep: IpAddress,
    state: int = NUD_REACHABLE,
    flags: int = NTF_SELF | NTF_EXT_LEARNED,
    device: int = DEVICE,
    gone: bool = False,
) -> NeighborMessage:
    """As a VXLAN device tells of a row: with the destination, without a master."""
    kind = RTM_DELNEIGH if gone else RTM_NEWNEIGH
    return NeighborMessage(kind, AF_BRIDGE, device, state, flags, 1, 0, mac, vtep, 0, 0, 0, 0, 0, 0)


def flood_row(vtep: IpAddress, marked: bool = True, gone: bool = False, device: int = DEVICE) -> NeighborMessage:
    flags = NTF_SELF | (NTF_EXT_LEARNED if marked else 0)
    return tunnel_row(ZERO_MAC, vtep, NUD_NOARP | NUD_PERMANENT, flags, device, gone)


def neighbor_row(
    ip: IpAddress,
    mac: MacAddress,
    state: int = NUD_NOARP,
    flags: int = NTF_EXT_LEARNED,
    protocol: int = 186,
    device: int = BRIDGE,
    gone: bool = False,
    port_id: int = 0,
) -> NeighborMessage:
    kind, family = RTM_DELNEIGH if gone else RTM_NEWNEIGH, AF_INET if len(ip) == 4 else AF_INET6
    return NeighborMessage(kind, family, device, state, flags, 1, port_id, mac, ip, 0, 0, protocol, 0, 0, 0)


def miss_row(mac: MacAddress, ip: IpAddress, device: int = DEVICE) -> NeighborMessage:
    """As a VXLAN device tells whom it does not know: a MAC or an IP."""
    family = AF_INET6 if len(ip) == 16 else AF_INET
    return NeighborMessage(RTM_GETNEIGH, family, device, NUD_STALE, 0, 1, 0, mac, ip, 0, 0, 0, 0, 0, None)
