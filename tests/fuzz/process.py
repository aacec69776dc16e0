"""A fuzzer is a process of its own: it has every line of `evpn` instrumented, and ends where it finds something."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from tests.fuzz.corpus import line_of

_ROOT = Path(__file__).parents[2]
_HANGS, _MEGABYTES = 20, 2048
"""Seconds for one input, and memory for all, beyond which there must be something wrong."""


class Run(NamedTuple):
    executed: int
    """Inputs that were tried."""
    covered_before: int
    covered: int
    """Places of the code that the seeds reached, and that the inputs made of them reached."""
    found: str
    """The entry for the corpus that shows what is wrong, and how it went wrong; empty where nothing is."""

    def __str__(self) -> str:
        coverage = f"{self.executed} inputs, coverage {self.covered_before} -> {self.covered}"
        return f"{coverage}\n{self.found}" if self.found else coverage


def fuzz(target: ModuleType, start: Mapping[str, bytes], grown: Path, *options: str) -> Run:
    """Mutate what is in `start` and in the folder `grown`, into which goes whatever reaches new code."""
    grown.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        limits = (f"-timeout={_HANGS}", f"-rss_limit_mb={_MEGABYTES}", f"-artifact_prefix={scratch}/found-")
        places = (str(grown), _folder(start, scratch))
        done = _child(target, *limits, *_words(target, scratch), "-print_final_stats=1", *options, *places)
        artifacts = sorted(Path(scratch).glob("found-*"))
        found = "\n".join(line_of("found", artifact.read_bytes()) for artifact in artifacts)
    output = done.stdout
    if done.returncode or found:
        found = f"{found}\n{_story(output)}"
    executed = re.search(r"number_of_executed_units: +(\d+)", output)
    before = re.search(r"INITED cov: (\d+)", output)
    covered = re.findall(r" cov: (\d+)", output)
    return Run(
        int(executed[1]) if executed else 0,
        int(before[1]) if before else 0,
        int(covered[-1]) if covered else 0,
        found,
    )


def _child(target: ModuleType, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Hashes are the same each time, so that one seed of the mutations gives the same inputs each time."""
    return subprocess.run(
        [sys.executable, "-m", "tests.fuzz.instrumented", target.__name__, f"-max_len={target.LONGEST}", *arguments],
        cwd=_ROOT,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )


def _folder(inputs: Mapping[str, bytes], scratch: str, name: str = "start") -> str:
    folder = Path(scratch, name)
    folder.mkdir()
    for entry, octets in inputs.items():
        (folder / entry.replace("/", "-")).write_bytes(octets)
    return str(folder)


def _words(target: ModuleType, scratch: str) -> list[str]:
    """A dictionary that mutations take words from."""
    if not target.WORDS:
        return []
    file = Path(scratch, "words")
    file.write_text("".join(f'"{_escaped(word)}"\n' for word in target.WORDS))
    return [f"-dict={file}"]


def _escaped(word: str) -> str:
    return "".join(f"\\x{octet:02x}" for octet in word.encode())


def _story(output: str) -> str:
    """The traceback, without the progress before it."""
    _, mark, rest = output.partition(" === Uncaught Python exception: ===")
    return (rest if mark else output)[-4000:].strip()
