"""The control socket: one request a connection, one JSON object a line; rows are made while they are sent.

Request: {"command": "show", "what": "mac", "vni": 100}. Answer: {"ok": true}, a line for each row, {"end": rows};
or {"ok": false, "error": "..."}. A slow or silent client holds up nothing but itself.

Who may connect is a matter of the socket's mode. Members of its group may ask and act, but not name a file that we are
to read: a reload is for root and for our own user, whom the kernel tells from others (SO_PEERCRED, unix(7)).
"""

import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from struct import Struct
from typing import Any

import msgspec

from evpn.agent.host import HostError

Row = dict[str, Any]
Answer = Callable[[Row], Iterator[Row]]
"""Request -> rows; a `ValueError` says what is wrong with the request."""

SOCKET_NAME = "control.sock"
_REQUEST_LIMIT = 1 << 16
_CHUNK = 1 << 16
_CLIENT_LIMIT = 64
_FOR_OWNERS = ("reload",)
_CREDENTIALS = Struct("=3i")  # process, user, group


class Client:
    """One connection: what is still to be sent, and where more comes from."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.request = b""
        self.rows: Iterator[bytes] | None = None
        self.unsent = b""


class Control:
    """A listening socket and its clients; the loop watches `filenos` and calls `serve`."""

    def __init__(self, directory: Path, answer: Answer, group: int | None = None) -> None:
        """`group`: whose members may connect beside the owner and root."""
        self.path = directory / SOCKET_NAME
        self.group = group
        self.clients: dict[int, Client] = {}
        self._answer = answer
        self._listener: socket.socket | None = None

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
        finally:
            os.umask(mask)
        if self.group is not None:
            os.chown(self.path, -1, self.group)
            self.path.chmod(0o660)
        listener.listen(16)
        self._listener = listener

    def fileno(self) -> int:
        assert self._listener is not None
        return self._listener.fileno()

    def accept(self) -> Client | None:
        assert self._listener is not None
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return None
        if len(self.clients) >= _CLIENT_LIMIT:
            connection.close()
            return None
        connection.setblocking(False)
        client = self.clients[connection.fileno()] = Client(connection)
        return client

    def superfluous(self) -> Client | None:
        """When no more are taken: the one that has been connected for longest without asking anything."""
        if len(self.clients) < _CLIENT_LIMIT:
            return None
        return next((client for client in self.clients.values() if client.rows is None), None)

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
        self.clients.pop(client.connection.fileno(), None)
        client.connection.close()

    def _read(self, client: Client) -> bool:
        received = client.connection.recv(_REQUEST_LIMIT)
        client.request += received
        if b"\n" in client.request:
            client.rows = self._lines(client.request.partition(b"\n")[0], _user(client.connection))
            return self._write(client)
        return bool(received) and len(client.request) < _REQUEST_LIMIT

    def _write(self, client: Client) -> bool:
        """One chunk a turn: a large answer must not hold up the routes."""
        assert client.rows is not None
        lines, size = [client.unsent], len(client.unsent)
        while size < _CHUNK:
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
        return True

    def _lines(self, octets: bytes, user: int) -> Iterator[bytes]:
        count = 0
        try:
            request = msgspec.json.decode(octets, type=dict[str, Any])
            if request.get("command") in _FOR_OWNERS and user not in (0, os.geteuid()):
                raise ValueError(f"{request['command']}: not for user {user}; accepted: root, or the user of the agent")
            rows = self._answer(request)
            yield _line({"ok": True})
            for row in rows:
                count += bool(row)
                yield _line(row) if row else b""  # nothing to say yet, but time to let others have a turn
            yield _line({"end": count})
        except (ValueError, msgspec.DecodeError) as error:
            yield _line({"ok": False, "error": str(error)})


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
