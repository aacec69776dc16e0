"""Prometheus' port: a convenience, so whoever takes it, or connects to it and says nothing, must not cost the VTEP.

A thread opens the port, later if it cannot be had now, and has a few others that each serve one connection. The next
one beyond them makes the oldest end: who scrapes is done within a moment, who only wants a place is not.
"""

import logging
import socket
import sys
import threading
import time
from contextlib import suppress
from functools import partial
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any

from prometheus_client import CollectorRegistry, MetricsHandler

log = logging.getLogger(__name__)

RETRY = 30.0
"""Seconds after which a port that could not be had is tried again."""
CONNECTIONS = 8
"""At a time, a thread and a descriptor each."""
TIMEOUT = 5.0
"""Seconds that a connection may say, or take, nothing."""
_ROOM, _PAUSE = 1.0, 0.2
"""Seconds that the oldest has to end in, and that a lack of descriptors is given to end."""


class Server(ThreadingTCPServer):
    """The standard library's, bounded; not its HTTP one, which asks the DNS for the name of its address."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, host: str, port: int, serving: type[BaseRequestHandler], timeout: float = TIMEOUT) -> None:
        self.address_family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        self._patience = timeout
        self._places = threading.BoundedSemaphore(CONNECTIONS)
        self._lock = threading.Lock()
        self._connections: list[Any] = []
        """The oldest first."""
        self._told = False
        super().__init__((host, port), serving)

    def get_request(self) -> tuple[Any, Any]:
        try:
            connection, peer = super().get_request()
        except OSError:  # it stays to be accepted: without a pause this would be tried without end
            time.sleep(_PAUSE)
            raise
        connection.settimeout(self._patience)
        return connection, peer

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._places.acquire(blocking=False):
            self._end_oldest()
            if not self._places.acquire(timeout=_ROOM):
                super().close_request(request)
                return
        with self._lock:
            self._connections.append(request)
        super().process_request(request, client_address)  # what it raises closes the request as well

    def close_request(self, request: Any) -> None:
        with self._lock:
            if request not in self._connections:
                return
            self._connections.remove(request)
            super().close_request(request)
        self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """They went away, or it is ours, which is said once: strangers must not be able to fill the log."""
        if not self._told and not isinstance(sys.exc_info()[1], OSError):
            self._told = True
            log.warning("metrics not told", exc_info=True)

    def _end_oldest(self) -> None:
        with self._lock, suppress(OSError):
            for oldest in self._connections[:1]:
                oldest.shutdown(socket.SHUT_RDWR)


def serve(registry: CollectorRegistry, host: str, port: int) -> None:
    """In a thread of its own."""
    try:
        threading.Thread(target=partial(keep_serving, registry, host, port), name="metrics", daemon=True).start()
    except RuntimeError as error:
        log.error("metrics not served error=%s", error)


def keep_serving(registry: CollectorRegistry, host: str, port: int, retry: float = RETRY) -> None:
    """As soon as the port can be had, which is said once and then tried again and again."""
    serving: type[BaseRequestHandler] = MetricsHandler.factory(registry)
    told = False
    while True:
        try:
            with Server(host, port, serving) as server:
                log.info("metrics host=%s port=%d", host, port)
                server.serve_forever()
        except OSError as error:
            if not told:
                reason = (error.strerror or str(error)).lower()
                log.warning("metrics not served, to be tried again host=%s port=%d error=%s", host, port, reason)
            told = True
        time.sleep(retry)
