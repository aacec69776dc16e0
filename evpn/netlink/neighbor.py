"""RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH: FDB rows, flood rows and neighbours, packed and read (RFC 8365, RFC 9161).

One `Struct` per layout: a remote MAC costs 0.3 us. None asks for an acknowledgement: the kernel reports
refusals all the same, by `sequence`, which is the caller's own number for what it wants done. Two messages that
serve one wish may share it.

What the kernel makes of the flags, and why they are these:

- SELF is the row of the VXLAN device (which VTEP), MASTER the row of its bridge (which port). One message with both
  adds both; a delete with both stops at the first ENOENT, so deletes are one message per row.
- EXT_LEARNED is our mark and keeps the rows from ageing. Over a row it changes the destination only, never flags or
  state: those need delete and add.
- A flood row is one of several destinations of the all-zero MAC: APPEND, and always deleted with its destination.
- The bridge ignores STICKY beside EXT_LEARNED: a sticky row is the marked one first, then the sticky one over it.
- A host on a local port is a row of the bridge only. The mark alone keeps it from ageing, and from being flushed with
  its port; a frame on another port moves it, and takes the mark.
"""

from struct import Struct
from typing import Final, NamedTuple

from evpn.dataplane.entries import (
    AF_BRIDGE,
    NTF_EXT_LEARNED,
    NTF_MASTER,
    NTF_ROUTER,
    NTF_SELF,
    NTF_STICKY,
    NUD_NOARP,
    NUD_PERMANENT,
    NUD_REACHABLE,
    RTM_DELNEIGH,
    RTM_GETNEIGH,
    RTM_NEWNEIGH,
    RTPROT_BGP,
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
    NLM_F_APPEND,
    NLM_F_CREATE,
    NLM_F_EXCL,
    NLM_F_REPLACE,
    NLM_F_REQUEST,
    RTN_UNICAST,
)
from evpn.netlink.errors import malformed
from evpn.netlink.messages import ATTRIBUTE, HEADER, number
from evpn.values import NO_IP, ZERO_MAC, IpAddress, MacAddress

# nlmsghdr (length, type, flags, sequence, port id), ndmsg (family, ifindex, state, flags, type), attributes
_HEAD: Final = "=IHHIIB3xiHBB"
_ROW = Struct(_HEAD + "HH6s2x")  # NDA_LLADDR
_ROW4 = Struct(_HEAD + "HH6s2xHH4s")  # NDA_LLADDR, NDA_DST
_ROW6 = Struct(_HEAD + "HH6s2xHH16s")
_NEIGHBOR4 = Struct(_HEAD + "HHB3xHH6s2xHH4s")  # NDA_PROTOCOL, NDA_LLADDR, NDA_DST
_NEIGHBOR6 = Struct(_HEAD + "HHB3xHH6s2xHH16s")
_ADDRESS4 = Struct(_HEAD + "HH4s")  # NDA_DST
_ADDRESS6 = Struct(_HEAD + "HH16s")
_FIXED = Struct(_HEAD)
_START = Struct("=IH")  # length, type

_REPLACE = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_REPLACE
_NEW = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL
_APPEND = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_APPEND

# what is done to an FDB row: message type, its flags, state of the row, flags of the row
_Operation = tuple[int, int, int, int]
_REMOTE: _Operation = (RTM_NEWNEIGH, _REPLACE, NUD_REACHABLE, NTF_SELF | NTF_MASTER | NTF_EXT_LEARNED)
_REMOTE_ROUTER: _Operation = (RTM_NEWNEIGH, _REPLACE, NUD_REACHABLE, _REMOTE[3] | NTF_ROUTER)
_TAUGHT: _Operation = (RTM_NEWNEIGH, _NEW, NUD_REACHABLE, NTF_SELF | NTF_MASTER)
_STICKY: _Operation = (RTM_NEWNEIGH, _REPLACE, NUD_REACHABLE | NUD_NOARP, NTF_SELF | NTF_MASTER | NTF_STICKY)
_STICKY_ROUTER: _Operation = (RTM_NEWNEIGH, _REPLACE, _STICKY[2], _STICKY[3] | NTF_ROUTER)
_HOST: _Operation = (RTM_NEWNEIGH, _REPLACE, NUD_REACHABLE, NTF_MASTER | NTF_EXT_LEARNED)
_STICKY_HOST: _Operation = (RTM_NEWNEIGH, _REPLACE, NUD_NOARP, NTF_MASTER | NTF_STICKY)
_FLOOD: _Operation = (RTM_NEWNEIGH, _APPEND, NUD_PERMANENT | NUD_NOARP, NTF_SELF | NTF_EXT_LEARNED)
_DELETE_TUNNEL: _Operation = (RTM_DELNEIGH, NLM_F_REQUEST, 0, NTF_SELF)
_DELETE_BRIDGE: _Operation = (RTM_DELNEIGH, NLM_F_REQUEST, 0, NTF_MASTER)
_GET_TUNNEL: _Operation = (RTM_GETNEIGH, NLM_F_REQUEST, 0, NTF_SELF)
_GET_BRIDGE: _Operation = (RTM_GETNEIGH, NLM_F_REQUEST, 0, NTF_MASTER)


def remote_mac(sequence: int, ifindex: int, mac: MacAddress, vtep: IpAddress, router: bool = False) -> bytes:
    """A remote unicast MAC: the row of the VXLAN device and the row of its bridge at once.

    `router` is the R flag of what `proxy` answers for this MAC; it can only be given to a new row.
    """
    return _row(_REMOTE_ROUTER if router else _REMOTE, sequence, ifindex, mac, vtep)


def sticky_mac(sequence: int, ifindex: int, mac: MacAddress, vtep: IpAddress, router: bool = False) -> bytes:
    """A remote MAC that no local frame can take: two messages, the second one over the first.

    The row of the VXLAN device loses EXT_LEARNED by it, the row of the bridge keeps it. To undo stickiness, delete.
    """
    first, second = (_REMOTE_ROUTER, _STICKY_ROUTER) if router else (_REMOTE, _STICKY)
    return _row(first, sequence, ifindex, mac, vtep) + _row(second, sequence, ifindex, mac, vtep)


def taught_mac(sequence: int, ifindex: int, mac: MacAddress, vtep: IpAddress) -> bytes:
    """A remote MAC as if a frame had told it: without our mark it ages. EEXIST if there is a row already."""
    return _row(_TAUGHT, sequence, ifindex, mac, vtep)


def delete_tunnel_row(sequence: int, ifindex: int, mac: MacAddress, vtep: IpAddress) -> bytes:
    """Removes the row of the VXLAN device if it still points to this VTEP; succeeds, changing nothing, if not."""
    return _row(_DELETE_TUNNEL, sequence, ifindex, mac, vtep)


def delete_bridge_row(sequence: int, ifindex: int, mac: MacAddress) -> bytes:
    """Removes the row of the bridge if it is still on this port; ENOENT if not."""
    return _row(_DELETE_BRIDGE, sequence, ifindex, mac, NO_IP)


def host(sequence: int, port: int, mac: MacAddress, sticky: bool = False) -> bytes:
    """A host on a local port, wherever its row was; two messages if no frame may move it, as for a remote one.

    NOARP, which the bridge shows as static: without it a port that is down takes no sticky row.
    """
    row = _row(_HOST, sequence, port, mac, NO_IP)
    return row + _row(_STICKY_HOST, sequence, port, mac, NO_IP) if sticky else row


def flood(sequence: int, ifindex: int, vtep: IpAddress) -> bytes:
    """One more destination of broadcast, unknown and multicast frames."""
    return _row(_FLOOD, sequence, ifindex, ZERO_MAC, vtep)


def delete_flood(sequence: int, ifindex: int, vtep: IpAddress) -> bytes:
    """Removes this destination only; without one the kernel would remove all."""
    return _row(_DELETE_TUNNEL, sequence, ifindex, ZERO_MAC, vtep)


def neighbor(sequence: int, ifindex: int, ip: IpAddress, mac: MacAddress, router: bool = False) -> bytes:
    """A remote host's ARP or ND entry, answered by suppression or `proxy`; `router` is the R flag of RFC 9047."""
    layout, family = (_NEIGHBOR4, AF_INET) if len(ip) == 4 else (_NEIGHBOR6, AF_INET6)
    flags = NTF_EXT_LEARNED | NTF_ROUTER if router else NTF_EXT_LEARNED
    head = (layout.size, RTM_NEWNEIGH, _REPLACE, sequence, 0, family, ifindex, NUD_NOARP, flags, RTN_UNICAST)
    return layout.pack(*head, 5, NDA_PROTOCOL, RTPROT_BGP, 10, NDA_LLADDR, mac, 4 + len(ip), NDA_DST, ip)


def delete_neighbor(sequence: int, ifindex: int, ip: IpAddress) -> bytes:
    """Removes the entry whoever made it: ask the table of ours first."""
    return _address(RTM_DELNEIGH, sequence, ifindex, ip)


def get_tunnel_row(ifindex: int, mac: MacAddress) -> bytes:
    """Asks the VXLAN device for its row of a MAC; ENOENT if it has none."""
    return _row(_GET_TUNNEL, 0, ifindex, mac, NO_IP)


def get_bridge_row(port: int, mac: MacAddress) -> bytes:
    """Asks the bridge of this port for its row of a MAC, on whatever port."""
    return _row(_GET_BRIDGE, 0, port, mac, NO_IP)


def get_neighbor(ifindex: int, ip: IpAddress) -> bytes:
    return _address(RTM_GETNEIGH, 0, ifindex, ip)


def _address(kind: int, sequence: int, ifindex: int, ip: IpAddress) -> bytes:
    layout, family = (_ADDRESS4, AF_INET) if len(ip) == 4 else (_ADDRESS6, AF_INET6)
    return layout.pack(
        layout.size, kind, NLM_F_REQUEST, sequence, 0, family, ifindex, 0, 0, 0, 4 + len(ip), NDA_DST, ip
    )


def _row(operation: _Operation, sequence: int, ifindex: int, mac: MacAddress, vtep: IpAddress) -> bytes:
    kind, how, state, flags = operation
    if len(vtep) == 4:
        return _ROW4.pack(
            48, kind, how, sequence, 0, AF_BRIDGE, ifindex, state, flags, 0, 10, NDA_LLADDR, mac, 8, NDA_DST, vtep
        )
    if vtep:
        return _ROW6.pack(
            60, kind, how, sequence, 0, AF_BRIDGE, ifindex, state, flags, 0, 10, NDA_LLADDR, mac, 20, NDA_DST, vtep
        )
    return _ROW.pack(40, kind, how, sequence, 0, AF_BRIDGE, ifindex, state, flags, 0, 10, NDA_LLADDR, mac)


class NeighborMessage(NamedTuple):
    """One row as the kernel tells it; what it did not tell is empty, 0 or None."""

    type: int
    """RTM_NEWNEIGH, RTM_DELNEIGH, or RTM_GETNEIGH for a miss."""
    family: int
    """AF_BRIDGE for FDB rows, AF_INET or AF_INET6 for neighbours and for misses."""
    ifindex: int
    """The port, the VXLAN device, or the device of the neighbour."""
    state: int
    flags: int
    kind: int
    """ndm_type: 0 in a row of the bridge, 1 (unicast) in one of a VXLAN device, RTN_* in a neighbour."""
    port_id: int
    """Who asked for the change: 0 the kernel, and FDB rows whoever asked."""
    lladdr: MacAddress
    dst: IpAddress
    """VTEP of a row of a VXLAN device, address of a neighbour; empty in a row of the bridge."""
    vlan: int
    master: int
    """ifindex of the bridge, in rows of the bridge."""
    protocol: int
    nexthop_id: int
    src_vni: int
    used: int | None
    """Hundredths of a second since the row was last used, when told (NDA_CACHEINFO, in ticks of USER_HZ)."""


_NO_MAC = MacAddress(b"")
_NEIGHBOR_TYPES = (RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH)


def decode(datagram: bytes | memoryview) -> list[NeighborMessage]:
    """Every row of a datagram, notified or dumped; messages of other types are skipped."""
    data = bytes(datagram)
    rows: list[NeighborMessage] = []
    start, end = 0, len(data)
    while start < end:
        if end - start < HEADER.size:
            raise malformed(f"{end - start} octets where a netlink header should be")
        length, kind = _START.unpack_from(data, start)
        if not HEADER.size <= length <= end - start:
            raise malformed(f"netlink message of {length} octets in {end - start}")
        if kind in _NEIGHBOR_TYPES:
            rows.append(_decode(data, start, start + length))
        start += length + 3 & ~3
    return rows


def _decode(data: bytes, start: int, end: int) -> NeighborMessage:
    """The message of `data[start:end]`."""
    if end - start < _FIXED.size:
        raise malformed(f"neighbour message of {end - start} octets")
    _, type_, _, _, port_id, family, ifindex, state, flags, kind = _FIXED.unpack_from(data, start)
    lladdr, dst, used = _NO_MAC, NO_IP, None
    vlan = master = protocol = nexthop_id = src_vni = 0
    at = start + _FIXED.size
    while at < end:
        if end - at < ATTRIBUTE.size:
            raise malformed(f"{end - at} octets where a netlink attribute should be")
        length, attr = ATTRIBUTE.unpack_from(data, at)
        stop = at + length
        if length < ATTRIBUTE.size or stop > end:
            raise malformed(f"netlink attribute of {length} octets in {end - at}")
        if attr == NDA_LLADDR:
            lladdr = MacAddress(data[at + 4 : stop])
        elif attr == NDA_DST:
            dst = IpAddress(data[at + 4 : stop])
        elif attr == NDA_CACHEINFO:  # confirmed, used, updated, references
            used = number(data[at + 8 : at + 12])
        elif attr == NDA_MASTER:
            master = number(data[at + 4 : stop])
        elif attr == NDA_PROTOCOL:
            protocol = number(data[at + 4 : stop])
        elif attr == NDA_VLAN:
            vlan = number(data[at + 4 : stop])
        elif attr == NDA_SRC_VNI:
            src_vni = number(data[at + 4 : stop])
        elif attr == NDA_NH_ID:
            nexthop_id = number(data[at + 4 : stop])
        at = stop + 3 & ~3
    told = (lladdr, dst, vlan, master, protocol, nexthop_id, src_vni, used)
    return NeighborMessage(type_, family, ifindex, state, flags, kind, port_id, *told)
