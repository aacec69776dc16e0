import pytest

from evpn.agent.timers import LONGEST, PATIENCE, until


@pytest.mark.parametrize(
    ("moments", "seconds"),
    [
        pytest.param([99.0], 0.0, id="what was due is due now"),
        pytest.param([None, 100.75, 103.0], 0.5, id="the first one counts, to the point"),
        pytest.param([100.25 + PATIENCE], PATIENCE + 0.75, id="a far one may be late by a part of a second"),
        pytest.param([None], LONGEST + 0.75, id="nothing is due"),
        pytest.param([], LONGEST + 0.75, id="there are no timers"),
        pytest.param([10_000.0, None], LONGEST + 0.75, id="something is due much later"),
    ],
)
def test_the_loop_sleeps_until_something_is_due(moments: list[float | None], seconds: float) -> None:
    assert until(moments, 100.25) == seconds
