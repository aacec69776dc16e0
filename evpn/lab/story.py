"""Steps tried against a lab that is up, until they hold or their time is over."""

import time
from collections.abc import Callable
from typing import NamedTuple

from evpn.lab import node as nodes
from evpn.lab.expect import HOST, Step, Verdict, judge
from evpn.lab.run import run_here, run_in
from evpn.lab.state import LabState

_PAUSE = 0.3
_LONGEST_COMMAND, _LONGEST_SCRIPT = 30.0, 120.0


class Outcome(NamedTuple):
    verdict: Verdict
    output: str
    seconds: float


def attempt(state: LabState, step: Step, patient: bool = True) -> Outcome:
    """Run STEP again and again until it holds; only once when not PATIENT."""
    begin = time.monotonic()
    deadline = begin + (step.within if patient else 0)
    while True:
        result = _run(state, step)
        verdict = judge(step, result.status, result.output)
        now = time.monotonic()
        if verdict.holds or now >= deadline:
            return Outcome(verdict, result.output, now - begin)
        time.sleep(_PAUSE)


def check(state: LabState, steps: list[Step], tell: Callable[[str], None]) -> bool:
    """Every named step, told as ok or failed; after a first failure the others get one try each."""
    well = True
    for step in steps:
        if not step.run:
            continue
        outcome = attempt(state, step, patient=well)
        if step.name or not outcome.verdict.holds:
            tell(_line(step, outcome))
        if not outcome.verdict.holds:
            well = False
            tell(_quote(outcome.output))
    if not well:
        _tell_ended(state, tell)
    return well


def narrate(state: LabState, steps: list[Step], tell: Callable[[str], None]) -> bool:
    """The steps as a story for a newcomer; it ends at the first one that does not come true."""
    for step in steps:
        if step.say:
            tell(f"\n{step.say.strip()}")
        if not step.run:
            continue
        if step.show:
            tell(f"\n  {step.node}# {step.run.strip()}")
        outcome = attempt(state, step)
        if (step.show and outcome.output.strip()) or not outcome.verdict.holds:
            tell(_quote(outcome.output))
        if step.name or not outcome.verdict.holds:
            tell(_line(step, outcome))
        if not outcome.verdict.holds:
            _tell_ended(state, tell)
            return False
    return True


def _run(state: LabState, step: Step) -> nodes.Result:
    command = ["sh", "-c", step.run]
    if step.node == HOST:
        return run_here(state, command, _LONGEST_SCRIPT)
    return run_in(state, step.node, command, _LONGEST_COMMAND)


def _line(step: Step, outcome: Outcome) -> str:
    name = step.name or f"{step.node}: {step.run.strip()}"
    if outcome.verdict.holds:
        return f"  ok      {name} ({outcome.seconds:.1f} s)"
    return f"  failed  {name}: {outcome.verdict.why} after {outcome.seconds:.1f} s"


def _quote(output: str, most: int = 40) -> str:
    lines = output.rstrip().splitlines()
    if len(lines) > most:
        lines = [f"... {len(lines) - most} lines before ...", *lines[-most:]]
    return "\n".join(f"    {line}".rstrip() for line in lines) or "    (no output)"


def _tell_ended(state: LabState, tell: Callable[[str], None]) -> None:
    """A node whose command is over explains most failures."""
    for name in state.nodes:
        directory = state.node_directory(name)
        if (status := nodes.status(directory)).startswith("ended"):
            tell(f"  node {name}: its command has {status}; it said last:\n{_quote(nodes.log_tail(directory, 15))}")
