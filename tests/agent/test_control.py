"""A real Unix socket in a directory of its own; both ends are here, so that each step is one call."""

import json
import logging
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from evpn.agent.control import Client, Control
from evpn.agent.host import HostError

MANY = 20_000
LIMIT = 64
NOBODY = 65534
MADE: list[int] = []
"""Rows that were made for "counted"."""


def answer(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    match request.get("show"):
        case "nothing":
            return iter(())
        case "many":
            return ({"row": number, "text": "x" * 50} for number in range(MANY))
        case "counted":
            return ({"row": number, "text": "x" * 50} for number in range(MANY) if not MADE.append(number))
        case "trouble":
            return _trouble()
        case "bytes":
            raise ValueError("no such device: \udc80")
        case "bug":
            raise TypeError("our mistake")
        case "late bug":
            return ({"row": 1 // number} for number in (1, 0))
    raise ValueError("accepted: nothing, many, trouble")


def _trouble() -> Iterator[dict[str, Any]]:
    yield {"row": 0}
    raise ValueError("in the middle")


@pytest.fixture
def control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Control]:
    control = Control(tmp_path, answer)
    control.open()
    monkeypatch.chdir(tmp_path)  # a caller who is not root may not come along the path
    yield control
    for client in list(control.clients.values()):
        control.drop(client)
    socket.socket(fileno=control.fileno()).close()
    control._listener.detach()


@pytest.fixture
def made() -> list[int]:
    MADE.clear()
    return MADE


class RefusedError(Exception):
    """There was no place."""


class Caller:
    """Somebody who asks, and our side of the connection."""

    def __init__(self, control: Control, owner: bool = True) -> None:
        self.control = control
        self.socket = socket.socket(socket.AF_UNIX)
        with nullcontext() if owner else acting_as_nobody(control):
            self.socket.connect(control.path.name)
        client = control.accept()
        if client is None:
            raise RefusedError
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


def test_in_one_turn_many_clients_have_no_more_rows_made_than_one(control: Control, made: list[int]) -> None:
    one = Caller(control)
    one.ask({"show": "counted"})
    alone = len(made)
    many = [Caller(control) for _ in range(15)]
    for other in many:
        other.ask({"show": "counted"})

    made.clear()
    for client in list(control.clients.values()):
        assert control.serve(client)

    assert 100 < alone < 1000
    assert len(made) <= alone + len(many) + 1

    for caller in (one, *many):
        caller.socket.close()


def test_who_takes_nothing_has_no_share(control: Control, made: list[int]) -> None:
    one, resting = Caller(control), Caller(control)
    one.ask({"show": "counted"})
    alone = len(made)
    resting.ask({"show": "counted"})
    resting.client.took_at -= 2

    one.socket.recv(1 << 20)
    made.clear()
    assert control.serve(one.client)

    assert len(made) == pytest.approx(alone, abs=2)
    for caller in (one, resting):
        caller.socket.close()


def test_of_a_client_that_leaves_in_the_middle_nothing_is_left(control: Control, made: list[int]) -> None:
    caller = Caller(control)
    caller.ask({"show": "counted"})
    rows = caller.client.rows
    caller.socket.close()

    assert not control.serve(caller.client)
    control.drop(caller.client)

    assert rows is not None and rows.gi_frame is None, "nor what it was made of"
    assert control.clients == {}


@pytest.mark.parametrize(
    "request_",
    [
        b"{}\n",
        b'{"show": "what"}\n',
        b"not json\n",
        b"[]\n",
        b"\n",
        b'"text"\n',
        b"\xff\xfe\n",
        b'{"show": []}\n',
        b"[" * 60000 + b"\n",
    ],
)
def test_a_bad_request_is_answered_with_what_is_wrong(caller: Caller, request_: bytes) -> None:
    caller.ask(request_)

    (row,) = caller.rows()

    assert row["ok"] is False
    assert row["error"]


def test_what_goes_wrong_in_the_middle_is_the_last_row(caller: Caller) -> None:
    caller.ask({"show": "trouble"})

    assert caller.rows() == [{"ok": True}, {"row": 0}, {"ok": False, "error": "in the middle"}]


@pytest.mark.parametrize(
    ("show", "rows", "kind"),
    [("bug", [], "TypeError"), ("late bug", [{"ok": True}, {"row": 1}], "ZeroDivisionError")],
)
def test_a_bug_of_ours_ends_the_answer_and_not_the_agent(
    caller: Caller, caplog: pytest.LogCaptureFixture, show: str, rows: list[dict[str, Any]], kind: str
) -> None:
    caller.ask({"show": show})

    refusal = f"the agent failed at this request, see its log ({kind})"
    assert caller.rows() == [*rows, {"ok": False, "error": refusal}]
    (record,) = caplog.records
    assert (record.levelno, show in record.getMessage()) == (logging.ERROR, True)
    assert record.exc_info and record.exc_info[0] and record.exc_info[0].__name__ == kind


def test_who_causes_failures_again_and_again_does_not_fill_the_log(
    control: Control, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(5):
        caller = Caller(control)
        caller.ask({"show": "bug"})
        assert caller.rows()[-1]["ok"] is False

    assert len(caplog.records) == 1


def test_a_refusal_may_quote_what_is_no_text(caller: Caller) -> None:
    caller.ask({"show": "bytes"})

    assert caller.rows() == [{"ok": False, "error": "no such device: \\udc80"}]


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
    callers = [Caller(control) for _ in range(LIMIT)]

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


def test_the_socket_of_a_predecessor_that_is_gone_is_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
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
    callers = [Caller(control) for _ in range(LIMIT)]
    callers[0].ask({"show": "many"})

    silent = control.superfluous()
    assert silent is callers[1].client
    control.drop(silent)

    late = Caller(control)
    late.ask({"show": "nothing"})
    assert late.rows()[-1] == {"end": 0}


def test_who_does_not_take_its_answer_for_long_makes_room_when_there_is_none_left(control: Control) -> None:
    callers = crowd(control)
    assert control.superfluous() is None  # they have asked just now

    callers[5].client.took_at -= 11
    callers[7].client.took_at -= 12

    assert control.superfluous() is callers[7].client


def test_who_takes_something_may_take_its_time(control: Control) -> None:
    callers = crowd(control)
    callers[5].client.took_at -= 11

    while len(callers[5].socket.recv(1 << 20)) < 1 << 16:
        pass
    assert control.serve(callers[5].client)

    assert control.superfluous() is None


@pytest.mark.kernel
def test_others_cannot_keep_an_owner_out(control: Control) -> None:
    crowd(control, owners=False)
    assert control.superfluous() is None
    with pytest.raises(RefusedError):
        Caller(control, owner=False)

    owner = Caller(control)
    owner.ask({"show": "nothing"})

    assert owner.rows()[-1] == {"end": 0}


@pytest.mark.kernel
def test_owners_take_no_place_of_others(control: Control) -> None:
    owners = crowd(control)

    other = Caller(control, owner=False)
    other.ask({"show": "nothing"})

    assert other.rows()[-1] == {"end": 0}
    assert len(control.clients) == len(owners)


@pytest.mark.kernel
def test_a_reload_is_for_owners(control: Control) -> None:
    caller = Caller(control, owner=False)

    caller.ask({"command": "reload", "config": "/etc/shadow"})

    refusal = f"reload: not for user {NOBODY}; accepted: root, or the user of the agent"
    assert caller.rows() == [{"ok": False, "error": refusal}]


def crowd(control: Control, owners: bool = True) -> list[Caller]:
    """As many as there may be, each with an answer that it does not take."""
    callers = [Caller(control, owners) for _ in range(LIMIT)]
    for caller in callers:
        caller.ask({"show": "many"})
        while len(caller.client.unsent) == 0:
            control.serve(caller.client)
    return callers


@contextmanager
def acting_as_nobody(control: Control) -> Iterator[None]:
    """The kernel notes who connects when it connects."""
    control.path.parent.chmod(0o755)
    control.path.chmod(0o666)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
