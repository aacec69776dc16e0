"""Where the agent's time goes: samples of the real process, by phase, room and function."""

import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.cases import event_life, remote_life
from tests.bench.scene import Size
from tests.bench.site import Site
from tests.bench.vteps import Ours, System

_SAMPLER = Path(__file__).with_name("sampler")
_ROOMS = f"{os.sep}evpn{os.sep}"
_PHASES = ("_take_lines", "_take_events", "settle", "_push_rows", "_say", "_timeout", "_look", "_greet", "flush")
_SHOWN = 20

Stack = list[list[str]]


CASES = {"announce": "idle", "withdraw": "bulk", "restart": "restart", "burst": "burst"}
"""What can be looked at, and the case that does it and as little else as possible."""


def profile(console: Console, routes: int, what: str) -> None:
    with tempfile.TemporaryDirectory(prefix="evpn-bench-") as directory:
        written = Path(directory) / "samples.json"
        path = os.pathsep.join(filter(None, (str(_SAMPLER), os.environ.get("PYTHONPATH"))))
        environment = {"PYTHONPATH": path, "EVPN_BENCH_SAMPLES": str(written)}

        def make(site: Site) -> System:
            return Ours(site, environment)

        run = event_life if what == "burst" else remote_life
        life = run(make, Size(routes, macs=routes), only=CASES[what])
        content: dict[str, Any] = json.loads(written.read_text())
    began, ended = life[f"{what}.window.began"][0], life[f"{what}.window.ended"][0]
    samples = [(used, stack) for when, used, stack in content["samples"] if began <= when <= ended]
    collecting = sum(used for when, used in content["collections"] if began <= when <= ended)
    total = sum(used for used, _ in samples)
    console.print(
        f"{what}, {routes:,} routes: {ended - began:.2f} s; the agent's main thread: {total:.2f} s"
        f" in {len(samples)} samples, {collecting:.2f} s of it in the garbage collector",
        highlight=False,
    )
    for title, found in (
        ("phase of the turn, with all that it calls", _sum((used, _phase(stack)) for used, stack in samples)),
        ("room, itself", _sum((used, _room(stack)) for used, stack in samples)),
        ("function, itself", _sum((used, _function(stack)) for used, stack in samples)),
        ("function, with all that it calls", _inclusive(samples)),
    ):
        table = Table(title, "s", "%", "us each")
        for name, seconds in found.most_common(_SHOWN):
            table.add_row(name, f"{seconds:.3f}", f"{100 * seconds / total:.1f}", f"{1e6 * seconds / routes:.2f}")
        console.print(table)


def _sum(weighed: Iterable[tuple[float, str]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for used, name in weighed:
        found[name] += used  # type: ignore[assignment]  # Counter counts seconds as well
    return found


def _inclusive(samples: Iterable[tuple[float, Stack]]) -> Counter[str]:
    """A function counts once in a stack."""
    return _sum(
        (used, name)
        for used, stack in samples
        for name in {_named(path, function) for path, function in stack if _ROOMS in path}
    )


def _phase(stack: Stack) -> str:
    """What `Loop.turn` had called."""
    inner = ""
    for path, function in stack:
        if path.endswith("agent/loop.py") and function == "Loop.turn":
            return inner if inner in _PHASES else "turn itself"
        inner = function.rpartition(".")[2]
    return "outside of the turn"


def _room(stack: Stack) -> str:
    path = stack[0][0]
    _, inside, rest = path.rpartition(_ROOMS)
    return rest.partition(os.sep)[0].removesuffix(".py") if inside else "Python's library"


def _function(stack: Stack) -> str:
    return _named(*stack[0])


def _named(path: str, function: str) -> str:
    _, inside, rest = path.rpartition(_ROOMS)
    return f"{rest if inside else Path(path).name}: {function}"
