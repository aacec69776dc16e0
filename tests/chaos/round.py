"""One round: faults by their plan, then quiet, then the judge."""

import tempfile
import time
import traceback
from pathlib import Path
from typing import NamedTuple

from tests.chaos import faults, judge
from tests.chaos.plan import Step, plan
from tests.chaos.world import World

PATIENCE = 90.0
"""Seconds of quiet after which what is wrong stays wrong: sessions may have to be called again."""
_SHOWN = 40
_COUNTERS = ("rows-repaired", "drift", "overruns", "failed-dumps")


class Report(NamedTuple):
    seed: int
    seconds: float
    rate: float
    done: list[str]
    """Each step with the time at which it was done, and what was said to it."""
    settled: float
    """Seconds of quiet after which nothing was wrong."""
    complaints: list[str]
    counters: dict[str, int]
    """Of the agents that there are at the end, together."""
    kept: Path | None
    """Where the logs are, of a round that failed."""

    def __str__(self) -> str:
        told = ", ".join(f"{what} {count}" for what, count in self.counters.items())
        round_ = f"seed {self.seed}: {self.seconds:g} s, {len(self.done)} steps"
        if not self.complaints:
            return f"{round_}: all as it should be after {self.settled:.1f} s of quiet; {told}"
        again = f"python -m tests.chaos --seed {self.seed} --minutes {self.seconds / 60:g} --rate {self.rate:g}"
        more = [f"and {len(self.complaints) - _SHOWN} more"] if len(self.complaints) > _SHOWN else []
        wrong = [*self.complaints[:_SHOWN], *more]
        lines = [f"{round_}: WRONG; {told}", *self.done, *wrong, f"again: {again}", f"logs: {self.kept}"]
        return "\n".join(lines)


def play(seed: int, seconds: float, rate: float = 1.0) -> Report:
    """On a fabric of its own."""
    with World() as world:
        return play_on(world, seed, seconds, rate)


def play_on(world: World, seed: int, seconds: float, rate: float) -> Report:
    """On a fabric whose hosts are where they were first."""
    done: list[str] = []
    settled, complaints = 0.0, ["it did not get as far as to be judged"]
    try:
        _, before = settle(world)
        assert not before, before
        break_things(world, plan(seed, seconds, rate), done)
        world.quiet()
        settled, complaints = settle(world)
        complaints = complaints or judged(world)
    except Exception:
        complaints.append(traceback.format_exc())
    complaints += judge.faults_of_ours(world)
    kept = None
    if complaints:
        kept = Path(tempfile.mkdtemp(prefix=f"evpn-chaos-{seed}-"))
        world.keep(kept)
    report = Report(seed, seconds, rate, done, settled, complaints, counters(world), kept)
    if kept:
        (kept / "report").write_text("\n".join([str(report), *complaints]))
    return report


def break_things(world: World, steps: list[Step], done: list[str]) -> None:
    """Each step at its time, or as soon as the ones before it have let go."""
    began = time.monotonic()
    for step in steps:
        while (early := step.at - (time.monotonic() - began)) > 0:
            world.look_after()
            time.sleep(min(early, 0.2))
        said = faults.apply(world, step)
        done.append(f"{time.monotonic() - began:7.2f} {step}{said and f': {said}'}")
        world.look_after()


def settle(world: World) -> tuple[float, list[str]]:
    """Hosts speak, until nothing is wrong: after how many seconds, and what is wrong if it does not end."""
    began = time.monotonic()
    while True:
        world.look_after()
        world.speak()
        complaints, took = judge.wrong_rows(world), time.monotonic() - began
        if not complaints or took > PATIENCE:
            return took, complaints
        time.sleep(0.3)


def judged(world: World) -> list[str]:
    """By packets, by the agents, and by the kernels once more."""
    return [*judge.unreached(world), *judge.differences(world), *judge.wrong_rows(world)]


def counters(world: World) -> dict[str, int]:
    rows = [vtep.summary() for vtep in world.vteps.values() if vtep.process and vtep.process.poll() is None]
    return {name: sum(row[name] for row in rows) for name in _COUNTERS}
