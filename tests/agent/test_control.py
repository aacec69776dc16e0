"""A real Unix socket in a directory of its own; both ends are here, so that each step is one call."""

import json
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evpn.agent.control import Client, Control
from evpn.agent.host import HostError

MANY = 20_000


def answer(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    match request.get("show"):
        case "nothing":
            return iter(())
        case "many":
            return ({"row": number, "text": "x" * 50} for number in range(MANY))
        case "trouble":
            return _trouble()
    raise ValueError("accepted: nothing, many, trouble")


def _trouble() -> Iterator[dict[str, Any]]:
    yield {"row": 0}
    raise ValueError("in the middle")


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    control = Control(tmp_path, answer)
    control.open()
    yield control
    for client in list(control.clients.values()):
        control.drop(client)
    socket.socket(fileno=control.fileno()).close()
    control._listener.detach()


class Caller:
    """Somebody who asks, and our side of the connection."""

    def __init__(self, control: Control) -> None:
        self.control = control
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(control.path))
        client = control.accept()
        assert client is not None
        self.client: Client = client
        self.received = b""

    def ask(self, octets: bytes | dict[str, Any]) -> bool:
        self.socket.sendall(octets if isinstance(octets, bytes) else json.dumps(octets).encode() + b"\n")
        return self.control.serve(self.client)

    def rows(self) -> list[dict[str, Any]]:
        """Turn by turn until our side is done."""
        alive = True
        while alive:
            alive = self.control.serve(self.client)
            if alive:
                self.received += self.socket.recv(1 << 20)
        self.control.drop(self.client)
        while octets := self.socket.recv(1 << 20):
            self.received += octets
        self.socket.close()
        return [json.loads(line) for line in self.received.splitlines()]


@pytest.fixture
def caller(control: Control) -> Iterator[Caller]:
    caller = Caller(control)
    yield caller
    caller.socket.close()


def test_an_answer_begins_with_ok_and_ends_with_the_number_of_rows(caller: Caller) -> None:
    caller.ask({"show": "nothing"})

    assert caller.rows() == [{"ok": True}, {"end": 0}]


def test_many_rows_go_out_in_pieces_and_in_order(caller: Caller) -> None:
    caller.ask({"show": "many"})

    first, *rows, last = caller.rows()

    assert (first, last) == ({"ok": True}, {"end": MANY})
    assert [row["row"] for row in rows] == list(range(MANY))


def test_a_client_that_does_not_read_holds_up_nobody_and_costs_one_piece(control: Control, caller: Caller) -> None:
    caller.ask({"show": "many"})
    for _ in range(100):
        assert control.serve(caller.client)
    assert len(caller.client.unsent) < 1 << 17

    other = Caller(control)
    other.ask({"show": "nothing"})
    assert other.rows() == [{"ok": True}, {"end": 0}]

    assert caller.rows()[-1] == {"end": MANY}


@pytest.mark.parametrize(
    "request_",
    [b"{}\n", b'{"show": "what"}\n', b"not json\n", b"[]\n", b"\n", b'"text"\n', b"\xff\xfe\n", b'{"show": []}\n'],
)
def test_a_bad_request_is_answered_with_what_is_wrong(caller: Caller, request_: bytes) -> None:
    caller.ask(request_)

    (row,) = caller.rows()

    assert row["ok"] is False
    assert row["error"]


def test_what_goes_wrong_in_the_middle_is_the_last_row(caller: Caller) -> None:
    caller.ask({"show": "trouble"})

    assert caller.rows() == [{"ok": True}, {"row": 0}, {"ok": False, "error": "in the middle"}]


def test_a_request_in_pieces_is_one_request(caller: Caller) -> None:
    assert caller.ask(b'{"show": ')
    assert caller.ask(b'"nothing"}')
    caller.ask(b"\n")

    assert caller.rows()[-1] == {"end": 0}


def test_a_request_without_end_is_cut_off(caller: Caller) -> None:
    alive = True
    for _ in range(40):
        alive = alive and caller.ask(b"x" * 2048)

    assert not alive


def test_a_silent_client_waits_and_one_that_leaves_is_done_with(control: Control, caller: Caller) -> None:
    assert control.serve(caller.client)

    caller.socket.close()

    assert not control.serve(caller.client)


def test_a_client_that_leaves_in_the_middle_is_done_with(control: Control, caller: Caller) -> None:
    caller.ask({"show": "many"})
    caller.socket.close()

    assert not control.serve(caller.client)


def test_there_is_a_limit_to_clients(control: Control) -> None:
    callers = [Caller(control) for _ in range(64)]

    with socket.socket(socket.AF_UNIX) as one_more:
        one_more.connect(str(control.path))
        assert control.accept() is None
        assert one_more.recv(1) == b""

    for caller in callers:
        caller.socket.close()


def test_nobody_waiting_is_nobody(control: Control) -> None:
    assert control.accept() is None


def test_only_the_owner_may_connect(control: Control) -> None:
    assert stat.S_IMODE(control.path.stat().st_mode) == 0o600


@pytest.mark.kernel
def test_a_group_may_connect_if_there_is_one(tmp_path: Path) -> None:
    control = Control(tmp_path, answer, group=12345)
    control.open()

    found = control.path.stat()

    assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (0o660, os.geteuid(), 12345)
    socket.socket(fileno=control.fileno()).close()
    control._listener.detach()


def test_the_socket_of_a_predecessor_that_is_gone_is_taken_over(tmp_path: Path) -> None:
    predecessor = Control(tmp_path, answer)
    predecessor.open()
    socket.socket(fileno=predecessor.fileno()).close()
    successor = Control(tmp_path, answer)
    successor.open()

    caller = Caller(successor)
    caller.ask({"show": "nothing"})

    assert caller.rows()[-1] == {"end": 0}
    socket.socket(fileno=successor.fileno()).close()


def test_the_socket_of_a_living_one_is_not(control: Control) -> None:
    with pytest.raises(HostError, match="another agent is there"):
        Control(control.path.parent, answer).open()


def test_who_asks_nothing_makes_room_when_there_is_none_left(control: Control) -> None:
    callers = [Caller(control) for _ in range(64)]

    silent = control.superfluous()
    assert silent is not None
    control.drop(silent)

    late = Caller(control)
    late.ask({"show": "nothing"})
    assert late.rows()[-1] == {"end": 0}
    assert len(callers) == 64
