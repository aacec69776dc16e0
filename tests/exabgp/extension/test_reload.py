"""SIGHUP runs the command of EVPN_RELOAD, and is ExaBGP's own without it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
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
def children():
    found = []
    for thread in os.listdir("/proc/self/task"):
        try:
            found += open(f"/proc/self/task/{thread}/children").read().split()
        except OSError:
            pass # it has ended
    return found
deadline = time.monotonic() + 40
while time.monotonic() < deadline and not signals.received and not os.path.exists(sys.argv[1]):
    time.sleep(0.01)
    if children():
        open(sys.argv[2], "w")
while time.monotonic() < deadline and children():
    time.sleep(0.01)
print(os.getpid(), signals.received, len(children()), flush=True)
"""


def hung_up(tmp_path: Path, command: str, more: int = 0) -> tuple[str, str]:
    """What the process says at its end, and its pid; `more` hangups come while the command runs."""
    environment = {**os.environ, "EVPN_RELOAD": command, "exabgp.log.destination": "stderr"}
    arguments = [sys.executable, "-c", PROGRAM, str(tmp_path / "done"), str(tmp_path / "turned")]
    with subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while process.stdout.readline() != "ready\n":
            pass
        process.send_signal(1)
        if more:
            until((tmp_path / "runs").exists)
        for _ in range(more):
            process.send_signal(1)
            time.sleep(0.05)
        (tmp_path / "sent").touch()
        said = process.stdout.read().splitlines()[-1]
    return said, str(process.pid)


def until(question: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 40
    while not question():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def waits_for(file: Path) -> str:
    """For a shell, and not for ever: whoever makes the file may be waiting for that shell."""
    return f"for i in $(seq 1000); do test -e {file} && break; sleep 0.02; done; test -e {file} || exit"


def test_the_command_runs_beside_the_reactor_and_is_reaped(tmp_path: Path) -> None:
    done = tmp_path / "done"

    said, pid = hung_up(
        tmp_path, f"{waits_for(tmp_path / 'turned')}; echo $EVPN_EXABGP_PID > {done}.new; mv {done}.new {done}"
    )

    assert done.read_text() == f"{pid}\n"
    assert said == f"{pid} 0 0"


def test_hangups_meanwhile_run_it_once_more(tmp_path: Path) -> None:
    runs = tmp_path / "runs"

    hung_up(
        tmp_path,
        f"echo run >> {runs}; {waits_for(tmp_path / 'sent')}; test $(wc -l < {runs}) = 2 && touch {tmp_path}/done",
        more=3,
    )

    assert runs.read_text() == "run\n" * 2


@pytest.mark.parametrize("command", ["exit 3", "/nonexistent"])
def test_a_command_that_fails_is_no_harm(tmp_path: Path, command: str) -> None:
    said, pid = hung_up(tmp_path, f"touch {tmp_path}/done; {command}")

    assert said == f"{pid} 0 0"


def test_without_the_variable_it_stops_exabgp_as_ever(tmp_path: Path) -> None:
    said, pid = hung_up(tmp_path, "")

    assert said == f"{pid} -1 0"
