"""Tables of very many rows go slice by slice: nobody waits for a whole one, and no slice outlives its turn."""

import weakref
from collections.abc import Iterator

from evpn.agent import status_routes
from evpn.agent.status_rows import SLICE, in_slices, rows_of
from evpn.values import MacAddress
from tests.builders import M1, RR1, VTEP2, VTEP3, a_core, a_mac_route, a_path


class Key:
    """Something whose end can be seen."""


def test_slices_are_all_keys_in_their_order() -> None:
    assert list(in_slices(range(7), 3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(in_slices(())) == []


def test_keys_are_noted_at_once_whatever_becomes_of_the_table() -> None:
    table = dict.fromkeys(range(5))
    slices = in_slices(table, 2)
    table.clear()

    assert list(slices) == [[0, 1], [2, 3], [4]]


def test_a_slice_is_forgotten_once_it_was_taken() -> None:
    slices = in_slices([Key() for _ in range(6)], 2)
    first = [weakref.ref(key) for key in next(slices)]
    second = next(slices)

    assert [seen() for seen in first] == [None, None]
    assert len(second) == 2


def test_rows_are_made_one_by_one() -> None:
    made: list[int] = []

    def row(key: int) -> Iterator[dict[str, int]]:
        made.append(key)
        yield {"row": key}

    rows = rows_of(in_slices(range(3 * SLICE)), row)

    assert (next(rows), next(rows)) == ({"row": 0}, {"row": 1})
    assert made == [0, 1]


def test_a_slice_of_which_nothing_is_left_is_an_empty_row() -> None:
    rows = rows_of(in_slices(range(3), 1), lambda key: [{"row": key}] if key == 1 else [])

    assert list(rows) == [{}, {"row": 1}, {}]


def test_macs_behind_vteps_are_counted_in_slices_also_those_that_are_contested() -> None:
    core = a_core()
    macs = [MacAddress(b"\2\1\0" + number.to_bytes(3)) for number in range(25_000)]
    core.fabric.apply(core.rib.announce(RR1, [a_path(a_mac_route(mac)) for mac in macs]))
    for vtep, sequence in ((VTEP2, 0), (VTEP3, 1)):
        path = a_path(a_mac_route(M1, rd=f"10.0.0.{sequence}:100"), vtep, sequence=sequence)
        core.fabric.apply(core.rib.announce(RR1, [path]))

    rows = list(status_routes.vteps(core, None, 0.0))

    assert rows.count({}) == 2
    assert [(row["vtep"], row["macs"]) for row in rows if row] == [("10.0.0.2", 25_000), ("10.0.0.30", 1)]
