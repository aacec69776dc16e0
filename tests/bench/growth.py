"""What a route costs, from a thousand of them to a million: CPU and memory, each with fresh processes.

Of each number there are several lives, most of the smallest, and the median counts: a thousand routes are 15 ms.
"""

import subprocess
import time
from collections import defaultdict
from typing import NamedTuple

from rich.console import Console

from evpn.dataplane.entries import RTM_DELNEIGH, RTM_NEWNEIGH
from tests.bench import processes, stream
from tests.bench.scene import Make, Samples, Scene, Size, living
from tests.bench.vteps import Frr, Ours
from tests.bench.watch import EVERY, Watch, watched_rows

GrowthFound = dict[str, dict[int, Samples]]
"""System -> number of routes -> samples."""

LIVES = {1_000: 9, 10_000: 5, 100_000: 5, 1_000_000: 3}
"""Routes -> lives."""
_MIB = 1 << 20
_QUESTIONS = ("mac", "rib")


class Growth(NamedTuple):
    title: str
    name: str
    """Of the samples."""
    unit: str
    goal: float | None = None
    """Highest ratio of the figure where there are most routes to the lowest of the others."""
    absolute: bool = False
    """The goal is for the figure itself."""


FIGURES = [
    Growth("announced", "announce.seconds", "s"),
    Growth("withdrawn", "withdraw.seconds", "s"),
    Growth("CPU of the announcement, per route", "announce.cpu", "us", 1.3),
    Growth("CPU of the withdrawal, per route", "withdraw.cpu", "us", 1.3),
    Growth("memory, per route", "memory.route", "B", 1.3),
    Growth("memory, in all", "memory.rss", "MiB", 2500, absolute=True),
    Growth("`show mac --json`", "show.mac.seconds", "s"),
    Growth("`show rib --json`", "show.rib.seconds", "s"),
    Growth("memory that it takes the agent, of all", "show.memory", "%"),
    Growth("longest time from an UPDATE to its row meanwhile", "show.update", "ms"),
]


def grow(console: Console) -> tuple[GrowthFound, int]:
    """All sizes, of both systems by turns; and how many lives failed."""
    found: GrowthFound = {Ours.name: {}, Frr.name: {}}
    makes: dict[str, Make] = {Ours.name: Ours, Frr.name: Frr}
    failed = 0
    for routes, lives in LIVES.items():
        for number in range(lives):
            for name, make in makes.items():
                console.print(f"[dim]growth, {routes:,} routes, {number + 1} of {lives}: {name}[/dim]", highlight=False)
                try:
                    growth_life(make, routes, found[name].setdefault(routes, defaultdict(list)))
                except (RuntimeError, AssertionError) as error:
                    console.print(f"[red]failed:[/red] {error}", highlight=False)
                    failed += 1
    return found, failed


def growth_life(make: Make, routes: int, samples: Samples) -> None:
    """One life with so many routes; whatever was measured until it failed is in the samples."""
    with living(make, Size(routes, timeout=max(120.0, routes / 5000))) as empty:
        scene = empty._replace(samples=samples)
        pids = scene.system.processes().values()
        before = processes.memory(pids).rss
        _all_of(scene, "announce", RTM_NEWNEIGH, stream.announcements(0, routes))
        time.sleep(1)  # for what is done after the rows
        after = processes.memory(pids).rss
        scene.note("memory.rss", after)
        scene.note("memory.route", _MIB * (after - before) / routes)
        if isinstance(scene.system, Ours):
            _shown(scene, scene.system)
        _all_of(scene, "withdraw", RTM_DELNEIGH, stream.withdrawals(0, routes))


def _all_of(scene: Scene, name: str, kind: int, messages: list[bytes]) -> None:
    pids, routes = scene.system.processes().values(), scene.size.routes
    with Watch(scene.site, kind, EVERY) as watch:
        before, began = processes.cpu(pids), time.monotonic()
        scene.speaker.send_behind(messages)
        if not watch.wait(watched_rows(routes), scene.size.timeout):
            raise RuntimeError(f"{scene.system.name}: {name} of {routes:,} routes was not complete: {watch.count} rows")
        scene.note(f"{name}.seconds", watch.last - began)
        scene.note(f"{name}.cpu", 1e6 * processes.cpu(pids).since(before).used / routes)


def _shown(scene: Scene, system: Ours) -> None:
    """All of a table as JSON, while single UPDATEs come in."""
    agent, routes = system.processes()["agent"], scene.size.routes
    before = highest = processes.memory([agent]).rss
    longest, number = 0.0, routes + EVERY - routes % EVERY - 1  # one that a watch of each 16th hears of
    for what in _QUESTIONS:
        began = time.monotonic()
        with subprocess.Popen(system.question(what), stdout=subprocess.DEVNULL) as asking:
            while asking.poll() is None:
                number += EVERY
                longest = max(longest, _one_more(scene, number))
                highest = max(highest, processes.memory([agent]).rss)
                time.sleep(0.01)
        if asking.returncode:
            raise RuntimeError(f"show {what} failed, {routes:,} routes: {system.log()[-2000:]}")
        scene.note(f"show.{what}.seconds", time.monotonic() - began)
    scene.note("show.memory", 100 * (highest - before) / before)
    scene.note("show.update", 1000 * longest)


def _one_more(scene: Scene, number: int) -> float:
    """Seconds from an UPDATE to the first of its rows. It is withdrawn again at once."""
    with Watch(scene.site, RTM_NEWNEIGH, EVERY) as watch:
        began = time.monotonic()
        scene.speaker.send(stream.announcements(number, 1))
        when, row = watch.next_row(60)
        scene.speaker.send(stream.withdrawals(number, 1))
    if row is None:
        raise RuntimeError(f"{scene.system.name}: no row within a minute while a table is shown")
    return when - began
