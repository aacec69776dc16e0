"""Many datagrams by one system call (sendmmsg(2)), each so small that the kernel comes to do what else it has to do.

With each new row the VXLAN device wants memory of every CPU, and it cannot wait for any. A worker of the kernel keeps
some ready, for 340 rows at most, and does not run before a datagram is through. Of thousands of rows in one datagram
most get none: they are searched for in vain, which takes longer than all the rest, and have no route cache, so that
each packet to them is routed anew.
"""

import ctypes
import errno
from collections.abc import Sequence

from evpn.netlink.mmsg import Message, Part, failure, sendmmsg

MOST = 256
"""Datagrams of one call."""


class Outbox:
    def __init__(self) -> None:
        self._parts, self._messages = (Part * MOST)(), (Message * MOST)()
        for part, message in zip(self._parts, self._messages, strict=True):
            message.header.parts = ctypes.pointer(part)
            message.header.part_count = 1

    def send(self, fileno: int, datagrams: Sequence[bytes]) -> None:
        """All of them, one after the other. OSError when one cannot be sent; those behind it are not, then."""
        sent = 0
        while sent < len(datagrams):
            some = datagrams[sent : sent + MOST]
            for part, datagram in zip(self._parts, some, strict=False):
                part.at, part.size = ctypes.cast(ctypes.c_char_p(datagram), ctypes.c_void_p), len(datagram)
            count = sendmmsg(fileno, self._messages, len(some), 0)
            if count > 0:
                sent += count
            elif ctypes.get_errno() != errno.EINTR:
                raise failure()
