"""The two lasting netlink sockets: one writes rows, one hears what changes (netlink(7)).

Both live in the network namespace that is current when `open` is called.
"""

import contextlib
import errno
import select
import socket
from collections.abc import Collection, Iterator, Sequence

from evpn.netlink import echo, events, newcomers
from evpn.netlink.constants import (
    NETLINK_CAP_ACK,
    RTMGRP_IPV4_IFADDR,
    RTMGRP_IPV6_IFADDR,
    RTMGRP_LINK,
    RTMGRP_NEIGH,
    SO_RCVBUFFORCE,
    SO_SNDBUFFORCE,
    SOL_NETLINK,
)
from evpn.netlink.errors import NetlinkError
from evpn.netlink.events import Event, Overrun
from evpn.netlink.inbox import MOST, Inbox
from evpn.netlink.messages import Refusal, refusal, split
from evpn.netlink.outbox import Outbox

_GROUPS = RTMGRP_LINK | RTMGRP_NEIGH | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR
_LARGEST = 1 << 16  # the kernel fills 32 KiB per read of a dump at most, and notifies one change per datagram
_OCTETS_PER_REFUSAL = 2048  # what an unread refusal takes of the receive buffer, with room to spare
_OCTETS_PER_MESSAGE = 36  # of the shortest one
_SEND_BUFFER = 1 << 18
_CHUNK = 1 << 20  # of octets: after each one the thread has to wait for the interpreter again


class Writer:
    """Sends packed messages and tells which of them the kernel refused.

    No message asks for an acknowledgement (5 times slower): the kernel works through what was sent before the call
    returns, goes on behind a refusal, and has by then queued every refusal here. A chunk, which goes by one call, is so
    small that its refusals fit into the receive buffer, were they all refused.
    """

    def __init__(self, buffer: int = 32 << 20) -> None:
        self._buffer = buffer
        self._chunk = _CHUNK
        self._socket: socket.socket | None = None
        self._outbox = Outbox()

    def open(self) -> None:
        self._socket = open_route_socket(self._buffer)
        self._socket.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)  # refusals without the refused message
        with contextlib.suppress(PermissionError):
            self._socket.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, _SEND_BUFFER)
        granted = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        self._chunk = min(_CHUNK, granted // _OCTETS_PER_REFUSAL * _OCTETS_PER_MESSAGE)

    def close(self) -> None:
        _closed(self._socket)
        self._socket = None

    def fileno(self) -> int:
        return _opened(self._socket).fileno()

    @property
    def port_id(self) -> int:
        """By what the kernel names us in notifications of neighbours that we wrote."""
        port_id: int = _opened(self._socket).getsockname()[0]
        return port_id

    def apply(self, items: Sequence[bytes]) -> list[Refusal]:
        """What was refused, by the sequence number its message carries; the rest is done. An item is whole messages."""
        refusals: list[Refusal] = []
        chunk: list[bytes] = []
        size = 0
        for item in items:
            if chunk and size + len(item) > self._chunk:
                refusals += self._send(chunk)
                chunk, size = [], 0
            chunk.append(item)
            size += len(item)
        return refusals + self._send(chunk) if chunk else refusals

    def _send(self, chunk: list[bytes]) -> list[Refusal]:
        opened = _opened(self._socket)
        try:
            self._outbox.send(opened.fileno(), chunk)
            return [refused for answer in _pending(opened) for part in split(answer) if (refused := refusal(part))]
        except OSError as error:  # none was read, or some refusals were lost: any of them may have failed
            _discard(opened)
            return [Refusal(message.sequence, error.errno or errno.EIO) for message in split(b"".join(chunk))]


class Monitor:
    """Hears of every change of links, rows, neighbours and addresses."""

    def __init__(self, buffer: int = 32 << 20) -> None:
        self.datagrams = 0
        self.overruns = 0
        self.malformed = 0
        self._buffer = buffer
        self._socket: socket.socket | None = None
        self._inbox: Inbox | None = None

    def open(self) -> None:
        self._socket = open_route_socket(self._buffer, _GROUPS)
        self._inbox = Inbox()

    def close(self) -> None:
        _closed(self._socket)
        self._socket = self._inbox = None

    def fileno(self) -> int:
        return _opened(self._socket).fileno()

    def has_more(self) -> bool:
        """Whether anything waits to be read."""
        return bool(select.select([_opened(self._socket)], [], [], 0)[0])

    def ignore(
        self, port_id: int, additions: bool = True, deletions: bool = True, devices: Collection[int] | None = None
    ) -> None:
        """Do not hear of neighbours that `port_id` writes; nor, unless asked to, of what comes or goes with our mark.

        `devices`: ifindexes of those whose neighbours are heard of at all; None: of all.
        Rows that a second owner marked like ours are then not heard of either: look at all rows some time after.
        """
        opened = _opened(self._socket)
        try:
            echo.attach(opened, echo.program(port_id, additions, deletions, devices))
        except OSError as error:
            if error.errno != errno.ENOMEM or devices is None:  # net.core.optmem_max is what a filter may take
                raise
            with contextlib.suppress(OSError):  # there may be none
                echo.detach(opened)
            echo.attach(opened, echo.program(port_id, additions, deletions))

    def read(self, limit: int = 1024) -> list[Event]:
        """The events of up to `limit` datagrams; none when nothing waits; `Overrun` is the last if some were lost.

        After an overrun the kernel drops whatever comes, without another word, until the queue has been read empty. So
        it is emptied here, before `Overrun` makes anybody dump. What was in it is in the dump as well.
        """
        opened = _opened(self._socket)
        found: list[Event] = []
        try:
            while limit > 0 and (count := self._receive(opened, limit, found)):
                limit -= count
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            return self._overrun(opened, found)
        except NetlinkError:
            self.malformed += 1
            return self._overrun(opened, found)
        return found

    def _receive(self, opened: socket.socket, limit: int, found: list[Event]) -> int:
        """Add to the events what one call brings; 0 when it is known that nothing more waits, else how many it were."""
        if self._inbox is None:
            return 0
        sizes = self._inbox.receive(opened.fileno(), limit)
        self.datagrams += len(sizes)
        for seen in newcomers.gathered(self._inbox.heads(len(sizes)), sizes):
            if isinstance(seen, int):
                found += events.decode(self._inbox.datagram(seen, sizes[seen]))
            else:
                found.append(seen)
        return len(sizes) if len(sizes) == min(limit, MOST) else 0

    def _overrun(self, opened: socket.socket, found: list[Event]) -> list[Event]:
        self.overruns += 1
        _discard(opened)
        return [*found, Overrun()]


def open_route_socket(buffer: int, groups: int = 0) -> socket.socket:
    """A non-blocking NETLINK_ROUTE socket; without CAP_NET_ADMIN its buffer is what net.core.rmem_max allows."""
    with contextlib.ExitStack() as undo:
        try:
            opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE)
            undo.callback(opened.close)
            try:
                opened.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, buffer)
            except PermissionError:
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
            opened.bind((0, groups))
        except OSError as error:
            raise NetlinkError(error.errno or errno.EIO, "netlink socket") from error
        undo.pop_all()
    return opened


def _closed(maybe: socket.socket | None) -> None:
    if maybe is not None:
        maybe.close()


def _opened(maybe: socket.socket | None) -> socket.socket:
    if maybe is None:
        raise RuntimeError("the netlink socket has not been opened")
    return maybe


def _pending(opened: socket.socket, limit: int | None = None) -> Iterator[bytes]:
    """The datagrams that wait, up to `limit`; OSError when some were lost."""
    while limit is None or limit > 0:
        try:
            datagram = opened.recv(_LARGEST)
        except BlockingIOError:
            return
        yield datagram
        limit = limit and limit - 1


def _discard(opened: socket.socket) -> None:
    """Reads the socket empty; while it is congested the kernel puts nothing more in, so this ends."""
    while True:
        try:
            opened.recv(_LARGEST)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
