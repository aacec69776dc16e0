"""A job beside the loop, when there is no thread for it."""

import pytest

from evpn.agent import aside
from evpn.agent.aside import Aside
from tests.scarcity import no_threads


def test_a_job_without_a_thread_is_put_off_and_done_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(aside, "RETRY", 0.0)
    done: list[str] = []
    beside = Aside()

    with no_threads():
        beside.start(lambda: done.append("job"))
        assert beside.busy and beside.busy
    assert not done
    assert [record.message for record in caplog.records] == ["work put off error=can't start new thread"]

    while beside.busy:
        pass
    assert done == ["job"]
