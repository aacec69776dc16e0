"""What a command says of its usage can be typed, and read on a terminal of 80 columns."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import click
import pytest

from evpn.cli.main import main
from evpn.cli.show import WHAT

EVPN = Path(sys.executable).with_name("evpn")
EXABGP = ["version", "cli", "healthcheck", "env", "decode", "server", "validate"]


def commands(group: click.Group, *before: str) -> list[tuple[str, ...]]:
    """Words of each command, and of those inside of it."""
    context = click.Context(group)
    found: list[tuple[str, ...]] = [before] if before else []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        found += commands(command, *before, name) if isinstance(command, click.Group) else [(*before, name)]
    return found


COMMANDS = commands(main)


@cache
def help_of(*words: str) -> str:
    done = subprocess.run(
        [EVPN, *words, "--help"],
        env=os.environ | {"COLUMNS": "80"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("words", [*COMMANDS, *(("exabgp", word) for word in EXABGP)], ids=" ".join)
def test_the_usage_of_a_command_names_it(words: tuple[str, ...]) -> None:
    assert help_of(*words).lower().startswith(f"usage: evpn {' '.join(words)} ")


@pytest.mark.parametrize("words", [(), *COMMANDS], ids=" ".join)
def test_help_fits_on_a_terminal_and_breaks_no_word(words: tuple[str, ...]) -> None:
    lines = help_of(*words).splitlines()

    end = lines.index("")
    assert max(map(len, lines)) <= 80
    assert not any("|" in line for line in lines[:end]), "choices break where the line ends: describe them below"
    assert not any(line.endswith("...") for line in lines[end:]), "a command of this group needs a shorter sentence"


def test_the_help_of_show_says_what_each_table_has() -> None:
    described = help_of("show").partition("WHAT:\n")[2].splitlines()

    assert [line.split()[0] for line in described] == list(WHAT)
    assert all(len(line.split()) > 1 for line in described)
