"""Flood rows and neighbors, one notification at a time."""

import pytest

from evpn.dataplane.entries import (
    NTF_EXT_LEARNED,
    NTF_ROUTER,
    NUD_FAILED,
    NUD_INCOMPLETE,
    NUD_PERMANENT,
    NUD_STALE,
    NeighborRow,
    ReservedFlood,
    ReservedNeighbor,
)
from evpn.values import NO_IP
from tests.builders import IP1, M1, M2, VTEP2, a_segment
from tests.kernel_rows import flood_row, neighbor_row

MARK = NTF_EXT_LEARNED

# Flood rows


@pytest.mark.parametrize("marked", [True, False])
def test_a_flood_row_that_we_want_is_ours_with_or_without_its_mark(marked: bool) -> None:
    segment = a_segment()
    segment.flood.want(VTEP2, True)

    segment.observe(flood_row(VTEP2, marked), True)
    assert segment.pending == 0

    segment.observe(flood_row(VTEP2, marked), False)
    assert list(segment.flood.writes) == [VTEP2]


def test_a_marked_flood_row_that_nobody_wants_is_removed() -> None:
    segment = a_segment()

    assert segment.observe(flood_row(VTEP2), True) is None

    assert list(segment.flood.removals) == [VTEP2]


def test_a_flood_row_of_others_is_left_alone_and_its_end_is_news() -> None:
    segment = a_segment()

    assert segment.observe(flood_row(VTEP2, marked=False), True) == ReservedFlood(VTEP2)
    assert segment.foreign_flood == {VTEP2}
    assert segment.pending == 0

    assert segment.observe(flood_row(VTEP2, marked=False), False) == ReservedFlood(VTEP2)
    assert segment.foreign_flood == set()


# Neighbors


def test_our_neighbor_is_known_with_its_router_flag() -> None:
    segment = a_segment()

    segment.observe_neighbor(neighbor_row(IP1, M1, flags=MARK | NTF_ROUTER), True)

    assert segment.neighbors.actual == {IP1: NeighborRow(M1, router=True)}


@pytest.mark.parametrize("state", [NUD_FAILED, NUD_INCOMPLETE])
def test_a_neighbor_that_answers_nothing_is_none(state: int) -> None:
    """A deletion is told as FAILED first."""
    segment = a_segment()
    segment.observe_neighbor(neighbor_row(IP1, M1), True)

    segment.observe_neighbor(neighbor_row(IP1, M1, state), True)

    assert segment.neighbors.actual == {}


def test_a_neighbor_that_lost_its_mark_is_written_again() -> None:
    """`ip neigh replace` over ours clears EXT_LEARNED and leaves the protocol."""
    segment = a_segment()
    segment.neighbors.want(IP1, NeighborRow(M1, router=False))
    segment.observe_neighbor(neighbor_row(IP1, M1), True)

    segment.observe_neighbor(neighbor_row(IP1, M2, NUD_STALE, flags=0), True)

    assert list(segment.neighbors.writes) == [IP1]


def test_a_permanent_neighbor_of_others_is_reserved_until_it_goes() -> None:
    segment = a_segment()
    row = neighbor_row(IP1, M1, NUD_PERMANENT, flags=0, protocol=0)

    assert segment.observe_neighbor(row, True) == ReservedNeighbor(IP1)
    assert segment.foreign_neighbors == {IP1}

    assert segment.observe_neighbor(row, False) == ReservedNeighbor(IP1)
    assert segment.foreign_neighbors == set()


def test_a_neighbor_without_an_address_is_nothing() -> None:
    assert a_segment().observe_neighbor(neighbor_row(NO_IP, M1), True) is None
