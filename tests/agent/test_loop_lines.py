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
from tests.builders import BRIDGE_LINK, DEVICE_LINK, VTEP2, a_core


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


def test_while_very_many_rows_go_echoes_are_not_heard_and_once_they_are_gone_everything_is(loop: Loop) -> None:
    """At once, for nothing wakes the loop when its own rows are written. Nor do rows count that may not go yet."""
    core, (vni,) = loop.core, loop.core.dataplane.segments
    macs = core.dataplane.segments[vni].macs
    core.dataplane.attach(vni, DEVICE_LINK, BRIDGE_LINK)
    core.dataplane.unobserved.clear()
    heard: list[tuple[bool, ...]] = []

    def all_written(_self: Writing, _now: float) -> bool:
        macs.observe_all(dict(macs.desired))
        return True

    with (
        patch.object(loop.observer, "listen", side_effect=lambda *words: heard.append(words)),
        patch.object(Writing, "push", all_written),
    ):
        loop._push_rows(0.0)
        for mac in list(macs.desired):
            macs.want(mac, None)
        core.dataplane.touch(vni)
        assert not core.peers.synced
        loop._push_rows(0.0)

    assert heard[0] == (False, True)
    assert set(heard[1:]) == {(True, True)}
