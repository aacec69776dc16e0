"""What must be true in a lab, and what a demonstration shows: `expect.yml`, a list of steps, beside the topology.

    - say: The reflector waits for both VTEPs.         # told by `demo`
      name: rr has a session with each VTEP            # told by `test` with ok or failed
      node: rr
      run: vtysh -c "show bgp l2vpn evpn summary json"  # in a shell in the node
      json: {peers: {10.0.0.11: {state: Established}}}  # the output contains this
      within: 30

`match` wants a regular expression (or several) found in the output, `absent` not found. Without `match` and `json` the
command must also end with status 0. `show: true` lets `demo` print the output. What takes several nodes is run on this
machine, `node: host` as containerlab calls it: in the lab's directory, with the lab's name in $LAB.
"""

import re
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import yaml

from evpn.lab.errors import TopologyError

FILE = "expect.yml"
HOST = "host"


class Step(msgspec.Struct, forbid_unknown_fields=True):
    say: str = ""
    name: str = ""
    node: str = ""
    run: str = ""
    match: str | list[str] = []
    absent: str | list[str] = []
    json: Any = None
    within: float = 10.0
    show: bool = False


class Verdict(NamedTuple):
    holds: bool
    why: str
    """In words what is missing; empty when it holds."""


def decode(text: str, file: Path) -> list[Step]:
    try:
        written = yaml.safe_load(text)
        if not isinstance(written, list):
            raise TopologyError(file, "", "a list of steps is accepted")
        return [_step(entry, file, f"step {number}") for number, entry in enumerate(written, 1)]
    except yaml.YAMLError as error:
        raise TopologyError(file, "", f"not YAML: {error}") from error


def judge(step: Step, status: int, output: str) -> Verdict:
    """Whether OUTPUT, of a command that ended with STATUS, is what STEP expects."""
    for pattern in _patterns(step.match):
        if not re.search(pattern, output, re.MULTILINE):
            return Verdict(False, f"nothing matches {pattern!r}")
    for pattern in _patterns(step.absent):
        if found := re.search(pattern, output, re.MULTILINE):
            return Verdict(False, f"still there: {found[0]!r}")
    if step.json is not None:
        return _judge_json(step.json, output)
    if status and not step.match:
        return Verdict(False, f"the command ended with status {status}")
    return Verdict(True, "")


def contains(actual: object, wanted: object) -> bool:
    """Mappings may have more keys and lists more elements than WANTED; the rest is equal."""
    if isinstance(wanted, dict):
        return isinstance(actual, dict) and all(
            key in actual and contains(actual[key], value) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(actual, list) and all(any(contains(one, value) for one in actual) for value in wanted)
    return actual == wanted


def _judge_json(wanted: object, output: str) -> Verdict:
    try:
        actual = msgspec.json.decode(output)
    except msgspec.DecodeError:
        return Verdict(False, "the output is not JSON")
    if not contains(actual, wanted):
        return Verdict(False, f"the output has no {msgspec.json.encode(wanted).decode()}")
    return Verdict(True, "")


def _patterns(written: str | list[str]) -> list[str]:
    return [written] if isinstance(written, str) else written


def _step(written: object, file: Path, where: str) -> Step:
    try:
        step = msgspec.convert(written, Step)
        for pattern in (*_patterns(step.match), *_patterns(step.absent)):
            re.compile(pattern)
    except msgspec.ValidationError as error:
        raise TopologyError(file, where, str(error).replace("`", "'")) from error
    except re.error as error:
        raise TopologyError(file, where, f"regular expression: {error}") from error
    if bool(step.run) != bool(step.node) or (step.name and not step.run):
        raise TopologyError(file, where, "a step that does something has both 'node' and 'run'")
    return step
