"""The control socket is a convenience: sessions and rows go on without it, and it comes back."""

import os
from pathlib import Path

import pytest

from evpn.agent.control import Control
from evpn.agent.host import HostError
from evpn.agent.loop import CONTROL_CHECK, Loop
from evpn.exabgp.pipe import Pipe
from tests.builders import a_core


@pytest.fixture
def loop(tmp_path: Path) -> Loop:
    return Loop(a_core(), Pipe(), Control(tmp_path / "run", lambda request: iter(())), lambda link: None)


def test_without_a_place_for_it_the_agent_goes_on_and_tries_again(loop: Loop) -> None:
    loop._keep_control(1.0)
    assert not loop.control.is_there

    loop.control.path.parent.mkdir()
    loop._keep_control(1.0 + CONTROL_CHECK / 2)
    assert not loop.control.is_there
    loop._keep_control(1.0 + CONTROL_CHECK)
    assert loop.control.is_there


def test_what_somebody_has_removed_is_made_again(loop: Loop) -> None:
    loop.control.path.parent.mkdir()
    loop._keep_control(1.0)
    first = loop.control.fileno()
    loop.control.path.unlink()
    assert not loop.control.is_there

    loop._keep_control(1.0 + CONTROL_CHECK)

    assert loop.control.is_there
    listeners = [key.fd for key in loop._selector.get_map().values()]
    assert listeners == [loop.control.fileno()]
    assert first in listeners or not os.path.exists(f"/proc/self/fd/{first}")


def test_another_agent_in_the_run_dir_ends_a_start_but_no_running_agent(loop: Loop) -> None:
    loop.control.path.parent.mkdir()
    other = Control(loop.control.path.parent, lambda request: iter(()))
    other.open()

    with pytest.raises(HostError, match="another agent is there"):
        loop._keep_control(1.0)

    loop._keep_control(1.0 + CONTROL_CHECK)
    assert other.is_there and not loop.control.is_there
    other.close()
