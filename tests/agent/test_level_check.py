"""When the kernel is looked at though it has told of nothing."""

import time

import pytest

from evpn.agent import observer
from evpn.agent.checks import DOUBT_SHARE, EACH, PER_PAIR, RETRY, SHARE, SOON, SOON_SHARE, SPOT, TAKES, Checks
from evpn.agent.observer import Observer
from tests.builders import a_core

MANY = 200_000
"""Rows of which a level check takes a second."""


def waited(checks: Checks, since: float, rows: int, calm: bool = True, step: float = 0.5) -> float:
    """Seconds until a level check is due, asked again and again."""
    now = since
    while not checks.take_level(now, rows, calm):
        assert now < since + 1e6
        now = max(now + step, min(checks.level, now + SPOT))
    return now - since


@pytest.fixture
def checks() -> Checks:
    checks = Checks()
    checks.begin(1000.0)
    return checks


@pytest.mark.parametrize(("rows", "seconds"), [(0, EACH), (600, EACH), (6_000, 600.0), (MANY, 20_000.0)])
def test_a_level_check_is_rare_where_it_takes_long(checks: Checks, rows: int, seconds: float) -> None:
    assert waited(checks, 1000.0, rows) == pytest.approx(seconds, abs=1)
    assert TAKES * rows <= seconds / SHARE * 1.01


def test_it_is_made_sooner_once_there_are_fewer_rows(checks: Checks) -> None:
    assert not checks.take_level(1000.0 + EACH, MANY, True)

    assert waited(checks, 1000.0 + EACH, 10) <= SPOT


def test_each_is_counted_from_the_one_before(checks: Checks) -> None:
    checks.begin(1000.0 + EACH)

    assert waited(checks, 1000.0 + EACH, 10) == EACH


def test_whoever_wants_one_has_it_now_with_strangers_whatever_it_takes(checks: Checks) -> None:
    checks.found_strangers(1000.0)
    assert not checks.are_strangers_due(1001.0, MANY**2, True)

    checks.want(1001.0)

    assert checks.take_level(1001.0, MANY, True)
    assert checks.are_strangers_due(1001.0, MANY**2, True)


def test_a_doubt_brings_one_at_once_but_not_one_after_the_other(checks: Checks) -> None:
    checks.doubt(1000.0 + 10 * EACH, 10)
    assert checks.take_level(1000.0 + 10 * EACH, 10, True)

    checks.begin(2000.0)
    checks.doubt(2001.0, 10)
    assert waited(checks, 2000.0, 10) == EACH

    checks.begin(3000.0)
    checks.doubt(3001.0, MANY)
    assert waited(checks, 3000.0, MANY) == pytest.approx(DOUBT_SHARE * TAKES * MANY, abs=1)


def test_what_was_not_heard_is_looked_for_soon(checks: Checks) -> None:
    checks.missed_removals(1001.0, 10)
    assert waited(checks, 1001.0, 10) == SOON

    checks.begin(2000.0)
    checks.missed_removals(9000.0, 10 * MANY)
    assert waited(checks, 9000.0, 10 * MANY) == pytest.approx(SOON_SHARE * TAKES * 10 * MANY, abs=1)


def test_who_misses_removals_again_and_again_does_not_look_all_the_time(checks: Checks) -> None:
    checks.begin(2000.0)
    checks.missed_removals(2001.0, 10 * MANY)

    assert waited(checks, 2000.0, 10 * MANY) == pytest.approx(DOUBT_SHARE * TAKES * 10 * MANY, abs=1)


def test_one_that_waits_does_not_wait_longer_for_another_reason(checks: Checks) -> None:
    checks.missed_removals(1001.0, 10)
    checks.missed_removals(1003.0, 10)
    checks.doubt(1003.0, MANY)

    assert waited(checks, 1001.0, 10) == SOON


def test_it_waits_for_rows_that_are_written_but_not_for_ever(checks: Checks) -> None:
    assert waited(checks, 1000.0, 10, calm=False) == pytest.approx(2 * EACH, abs=1.5)
    checks.begin(2000.0)
    checks.want(2000.0)
    assert waited(checks, 2000.0, 10, calm=False) == pytest.approx(EACH, abs=1.5)


def test_a_storm_of_rows_that_come_and_go_puts_a_level_check_off_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    monkeypatch.setattr(observer.time, "monotonic", lambda: now)
    watching = Observer(a_core(), lambda link: None)
    monkeypatch.setattr(watching.monitor, "ignore", lambda *_: None)
    watching.listen()
    watching._checks.begin(now)
    began = now
    while not watching._checks.take_level(now, 10, all(watching._heard)):
        watching.listen(additions=False, deletions=int(now / 10) % 2 == 0)
        now += 0.5
        assert now < began + 3 * EACH


def test_a_spot_check_is_made_at_times_unless_rows_are_unheard(checks: Checks) -> None:
    assert not checks.take_spot(1000.0 + SPOT - 1, True)
    assert checks.take_spot(1000.0 + SPOT, True)
    assert not checks.take_spot(1000.0 + SPOT, True)
    assert not checks.take_spot(1000.0 + 2 * SPOT, False)
    assert checks.take_spot(1000.0 + 3 * SPOT, True)


def test_strangers_are_looked_for_rarely_and_never_while_rows_are_written(checks: Checks) -> None:
    takes = PER_PAIR * MANY**2
    checks.found_strangers(1000.0)

    assert not checks.are_strangers_due(1000.0 + SHARE * takes - 1, MANY**2, True)
    assert checks.are_strangers_due(1000.0 + SHARE * takes, MANY**2, True)
    assert not checks.are_strangers_due(1000.0 + SHARE * takes, MANY**2, False)


@pytest.mark.parametrize(("dumped", "later"), [(None, SOON_SHARE * PER_PAIR * MANY**2), (0.7, DOUBT_SHARE * 0.7)])
def test_strangers_that_were_not_found_are_looked_for_again(checks: Checks, dumped: float | None, later: float) -> None:
    checks.found_strangers(1000.0)

    checks.left_strangers(1001.0, MANY**2, dumped)

    assert waited(checks, 1001.0, MANY) == pytest.approx(later, abs=1)
    assert checks.are_strangers_due(1001.0 + later, MANY**2, True)


def test_strangers_that_are_wanted_are_still_wanted_after_a_check_without_them(checks: Checks) -> None:
    checks.want(1001.0)
    checks.begin(1001.0 + EACH, strangers=False)

    assert waited(checks, 1001.0 + EACH, MANY) == EACH
    assert checks.are_strangers_due(1001.0 + 2 * EACH, MANY**2, True)


def test_a_dump_that_has_given_way_at_once_is_not_made_again_at_once(checks: Checks) -> None:
    checks.left_strangers(1001.0, MANY**2, 0.02)

    assert waited(checks, 1001.0, MANY) == EACH


def test_one_that_has_failed_is_made_again_a_second_later_however_many_rows_there_are(checks: Checks) -> None:
    checks.begin(2000.0)
    checks.retry(2001.0)

    assert waited(checks, 2001.0, MANY) == RETRY


def test_after_rows_that_nobody_heard_of_some_are_looked_at_soon(checks: Checks) -> None:
    checks.missed_additions(1001.0)
    assert not checks.take_spot(1001.0 + SOON - 1, True)
    assert checks.take_spot(1001.0 + SOON, True)

    checks.begin(2000.0)
    assert not checks.take_spot(2000.0 + SPOT, False)
    checks.missed_additions(2000.0 + SPOT + 2 * EACH)
    assert checks.take_spot(2000.0 + SPOT + 2 * EACH, True), "it does not wait longer for that"
