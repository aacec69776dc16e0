"""What helpers have not taken yet, in order, and when it is written."""

import os
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import Popen
from typing import Any

_WRITE_SIZE = 1 << 16

HIGH = 4 << 20
"""Octets that wait for a helper from which on nobody needs to send it more."""


class Outbox:
    """What one helper process has not taken yet, in pieces of about 64 KiB."""

    def __init__(self, process: Popen[bytes]) -> None:
        self.process = process
        self.queue: deque[bytes] = deque()
        self.tail = bytearray()
        self.size = 0
        self.overflowed = False
        self.held = False
        self.moved = time.monotonic()
        """When it took anything last, or had nothing to take."""

    @property
    def is_high(self) -> bool:
        return self.size > HIGH

    def add(self, line: bytes, limit: int) -> None:
        if self.overflowed:
            return
        self.size += len(line)
        self.tail += line
        if len(self.tail) >= _WRITE_SIZE:
            self._close_piece()
        if self.size > limit:
            self.overflowed = True
            self.drop()

    def flush(self) -> None:
        """Write until nothing is left or the pipe is full."""
        assert self.process.stdin is not None
        if not self.is_high:
            self.moved = time.monotonic()
        while self.size:
            if not self.queue:
                self._close_piece()
            piece = self.queue[0]
            try:
                written = os.write(self.process.stdin.fileno(), piece)
            except BlockingIOError:
                return
            except (OSError, ValueError):
                self.drop()  # the helper is gone: `received` sees the hangup and starts another
                return
            self.size -= written
            self.moved = time.monotonic()
            if written == len(piece):
                self.queue.popleft()
            else:
                self.queue[0] = piece[written:]

    def drop(self) -> None:
        self.queue.clear()
        self.tail.clear()
        self.size = 0

    def _close_piece(self) -> None:
        self.queue.append(bytes(self.tail))
        self.tail.clear()


def outboxes(processes: Any) -> dict[str, Outbox]:
    """Kept on the object itself, which ExaBGP makes before it could be wrapped."""
    found: dict[str, Outbox] = processes.__dict__.setdefault("_evpn_outboxes", {})
    return found


@contextmanager
def gathered(processes: Any) -> Iterator[None]:
    """What is written meanwhile goes out at the end, at once."""
    held = list(outboxes(processes).values())
    for outbox in held:
        outbox.held = True
    try:
        yield
    finally:
        for outbox in held:
            outbox.held = False
            outbox.flush()
