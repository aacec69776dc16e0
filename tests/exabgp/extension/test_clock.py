"""ExaBGP's timers do not look at the time of day."""

from types import SimpleNamespace

import pytest
from exabgp.bgp import timer
from exabgp.bgp.message import KeepAlive, Notify
from exabgp.bgp.message.open.holdtime import HoldTime
from exabgp.environment import getenv
from exabgp.logger import log
from exabgp.reactor import delay

from evpn.exabgp.extension import clock

log.init(getenv())


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The steady seconds, in the hands of the test; the time of day stays far ahead."""
    told = SimpleNamespace(seconds=100.0)
    clock.install()
    monkeypatch.setattr(clock.Steady, "time", lambda: told.seconds)
    return told


def test_the_hold_timer_ends_a_silent_session(now: SimpleNamespace) -> None:
    receive = timer.ReceiveTimer(lambda: "session", 9, 4, 0)
    now.seconds += 9
    assert receive.check_ka_timer()

    now.seconds += 1
    with pytest.raises(Notify):
        receive.check_ka_timer()

    receive = timer.ReceiveTimer(lambda: "session", 9, 4, 0)
    receive.check_ka_timer(KeepAlive())
    assert receive.last_read == 110


def test_a_keepalive_is_due_after_a_third_of_the_hold_time(now: SimpleNamespace) -> None:
    send = timer.SendTimer(lambda: "session", HoldTime(9))
    assert not send.need_ka()

    now.seconds += 3
    assert (send.need_ka(), send.need_ka()) == (True, False)


def test_an_attempt_waits_by_the_same_clock(now: SimpleNamespace) -> None:
    waiting = delay.Delay()
    waiting.increase()
    waiting.increase()
    assert waiting.backoff()

    now.seconds += 1.5
    assert not waiting.backoff()
