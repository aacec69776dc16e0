"""Moves counted: what becomes a duplicate, for how long, and how much of it is remembered (RFC 7432 section 15.1)."""

import pytest

from evpn.evi import duplicates
from evpn.evi.duplicates import Duplicate, Duplicates
from evpn.values import MacAddress
from tests.builders import M1, M2, M3


def five_in_180(recovery: float = 540.0) -> Duplicates[MacAddress]:
    return Duplicates(5, 180.0, recovery)


def moved(found: Duplicates[MacAddress], *times: float, mac: MacAddress = M1) -> list[bool]:
    return [found.moved(mac, now) for now in times]


def test_the_fifth_move_within_three_minutes_makes_a_duplicate() -> None:
    found = five_in_180()

    assert moved(found, 0, 45, 90, 135, 180) == [False, False, False, False, True]
    assert found.found == {M1: Duplicate(since=180, last=180, moves=5)}


def test_moves_that_are_further_apart_do_not() -> None:
    assert not any(moved(five_in_180(), 0, 46, 92, 138, 184, 230, 276))


def test_old_moves_do_not_count_and_the_others_still_do() -> None:
    assert moved(five_in_180(), 0, 200, 210, 220, 230, 240) == [False] * 5 + [True]


def test_each_one_is_counted_for_itself() -> None:
    found = five_in_180()
    moved(found, 1, 2, 3, 4)

    assert not any(moved(found, 5, 6, 7, 8, mac=M2))
    assert moved(found, 9) == [True]


def test_it_becomes_one_once_and_stays_one_for_longer_with_each_move() -> None:
    found = five_in_180()
    moved(found, 1, 2, 3, 4, 5)

    assert moved(found, 100) == [False]
    assert found.found == {M1: Duplicate(since=5, last=100, moves=6)}
    assert list(found.recovered(100 + 539)) == []
    assert list(found.recovered(100 + 540)) == [M1]


def test_those_that_have_moved_longest_ago_recover_first() -> None:
    found = Duplicates[MacAddress](1, 180.0, 60.0)
    moved(found, 0, mac=M1)
    moved(found, 10, mac=M2)
    moved(found, 20, mac=M3)
    moved(found, 30, mac=M1)
    assert found.next_recovery() == 70

    assert list(found.recovered(80)) == [M2, M3]
    assert found.next_recovery() == 90
    assert list(found.recovered(1000)) == [M1]
    assert found.next_recovery() is None


def test_without_a_recovery_time_it_is_one_until_it_is_cleared() -> None:
    found = five_in_180(recovery=0)
    moved(found, 1, 2, 3, 4, 5)

    assert list(found.recovered(1e9)) == []
    assert found.next_recovery() is None
    assert found.recovers_at(found.found[M1]) is None


@pytest.mark.parametrize(("key", "cleared"), [(None, [M1, M2]), (M1, [M1]), (M3, [])])
def test_who_is_cleared_is_counted_anew(key, cleared) -> None:
    found = five_in_180()
    moved(found, 1, 2, 3, 4, 5, mac=M1)
    moved(found, 1, 2, 3, 4, 5, mac=M2)
    moved(found, 1, 2, 3, 4, mac=M3)

    assert found.clear(key) == cleared
    assert list(found.found) == [mac for mac in (M1, M2) if mac not in cleared]
    assert moved(found, 6, mac=M3) == [key not in (None, M3)]
    for mac in cleared:
        assert moved(found, 7, 8, 9, 10, 11, mac=mac) == [False] * 4 + [True]


def test_with_other_numbers_counting_begins_anew_and_what_is_found_recovers_by_the_new_time() -> None:
    found = five_in_180(recovery=0)
    moved(found, 1, 2, 3, 4, 5, mac=M1)
    moved(found, 1, 2, 3, 4, mac=M2)

    found.tune(2, 60.0, 100.0)

    assert found.next_recovery() == 105
    assert moved(found, 6, 7, mac=M2) == [False, True]


def test_a_flood_of_moving_macs_fills_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "MOST", 3)
    found = Duplicates[MacAddress](2, 180.0, 0)
    macs = [MacAddress(b"\x02\xee" + n.to_bytes(4)) for n in range(100)]

    for now in range(3):
        for mac in macs:
            found.moved(mac, now)
            assert len(found._moves) <= 3
            found.moved(mac, now)

    assert len(found.found) == 3
