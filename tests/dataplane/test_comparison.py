"""A look at the kernel while it goes on: whatever changes, at whatever moment, the belief comes to what is there."""

from collections.abc import Iterable
from itertools import permutations

import pytest

from evpn.dataplane.comparison import Comparison, Found, observe_all
from evpn.dataplane.entries import HostRow, Kind, NeighborRow, mac_row
from evpn.dataplane.log import Log
from evpn.dataplane.segment import Segment
from evpn.netlink.constants import NTF_EXT_LEARNED, NTF_SELF, NUD_PERMANENT
from evpn.netlink.neighbor import NeighborMessage
from tests.builders import IP1, M1, M2, VTEP2, VTEP3, a_segment
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
            self.rows[_key(row)] = row
        else:
            self.rows.pop(_key(row), None)

    def found(self, missed: Iterable[Key] = ()) -> Found:
        rows = [row for key, row in self.rows.items() if key not in set(missed)]
        fdb, neighbors = [row for row in rows if row.family == 7], [row for row in rows if row.family != 7]
        return Found({}, {}, fdb, neighbors)

    def ask(self, segment: Segment, macs: Iterable[bytes], ips: Iterable[bytes]) -> list[NeighborMessage]:
        keys = [("bridge", mac) for mac in macs] + [("device", mac) for mac in macs] + [("ip", ip) for ip in ips]
        return [self.rows[key] for key in keys if key in self.rows]


def _key(row: NeighborMessage) -> Key:
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


@pytest.mark.parametrize("known", [True, False], ids=["a level check", "the first look"])
@pytest.mark.parametrize("story", STORIES)
def test_a_row_that_changes_meanwhile_is_as_it_is_at_last(story: str, known: bool) -> None:
    events = STORIES[story]
    for dumped in range(len(events) + 1):  # how much of it the dump has seen
        for told in range(dumped, len(events) + 1):  # how much was told before the comparison began
            for step in range(8):  # when the rest is told
                kernel, segment = Rows(BEFORE), a_segment()
                wishes(segment)
                if known:
                    observe_all(segment, *kernel.found()[2:])
                segment.log = Log()
                for row in events[:dumped]:
                    kernel.change(row)
                found = kernel.found()
                for row in events[dumped:]:
                    kernel.change(row)
                for row in events[:told]:
                    tell(segment, row)
                local = _compared(segment, found, kernel, events[told:], step)

                truth = a_segment()
                wishes(truth)
                assert local == observe_all(truth, *kernel.found()[2:]), (dumped, told, step)
                assert belief(segment) == belief(truth), (dumped, told, step)


def _compared(
    segment: Segment, found: Found, kernel: Rows, late: list[NeighborMessage], when: int
) -> dict[bytes, tuple[int, bool]]:
    comparison = Comparison(segment, found, kernel.ask)
    for step, _ in enumerate(comparison.steps(lambda: [M2])):
        if step == when:
            for row in late:
                tell(segment, row)
            late = []
    for row in late:
        tell(segment, row)
    comparison.finish()
    return comparison.local


@pytest.mark.parametrize("missed", [_key(row) for row in BEFORE if any(row.lladdr)], ids=lambda key: key[0])
def test_a_row_that_the_dump_has_missed_is_asked_for(missed: Key) -> None:
    kernel, segment = Rows(BEFORE), a_segment()
    wishes(segment)
    observe_all(segment, *kernel.found()[2:])
    before = belief(segment)
    segment.log = Log()

    comparison = Comparison(segment, kernel.found([missed]), kernel.ask)
    for _ in comparison.steps(lambda: [M2]):
        assert segment.pending == 0
    comparison.finish()

    assert belief(segment) == before
    assert comparison.local == {M2: (PORT, False)}
    assert comparison.corrected == 0


@pytest.mark.parametrize("removed", [_key(row) for row in BEFORE], ids=lambda key: key[0])
def test_a_row_that_went_untold_is_found(removed: Key) -> None:
    kernel, segment = Rows(BEFORE), a_segment()
    wishes(segment)
    observe_all(segment, *kernel.found()[2:])
    segment.log = Log()
    del kernel.rows[removed]

    comparison = Comparison(segment, kernel.found(), kernel.ask)
    for _ in comparison.steps(lambda: [M2]):
        pass
    comparison.finish()

    assert comparison.corrected == (removed != ("bridge", M2))
    assert (M2 in comparison.local) == (removed != ("bridge", M2))


@pytest.mark.parametrize("order", list(permutations(["written", "told", "dumped"])))
def test_what_we_write_meanwhile_is_there(order: tuple[str, ...]) -> None:
    """A host known beforehand comes, a remote MAC goes; the dump is of before, or of after."""
    kernel, segment = Rows(BEFORE), a_segment()
    observe_all(segment, *kernel.found()[2:])
    segment.log = Log()
    found = kernel.found()
    changes = [host_row(M2, PORT), *map(gone, BOTH)]
    for event in order:
        if event == "dumped":
            found = kernel.found()
        for row in changes if event != "dumped" else ():
            kernel.change(row)
        if event == "told":
            for row in changes:
                tell(segment, row)
        elif event == "written":
            segment.hosts.observe(M2, HostRow(PORT, sticky=False))
            segment.log.written(Kind.HOST, [(M2, None, HostRow(PORT, sticky=False))])
            segment.macs.observe(M1, None)
            segment.log.written(Kind.MAC, [(M1, mac_row(VTEP2), None)])

    local = _compared(segment, found, kernel, [], 0)

    assert (segment.macs.actual, segment.hosts.actual) == ({}, {M2: HostRow(PORT, sticky=False)})
    assert local == {M2: (PORT, True)}


def test_what_is_told_of_devices_that_are_down_is_in_no_log_so_there_is_none() -> None:
    segment = a_segment()
    segment.log = Log()

    segment.detach()

    assert segment.log is None


def test_a_log_has_the_last_word_on_a_row_only() -> None:
    log = Log()
    for _ in range(100):
        for row in (*BOTH, gone(BOTH[0])):
            log.heard(row, row.type == 28)
        log.written(Kind.MAC, [(M1, None, mac_row(VTEP2))])

    words = list(log.take())
    assert [word[0] for word in words[:2]] == [BOTH[1], gone(BOTH[0])]
    assert len(words) == 3
    assert not log.take()


def test_what_is_simply_ours_need_not_come_row_by_row() -> None:
    by_column, by_row = a_segment(), a_segment()
    wishes(by_column)
    wishes(by_row)
    observe_all(by_row, BOTH, [neighbor_row(IP1, M1)])

    Comparison(by_column, Found({M1: mac_row(VTEP2)}, {IP1: NeighborRow(M1, router=False)}, [], [])).finish()
    assert by_column.macs.actual == {}
    for _ in (comparison := Comparison(by_column, _columns())).steps(tuple):
        pass
    comparison.finish()

    assert belief(by_column) == belief(by_row)
    assert by_column.pending == by_row.pending


def _columns() -> Found:
    return Found({M1: mac_row(VTEP2)}, {IP1: NeighborRow(M1, router=False)}, [], [])
