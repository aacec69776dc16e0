"""The look at bridges of ours, when nothing can be opened."""

import pytest

from evpn.agent.isolation import LEVEL_CHECK, PAUSE, Isolation
from tests.agent.vtep import Vtep
from tests.scarcity import no_descriptors


def test_without_descriptors_bridges_are_looked_at_again_a_second_later(caplog: pytest.LogCaptureFixture) -> None:
    vtep = Vtep()
    vtep.settle()
    isolation = Isolation(vtep.core)
    isolation._guarded = False  # none was ours before: the chains of this host are nobody's business here

    with no_descriptors():
        isolation.settle(100.0)
        assert isolation.next_due() == 100.0 + PAUSE
        isolation.settle(100.0 + PAUSE)
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("bridges not looked at, to be tried again error=read /proc/sys/net/ipv4/conf/")
    assert "EMFILE" in line

    isolation.settle(100.0 + 2 * PAUSE)
    assert isolation.next_due() == 100.0 + 2 * PAUSE + LEVEL_CHECK
