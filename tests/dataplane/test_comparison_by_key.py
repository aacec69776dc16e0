"""A look at very many rows asks for what is believed: whatever happens meanwhile, the belief comes to what is there."""

import pytest

from evpn.dataplane.comparison import Comparison, Found, Question
from evpn.dataplane.entries import NTF_SELF, NUD_PERMANENT, Kind, mac_row
from evpn.dataplane.log import Log
from evpn.dataplane.segment import STATIC, Segment
from evpn.netlink.neighbor import NeighborMessage
from tests.builders import IP1, M1, M2, M3, VTEP2, VTEP3, a_segment
from tests.dataplane.stories import BEFORE, BOTH, MARK, STORIES, Rows, belief, gone, key_of, stepped, tell, wishes
from tests.kernel_rows import DEVICE, PORT, bridge_row, flood_row, neighbor_row, tunnel_row

FOREIGN = tunnel_row(M1, VTEP3, NUD_PERMANENT, NTF_SELF)


def a_believer(kernel: Rows) -> Segment:
    """What the kernel has is known; a log has begun."""
    segment = a_segment()
    wishes(segment)
    kernel.observed_by(segment)
    segment.log = Log()
    return segment


def looked(segment: Segment, kernel: Rows, found: Found | None = None) -> Comparison:
    comparison = Comparison(segment, found or kernel.found_on_ports())
    for _ in stepped(comparison, kernel):
        pass
    comparison.finish()
    return comparison


@pytest.mark.parametrize("answer", ["old", "new"])
@pytest.mark.parametrize("story", STORIES)
def test_a_row_that_changes_meanwhile_is_as_it_is_at_last(story: str, answer: str) -> None:
    """An answer on its way may be older than what is told before it is taken, or newer than all that was told."""
    events = STORIES[story]
    for dumped in range(len(events) + 1):
        for told in range(dumped, len(events) + 1):
            for step in range(10):
                kernel = Rows(BEFORE)
                segment = a_believer(kernel)
                for row in events[:dumped]:
                    kernel.change(row)
                found = kernel.found_on_ports()
                for row in events[dumped:told]:
                    kernel.change(row)
                for row in events[:told]:
                    tell(segment, row)
                local = _asked(segment, found, kernel, events[told:], step, answer == "old")

                truth = a_segment()
                wishes(truth)
                assert local == kernel.observed_by(truth), (dumped, told, step)
                assert belief(segment) == belief(truth), (dumped, told, step)


def _asked(
    segment: Segment, found: Found, kernel: Rows, late: list[NeighborMessage], when: int, is_old: bool
) -> dict[bytes, tuple[int, bool]]:
    """The rest happens, and is told, at this step; a question that is asked then is answered from before, or after."""
    comparison = Comparison(segment, found)
    steps, answer = comparison.steps(lambda: [M2]), None
    question: Question | None = None
    for step in range(1000):
        try:
            question = steps.send(answer)
        except StopIteration:
            break
        answer = kernel.answer(question) if question else None
        if step == when:
            for row in late:
                kernel.change(row)
            if question and not is_old:
                answer = kernel.answer(question)
            for row in late:
                tell(segment, row)
            late = []
    for row in late:
        kernel.change(row)
        tell(segment, row)
    comparison.finish()
    return comparison.local


@pytest.mark.parametrize("removed", [row for row in BEFORE if any(row.lladdr)], ids=lambda row: key_of(row)[0])
def test_a_row_that_went_untold_is_found(removed: NeighborMessage) -> None:
    kernel = Rows(BEFORE)
    segment = a_believer(kernel)
    kernel.change(gone(removed))

    comparison = looked(segment, kernel)

    truth = a_segment()
    wishes(truth)
    assert comparison.local == kernel.observed_by(truth)
    assert belief(segment) == belief(truth)
    assert comparison.corrected == (removed.lladdr != M2)


CHANGES = {
    "another VTEP": tunnel_row(M1, VTEP3),
    "static in the VXLAN device": FOREIGN,
    "static in the bridge": bridge_row(M1, DEVICE, NUD_PERMANENT >> 1),
    "without the mark": bridge_row(M1, DEVICE),
    "on a local port": bridge_row(M1, PORT),
    "an interface's": bridge_row(M1, PORT, NUD_PERMANENT),
    "a neighbor's MAC": neighbor_row(IP1, M2),
    "somebody's neighbor": neighbor_row(IP1, M1, NUD_PERMANENT, flags=0, protocol=0),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_others_wrote_over_a_row_of_ours_untold_is_found(change: str) -> None:
    kernel = Rows(BEFORE)
    segment = a_believer(kernel)
    kernel.change(CHANGES[change])

    comparison = looked(segment, kernel)

    truth = a_segment()
    wishes(truth)
    assert comparison.local == kernel.observed_by(truth)
    assert belief(segment) == belief(truth)


def test_what_is_wanted_and_not_there_is_asked_for_too_it_may_be_reserved() -> None:
    kernel = Rows([FOREIGN])
    segment = a_segment()
    wishes(segment)
    segment.log = Log()

    looked(segment, kernel)

    assert segment.reserved(M1) == STATIC
    assert segment.macs.actual == {}


def test_what_was_reserved_and_is_no_longer_is_so_no_longer() -> None:
    kernel = Rows([FOREIGN])
    segment = a_believer(kernel)
    kernel.change(gone(FOREIGN))

    looked(segment, kernel)

    assert segment.reserved(M1) is None


def test_of_flood_rows_and_of_rows_that_nobody_knows_of_a_look_by_key_says_nothing() -> None:
    kernel = Rows(BEFORE)
    segment = a_believer(kernel)
    before = belief(segment)
    for row in (gone(flood_row(VTEP2)), flood_row(VTEP3), tunnel_row(M3, VTEP2), bridge_row(M3, DEVICE, flags=MARK)):
        kernel.change(row)

    assert looked(segment, kernel).corrected == 0

    assert belief(segment) == before


def test_a_look_for_strangers_finds_these_without_what_is_known() -> None:
    kernel = Rows(BEFORE)
    segment = a_believer(kernel)
    for row in (gone(flood_row(VTEP2)), flood_row(VTEP3), tunnel_row(M3, VTEP2), bridge_row(M3, DEVICE, flags=MARK)):
        kernel.change(row)
    strangers = kernel.found(map(key_of, BOTH))._replace(remote=False)

    looked(segment, kernel, strangers)

    truth = a_segment()
    wishes(truth)
    kernel.observed_by(truth)
    assert belief(segment) == belief(truth)
    assert list(segment.macs.removals) == [M3]


def test_after_a_start_what_was_dumped_is_not_asked_for() -> None:
    """The bridge's rows were dumped, those of the VXLAN device asked for; flood rows are the next look's."""
    kernel, segment = Rows(BEFORE), a_segment()
    wishes(segment)
    segment.macs.want(M3, mac_row(VTEP2))
    segment.log = Log()
    comparison = Comparison(segment, kernel.found([key_of(flood_row(VTEP2))])._replace(flood=False, remote=False))

    asked = [step for step in comparison.steps(tuple) if step is not None]
    comparison.finish()

    assert asked == [Question([M3], [])]
    assert segment.table(Kind.MAC).actual == {M1: mac_row(VTEP2)}
    assert segment.flood.actual == {}
    assert segment.foreign_flood == set()


def test_after_a_start_with_too_many_rows_for_that_those_of_our_neighbors_are_asked_for() -> None:
    """What is left of a route that went meanwhile goes as a whole, where it had an address."""
    kernel, segment = Rows([*BEFORE, flood_row(VTEP3)]), a_segment()
    segment.log = Log()

    looked(segment, kernel)

    assert segment.macs.actual == {M1: mac_row(VTEP2)}
    assert list(segment.macs.removals) == [M1]
    assert list(segment.neighbors.removals) == [IP1]
