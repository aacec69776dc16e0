"""`evpn reload`: what SIGHUP does. Nothing changes unless FILE is right as a whole."""

import os
import signal
from pathlib import Path

import click

from evpn.cli.client import NoAgent, ask
from evpn.cli.configuration import fail, load_or_exit
from evpn.cli.run import own_command

EXABGP_PID = "EVPN_EXABGP_PID"


@click.command("reload")
@click.option("--config", required=True, type=click.Path(path_type=Path), help="The configuration file.")
def command(config: Path) -> None:
    """Check FILE, have the agent take it over, and ExaBGP when its part of it has changed."""
    from evpn.config.render import render, write

    settings = load_or_exit(config)
    target = settings.run_dir / "exabgp.conf"
    try:
        for _ in ask(settings.run_dir, {"command": "reload", "config": str(config.absolute())}):
            pass
    except NoAgent as error:
        fail(error.message, 3)
    except click.UsageError as error:
        fail(error.message, 2)
    text = render("exabgp", settings, evpn_command=own_command())
    if target.exists() and target.read_text() == text:
        return
    try:
        write("exabgp", settings, target, evpn_command=own_command())
    except OSError as error:
        fail(f"{error.filename}: {(error.strerror or str(error)).lower()}", 1)
    if os.environ.get(EXABGP_PID):
        os.kill(int(os.environ[EXABGP_PID]), signal.SIGUSR1)
