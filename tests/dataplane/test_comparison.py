"""A look at the kernel while it goes on: whatever changes, at whatever moment, the belief comes to what is there."""

from itertools import permutations

import pytest

from evpn.dataplane.comparison import Comparison, Found, observe_all
from evpn.dataplane.entries import HostRow, Kind, NeighborRow, mac_row
from evpn.dataplane.log import Log
from evpn.dataplane.segment import Segment
from evpn.netlink.neighbor import NeighborMessage
from tests.builders import IP1, M1, M2, VTEP2, a_segment
from tests.dataplane.stories import BEFORE, BOTH, STORIES, Key, Rows, belief, gone, key_of, stepped, tell, wishes
from tests.kernel_rows import PORT, host_row, neighbor_row


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
                    kernel.observed_by(segment)
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
                assert local == kernel.observed_by(truth), (dumped, told, step)
                assert belief(segment) == belief(truth), (dumped, told, step)


def _compared(
    segment: Segment, found: Found, kernel: Rows, late: list[NeighborMessage], when: int
) -> dict[bytes, tuple[int, bool]]:
    comparison = Comparison(segment, found)
    for step in stepped(comparison, kernel):
        if step == when:
            for row in late:
                tell(segment, row)
            late = []
    for row in late:
        tell(segment, row)
    comparison.finish()
    return comparison.local


@pytest.mark.parametrize("missed", [key_of(row) for row in BEFORE if any(row.lladdr)], ids=lambda key: key[0])
def test_a_row_that_the_dump_has_missed_is_asked_for(missed: Key) -> None:
    kernel, segment = Rows(BEFORE), a_segment()
    wishes(segment)
    kernel.observed_by(segment)
    before = belief(segment)
    segment.log = Log()

    comparison = Comparison(segment, kernel.found([missed]))
    for _ in stepped(comparison, kernel):
        assert segment.pending == 0
    comparison.finish()

    assert belief(segment) == before
    assert comparison.local == {M2: (PORT, False)}
    assert comparison.corrected == 0


@pytest.mark.parametrize("removed", [key_of(row) for row in BEFORE], ids=lambda key: key[0])
def test_a_row_that_went_untold_is_found(removed: Key) -> None:
    kernel, segment = Rows(BEFORE), a_segment()
    wishes(segment)
    kernel.observed_by(segment)
    segment.log = Log()
    del kernel.rows[removed]

    comparison = Comparison(segment, kernel.found())
    for _ in stepped(comparison, kernel):
        pass
    comparison.finish()

    assert comparison.corrected == (removed != ("bridge", M2))
    assert (M2 in comparison.local) == (removed != ("bridge", M2))


@pytest.mark.parametrize("order", list(permutations(["written", "told", "dumped"])))
def test_what_we_write_meanwhile_is_there(order: tuple[str, ...]) -> None:
    """A host known beforehand comes, a remote MAC goes; the dump is of before, or of after."""
    kernel, segment = Rows(BEFORE), a_segment()
    kernel.observed_by(segment)
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
