"""What a command says of its usage can be typed."""

import subprocess
import sys
from pathlib import Path

import click
import pytest

from evpn.cli.main import main

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


@pytest.mark.parametrize("words", [*commands(main), *(("exabgp", word) for word in EXABGP)], ids=" ".join)
def test_the_usage_of_a_command_names_it(words: tuple[str, ...]) -> None:
    done = subprocess.run([EVPN, *words, "--help"], capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.lower().startswith(f"usage: evpn {' '.join(words)} ")
