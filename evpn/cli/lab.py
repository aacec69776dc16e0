"""`evpn lab`: containerlab's topologies in network namespaces, without Docker."""

import os
import signal
import sys
import time
from collections.abc import Callable, Container
from functools import wraps
from pathlib import Path
from typing import NoReturn, ParamSpec, TypeVar

import click

from evpn.lab import expect, find, run, story
from evpn.lab import node as nodes
from evpn.lab.errors import LabError, TopologyError
from evpn.lab.process import is_running
from evpn.lab.state import LabState, all_labs, load

P = ParamSpec("P")
R = TypeVar("R")


def _told(function: Callable[P, R]) -> Callable[P, R]:
    """What is wrong with a lab in one sentence, never as a traceback."""

    @wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except TopologyError as error:
            click.echo(str(error), err=True)
            sys.exit(2)
        except LabError as error:
            click.echo(str(error), err=True)
            sys.exit(1)

    return wrapper


@click.group()
def command() -> None:
    """Run a lab in network namespaces, without Docker. LAB is a name that `list` has, a directory or a topology file.

    For a start: `evpn lab demo`.
    """


_NAME = click.option("--name", help="Run LAB under this name, beside another one of it.")


@command.command()
@click.argument("lab", default="quickstart")
@_NAME
@_told
def up(lab: str, name: str | None) -> None:
    """Make the nodes and links of LAB and start what runs in them."""
    topology = find.read(find.find(lab), name)
    _stop_on_signals()
    state = run.up(topology, lambda line: click.echo(f"  {line}"))
    click.echo(
        f"lab {state.name} is up: a shell in a node is `evpn lab exec {state.name} {next(iter(state.nodes))} -- bash`"
    )


@command.command()
@click.argument("lab", default="quickstart")
@_told
def test(lab: str) -> None:
    """Check what must be true in LAB, which is up. Status 1 when something is not."""
    state = _running(lab)
    if not story.check(state, _steps(state), click.echo):
        sys.exit(1)


@command.command()
@click.argument("lab", default="quickstart")
@_told
def down(lab: str) -> None:
    """Remove LAB, also a half-made one; nothing happens when it is not up."""
    name = find.name_of(lab)
    removed = run.down(name)
    click.echo(f"lab {name} is down" if removed else f"lab {name} was not up")


@command.command(name="list")
@_told
def list_labs() -> None:
    """The labs there are and those that are up."""
    up_now = {state.name: state for state in all_labs()}
    known = find.known()
    conditions = {file.parent.name: _offered(file, up_now) for file in known}
    conditions |= {name: _condition(state) for name, state in up_now.items()}
    for name in sorted(filter(conditions.get, conditions)):
        click.echo(f"{name:20} {conditions[name]}")
    places = " and ".join(dict.fromkeys(str(file.parents[1]) for file in known))
    told = f"with a README each in {places}; `evpn lab demo LAB` shows one"
    click.echo(told if places else f"no labs in {', '.join(map(str, find.PLACES))}", err=True)


@command.command(name="exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("lab")
@click.argument("node")
@click.argument("arguments", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND...")
@_told
def execute(lab: str, node: str, arguments: tuple[str, ...]) -> NoReturn:
    """Run COMMAND in NODE of LAB.

    For example: `evpn lab exec quickstart rr -- vtysh`.
    """
    run.require_root()
    target = _running(lab).node(node)
    env = target.env | {key: os.environ[key] for key in ("TERM",) if key in os.environ}
    words = arguments[1:] if arguments[0] == "--" else arguments
    line = nodes.inside(target.process, words)
    os.execvpe(line[0], line, env)


@command.command()
@click.argument("lab", default="quickstart")
@_NAME
@_told
def demo(lab: str, name: str | None) -> None:
    """Bring LAB up, show and explain what happens in it, and remove it."""
    begin = time.monotonic()
    file = find.find(lab)
    topology = find.read(file, name)
    steps = expect.decode((file.parent / expect.FILE).read_text(), file.parent / expect.FILE)
    _stop_on_signals()
    click.echo(f"Lab {topology.name}: {len(topology.nodes)} nodes, each in namespaces of its own.\n")
    state = run.up(topology, lambda line: click.echo(f"  {line}"))
    try:
        well = story.narrate(state, steps, click.echo)
    finally:
        _ignore_signals()
        run.down(state.name)
        click.echo(f"\nThe lab is down again, {time.monotonic() - begin:.0f} seconds in all.")
    if not well:
        sys.exit(1)


def _running(lab: str) -> LabState:
    name = find.name_of(lab)
    state = load(name)
    if state is None or not state.complete:
        raise LabError(f"lab {name} is not up: `evpn lab up {lab}`")
    return state


def _steps(state: LabState) -> list[expect.Step]:
    file = find.find(state.topology).parent / expect.FILE
    if not file.exists():
        raise LabError(f"lab {state.name} has no {expect.FILE}: nothing to test")
    return expect.decode(file.read_text(), file)


def _offered(file: Path, up_now: Container[str]) -> str:
    """Condition of a lab that is there to be brought up, by its directory's name; none when it is up, by its own."""
    try:
        return "" if find.read(file).name in up_now else "down"
    except TopologyError as error:
        return f"cannot be run: {str(error).splitlines()[0]}"


def _condition(state: LabState) -> str:
    if not state.complete:
        return "half made"
    dead = [name for name, node in state.nodes.items() if not is_running(node.process)]
    return f"up, without {', '.join(dead)}" if dead else f"up: {', '.join(state.nodes)}"


def _stop_on_signals() -> None:
    """A terminated or hung-up lab is undone like an interrupted one."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _frame: sys.exit(128 + number))


def _ignore_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
