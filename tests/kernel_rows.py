"""Rows as the kernel tells them, in notifications and dumps (docs/kernel.md)."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from struct import Struct

from evpn.dataplane.entries import (
    AF_BRIDGE,
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
from evpn.netlink.constants import (
    AF_INET,
    AF_INET6,
    NDA_CACHEINFO,
    NDA_DST,
    NDA_LLADDR,
    NDA_MASTER,
    NDA_NH_ID,
    NDA_PROTOCOL,
    NDA_SRC_VNI,
    NDA_VLAN,
)
from evpn.netlink.events import Event
from evpn.netlink.inbox import HEAD
from evpn.netlink.messages import HEADER, attribute
from evpn.netlink.neighbor import NeighborMessage
from evpn.netlink.newcomers import gathered
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


def notification(row: NeighborMessage, modern: bool = True) -> bytes:
    """The octets that tell it, in the kernel's order; `modern`: with NDA_FLAGS_EXT."""
    told = attribute(NDA_DST, row.dst) if row.dst and row.family != AF_BRIDGE else b""
    told += attribute(NDA_LLADDR, row.lladdr) if row.lladdr else b""
    told += attribute(NDA_DST, row.dst) if row.dst and row.family == AF_BRIDGE else b""
    told += attribute(NDA_MASTER, row.master.to_bytes(4, "little")) if row.master else b""
    told += attribute(_NDA_FLAGS_EXT, bytes(4)) if modern and row.master else b""
    if row.used is not None:
        told += attribute(NDA_CACHEINFO, bytes(4) + row.used.to_bytes(4, "little") + bytes(8))
    told += attribute(NDA_VLAN, row.vlan.to_bytes(2, "little")) if row.vlan else b""
    told += attribute(NDA_PROTOCOL, bytes((row.protocol,))) if row.protocol else b""
    told += attribute(NDA_NH_ID, row.nexthop_id.to_bytes(4, "little")) if row.nexthop_id else b""
    told += attribute(NDA_SRC_VNI, row.src_vni.to_bytes(4, "little")) if row.src_vni else b""
    body = _NDMSG.pack(row.family, row.ifindex, row.state, row.flags, row.kind) + told
    return HEADER.pack(HEADER.size + len(body), row.type, 0, 0, row.port_id) + body


def together(events: Iterable[Event]) -> Iterator[Event]:
    """As the monitor tells them: hosts that come up one after the other are one event."""
    for are_rows, some in groupby(events, lambda event: isinstance(event, NeighborMessage)):
        if not are_rows:
            yield from some
            continue
        rows = [event for event in some if isinstance(event, NeighborMessage)]
        octets = list(map(notification, rows))
        for found in gathered(b"".join(one.ljust(HEAD, b"\xee")[:HEAD] for one in octets), list(map(len, octets))):
            yield rows[found] if isinstance(found, int) else found


_NDMSG = Struct("=B3xiHBB")
_NDA_FLAGS_EXT = 15
