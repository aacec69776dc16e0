"""A BGP speaker that says whatever octets it is told to; it calls a VTEP and keeps the session alive."""

import ctypes
import os
import socket
import struct
import time
from threading import Lock, Thread
from types import TracebackType
from typing import Self

from evpn.wire.open import EVPN

from .frr import Namespace, until

OPEN, UPDATE, NOTIFICATION, KEEPALIVE, REFRESH = 1, 2, 3, 4, 5
END_OF_RIB = bytes.fromhex("00000006800f03001946")
_LIBC = ctypes.CDLL(None, use_errno=True)
_NEWNET = 0x40000000
_KEEPALIVE_EVERY = 2.0
_AS_TRANS = 23456


class RawPeer:
    """`said`: types and bodies of what came from the other side in this session.

    Without `asn4` it is a speaker from before RFC 6793, which knows AS numbers of two octets only. Over IPv6 it needs
    a router id.
    """

    def __init__(
        self,
        namespace: Namespace,
        address: str,
        vtep: str,
        local_as: int = 65000,
        asn4: bool = True,
        router_id: str | None = None,
    ) -> None:
        self.namespace = namespace
        self.address = address
        self.vtep = vtep
        self.local_as = local_as
        self.asn4 = asn4
        self.router_id = socket.inet_aton(router_id or address)
        self.said: list[tuple[int, bytes]] = []
        self._socket: socket.socket | None = None
        self._lock = Lock()

    def __enter__(self) -> Self:
        until(self.connect)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def is_up(self) -> bool:
        return self._socket is not None

    def connect(self) -> bool:
        """One attempt; True once the session is established on this side."""
        self.close()
        self.said = []
        link = socket_in(self.namespace, socket.AF_INET6 if ":" in self.vtep else socket.AF_INET, socket.SOCK_STREAM)
        link.settimeout(10)
        try:
            link.bind((self.address, 0))
            link.connect((self.vtep, 179))
            self._socket = link
            Thread(target=self._listen, args=(link, self.said), daemon=True).start()
            self.send(OPEN, self._open())
            self.send(KEEPALIVE)
            until(lambda: KEEPALIVE in self.types() or not self.is_up, 10, every=0.02)
        except (OSError, AssertionError):
            link.close()
            self._socket = None
        return self.is_up

    def close(self) -> None:
        link, self._socket = self._socket, None
        if link is not None:
            link.close()

    def send(self, code: int, body: bytes = b"") -> None:
        link = self._socket
        if link is None:
            raise ConnectionError(f"no session; said: {self.said[-1:]}")
        with self._lock:
            link.sendall(b"\xff" * 16 + struct.pack("!HB", 19 + len(body), code) + body)

    def update(self, body: bytes) -> None:
        self.send(UPDATE, body)

    def updates(self) -> list[bytes]:
        return [body for code, body in self.said if code == UPDATE]

    def types(self) -> list[int]:
        return [code for code, _ in self.said]

    def notification(self) -> tuple[int, int] | None:
        """Code and subcode of the one that was received."""
        return next(((body[0], body[1]) for code, body in self.said if code == NOTIFICATION), None)

    def _open(self) -> bytes:
        capabilities = b"\x01\x04" + struct.pack("!HBB", EVPN[0], 0, EVPN[1]) + b"\x02\x00"
        if self.asn4:
            capabilities += b"\x41\x04" + struct.pack("!I", self.local_as)
        parameters = bytes((2, len(capabilities))) + capabilities
        my_as = self.local_as if self.local_as < 1 << 16 else _AS_TRANS
        return struct.pack("!BHH4sB", 4, my_as, 180, self.router_id, len(parameters)) + parameters

    def _listen(self, link: socket.socket, said: list[tuple[int, bytes]]) -> None:
        buffer, alive = b"", time.monotonic()
        while self._socket is link:
            try:
                link.settimeout(0.2)
                octets = link.recv(1 << 16)
                if not octets:
                    break
                buffer += octets
            except TimeoutError:
                pass
            except OSError:
                break
            while len(buffer) >= 19 and len(buffer) >= (size := int.from_bytes(buffer[16:18])):
                said.append((buffer[18], buffer[19:size]))
                buffer = buffer[size:]
            if time.monotonic() - alive > _KEEPALIVE_EVERY:
                alive = time.monotonic()
                try:
                    self.send(KEEPALIVE)
                except OSError:
                    break
        if self._socket is link:
            self._socket = None


def socket_in(
    namespace: Namespace, family: socket.AddressFamily, kind: socket.SocketKind, protocol: int = 0
) -> socket.socket:
    """A socket belongs to the namespace in which it is made: by a thread that changes into it, and ends."""
    made: list[socket.socket] = []

    def make() -> None:
        with open(f"/run/netns/{namespace.name}") as file:
            if _LIBC.setns(file.fileno(), _NEWNET) != 0:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        made.append(socket.socket(family, kind, protocol))

    thread = Thread(target=make)
    thread.start()
    thread.join()
    return made[0]
