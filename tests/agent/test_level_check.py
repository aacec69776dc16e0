"""When everything is looked at again, while rows are written without end."""

import time

import pytest

from evpn.agent import observer
from evpn.agent.observer import LEVEL_CHECK, Observer
from tests.builders import a_core


def test_a_storm_of_rows_that_come_and_go_puts_a_level_check_off_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    monkeypatch.setattr(observer.time, "monotonic", lambda: now)
    watching = Observer(a_core(), lambda link: None)
    monkeypatch.setattr(watching.monitor, "ignore", lambda *_: None)
    watching.listen()
    watching._check_at(now + LEVEL_CHECK)
    began = now
    while not watching._is_check_due(now):
        watching.listen(additions=False, deletions=int(now / 10) % 2 == 0)
        now += 0.5
        assert now < began + 3 * LEVEL_CHECK
