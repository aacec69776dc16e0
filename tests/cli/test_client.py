"""The client's end of the control socket, and who is at the other end: nobody, somebody busy, somebody who hangs up."""

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from evpn.agent.control import SOCKET_NAME
from evpn.cli import diff, flush, refresh, show
from evpn.cli.client import NoAgent, ask
from tests.config.files import text

REQUEST = {"command": "refresh"}


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / SOCKET_NAME))
        listener.listen(1)
        listener.settimeout(20)
        yield listener


@pytest.fixture
def other_side() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


def hang_up(listener: socket.socket) -> None:
    listener.accept()[0].close()


def answer(listener: socket.socket, octets: bytes) -> None:
    with listener.accept()[0] as connection:
        connection.recv(1 << 16)
        connection.sendall(octets)


def rows(run_dir: Path, **more: Any) -> list[dict[str, Any]]:
    return list(ask(run_dir, REQUEST | more))


def invoke(command: click.Command, *words: str) -> Result:
    return CliRunner().invoke(command, words)


def test_rows_come_without_the_words_around_them(
    tmp_path: Path, listener: socket.socket, other_side: ThreadPoolExecutor
) -> None:
    other_side.submit(answer, listener, b'{"ok": true}\n{"row": 1}\n{"row": 2}\n{"end": 2}\n')

    assert rows(tmp_path) == [{"row": 1}, {"row": 2}]


def test_who_hangs_up_before_the_request_is_sent_does_not_answer(
    tmp_path: Path, listener: socket.socket, other_side: ThreadPoolExecutor
) -> None:
    other_side.submit(hang_up, listener)

    with pytest.raises(NoAgent, match="the agent does not answer") as refusal:
        rows(tmp_path, more="x" * (1 << 24))

    assert refusal.value.listens


@pytest.mark.parametrize(
    ("command", "words"),
    [(diff.command, ["--exit-code"]), (diff.command, ["--json"]), (show.command, ["mac"]), (refresh.command, [])],
)
def test_a_command_that_is_hung_up_on_is_one_line_and_status_3(
    tmp_path: Path, listener: socket.socket, other_side: ThreadPoolExecutor, command: click.Command, words: list[str]
) -> None:
    other_side.submit(hang_up, listener)

    result = invoke(command, *words, "--run-dir", str(tmp_path))

    assert result.exit_code == 3
    assert result.stderr.startswith(f"Error: {tmp_path}/{SOCKET_NAME}: the agent ")
    assert len(result.stderr.splitlines()) == 1


def test_an_answer_that_stops_in_the_middle_is_no_answer(
    tmp_path: Path, listener: socket.socket, other_side: ThreadPoolExecutor
) -> None:
    other_side.submit(answer, listener, b'{"ok": true}\n{"vni": 100, "kind": "mac"}\n')

    result = invoke(diff.command, "--exit-code", "--run-dir", str(tmp_path))

    assert (result.exit_code, result.stderr.splitlines()[-1]) == (
        3,
        f"Error: {tmp_path}/{SOCKET_NAME}: the agent ended in the middle of its answer",
    )


def test_when_many_wait_already_one_waits_with_them(
    tmp_path: Path, listener: socket.socket, other_side: ThreadPoolExecutor
) -> None:
    waiting = fill(tmp_path / SOCKET_NAME)

    found = other_side.submit(rows, tmp_path)
    with pytest.raises(TimeoutError):
        found.result(0.3)
    for connection in waiting:
        connection.close()
    serve_whoever_asks(listener)

    assert found.result() == [{"row": 1}]


def fill(path: Path) -> list[socket.socket]:
    """Connect until the next one would have to wait."""
    connections = []
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            connection.connect(str(path))
        except BlockingIOError:
            connection.close()
            return connections
        connections.append(connection)


def serve_whoever_asks(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        with connection:
            if received := connection.recv(1 << 16):
                assert json.loads(received) == REQUEST
                connection.sendall(b'{"ok": true}\n{"row": 1}\n{"end": 1}\n')
                return


def test_rows_are_not_flushed_while_somebody_listens_without_answering(
    tmp_path: Path, listener: socket.socket, other_side: ThreadPoolExecutor
) -> None:
    config = tmp_path / "vtep.yaml"
    config.write_text(text(run_dir=str(tmp_path)))
    other_side.submit(hang_up, listener)

    result = invoke(flush.command, "--config", str(config))

    assert result.exit_code == 1
    assert result.stderr.endswith("it would write the rows again, stop it first\n")


def test_nobody_is_nobody(tmp_path: Path) -> None:
    with pytest.raises(NoAgent, match="no agent is running there") as refusal:
        rows(tmp_path)

    assert not refusal.value.listens
