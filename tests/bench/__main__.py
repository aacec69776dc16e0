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
from tests.bench.cases import CASES, event_life, remote_life
from tests.bench.engine import EXTENSION, STOCK
from tests.bench.engine_cases import packets_life, parsed_life
from tests.bench.figures import comparisons
from tests.bench.profile import CASES as PROFILED
from tests.bench.profile import profile
from tests.bench.report import show
from tests.bench.scene import Make, Samples, Size
from tests.bench.vteps import Frr, Ours

_IDLE = 5.0
_EVENTS = 60  # single events in all runs together: three of them are above the 95th


class Life(NamedTuple):
    cases: tuple[str, ...]
    run: Callable[[Size, str], Samples]
    once: bool = False
    """In the last run only, unless it is asked for: one has all the samples that are needed."""


def _vtep_lives(make: Make) -> tuple[Life, ...]:
    events = CASES.index("update")
    return Life(CASES[:events], partial(remote_life, make)), Life(CASES[events:], partial(event_life, make))


def _demand_life(strategy: str) -> Life:
    return Life((demand_cases.CASE,), partial(demand_cases.demand_life, strategy), once=True)


_PACKETS, _PARSED = engine_cases.CASES, (engine_cases.ALL, engine_cases.SEND, engine_cases.RECEIVE)
_LIVES: dict[str, tuple[Life, ...]] = {
    Ours.name: _vtep_lives(Ours),
    Frr.name: _vtep_lives(Frr),
    EXTENSION.name: (Life(_PACKETS, partial(packets_life, EXTENSION)),),
    demand_cases.DYNAMIC: (_demand_life(demand_cases.DYNAMIC),),
    demand_cases.STATIC: (_demand_life(demand_cases.STATIC),),
    STOCK.name: (Life(_PACKETS, partial(packets_life, STOCK)), Life(_PARSED, partial(parsed_life, STOCK))),
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
    random.seed(7)
    size = Size(options.routes, -(-_EVENTS // options.runs), options.macs, timeout=max(120.0, options.routes / 2000))
    found: dict[str, Samples] = {name: defaultdict(list) for name in _LIVES}
    load, began = os.getloadavg(), time.monotonic()
    failures = 0
    for number in range(options.runs):
        last = number == options.runs - 1
        this = size._replace(idle=_IDLE if last else 0.0)
        for _, ours, theirs, _ in comparisons(size):
            for name in (ours, theirs) if number % 2 == 0 else (theirs, ours):
                lives = [life for life in _LIVES[name] if _is_due(life, options.only, last)]
                failures += _measure(
                    console, f"run {number + 1} of {options.runs}: {name}", lives, this, options.only, found[name]
                )
    took = time.monotonic() - began
    machine = f"{os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}"
    title = f"{machine}; load before: {load[0]:.1f}; {options.runs} runs in {took:.0f} s, medians"
    for comparison in comparisons(size):
        show(console, comparison, found, title)
    if options.json:
        content = {"machine": machine, "load": load, "runs": options.runs, "size": size._asdict(), "samples": found}
        options.json.write_text(json.dumps(content, indent=1))
    return 1 if failures else 0


def _is_due(life: Life, only: str, last: bool) -> bool:
    return only in life.cases if only else last or not life.once


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
    parser.add_argument("--routes", type=int, default=20_000, help="MAC/IP routes, 20000 unless told; at most 1000000")
    parser.add_argument("--macs", type=int, default=5_000, help="local MACs of the burst, 5000 unless told")
    parser.add_argument("--runs", type=int, default=3, help="runs of each system, 3 unless told")
    cases = (*CASES, demand_cases.CASE, *engine_cases.CASES)
    parser.add_argument("--only", choices=cases, default="", help="one case; `exabgp` is all that start so")
    parser.add_argument("--json", type=Path, metavar="FILE", help="every sample, besides the table")
    parser.add_argument("--profile", choices=PROFILED, help="instead: where the agent's time goes meanwhile")
    return parser.parse_args()


def _leave(*_: object) -> NoReturn:
    sys.exit(143)


if __name__ == "__main__":
    sys.exit(main())
