"""A short run of each target, the same each time; `make fuzz` is the long one, that goes on from where it was."""

from importlib import import_module
from pathlib import Path

import pytest

from tests.fuzz import TARGETS, planted
from tests.fuzz.corpus import kept, line_of, seeds
from tests.fuzz.process import fuzz

RUNS = {"update": 900, "routes": 900, "framing": 5000, "line": 800, "words": 1000, "netlink": 2000}
"""Inputs, about a second of each; 10000 for the others."""


@pytest.mark.parametrize("name", TARGETS)
def test_what_was_kept_is_read_as_it_should_be(name: str) -> None:
    target = import_module(f"tests.fuzz.{name}")

    for octets in seeds(target).values():
        target.check(octets)


@pytest.mark.parametrize("name", TARGETS)
def test_mutations_find_new_code_and_nothing_wrong(name: str, tmp_path: Path) -> None:
    """From what real speakers say alone, so that there is something to find: that shows that coverage is the guide."""
    target, runs = import_module(f"tests.fuzz.{name}"), RUNS.get(name, 10000)

    run = fuzz(target, target.SEEDS, tmp_path, f"-runs={runs}", "-seed=1")

    assert run.found == "", run
    assert run.executed >= runs
    assert 0 < run.covered_before < run.covered
    assert list(tmp_path.iterdir()), "no input was worth keeping"


def test_a_planted_mistake_is_found(tmp_path: Path) -> None:
    run = fuzz(planted, planted.SEEDS, tmp_path, "-runs=50000", "-seed=1")

    assert planted.MISTAKE in run.found
    entry, octets = run.found.split("\n")[0].split()
    assert entry == "found"
    with pytest.raises(AssertionError, match=planted.MISTAKE):
        planted.check(bytes.fromhex(octets))


@pytest.mark.parametrize("octets", [b"", b"\x00\xff", b"words", '"\\\n\té'.encode(), b"\x7f", b"00"])
def test_an_entry_of_the_corpus_is_what_was_found(
    octets: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "target.txt").write_text(f"# a comment\n{line_of('found', octets)}\n")
    monkeypatch.setattr("tests.fuzz.corpus.CORPUS", tmp_path)

    assert kept("target") == {"found": octets}
