"""The raw BGP speaker of the bench: a route reflector as far as a VTEP can tell; it listens, no more.

At the start of each session, and whenever it is asked to refresh, it says its `table` and End-of-RIB.
"""

import contextlib
import select
import socket
import threading
import time
from collections.abc import Callable, Sequence

from evpn.text import parse_ip
from tests.bench.site import FABRIC_ADDRESS, Site
from tests.bench.stream import AS_NUMBER, end_of_rib, message
from tests.namespaces import entered

_OPEN, _UPDATE, _NOTIFICATION, _KEEPALIVE, _REFRESH = 1, 2, 3, 4, 5
_HEADER = 19
_HOLD_TIME = 180
EVPN, IPV4_UNICAST = bytes.fromhex("00190046"), bytes.fromhex("00010001")
_MULTIPROTOCOL, _ROUTE_REFRESH, _FOUR_OCTET_AS = b"\x01\x04", b"\x02\x00", b"\x41\x04"


class Speaker:
    def __init__(self, site: Site, families: Sequence[bytes] = (EVPN,)) -> None:
        self._families = families
        with entered(site.fabric):
            self._listener = socket.socket()
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listener.bind((FABRIC_ADDRESS, 179))
        self._listener.listen()
        self.table: list[bytes] = []
        self.updates: list[tuple[float, bytes]] = []
        """When, and the body."""
        self.established = threading.Event()
        self.since = 0.0
        """When the last session was established."""
        self.sessions = 0
        self.refreshes = 0
        self.notifications: list[bytes] = []
        self._connection: socket.socket | None = None
        self._news = threading.Condition()
        self._writing = threading.Lock()
        self._closed = False
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self) -> "Speaker":
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        for opened in (self._listener, self._connection):
            if opened is not None:
                with contextlib.suppress(OSError):
                    opened.shutdown(socket.SHUT_RDWR)
                opened.close()

    def send(self, messages: Sequence[bytes]) -> None:
        connection = self._connection
        if connection is None:
            raise RuntimeError("no BGP session")
        octets = b"".join(messages)
        with self._writing:
            connection.sendall(octets)

    def send_behind(self, messages: Sequence[bytes]) -> None:
        """From a thread: a stream that fills the peer's buffers must not keep us from watching."""
        threading.Thread(target=self.send, args=(messages,), daemon=True).start()

    def wait_for(self, found: Callable[[bytes], bool], timeout: float, since: int = 0) -> float | None:
        """When the first UPDATE for which `found` is true came; looks at those from number `since` on."""
        deadline = time.monotonic() + timeout
        at = since
        while True:
            with self._news:
                while at == len(self.updates):
                    if not self._news.wait(max(0.0, deadline - time.monotonic())):
                        return None
            while at < len(self.updates):
                when, body = self.updates[at]
                at += 1
                if found(body):
                    return when

    def drop(self) -> None:
        """End the session; the listener takes the next one."""
        if self._connection is not None:
            self._connection.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        while not self._closed:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connection = connection
            with contextlib.suppress(OSError):
                self._session(connection)
            self.established.clear()

    def _session(self, connection: socket.socket) -> None:
        capabilities = b"".join(_MULTIPROTOCOL + family for family in self._families)
        capabilities += _ROUTE_REFRESH + _FOUR_OCTET_AS + AS_NUMBER.to_bytes(4)
        parameters = bytes((2, len(capabilities))) + capabilities
        head = b"\4" + AS_NUMBER.to_bytes(2) + _HOLD_TIME.to_bytes(2) + parse_ip(FABRIC_ADDRESS)
        connection.sendall(message(_OPEN, head + bytes((len(parameters),)) + parameters))
        waiting = bytearray()
        while True:
            if not select.select([connection], [], [], _HOLD_TIME / 9)[0]:
                self.send([message(_KEEPALIVE, b"")])
                continue
            octets = connection.recv(1 << 18)
            now = time.monotonic()
            if not octets:
                return
            waiting += octets
            at = 0
            while len(waiting) - at >= _HEADER:
                size = int.from_bytes(waiting[at + 16 : at + 18])
                if len(waiting) - at < size:
                    break
                self._hear(waiting[at + 18], bytes(waiting[at + _HEADER : at + size]), now)
                at += size
            del waiting[:at]

    def _hear(self, kind: int, body: bytes, now: float) -> None:
        if kind == _OPEN:
            self.send([message(_KEEPALIVE, b"")])
        elif kind == _KEEPALIVE and not self.established.is_set():
            self.since = now
            self.sessions += 1
            self.established.set()
            self.send([*self.table, end_of_rib()])
        elif kind == _UPDATE:
            with self._news:
                self.updates.append((now, body))
                self._news.notify_all()
        elif kind == _REFRESH:
            self.refreshes += 1
            self.send([*self.table, end_of_rib()])
        elif kind == _NOTIFICATION:
            self.notifications.append(body)
