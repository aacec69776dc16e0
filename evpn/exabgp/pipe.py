"""The two pipes to ExaBGP. A thread does nothing but drain standard input, so that a busy loop holds up nobody.

What the thread reads waits in memory until the loop takes it, up to a bound: then ExaBGP keeps the rest, and takes less
from its peers (`extension.batches`). What we write waits in memory until the pipe takes it. End of file means that
ExaBGP is gone: the agent ends and leaves the kernel as it is.
"""

import contextlib
import errno
import fcntl
import os
import threading
from collections import deque

_PIPE_OCTETS = 1 << 20
_READ_OCTETS = 1 << 16
"""At once, or the loop would have to take so much at once."""
_F_SETPIPE_SZ = 1031
MOST_UNREAD = 16 << 20
"""Octets in memory, four times those of the UPDATEs: from there on ExaBGP has to wait, and its peers with it."""


class Pipe:
    """`fileno()` is readable when lines wait; `write_fileno` is worth watching while `unwritten` is not 0."""

    def __init__(self, read_fd: int = 0, write_fd: int = 1) -> None:
        self.read_fd = read_fd
        self.write_fileno = write_fd
        self.closed = False
        """End of file was read, or the writing end is broken."""
        self._chunks: deque[bytes] = deque()
        self._rest = b""
        self._outgoing: deque[bytes] = deque()
        self._event = -1
        self._drained = self._taken = 0
        """Octets, by the thread and by the loop."""
        self._room = threading.Event()

    def open(self) -> None:
        self._event = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        for fd in (self.read_fd, self.write_fileno):
            with contextlib.suppress(OSError):  # not a pipe, or over the user's limit: the size it has will do
                fcntl.fcntl(fd, _F_SETPIPE_SZ, _PIPE_OCTETS)
        os.set_blocking(self.write_fileno, False)
        threading.Thread(target=self._drain, name="exabgp-reader", daemon=True).start()

    def fileno(self) -> int:
        return self._event

    @property
    def unwritten(self) -> int:
        return len(self._outgoing)

    def read(self, limit: int = 1 << 20) -> list[bytes]:
        """The complete lines among about `limit` more octets; the event stays set while more is waiting."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._event)
        taken, size = [self._rest], 0
        while self._chunks and size < limit:
            chunk = self._chunks.popleft()
            if not chunk:
                self.closed = True
                break
            taken.append(chunk)
            size += len(chunk)
        self._taken += size
        self._room.set()
        *lines, self._rest = b"".join(taken).split(b"\n")
        if self._chunks:
            os.eventfd_write(self._event, 1)
        return lines

    def write(self, line: bytes) -> None:
        """Queue one line; `flush` sends."""
        self._outgoing.append(line)

    def flush(self) -> None:
        """Send what the pipe takes now."""
        while self._outgoing and not self.closed:
            data = self._outgoing.popleft()
            try:
                sent = os.write(self.write_fileno, data)
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.EWOULDBLOCK):
                    self.closed = True
                sent = 0
            if sent < len(data):
                self._outgoing.appendleft(data[sent:])
                return

    def _drain(self) -> None:
        """An empty chunk is the end."""
        while True:
            self._await_room()
            try:
                chunk = os.read(self.read_fd, _READ_OCTETS)
            except OSError:
                chunk = b""
            self._drained += len(chunk)
            self._chunks.append(chunk)
            os.eventfd_write(self._event, 1)
            if not chunk:
                return

    def _await_room(self) -> None:
        while True:
            self._room.clear()
            if self._drained - self._taken <= MOST_UNREAD:
                return
            self._room.wait()
