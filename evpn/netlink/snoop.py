"""What the hosts behind the ports of a bridge say of their addresses: one packet socket per port (packet(7), RFC 9161).

On the ports and not on the bridge, which is handed no unicast frame between two of its ports, so no reply. And for all
protocols (ETH_P_ALL), for the bridge takes a frame from its port before who asked for a single protocol sees it; the
filter then drops nearly all of them before anything is copied.

What a port sends is not heard: neither the frames of the tunnel and of other ports, nor our own.
"""

import ctypes
import errno
import os
import select
import socket
from collections.abc import Iterable, Iterator
from struct import Struct

from evpn.netlink.echo import attach
from evpn.netlink.errors import NetlinkError
from evpn.packet import filter as packet_filter

_SOL_PACKET, _PACKET_STATISTICS, _PACKET_IGNORE_OUTGOING = 263, 6, 23
_STATISTICS = Struct("=II")  # passed by the filter, dropped of these
_ADDRESS = Struct("=HHi12x")  # sockaddr_ll: family, protocol in network order, ifindex
_ETH_P_ALL = 0x0003
_GONE = {errno.ENODEV, errno.ENXIO, errno.ENETDOWN}

_libc = ctypes.CDLL(None, use_errno=True)


class Snooper:
    """Hears ARP and neighbor discovery that come in from ports, and sends on them.

    A host that sends without end fills the buffer of its own port's socket, where the rest is dropped and counted.
    """

    def __init__(self) -> None:
        self._epoll: select.epoll | None = None
        self._sockets: dict[int, socket.socket] = {}
        self._ports: dict[int, int] = {}  # file descriptor -> ifindex
        self.lost = 0
        """Frames that hosts sent faster than they were read."""

    def open(self) -> None:
        self._epoll = select.epoll()

    def close(self) -> None:
        for port in list(self._sockets):
            self._leave(port)
        if self._epoll is not None:
            self._epoll.close()
        self._epoll = None

    def fileno(self) -> int:
        """Readable while a frame waits on any port."""
        return self._opened().fileno()

    def follow(self, ports: Iterable[int]) -> None:
        """Listens on these ports, by ifindex, and on no others; one that is gone is left out.

        To be called whenever a link came or went: a device made again with the ifindex of its predecessor is another.
        """
        wanted = set(ports)
        for port, listening in list(self._sockets.items()):
            if port not in wanted or _is_orphan(listening):
                self._leave(port)
        for port in wanted - self._sockets.keys():
            self._join(port)

    def read(self, limit: int) -> list[tuple[int, bytes]]:
        """At most so many frames, with the ifindex of their port; ports with much to say share with the others.

        Those of the ready ports that `limit` left out this time are the first ones next time: epoll takes turns.
        """
        ready = self._opened().poll(0, limit)
        share = limit // max(1, len(ready))
        ports = [self._ports[descriptor] for descriptor, _ in ready]
        frames = [(port, frame) for port in ports for frame in _pending(self._sockets[port], share)]
        self.lost += sum(_dropped(self._sockets[port]) for port in ports)  # where some were, others wait: it is ready
        return frames

    def send(self, port: int, frame: bytes) -> bool:
        """Sends a frame to what is behind this port; False when the kernel did not take it, or nobody listens here."""
        listening = self._sockets.get(port)
        if listening is None:
            return False
        try:
            return listening.send(frame) == len(frame)
        except OSError:
            return False

    def _join(self, port: int) -> None:
        listening = _listen(port)
        if listening is not None:
            self._sockets[port] = listening
            self._ports[listening.fileno()] = port
            self._opened().register(listening, select.EPOLLIN)

    def _leave(self, port: int) -> None:
        listening = self._sockets.pop(port)
        self.lost += _dropped(listening)
        del self._ports[listening.fileno()]
        self._opened().unregister(listening)  # closing is not enough while a child that was forked has it open as well
        listening.close()

    def _opened(self) -> select.epoll:
        if self._epoll is None:
            raise RuntimeError("the snooper has not been opened")
        return self._epoll


def _listen(port: int) -> socket.socket | None:
    """Bound last, so that nothing gets in unfiltered; None when the device is gone. One that is down may come up."""
    opened = _packet_socket()
    try:
        attach(opened, packet_filter.program())
        opened.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        _bind(opened, port)
    except OSError as error:
        opened.close()
        if error.errno in _GONE:
            return None
        raise NetlinkError(error.errno or errno.EIO, f"listen on port {port}") from error
    return opened


def _packet_socket() -> socket.socket:
    """One that hears nothing yet, for it has no protocol."""
    try:
        return socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
    except PermissionError as error:
        raise NetlinkError(errno.EPERM, "listening on bridge ports needs CAP_NET_RAW") from error
    except OSError as error:
        raise NetlinkError(error.errno or errno.EIO, "listen on bridge ports") from error


def _bind(opened: socket.socket, port: int) -> None:
    """By ifindex: Python's own `bind` takes a name, that another device may have by now."""
    address = _ADDRESS.pack(socket.AF_PACKET, socket.htons(_ETH_P_ALL), port)
    if _libc.bind(opened.fileno(), address, len(address)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _is_orphan(listening: socket.socket) -> bool:
    """Its device has been removed, and the socket with it; of a device that is only down the name is known."""
    name: str = listening.getsockname()[0]
    return not name


def _pending(listening: socket.socket, limit: int) -> Iterator[bytes]:
    """The frames that wait, up to `limit`."""
    for _ in range(limit):
        try:
            yield listening.recv(packet_filter.LONGEST)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno not in _GONE:
                raise
            return  # told once, when the device goes down or away; what had come before is still there next time


def _dropped(listening: socket.socket) -> int:
    """Since it was asked last."""
    dropped: int = _STATISTICS.unpack(listening.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, _STATISTICS.size))[1]
    return dropped
