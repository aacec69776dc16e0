"""`python -m tests.bench`: both systems by turns, then one table; `--profile` shows where the agent's time goes."""

import argparse
import json
import os
import platform
import random
import signal
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import NoReturn

from rich.console import Console

from tests.bench.cases import CASES, Make, Samples, Size, event_life, remote_life
from tests.bench.profile import CASES as PROFILED
from tests.bench.profile import profile
from tests.bench.report import show
from tests.bench.vteps import Frr, Ours

_IDLE = 10.0
_EVENTS = 102  # single events in all runs together
_REMOTE = CASES[: CASES.index("update")]


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
    found: dict[str, Samples] = {Ours.name: defaultdict(list), Frr.name: defaultdict(list)}
    load, began = os.getloadavg(), time.monotonic()
    failures = 0
    for number in range(options.runs):
        last = number == options.runs - 1
        for make in (Ours, Frr) if number % 2 == 0 else (Frr, Ours):
            name = make.name
            console.print(f"[dim]run {number + 1} of {options.runs}: {name}[/dim]", highlight=False)
            this = size._replace(idle=_IDLE if last else 0.0)
            failures += _measure(console, make, this, options.only, found[name])
    took = time.monotonic() - began
    machine = f"{os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}"
    title = f"{machine}; load before: {load[0]:.1f}; {options.runs} runs in {took:.0f} s, medians"
    show(console, size, found, title)
    if options.json:
        content = {"machine": machine, "load": load, "runs": options.runs, "size": size._asdict(), "samples": found}
        options.json.write_text(json.dumps(content, indent=1))
    return 1 if failures else 0


def _measure(console: Console, make: Make, size: Size, only: str, into: Samples) -> int:
    """Both lives, or the one that has the case `only`. How many failed."""
    failed = 0
    for life, cases in ((remote_life, _REMOTE), (event_life, CASES[len(_REMOTE) :])):
        if only and only not in cases:
            continue
        try:
            samples = life(make, size, only)
        except (RuntimeError, AssertionError) as error:
            console.print(f"[red]failed:[/red] {error}", highlight=False)
            failed += 1
            continue
        for name, values in samples.items():
            into[name] += values
    return failed


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Speed beside FRR, as ratios.")
    parser.add_argument("--routes", type=int, default=20_000, help="MAC/IP routes, 20000 unless told; at most 1000000")
    parser.add_argument("--macs", type=int, default=5_000, help="local MACs of the burst, 5000 unless told")
    parser.add_argument("--runs", type=int, default=3, help="runs of each system, 3 unless told")
    parser.add_argument("--only", choices=CASES, default="", help="one case; `bulk` has memory and CPU as well")
    parser.add_argument("--json", type=Path, metavar="FILE", help="every sample, besides the table")
    parser.add_argument("--profile", choices=PROFILED, help="instead: where the agent's time goes meanwhile")
    return parser.parse_args()


def _leave(*_: object) -> NoReturn:
    sys.exit(143)


if __name__ == "__main__":
    sys.exit(main())
