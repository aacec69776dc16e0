"""What a kernel holds while it is looked at, what may happen meanwhile, and what is believed at last."""

from collections.abc import Iterable, Iterator
from itertools import count

from evpn.dataplane.comparison import Comparison, Found, Question, observe_all
from evpn.dataplane.entries import NTF_EXT_LEARNED, NTF_SELF, NUD_PERMANENT, Kind, NeighborRow, mac_row
from evpn.dataplane.segment import Segment
from evpn.netlink.neighbor import NeighborMessage
from evpn.values import MacAddress
from tests.builders import IP1, M1, M2, VTEP2, VTEP3
from tests.kernel_rows import DEVICE, OTHER_PORT, PORT, bridge_row, flood_row, host_row, neighbor_row, tunnel_row

MARK = NTF_EXT_LEARNED
Key = tuple[object, ...]


class Rows:
    """What the kernel holds: a row per MAC of the bridge, per MAC of the device, per VTEP, per address."""

    def __init__(self, rows: Iterable[NeighborMessage] = ()) -> None:
        self.rows: dict[Key, NeighborMessage] = {}
        for row in rows:
            self.change(row)

    def change(self, row: NeighborMessage) -> None:
        if row.type == 28:
            self.rows[key_of(row)] = row
        else:
            self.rows.pop(key_of(row), None)

    def found(self, missed: Iterable[Key] = ()) -> Found:
        return _found(row for key, row in self.rows.items() if key not in set(missed))

    def found_on_ports(self) -> Found:
        """Where there are too many rows for a dump: nothing of the VXLAN device, nor of its port."""
        return _found(row for row in self.rows.values() if row.ifindex != DEVICE)._replace(flood=False, remote=False)

    def answer(self, question: Question) -> Found:
        keys: list[Key] = [(where, mac) for where in ("bridge", "device") for mac in question.macs]
        keys += [("ip", ip) for ip in question.ips]
        return _found(self.rows[key] for key in keys if key in self.rows)

    def observed_by(self, segment: Segment) -> dict[MacAddress, tuple[int, bool]]:
        """All of it; returns local MAC -> (port, static)."""
        found = self.found()
        return observe_all(segment, found.rows, found.neighbors)


def _found(rows: Iterable[NeighborMessage]) -> Found:
    every = list(rows)
    return Found({}, {}, [row for row in every if row.family == 7], [row for row in every if row.family != 7])


def key_of(row: NeighborMessage) -> Key:
    if row.family != 7:
        return ("ip", row.dst)
    if not any(row.lladdr):
        return ("flood", row.dst)
    return ("device" if row.dst else "bridge", row.lladdr)


def gone(row: NeighborMessage) -> NeighborMessage:
    return row._replace(type=29)


BOTH = [bridge_row(M1, DEVICE, flags=MARK), tunnel_row(M1, VTEP2)]
BEFORE = [*BOTH, bridge_row(M2, PORT), flood_row(VTEP2), neighbor_row(IP1, M1)]
STORIES = {
    "added": [bridge_row(M2, DEVICE, flags=MARK), tunnel_row(M2, VTEP3)],
    "changed": [tunnel_row(M1, VTEP3)],
    "removed": [gone(BOTH[0]), gone(BOTH[1])],
    "half removed": [gone(BOTH[1])],
    "removed and back": [gone(BOTH[0]), gone(BOTH[1]), *BOTH],
    "back, and removed": [tunnel_row(M1, VTEP3), gone(tunnel_row(M1, VTEP3)), gone(BOTH[0])],
    "taken by a host": [bridge_row(M1, PORT)],
    "taken by a host and back": [bridge_row(M1, PORT), BOTH[0]],
    "a host moves": [bridge_row(M2, OTHER_PORT)],
    "a host goes": [gone(bridge_row(M2, PORT))],
    "a host goes away": [bridge_row(M2, DEVICE, flags=MARK), tunnel_row(M2, VTEP2)],
    "reserved": [tunnel_row(M2, VTEP3, NUD_PERMANENT, NTF_SELF)],
    "an interface": [bridge_row(M2, PORT, NUD_PERMANENT)],
    "known beforehand": [host_row(M2, PORT)],
    "flood": [flood_row(VTEP3), gone(flood_row(VTEP2))],
    "a foreign flood row": [flood_row(VTEP3, marked=False)],
    "a neighbor": [neighbor_row(IP1, M2)],
    "no neighbor": [gone(neighbor_row(IP1, M1))],
    "somebody's neighbor": [neighbor_row(IP1, M2, NUD_PERMANENT, flags=0, protocol=0)],
}


def belief(segment: Segment) -> tuple[object, ...]:
    tables = [segment.table(kind).actual for kind in (Kind.FLOOD, Kind.HOST, Kind.MAC, Kind.NEIGHBOR)]
    marks = [segment.own, segment.foreign, segment.foreign_bridge, segment.foreign_hosts, segment.foreign_flood]
    return (*tables, *marks, segment.foreign_neighbors)


def tell(segment: Segment, row: NeighborMessage) -> None:
    (segment.observe if row.family == 7 else segment.observe_neighbor)(row, row.type == 28)


def wishes(segment: Segment) -> None:
    segment.macs.want(M1, mac_row(VTEP2))
    segment.flood.want(VTEP2, True)
    segment.neighbors.want(IP1, NeighborRow(M1, router=False))


def stepped(comparison: Comparison, kernel: Rows) -> Iterator[int]:
    """Its steps, one by one; what it asks for, it gets at once."""
    steps, answer = comparison.steps(lambda: [M2]), None
    for number in count():
        try:
            question = steps.send(answer)
        except StopIteration:
            return
        answer = kernel.answer(question) if question is not None else None
        yield number
