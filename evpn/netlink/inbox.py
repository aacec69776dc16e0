"""Many datagrams by one system call (recvmmsg(2)), side by side, so that those of one kind are read by the column.

The first octets of all are in one block. What is longer, which few are, goes on in a place of its own, as large as a
datagram can be; that takes no memory before it is used.
"""

import ctypes
import errno
import mmap
import socket
from ctypes import c_char
from struct import Struct

from evpn.netlink.mmsg import Message, Part, failure, recvmmsg

HEAD = 128
"""Octets of each datagram that are side by side: an FDB row has fewer."""
MOST = 256
"""Datagrams of one call."""
_REST = 1 << 16


_SIZE = Struct(f"={Message.size.offset}xI{ctypes.sizeof(Message) - Message.size.offset - 4}x")


class Inbox:
    def __init__(self) -> None:
        self._heads, self._rests = mmap.mmap(-1, MOST * HEAD), mmap.mmap(-1, MOST * _REST)
        self._parts, self._messages = (Part * (2 * MOST))(), (Message * MOST)()
        heads, rests = (ctypes.addressof(c_char.from_buffer(memory)) for memory in (self._heads, self._rests))
        for index, message in enumerate(self._messages):
            self._parts[2 * index] = Part(heads + index * HEAD, HEAD)
            self._parts[2 * index + 1] = Part(rests + index * _REST, _REST)
            message.header.parts = ctypes.pointer(self._parts[2 * index])
            message.header.part_count = 2

    def receive(self, fileno: int, limit: int) -> list[int]:
        """As many as wait, up to `limit` and MOST, in the place of those before; the size of each."""
        got = recvmmsg(fileno, self._messages, min(limit, MOST), socket.MSG_DONTWAIT, None)
        if got >= 0:
            return [size for (size,) in _SIZE.iter_unpack(memoryview(self._messages).cast("B")[: got * _SIZE.size])]
        if ctypes.get_errno() in (errno.EAGAIN, errno.EINTR):
            return []
        raise failure()

    def heads(self, count: int) -> bytes:
        """HEAD octets of each of the first ones; behind the end of a shorter one is anything."""
        return self._heads[: count * HEAD]

    def datagram(self, index: int, size: int) -> bytes:
        start = index * HEAD
        if size <= HEAD:
            return self._heads[start : start + size]
        rest = index * _REST
        return self._heads[start : start + HEAD] + self._rests[rest : rest + size - HEAD]
