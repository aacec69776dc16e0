"""The two pipes to ExaBGP. ExaBGP blocks when we do not read, so a thread does nothing but drain standard input.

What the thread reads waits in memory until the loop takes it; what we write waits in memory until the pipe takes it.
End of file means that ExaBGP is gone: the agent ends and leaves the kernel as it is.
"""

import contextlib
import errno
import fcntl
import os
import threading
from collections import deque

_PIPE_OCTETS = 1 << 20
_F_SETPIPE_SZ = 1031


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

    @property
    def unread(self) -> int:
        return len(self._chunks)

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
            try:
                chunk = os.read(self.read_fd, _PIPE_OCTETS)
            except OSError:
                chunk = b""
            self._chunks.append(chunk)
            os.eventfd_write(self._event, 1)
            if not chunk:
                return
