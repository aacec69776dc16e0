"""Helpers that read slowly, not at all, or die: real processes on real pipes, without a reactor."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from fcntl import F_GETPIPE_SZ, fcntl
from typing import Any

import pytest

from evpn.exabgp.extension.pipes import PIPE_SIZE

ECHO = [sys.executable, "-u", "-c", "import sys\nfor line in sys.stdin: sys.stdout.write(line)"]
DEAF = ["sleep", "60"]


class Helpers:
    """ExaBGP's `Processes` with one helper."""

    def __init__(self, program: list[str]) -> None:
        from exabgp.reactor.api.processes import Processes

        self.processes: Any = Processes()
        self.processes.start({"helper": {"run": program, "encoder": "json", "respawn": True}})

    @property
    def process(self) -> Any:
        return self.processes._process["helper"]

    @property
    def waiting(self) -> int:
        size: int = self.processes._evpn_outboxes["helper"].size
        return size

    def write(self, text: str) -> None:
        assert self.processes.write("helper", text)

    def lines(self, count: int) -> list[str]:
        """That many of what the helper says, through turns of the reactor."""
        found: list[str] = []
        deadline = time.monotonic() + 40
        while len(found) < count and time.monotonic() < deadline:
            found += [line for _, line in self.processes.received()]
        return found


@pytest.fixture
def start(installed: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Helpers]]:
    started: list[Helpers] = []

    def start_helper(program: list[str]) -> Helpers:
        started.append(Helpers(program))
        return started[-1]

    yield start_helper
    for helpers in started:
        helpers.processes.terminate()


def test_lines_arrive_whole_and_in_order(start: Callable[..., Helpers]) -> None:
    helpers = start(ECHO)
    lines = [f"{number} {'x' * (number % 9000)}".rstrip() for number in range(3000)]

    for line in lines:
        helpers.write(line)

    assert helpers.lines(len(lines)) == lines
    assert helpers.waiting == 0


def test_a_helper_that_does_not_read_holds_nobody_up(start: Callable[..., Helpers]) -> None:
    helpers = start(DEAF)
    deaf = helpers.process

    for _ in range(100):
        helpers.write("x" * 100_000)
        list(helpers.processes.received())

    assert helpers.process is deaf and deaf.poll() is None  # who waits for it to read waits until it ends
    assert helpers.waiting > 10_000_000 - 2 * PIPE_SIZE


def test_at_the_bound_the_helper_is_started_again(
    start: Callable[..., Helpers], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVPN_QUEUE_LIMIT", "4000000")
    helpers = start(DEAF)
    deaf = helpers.process

    for _ in range(100):
        helpers.write("x" * 100_000)
    assert helpers.waiting == 0  # nothing of what it will never read is kept
    list(helpers.processes.received())

    assert deaf.wait(40) == -9
    assert helpers.process is not deaf and helpers.process.poll() is None
    assert not helpers.processes._broken
    helpers.write("to the new one")


def test_a_helper_that_dies_in_the_middle_of_a_line_is_started_again(start: Callable[..., Helpers]) -> None:
    helpers = start(DEAF)
    dead = helpers.process
    helpers.write("x" * 3_000_000)

    dead.kill()
    dead.wait()
    for _ in range(3):
        helpers.write("y" * 3_000_000)
        list(helpers.processes.received())

    assert helpers.process is not dead
    assert not helpers.processes._broken


def test_a_line_for_a_helper_that_is_gone_is_lost(start: Callable[..., Helpers]) -> None:
    helpers = start(ECHO)

    assert helpers.processes.write("nobody", "x")


def test_what_is_not_ascii_is_written_as_an_escape(start: Callable[..., Helpers]) -> None:
    helpers = start(ECHO)

    helpers.write("r\u00e9seau")

    assert helpers.lines(1) == ["r\\xe9seau"]


def test_what_a_helper_says_that_is_not_ascii_is_its_mistake_and_not_its_end(start: Callable[..., Helpers]) -> None:
    """Stock kills it, and ends after the sixth one."""
    helpers = start(["sh", "-c", r"printf 'r\303\251seau\n\200\n\377\000\n\n7\n'; sleep 60"])
    process = helpers.process

    assert helpers.lines(5) == [r"r\xc3\xa9seau", r"\x80", "\\xff\0", "", "7"]
    assert helpers.process is process


def test_both_pipes_hold_a_megabyte(start: Callable[..., Helpers]) -> None:
    process = start(ECHO).process

    assert fcntl(process.stdin.fileno(), F_GETPIPE_SZ) == PIPE_SIZE
    assert fcntl(process.stdout.fileno(), F_GETPIPE_SZ) == PIPE_SIZE
    assert not os.get_blocking(process.stdin.fileno())


def test_what_waits_at_the_end_still_goes_out(start: Callable[..., Helpers], tmp_path: Any) -> None:
    copy = tmp_path / "copy"
    helpers = start(["sh", "-c", f"sleep 0.2; cat > {copy}"])

    helpers.write("x" * 3_000_000)
    helpers.processes.terminate()

    assert copy.stat().st_size > 3_000_000
