"""Pipes to the helpers: a helper that does not read can neither stop keepalives nor grow this process without end.

Surface: `Processes.write`, `_start`, `received` and `terminate`. ExaBGP writes with blocking calls inside its reactor,
and drops for good a helper that died in the middle of a long line. Here a write only appends to a queue; the queue goes
out as the pipe takes it, at each write and at each turn of the reactor. At the bound the helper is killed and started
again, and the BGP sessions live: it finds out what it missed with `evpn peers` and a route refresh.

And `os` as `Processes` knows it: at an octet that is not ASCII, typed by somebody behind `evpn exabgp cli` even, ExaBGP
kills the helper, and itself after six of them in a minute. Here it reads them as `\\xc3`, which no command has.
"""

import os
from collections.abc import Iterator
from fcntl import F_SETPIPE_SZ, fcntl
from time import monotonic, sleep
from types import SimpleNamespace
from typing import Any

import exabgp.reactor.api.processes
from exabgp.logger import log
from exabgp.reactor.api.processes import Processes

from evpn.exabgp.extension.outbox import Outbox, outboxes

PIPE_SIZE = 1 << 20
"""Octets; the most that an unprivileged user may ask for."""

QUEUE_LIMIT = 256 << 20
"""Octets that may wait for one helper: three full tables of a million routes. EVPN_QUEUE_LIMIT sets another."""

STALLED = 30.0
"""Seconds without taking anything after which a helper with very much to take is given up."""

_LAST_WORDS = 0.5
"""Seconds that a helper is given to take what is queued before ExaBGP stops it."""


_stock_start = Processes._start
_stock_received = Processes.received
_stock_terminate = Processes.terminate


def install() -> None:
    Processes.write = write
    Processes._start = start
    Processes.received = received
    Processes.terminate = terminate
    exabgp.reactor.api.processes.os = SimpleNamespace(**{**vars(os), "read": read_ascii})


def write(self: Any, process: str, string: str | None, neighbor: Any = None) -> bool:
    """Never blocks and never fails; a line for a helper that is not running is lost with it."""
    if string is None:
        return True
    outbox = outboxes(self).get(process)
    if outbox is None or outbox.process is not self._process.get(process):
        return True
    waiting = outbox.size
    outbox.add(f"{string}\n".encode("ascii", "backslashreplace"), queue_limit())
    if not waiting and not outbox.held:
        outbox.flush()
    return True


def start(self: Any, process: str) -> None:
    before = self._process.get(process)
    _stock_start(self, process)
    started = self._process.get(process)
    if started is None or started is before:
        return
    os.set_blocking(started.stdin.fileno(), False)
    for pipe in (started.stdin, started.stdout):
        try:
            fcntl(pipe.fileno(), F_SETPIPE_SZ, PIPE_SIZE)
        except OSError as error:
            # 64 KiB will do as well, only slower: the user's share of pipe memory is used up
            log.warning(lambda error=error: f"pipe of {process} keeps its size error={error}", "processes")
    outboxes(self)[process] = Outbox(started)


def read_ascii(descriptor: int, size: int) -> bytes:
    return os.read(descriptor, size).decode("ascii", "backslashreplace").encode()


def received(self: Any) -> Iterator[tuple[str, str]]:
    for process, outbox in list(outboxes(self).items()):
        if outbox.process is not self._process.get(process):
            del outboxes(self)[process]
        elif outbox.overflowed or (outbox.is_high and monotonic() - outbox.moved > STALLED):
            _replace(self, process, outbox)
        elif outbox.size:
            outbox.flush()
    yield from _stock_received(self)


def terminate(self: Any) -> None:
    deadline = monotonic() + _LAST_WORDS
    while any(outbox.size for outbox in outboxes(self).values()) and monotonic() < deadline:
        for outbox in outboxes(self).values():
            outbox.flush()
        sleep(0.01)
    _stock_terminate(self)


def queue_limit() -> int:
    text = os.environ.get("EVPN_QUEUE_LIMIT", "")
    return int(text) if text.isdigit() else QUEUE_LIMIT


def _replace(processes: Any, process: str, outbox: Outbox) -> None:
    log.critical(
        lambda: f"helper does not read, starting it again process={process} limit={queue_limit()}", "processes"
    )
    outbox.process.kill()
    processes._handle_problem(process)
