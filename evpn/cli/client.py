"""The client's end of the control socket: a request out, rows in."""

import socket
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from struct import Struct
from typing import Any, TypeVar

import click
import msgspec

from evpn.agent.control import SOCKET_NAME

Command = TypeVar("Command", bound=Callable[..., None])

DEFAULT_RUN_DIR = Path("/run/evpn")
_RUN_DIR = f"Where the agent's socket is [default: {DEFAULT_RUN_DIR}]."
_TIMEOUT = 30.0
"""Seconds without a word from the agent, or without a place among those who wait for it."""
_TIMEVAL = Struct("@ll")


class NoAgent(click.ClickException):
    """Nobody listens, or there is one that does not answer: exit code 3."""

    exit_code = 3

    def __init__(self, message: str, listens: bool = False) -> None:
        super().__init__(message)
        self.listens = listens


def ask(run_dir: Path, request: dict[str, Any]) -> Generator[dict[str, Any], None, None]:
    """Rows of the answer as they come; a refused request is a usage error."""
    path = run_dir / SOCKET_NAME
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        _connect(connection, path)
        try:
            connection.sendall(msgspec.json.encode(request) + b"\n")
        except OSError as error:
            raise _no_answer(path, error.strerror or str(error)) from None
        with connection.makefile("rb") as lines:
            yield from _rows(lines, path)


def _connect(connection: socket.socket, path: Path) -> None:
    # when many wait already, only a blocking socket waits with them: for as long as it may send (unix(7))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _TIMEVAL.pack(int(_TIMEOUT), 0))
    try:
        connection.connect(str(path))
    except PermissionError:
        accepted = "root, the user of the agent, or a member of its control-group"
        raise click.ClickException(f"{path}: permission denied; accepted: {accepted}") from None
    except BlockingIOError:
        raise _no_answer(path, "too many others wait for it") from None
    except OSError as error:
        raise NoAgent(f"{path}: no agent is running there ({error.strerror}); --run-dir says where") from None
    connection.settimeout(_TIMEOUT)


def _rows(lines: Iterator[bytes] | Any, path: Path) -> Iterator[dict[str, Any]]:
    try:
        for line in lines:
            row = msgspec.json.decode(line, type=dict[str, Any])
            if row.get("ok") is False:
                raise click.UsageError(row["error"])
            if "end" in row:
                return
            if "ok" not in row:
                yield row
    except OSError as error:
        raise _no_answer(path, error.strerror or str(error)) from None
    raise NoAgent(f"{path}: the agent ended in the middle of its answer", listens=True)


def _no_answer(path: Path, reason: str) -> NoAgent:
    return NoAgent(f"{path}: the agent does not answer ({reason})", listens=True)


def where_agent(function: Command) -> Command:
    """Options of a command that `run_dir_of` makes a directory of."""
    run_dir = click.option("--run-dir", type=click.Path(path_type=Path), help=_RUN_DIR)
    config = click.option(
        "--config", type=click.Path(path_type=Path), help="Configuration of the agent: says its run-dir."
    )
    return config(run_dir(function))


def run_dir_of(config: Path | None, run_dir: Path | None) -> Path:
    """Where the agent is: as told, or as the configuration says."""
    if run_dir is not None or config is None:
        return run_dir or DEFAULT_RUN_DIR
    from evpn.cli.configuration import load_or_exit

    return load_or_exit(config).run_dir
