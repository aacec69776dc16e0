"""Lines of ExaBGP are taken in every turn: while rows are written, or else beside them; a batch that cannot go is no
reason to leave them waiting."""

from pathlib import Path
from unittest.mock import patch

import pytest

from evpn.agent.control import Control
from evpn.agent.loop import Loop
from evpn.agent.writing import BATCH, Writing
from evpn.dataplane.entries import mac_row
from evpn.exabgp.pipe import Pipe
from evpn.values import MacAddress, Vni
from tests.builders import VTEP2, a_core


@pytest.fixture
def loop(tmp_path: Path) -> Loop:
    """With rows for a whole batch, but no device to write them to."""
    core = a_core()
    loop = Loop(core, Pipe(), Control(tmp_path / "run", lambda request: iter(())), lambda link: None)
    (vni,) = core.dataplane.segments
    for number in range(BATCH):
        core.dataplane.segments[vni].macs.want(MacAddress(b"\2\0" + number.to_bytes(4)), mac_row(VTEP2))
    core.dataplane.touch(Vni(vni))
    return loop


@pytest.mark.parametrize("is_written", [True, False])
def test_lines_are_taken_by_whoever_writes_or_else_after_it(loop: Loop, is_written: bool) -> None:
    with (
        patch.object(loop, "_take_lines") as take,
        patch.object(loop.observer, "listen"),
        patch.object(Writing, "push", return_value=is_written),
    ):
        loop._lines_wait()
        assert take.call_count == 0

        loop._push_rows(0.0)

    assert take.call_count == (0 if is_written else 1)


def test_without_rows_that_wait_lines_are_taken_at_once(loop: Loop) -> None:
    for segment in loop.core.dataplane.segments.values():
        for key in list(segment.macs.desired):
            segment.macs.want(key, None)

    with patch.object(loop, "_take_lines") as take:
        loop._lines_wait()

    assert take.call_count == 1
