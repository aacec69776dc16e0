"""When is which kernel row written? A notification socket that costs little and misses nothing.

Polling dumps would hold the very lock that the writers need, and 300 000 rows take a dump tenths of a second. Hearing
of every row costs up to a tenth of the writer's time. So a socket filter (classic BPF) lets through the rows of each
16th route only; `recvmmsg` takes 512 of them per system call and nothing looks into them; the queue is emptied once a
millisecond, so that nobody is woken up per row. Once all is quiet, a dump verifies that every row is there, or gone.
docs/performance.md says what the watcher costs.
"""

import ctypes
import errno
import select
import socket
import struct
import sys
import time
from collections.abc import Iterator

from evpn.dataplane.entries import AF_BRIDGE, NTF_EXT_LEARNED, NUD_FAILED, NUD_PERMANENT, RTM_GETNEIGH, RTM_NEWNEIGH
from evpn.netlink import echo, neighbor
from evpn.netlink.constants import AF_INET, NDA_LLADDR, NLM_F_DUMP, NLM_F_REQUEST, RTMGRP_NEIGH, SO_RCVBUFFORCE
from evpn.netlink.messages import HEADER
from evpn.netlink.mmsg import Message, Part, failure, recvmmsg
from evpn.netlink.neighbor import NeighborMessage
from evpn.netlink.socket import open_route_socket
from tests.bench.site import Site
from tests.bench.stream import ROWS_PER_ROUTE
from tests.namespaces import entered

_BUFFER = 1 << 30
_BATCH = 512
EVERY = 16
_PAUSE = 0.001
_LOAD_WORD, _LOAD_HALF, _LOAD_BYTE, _AND = 0x20, 0x28, 0x30, 0x54
_EQUALS, _HAS_BIT, _JUMP, _RETURN = 0x15, 0x45, 0x05, 0x06
_TYPE_AT, _FAMILY_AT, _IFINDEX_AT, _IP_ENDS_AT, _MAC_ENDS_AT = 4, 16, 20, 35, 37
_STATE_AT = 24 if sys.byteorder == "little" else 25  # the octet with the lower bits
_ZERO_MAC = struct.pack("=HH6x", 10, NDA_LLADDR)
_START = struct.Struct("=IH")  # length, type
_ROW = struct.Struct("=20xiHB")  # ifindex, state, flags


class Watch:
    """Notifications of one type (RTM_NEWNEIGH or RTM_DELNEIGH) for rows of the VXLAN device and of the bridge."""

    def __init__(self, site: Site, kind: int, every: int = 1) -> None:
        """`every`, a power of two: of the bench's routes, only each one whose number ends so many, the last of them."""
        with entered(site.vtep):
            self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, _BUFFER)
        _attach(self.socket, kind, (site.device, site.bridge), every)
        self.socket.bind((0, RTMGRP_NEIGH))
        self.count = 0
        self.last = 0.0
        """When the last one was seen."""
        self.progress: list[tuple[int, float]] = []
        """How many were seen until when."""
        self.cpu = 0.0
        """Seconds that this thread used for watching."""
        self._scratch = ctypes.create_string_buffer(64)
        part = Part(ctypes.addressof(self._scratch), len(self._scratch))
        self._parts = (Part * 1)(part)
        self._messages = (Message * _BATCH)()
        for each in self._messages:
            each.header.parts, each.header.part_count = self._parts, 1

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def drain(self) -> int:
        """Count what waits."""
        found = 0
        while True:
            got = recvmmsg(self.socket.fileno(), self._messages, _BATCH, socket.MSG_DONTWAIT, None)
            if got < 0:
                if ctypes.get_errno() != errno.EAGAIN:
                    raise failure()
                break
            found += got
            if got < _BATCH:
                break
        if found:
            self.count += found
            self.last = time.monotonic()
            self.progress.append((self.count, self.last))
        return found

    def wait(self, count: int, timeout: float, quiet: float = 0.3) -> bool:
        """Until `count` were seen and no more come for a while; False when time is up before that."""
        began = time.thread_time()
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if not self.drain() and self.count >= count and time.monotonic() - self.last > quiet:
                break
            time.sleep(_PAUSE)
        self.cpu += time.thread_time() - began
        return self.count >= count

    def reached(self, count: int) -> float:
        """When so many were seen."""
        return next((when for seen, when in self.progress if seen >= count), self.last)

    def next_row(self, timeout: float) -> tuple[float, NeighborMessage | None]:
        """The next row and when it was seen: for one row at a time."""
        if not select.select([self.socket], [], [], timeout)[0]:
            return time.monotonic(), None
        datagram = self.socket.recv(1 << 16)
        now = time.monotonic()
        return now, neighbor.decode(datagram)[0]


def watched_rows(routes: int) -> int:
    """How many notifications a `Watch` of each 16th route hears of so many routes."""
    return ROWS_PER_ROUTE * (routes // EVERY)


def rows(site: Site) -> int:
    """Rows learnt from BGP that the kernel holds, flood rows apart: a dump, only counted."""
    with entered(site.vtep):
        return sum(_count(family, site) for family in (AF_BRIDGE, AF_INET))


def neighbors(site: Site) -> int:
    """The same of neighbors alone: a dump of FDB rows takes minutes where there are a million, and others wait."""
    with entered(site.vtep):
        return _count(AF_INET, site)


def flood_rows(site: Site) -> int:
    with entered(site.vtep):
        return _count(AF_BRIDGE, site, flood=True)


def _count(family: int, site: Site, flood: bool = False) -> int:
    found = 0
    for message in _dump(family):
        ifindex, state, flags = _ROW.unpack_from(message)
        if flood:
            found += ifindex == site.device and bool(state & NUD_PERMANENT) and _ZERO_MAC in message
        elif ifindex in (site.device, site.bridge):
            found += bool(flags & NTF_EXT_LEARNED) and not state & NUD_PERMANENT
    return found


def _dump(family: int) -> Iterator[bytes]:
    """The messages of a dump; `evpn.netlink.dump` would decode every row."""
    wanted = struct.pack("=B11x", family)
    request = HEADER.pack(HEADER.size + len(wanted), RTM_GETNEIGH, NLM_F_REQUEST | NLM_F_DUMP, 1, 0) + wanted
    with open_route_socket(1 << 20) as asking:
        asking.setblocking(True)
        asking.send(request)
        while True:
            datagram = asking.recv(1 << 16)
            at, end = 0, len(datagram)
            while at < end:
                length, kind = _START.unpack_from(datagram, at)
                if kind != RTM_NEWNEIGH:  # NLMSG_DONE or NLMSG_ERROR
                    return
                yield datagram[at : at + length]
                at += length


def _attach(opened: socket.socket, kind: int, ifindexes: tuple[int, int], every: int) -> None:
    """Classic BPF loads in network order what netlink has in the order of the host.

    A neighbour that is deleted is notified as changed to FAILED first; that is not a row written.
    """
    wanted_kind = int.from_bytes(kind.to_bytes(2, sys.byteorder))
    first, second = (int.from_bytes(ifindex.to_bytes(4, sys.byteorder)) for ifindex in ifindexes)
    unwanted_state = NUD_FAILED if kind == RTM_NEWNEIGH else 0
    program = (
        (_LOAD_HALF, 0, 0, _TYPE_AT),
        (_EQUALS, 0, 13, wanted_kind),
        (_LOAD_WORD, 0, 0, _IFINDEX_AT),
        (_EQUALS, 1, 0, first),
        (_EQUALS, 0, 10, second),
        (_LOAD_BYTE, 0, 0, _STATE_AT),
        (_HAS_BIT, 8, 0, unwanted_state),
        (_LOAD_BYTE, 0, 0, _FAMILY_AT),
        (_EQUALS, 0, 2, AF_BRIDGE),
        (_LOAD_BYTE, 0, 0, _MAC_ENDS_AT),
        (_JUMP, 0, 0, 1),
        (_LOAD_BYTE, 0, 0, _IP_ENDS_AT),
        (_AND, 0, 0, every - 1),
        (_EQUALS, 0, 1, every - 1),
        (_RETURN, 0, 0, 0xFFFFFFFF),
        (_RETURN, 0, 0, 0),
    )
    echo.attach(opened, b"".join(struct.pack("=HBBI", *step) for step in program))
