"""`python -m tests.bench`: two systems by turns, then a table each; `--profile` shows where the agent's time goes."""

import argparse
import json
import os
import platform
import random
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple, NoReturn

from rich.console import Console

from tests.bench import demand_cases, engine_cases
from tests.bench.cases import CASES, event_life, idle_life, remote_life
from tests.bench.engine import EXTENSION, STOCK
from tests.bench.engine_cases import packets_life, parsed_life
from tests.bench.figures import comparisons
from tests.bench.growth import GrowthFound, grow
from tests.bench.profile import CASES as PROFILED
from tests.bench.profile import profile
from tests.bench.report import Sheet, compare, markdown, show
from tests.bench.report import growth as growth_sheet
from tests.bench.report import soak as soak_sheet
from tests.bench.scene import Make, Samples, Size
from tests.bench.soak import MAX_MACS, soak
from tests.bench.vteps import Frr, Ours

_MACHINE = f"{os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}"
_FULL = {"routes": 100_000, "idle": 130.0, "growth": True}
"""The size of the goals. In that many seconds is all that the agent does every few minutes."""
_EVENTS = 60  # single events in all runs together: three of them are above the 95th


class Life(NamedTuple):
    cases: tuple[str, ...]
    run: Callable[[Size, str], Samples]
    most: int = 1 << 30
    """In so many of the last runs, unless it is asked for: these have all the samples that are needed."""


def _vtep_lives(make: Make) -> tuple[Life, ...]:
    idle, events = CASES.index("idle"), CASES.index("update")
    return (
        Life(CASES[:idle], partial(remote_life, make)),
        Life(CASES[idle:events], partial(idle_life, make), most=1),
        Life(CASES[events:], partial(event_life, make)),
    )


def _demand_life(strategy: str) -> Life:
    return Life((demand_cases.CASE,), partial(demand_cases.demand_life, strategy), most=1)


_PACKETS, _PARSED = engine_cases.CASES, (engine_cases.ALL, engine_cases.SEND, engine_cases.RECEIVE)
_LIVES: dict[str, tuple[Life, ...]] = {
    Ours.name: _vtep_lives(Ours),
    Frr.name: _vtep_lives(Frr),
    EXTENSION.name: (Life(_PACKETS, partial(packets_life, EXTENSION), most=2),),
    demand_cases.DYNAMIC: (_demand_life(demand_cases.DYNAMIC),),
    demand_cases.STATIC: (_demand_life(demand_cases.STATIC),),
    STOCK.name: (
        Life(_PACKETS, partial(packets_life, STOCK), most=2),
        Life(_PARSED, partial(parsed_life, STOCK), most=2),
    ),
}


def main() -> int:
    options = _options()
    signal.signal(signal.SIGTERM, _leave)
    if os.geteuid():
        print("the bench needs root: it makes network namespaces and runs FRR in them", file=sys.stderr)
        return 1
    console = Console(width=None if sys.stdout.isatty() else 150)
    if options.profile:
        profile(console, options.routes, options.profile)
        return 0
    if options.soak:
        return _soak(console, options)
    random.seed(7)
    load, size = os.getloadavg(), _size(options)
    found, sheets, failures = _compare(console, options, size)
    grown: GrowthFound = {}
    if options.growth:
        grown, failed = grow(console)
        failures += failed
        sheets.append(growth_sheet(grown, _MACHINE))
    for sheet in sheets:
        show(console, sheet)
    if options.write and not options.only and not failures:
        _write(options.write, found, grown, size, sheets)
    if options.json:
        content = {"machine": _MACHINE, "load": load, "runs": options.runs, "size": size._asdict()}
        options.json.write_text(json.dumps({**content, "samples": found, "growth": grown}, indent=1))
    return 1 if failures else 0


def _compare(console: Console, options: argparse.Namespace, size: Size) -> tuple[dict[str, Samples], list[Sheet], int]:
    """All systems, each two of them by turns: samples, tables, and how many lives failed."""
    found: dict[str, Samples] = {name: defaultdict(list) for name in _LIVES}
    load, began, failures = os.getloadavg()[0], time.monotonic(), 0
    for number in range(options.runs):
        left = options.runs - number
        for _, ours, theirs, _ in comparisons(size):
            for name in (ours, theirs) if number % 2 == 0 else (theirs, ours):
                lives = [life for life in _LIVES[name] if _is_due(life, options.only, left)]
                run = f"run {number + 1} of {options.runs}: {name}"
                failures += _measure(console, run, lives, size, options.only, found[name])
    took = time.monotonic() - began
    title = f"{_MACHINE}; load before: {load:.1f}; {options.runs} runs in {took:.0f} s, medians"
    return found, [compare(comparison, found, title) for comparison in comparisons(size)], failures


def _soak(console: Console, options: argparse.Namespace) -> int:
    """Nothing is written but the samples, for those who ask for them: the other tables stay those of their own run."""
    load, began = os.getloadavg()[0], time.monotonic()
    size = _size(options)._replace(macs=min(options.routes // 10, MAX_MACS))
    found, failures = soak(console, options.soak, size)
    took = time.monotonic() - began
    show(console, soak_sheet(found, f"{_MACHINE}; load before: {load:.1f}; {options.routes:,} routes, {took:.0f} s"))
    if options.json:
        options.json.write_text(json.dumps({"machine": _MACHINE, "routes": options.routes, "samples": found}, indent=1))
    return 1 if failures else 0


def _size(options: argparse.Namespace) -> Size:
    return Size(
        options.routes,
        events=-(-_EVENTS // options.runs),
        macs=options.macs,
        idle=options.idle,
        talkers=options.routes // 10,
        timeout=max(120.0, options.routes / 2000),
    )


def _write(directory: Path, found: dict[str, Samples], grown: GrowthFound, size: Size, sheets: list[Sheet]) -> None:
    """Tables and plots; of growth only what was measured, the plot of before stays."""
    from tests.bench import plots  # the library for it is there once `make bench` was run

    directory.mkdir(parents=True, exist_ok=True)
    tables = "\n".join(markdown(sheet) for sheet in sheets if sheet.rows)
    (directory / "figures.md").write_text(f"# Figures of the last run of the bench\n\n{tables}")
    plots.write(directory, found, size, f"{_MACHINE}; {len(found[Ours.name]['bulk.announce'])} runs of each")
    if grown:
        plots.write_growth(directory, grown, _MACHINE)


def _is_due(life: Life, only: str, left: int) -> bool:
    return only in life.cases if only else left <= life.most


def _measure(console: Console, run: str, lives: list[Life], size: Size, only: str, into: Samples) -> int:
    """Lives of one system. How many failed."""
    failed = 0
    for life in lives:
        console.print(f"[dim]{run}[/dim]", highlight=False)
        try:
            samples = life.run(size, "" if only == engine_cases.ALL else only)
        except (RuntimeError, AssertionError) as error:
            console.print(f"[red]failed:[/red] {error}", highlight=False)
            failed += 1
            continue
        for figure, values in samples.items():
            into[figure] += values
    return failed


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description="Speed beside FRR, and beside stock ExaBGP; strategies."
    )
    parser.add_argument("--full", action="store_true", help="all of docs/performance.md: see there what that is")
    parser.add_argument("--routes", type=int, default=20_000, help="MAC/IP routes, 20000 unless told; at most 1000000")
    parser.add_argument("--macs", type=int, default=20_000, help="local MACs of the burst, 20000 unless told")
    parser.add_argument("--runs", type=int, default=3, help="runs of each system, 3 unless told")
    parser.add_argument("--idle", type=float, default=5.0, help="seconds of watching idle systems, 5 unless told")
    parser.add_argument("--growth", action="store_true", help="besides: a route among 1000 to 1000000")
    parser.add_argument("--soak", type=int, metavar="CYCLES", help="instead: memory after each of so many equal cycles")
    parser.add_argument("--write", type=Path, metavar="DIRECTORY", help="tables and plots, besides the tables")
    cases = (*CASES, demand_cases.CASE, *engine_cases.CASES)
    parser.add_argument("--only", choices=cases, default="", help="one case; `exabgp` is all that start so")
    parser.add_argument("--json", type=Path, metavar="FILE", help="every sample, besides the table")
    parser.add_argument("--profile", choices=PROFILED, help="instead: where the agent's time goes meanwhile")
    options = parser.parse_args()
    if options.full:
        parser.set_defaults(**_FULL)
        options = parser.parse_args()
    return options


def _leave(*_: object) -> NoReturn:
    sys.exit(143)


if __name__ == "__main__":
    sys.exit(main())
