"""What is worth keeping of what fuzzing has grown: as few and as short inputs as reach all lines, in their order."""

import sys
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import evpn
from tests.fuzz.corpus import line_of

_OURS = str(Path(evpn.__file__).parent)

Step = tuple[str, int, int]
"""From a line of a file to the next one."""


def smallest(target: ModuleType, grown: Path) -> list[str]:
    """Lines for the corpus, beside the target's own seeds; the shortest come first."""
    known: set[Step] = set()
    for octets in target.SEEDS.values():
        known |= _steps(target, octets)
    kept = []
    for octets in sorted((file.read_bytes() for file in grown.iterdir()), key=lambda octets: (len(octets), octets)):
        if not (steps := _steps(target, octets)) <= known:
            known |= steps
            kept.append(octets)
    return [line_of(f"n{number}", octets) for number, octets in enumerate(kept)]


def _steps(target: ModuleType, octets: bytes) -> set[Step]:
    found: set[Step] = set()
    last: dict[FrameType, int] = {}

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        file = frame.f_code.co_filename
        if not file.startswith(_OURS):
            return None
        found.add((file, last.get(frame, 0), frame.f_lineno))
        last[frame] = frame.f_lineno
        return trace

    sys.settrace(trace)
    try:
        target.check(octets)
    finally:
        sys.settrace(None)
    return found
