"""SIGHUP runs the command of EVPN_RELOAD, and is ExaBGP's own without it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = """
import os, signal, sys, time
from exabgp.environment import getenv
from exabgp.logger import log
log.init(getenv())
from evpn.exabgp.extension.install import install
install()
from exabgp.reactor.interrupt import Signal
signals = Signal()
signals.mark_ready()
print("ready", flush=True)
deadline = time.monotonic() + 5
while time.monotonic() < deadline and not signals.received and not os.path.exists(sys.argv[1]):
    began = time.monotonic()
    time.sleep(0.01)
    assert time.monotonic() - began < 0.2, "blocked"
time.sleep(0.2)
children = open(f"/proc/self/task/{os.getpid()}/children").read().split()
print(os.getpid(), signals.received, len(children), flush=True)
"""


def hung_up(tmp_path: Path, command: str, times: int = 1) -> tuple[str, str]:
    """What the process says at its end, and its pid."""
    environment = {**os.environ, "EVPN_RELOAD": command, "exabgp.log.destination": "stderr"}
    arguments = [sys.executable, "-c", PROGRAM, str(tmp_path / "done")]
    with subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while process.stdout.readline() != "ready\n":
            pass
        for _ in range(times):
            process.send_signal(1)
            time.sleep(0.05)
        said = process.stdout.read().splitlines()[-1]
    return said, str(process.pid)


def test_the_command_runs_beside_the_reactor_and_is_reaped(tmp_path: Path) -> None:
    done = tmp_path / "done"

    said, pid = hung_up(tmp_path, f"sleep 0.5; echo $EVPN_EXABGP_PID > {done}.new; mv {done}.new {done}")

    assert done.read_text() == f"{pid}\n"
    assert said == f"{pid} 0 0"


def test_hangups_meanwhile_run_it_once_more(tmp_path: Path) -> None:
    runs = tmp_path / "runs"

    hung_up(tmp_path, f"echo run >> {runs}; sleep 0.5; test $(wc -l < {runs}) = 2 && touch {tmp_path}/done", times=4)

    assert runs.read_text() == "run\n" * 2


@pytest.mark.parametrize("command", ["exit 3", "/nonexistent"])
def test_a_command_that_fails_is_no_harm(tmp_path: Path, command: str) -> None:
    said, pid = hung_up(tmp_path, f"touch {tmp_path}/done; {command}")

    assert said == f"{pid} 0 0"


def test_without_the_variable_it_stops_exabgp_as_ever(tmp_path: Path) -> None:
    said, pid = hung_up(tmp_path, "")

    assert said == f"{pid} -1 0"
