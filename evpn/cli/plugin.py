"""`evpn plugin`: the agent, on ExaBGP's pipes."""

import logging
import os
import signal
import sys
from pathlib import Path

import click

from evpn.cli.configuration import LOG_FORMAT, fail, load_or_exit


@click.command("plugin")
@click.option("--config", required=True, type=click.Path(path_type=Path), help="The configuration file.")
def command(config: Path) -> None:
    """The agent, as ExaBGP's process runs it: lines on standard input, commands on standard output."""
    from evpn.agent.build import HostError, start
    from evpn.config.accepted import load_accepted

    if sys.stdin.isatty():
        fail("evpn plugin: standard input is a terminal; accepted: the pipes of ExaBGP, as `evpn run` makes them", 2)
    settings = load_or_exit(config, reader=load_accepted)
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT, stream=sys.stderr)
    # ExaBGP ends a helper that writes anything but commands: whatever else is printed goes to standard error
    commands_fd = os.dup(1)
    os.dup2(2, 1)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        loop = start(settings, 0, commands_fd)
    except HostError as error:
        fail(str(error), 1)
    loop.run()
