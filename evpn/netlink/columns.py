"""Dumped rows by the column (RTM_NEWNEIGH): ours are alike but for MAC, address and age, and most of a table is ours.

A datagram of a dump is hundreds of rows, nearly always of one kind. Where all of its rows have the same octets but for
MAC, address and age, the first of them, decoded, tells what all of them are, and the rest is taken by the column:
0.2 us for a row instead of 4. Anything else is decoded row by row.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from struct import Struct
from typing import NamedTuple

from evpn.dataplane.entries import NTF_ROUTER, NTF_STICKY, NUD_FAILED, NUD_INCOMPLETE, MacRow, NeighborRow, mac_row
from evpn.dataplane.ownership import Owner, classify, is_our_neighbor
from evpn.netlink.constants import AF_BRIDGE, NDA_DST, NDA_MASTER
from evpn.netlink.messages import HEADER, number
from evpn.netlink.neighbor import NeighborMessage, decode
from evpn.values import ZERO_MAC, IpAddress, MacAddress, Vni

# what must be the same and what need not, in turns; the age (NDA_CACHEINFO) is left out
_LAYOUTS = {
    (76, NDA_MASTER): Struct("=32s6s22s16x"),  # NDA_LLADDR; NDA_MASTER, NDA_FLAGS_EXT
    (68, NDA_MASTER): Struct("=32s6s14s16x"),  # an older kernel has no NDA_FLAGS_EXT
    (68, NDA_DST): Struct("=32s6s6s4s4s16x"),  # NDA_LLADDR, NDA_DST
    (80, NDA_DST): Struct("=32s6s6s16s4s16x"),
}
_NEIGHBORS = {
    84: Struct("=32s4s4s6s14s16x8s"),  # NDA_DST, NDA_LLADDR; NDA_PROBES; NDA_PROTOCOL
    96: Struct("=32s16s4s6s14s16x8s"),
}
_SECOND = Struct("=42xH")
"""The type of the attribute behind NDA_LLADDR."""


class Place(NamedTuple):
    """A bridge domain: ifindexes of its VXLAN device, its bridge, and the device that its neighbors are written to."""

    vni: Vni
    device: int
    bridge: int
    home: int


class Table:
    """What a dump of FDB rows or of neighbors brought, of all bridge domains that were looked at."""

    def __init__(self, places: Collection[Place]) -> None:
        self.rows: list[NeighborMessage] = []
        """What is not simply ours."""
        self.bridge: defaultdict[int, dict[MacAddress, NeighborMessage]] = defaultdict(dict)
        """Device -> MAC -> a row of the bridge like the one it has: with our mark, on the VXLAN port."""
        self.tunnel: defaultdict[int, dict[MacAddress, IpAddress]] = defaultdict(dict)
        """Device -> MAC -> VTEP, with our mark."""
        self.bound: defaultdict[int, dict[IpAddress, NeighborRow]] = defaultdict(dict)
        """Device -> IP -> MAC, with our mark."""
        self._like: dict[int, NeighborMessage] = {}
        self._bridges = {place.device: place.bridge for place in places}
        self._homes = {place.home for place in places}

    def read(self, datagram: bytes) -> None:
        if not self._read_columns(datagram, number(datagram[:4])):
            self.rows += decode(datagram)

    def _read_columns(self, datagram: bytes, size: int) -> bool:
        """False if its rows are not all alike, or not simply ours."""
        if size < _SECOND.size or len(datagram) % size:
            return False
        is_fdb = datagram[HEADER.size] == AF_BRIDGE
        layout = _LAYOUTS.get((size, _SECOND.unpack_from(datagram)[0])) if is_fdb else _NEIGHBORS.get(size)
        columns = list(zip(*layout.iter_unpack(datagram), strict=True)) if layout else []
        if not columns or any(column.count(column[0]) != len(column) for column in columns[::2]):
            return False
        example = decode(datagram[:size])[0]
        if not is_fdb:
            return self._bind(example, columns[1], columns[3])
        if len(columns) > 3:
            return self._take_tunnel(example, columns[1], columns[3])
        return self._take_bridge(example, columns[1])

    def _take_bridge(self, example: NeighborMessage, macs: Sequence[MacAddress]) -> bool:
        if self._owner(example) is not Owner.BRIDGE or example.flags & NTF_STICKY or any(mac[0] & 1 for mac in macs):
            return False
        self.bridge[example.ifindex].update(dict.fromkeys(macs, example))
        return True

    def _take_tunnel(self, example: NeighborMessage, macs: Sequence[MacAddress], vteps: Sequence[IpAddress]) -> bool:
        plain = not example.flags & (NTF_STICKY | NTF_ROUTER)
        if self._owner(example) is not Owner.TUNNEL or not plain or ZERO_MAC in macs:
            return False
        self.tunnel[example.ifindex].update(zip(macs, vteps, strict=True))
        self._like[example.ifindex] = example
        return True

    def _owner(self, example: NeighborMessage) -> Owner:
        return classify(example, example.ifindex, self._bridges.get(example.ifindex, -1))

    def _bind(self, example: NeighborMessage, ips: Sequence[IpAddress], macs: Sequence[MacAddress]) -> bool:
        elsewhere = example.ifindex not in self._homes
        if elsewhere or not is_our_neighbor(example) or example.state & (NUD_FAILED | NUD_INCOMPLETE):
            return False
        router = bool(example.flags & NTF_ROUTER)
        rows = [NeighborRow(mac, router) for mac in macs]
        self.bound[example.ifindex].update(zip(ips, rows, strict=True))
        return True

    def pairs(self, device: int) -> tuple[dict[MacAddress, MacRow], list[NeighborMessage]]:
        """Remote MACs that have both of their rows, and the rows of those that have one only."""
        bridge, tunnel = self.bridge[device], self.tunnel[device]
        both = {mac: mac_row(vtep) for mac, vtep in tunnel.items() if mac in bridge}
        single = [example._replace(lladdr=mac) for mac, example in bridge.items() if mac not in both]
        like = self._like
        single += [like[device]._replace(lladdr=mac, dst=vtep) for mac, vtep in tunnel.items() if mac not in both]
        return both, single
