"""A session that does not last is not tried again at once; one that did is."""

from typing import Any

import pytest

from evpn.exabgp.extension import backoff


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    from exabgp.reactor import delay

    now = [1000.0]
    monkeypatch.setattr(backoff, "monotonic", lambda: now[0])
    monkeypatch.setattr(delay.time, "time", lambda: now[0])
    return now


def waited(delay: Any, clock: list[float]) -> float:
    """Seconds from now until the next attempt is allowed."""
    start = clock[0]
    while delay.backoff():
        clock[0] += 0.25
    return clock[0] - start


def sessions(clock: list[float], *lengths: float) -> list[int]:
    """The waits after sessions of these lengths, in whole seconds."""
    delay = backoff.PatientDelay()
    waits = []
    for length in lengths:
        delay.reset()
        clock[0] += length
        delay.increase()
        waits.append(int(waited(delay, clock)))
    return waits


def test_short_sessions_wait_longer_and_longer(clock: list[float]) -> None:
    assert sessions(clock, *[0.1] * 9) == [0, 1, 2, 4, 8, 16, 30, 30, 30]


def test_a_good_session_is_called_back_at_once(clock: list[float]) -> None:
    assert sessions(clock, 0.1, 0.1, 0.1, 3600, 0.1, 0.1) == [0, 1, 2, 0, 0, 1]


def test_a_request_of_the_operator_is_not_delayed(clock: list[float]) -> None:
    delay = backoff.PatientDelay()
    for _ in range(5):
        delay.reset()
        delay.increase()

    delay.reset()

    assert waited(delay, clock) < 1
