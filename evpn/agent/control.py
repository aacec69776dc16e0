"""The control socket: one request a connection, one JSON object a line; rows are made while they are sent.

Request: {"command": "show", "what": "mac", "vni": 100}. Answer: {"ok": true}, a line for each row, {"end": rows};
or {"ok": false, "error": "..."}. A slow or silent client holds up nothing but itself.

Who may connect is a matter of the socket's mode. Members of its group may ask and act, but not name a file that we are
to read: a reload is for the owners, root and our own user, whom the kernel tells from others (SO_PEERCRED, unix(7)).
Nor may they keep owners out, who have places of their own, or end us: whatever goes wrong is an answer.
"""

import contextlib
import logging
import os
import socket
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from struct import Struct
from typing import Any

import msgspec

from evpn.agent.host import HostError

log = logging.getLogger(__name__)

Row = dict[str, Any]
Answer = Callable[[Row], Iterator[Row]]
"""Request -> rows; a `ValueError` says what is wrong with the request."""

SOCKET_NAME = "control.sock"
_REQUEST_LIMIT = 1 << 16
_CHUNK = 1 << 15
"""Octets of rows made in a turn for all clients together: some 200 rows, which are two or three milliseconds."""
_AT_WORK = 1.0
"""Seconds without taking anything after which a client has no share of that, until it takes something again."""
_CLIENT_LIMIT = 64
"""Of owners, and as many of others."""
_PATIENCE = 10.0
"""Seconds without taking anything after which a client has to make room, if there is none."""
_BACKLOG = 256
_LOG_INTERVAL = 60.0
"""Seconds between two tracebacks in the log: who causes one may do so again and again."""
_FOR_OWNERS = ("reload",)
_CREDENTIALS = Struct("=3i")  # process, user, group


class Client:
    """One connection: what is still to be sent, and where more comes from."""

    def __init__(self, connection: socket.socket, user: int) -> None:
        self.connection = connection
        self.user = user
        self.request = b""
        self.rows: Generator[bytes, None, None] | None = None
        self.unsent = b""
        self.took_at = 0.0
        """When it has last taken something of its answer, or has asked."""

    @property
    def is_owner(self) -> bool:
        return self.user in (0, os.geteuid())


class Control:
    """A listening socket and its clients; the loop watches `filenos` and calls `serve`."""

    def __init__(self, directory: Path, answer: Answer, group: int | None = None) -> None:
        """`group`: whose members may connect beside the owner and root."""
        self.path = directory / SOCKET_NAME
        self.group = group
        self.clients: dict[int, Client] = {}
        self._answer = answer
        self._listener: socket.socket | None = None
        self._silent_until = 0.0
        self._inode = 0

    def open(self) -> None:
        """Take over the path of a predecessor that is gone; only the owner and the group may connect."""
        if _answers(self.path):
            raise HostError(f"{self.path}: another agent is there; accepted: a run-dir of its own for each")
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        mask = os.umask(0o177)
        try:
            listener.bind(os.fspath(self.path))
        except OSError:
            listener.close()
            raise
        finally:
            os.umask(mask)
        if self.group is not None:
            os.chown(self.path, -1, self.group)
            self.path.chmod(0o660)
        listener.listen(_BACKLOG)
        self.close()
        self._listener, self._inode = listener, self.path.stat().st_ino

    def close(self) -> None:
        if self._listener is not None:
            self._listener.close()
        self._listener = None

    @property
    def is_there(self) -> bool:
        """False before it was opened, and when somebody has removed it."""
        try:
            return self._listener is not None and self.path.stat().st_ino == self._inode
        except OSError:
            return False

    def fileno(self) -> int:
        assert self._listener is not None
        return self._listener.fileno()

    def accept(self) -> Client | None:
        assert self._listener is not None
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return None
        client = Client(connection, _user(connection))
        if len(self._alike(client.is_owner)) >= _CLIENT_LIMIT:
            connection.close()
            return None
        connection.setblocking(False)
        self.clients[connection.fileno()] = client
        return client

    def superfluous(self) -> Client | None:
        """Who makes room before the next one comes, if there is none: it asks nothing, or does not take its answer."""
        for owners in (True, False):
            alike = self._alike(owners)
            if len(alike) >= _CLIENT_LIMIT and (client := _longest_idle(alike, time.monotonic())):
                return client
        return None

    def _alike(self, owners: bool) -> list[Client]:
        return [client for client in self.clients.values() if client.is_owner == owners]

    def serve(self, client: Client) -> bool:
        """Read or write what can be now; False once the client is done with."""
        try:
            if client.rows is None:
                return self._read(client)
            return self._write(client)
        except BlockingIOError:
            return True
        except OSError:
            return False

    def drop(self, client: Client) -> None:
        """Also what its answer was made of: it may be a note of a million keys, and it knows the client in turn."""
        self.clients.pop(client.connection.fileno(), None)
        client.connection.close()
        if client.rows is not None:
            client.rows.close()

    def _read(self, client: Client) -> bool:
        received = client.connection.recv(_REQUEST_LIMIT)
        client.request += received
        if b"\n" in client.request:
            client.took_at = time.monotonic()
            client.rows = self._lines(client.request.partition(b"\n")[0], client)
            return self._write(client)
        return bool(received) and len(client.request) < _REQUEST_LIMIT

    def _write(self, client: Client) -> bool:
        """A share of one chunk a turn: neither a large answer nor many of them must hold up the routes."""
        assert client.rows is not None
        lines, size = [client.unsent], len(client.unsent)
        share = self._share()
        while size < share:
            line = next(client.rows, None)
            if line is None and not size:
                return False
            if not line:
                break
            lines.append(line)
            size += len(line)
        client.unsent = b"".join(lines)
        sent = client.connection.send(client.unsent)
        client.unsent = client.unsent[sent:]
        client.took_at = time.monotonic()
        return True

    def _share(self) -> int:
        """Of a chunk, among those who take their answers just now."""
        since = time.monotonic() - _AT_WORK
        return _CHUNK // max(1, sum(one.rows is not None and one.took_at >= since for one in self.clients.values()))

    def _lines(self, octets: bytes, client: Client) -> Generator[bytes, None, None]:
        count = 0
        try:
            rows = self._answer(_request(octets, client))
            yield _line({"ok": True})
            for row in rows:
                count += bool(row)
                yield _line(row) if row else b""  # nothing to say yet, but time to let others have a turn
            yield _line({"end": count})
        except ValueError as error:
            yield _refusal(str(error))
        except Exception as error:  # our bug, but rows and sessions must not depend on what somebody asks
            self._log_failure(octets)
            yield _refusal(f"the agent failed at this request, see its log ({type(error).__name__})")

    def _log_failure(self, octets: bytes) -> None:
        now = time.monotonic()
        if now >= self._silent_until:
            self._silent_until = now + _LOG_INTERVAL
            log.exception("request failed, which is a bug request=%r", octets[:200])


def _request(octets: bytes, client: Client) -> Row:
    try:
        request: Row = msgspec.json.decode(octets, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from None
    if request.get("command") in _FOR_OWNERS and not client.is_owner:
        command, user = request["command"], client.user
        raise ValueError(f"{command}: not for user {user}; accepted: root, or the user of the agent")
    return request


def _longest_idle(clients: list[Client], now: float) -> Client | None:
    """The one that has been connected for longest without asking; if all have asked, without taking anything."""
    silent = next((client for client in clients if client.rows is None), None)
    if silent is not None:
        return silent
    slowest = min(clients, key=lambda client: client.took_at)
    return slowest if now - slowest.took_at >= _PATIENCE else None


def _user(connection: socket.socket) -> int:
    """Who had connected, by uid."""
    octets = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    user: int = _CREDENTIALS.unpack(octets)[1]
    return user


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
        try:
            probe.connect(os.fspath(path))
        except BlockingIOError:
            return True  # somebody listens, though busy
        except OSError:
            return False
    return True


def _line(row: Row) -> bytes:
    return msgspec.json.encode(row) + b"\n"


def _refusal(text: str) -> bytes:
    """A name that is not UTF-8, as files and devices may have, must not break the answer that quotes it."""
    return _line({"ok": False, "error": text.encode(errors="backslashreplace").decode()})
