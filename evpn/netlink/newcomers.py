"""Notifications of hosts that a bridge has learnt (RTM_NEWNEIGH): nearly all there is to hear when many come up.

They are alike but for the MAC: what one of them says, decoded, all of them say. The rest is taken as it comes.
"""

from collections.abc import Sequence
from struct import Struct
from typing import NamedTuple

from evpn.dataplane.entries import AF_BRIDGE, NUD_REACHABLE, RTM_NEWNEIGH
from evpn.netlink.constants import NDA_MASTER
from evpn.netlink.errors import NetlinkError
from evpn.netlink.inbox import HEAD
from evpn.netlink.layouts import AGE, fdb_row
from evpn.netlink.neighbor import NeighborMessage, decode
from evpn.values import NO_IP, MacAddress

_LEARNT = Struct("=4xH10xB7xHB")  # type, family, state, flags


class HostsSeen(NamedTuple):
    """MACs that a bridge has put on one of its ports, one by one: neither static, nor marked, nor in a VLAN."""

    port: int
    """ifindex."""
    bridge: int
    macs: list[MacAddress]

    def rows(self) -> list[NeighborMessage]:
        """The same, one by one."""
        shared = (RTM_NEWNEIGH, AF_BRIDGE, self.port, NUD_REACHABLE, 0, 0, 0)
        return [NeighborMessage(*shared, mac, NO_IP, 0, self.bridge, 0, 0, 0, None) for mac in self.macs]


def gathered(heads: bytes, sizes: Sequence[int]) -> list[HostsSeen | int]:
    """What datagrams of these sizes say, of which `heads` has the first octets; the number of one that says more."""
    size, layout = next(((size, layout) for size in sizes if (layout := fdb_row(size, NDA_MASTER, HEAD))), (0, None))
    if layout is None:
        return list(range(len(sizes)))
    found: list[HostsSeen | int] = []
    current: HostsSeen | None = None
    before_it = behind_it = b""
    for number, (before, mac, behind) in enumerate(layout.iter_unpack(heads)):
        if sizes[number] != size or mac[0] & 1:
            current = None
        elif current is None or before != before_it or behind != behind_it:
            current = _learnt(before + mac + behind + bytes(AGE))
            before_it, behind_it = before, behind
            if current is not None:
                found.append(current)
        if current is None:
            found.append(number)
        else:
            current.macs.append(mac)
    return found


def _learnt(datagram: bytes) -> HostsSeen | None:
    """Where, and no MAC yet; None: that is not what it says."""
    if _LEARNT.unpack_from(datagram) != (RTM_NEWNEIGH, AF_BRIDGE, NUD_REACHABLE, 0):
        return None
    try:
        rows = decode(datagram)
    except NetlinkError:
        return None
    seen = HostsSeen(rows[0].ifindex, rows[0].master, [])
    alone = seen._replace(macs=[rows[0].lladdr]).rows()
    return seen if seen.bridge and [row._replace(used=None) for row in rows] == alone else None
