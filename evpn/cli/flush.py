"""`evpn flush`: every kernel row that is ours, removed; devices stay."""

from pathlib import Path

import click

from evpn.cli.client import NoAgent, ask
from evpn.cli.configuration import fail, load_or_exit


@click.command("flush")
@click.option("--config", required=True, type=click.Path(path_type=Path), help="The configuration file.")
def command(config: Path) -> None:
    """Remove every kernel row that is ours (uninstall). The agent must not be running: it would write them again."""
    from evpn.agent.flush import flush
    from evpn.agent.host import HostError

    settings = load_or_exit(config)
    try:
        next(ask(settings.run_dir, {"command": "show", "what": "summary"}), None)
    except NoAgent as error:
        if error.listens:
            fail(f"{error.message}; it would write the rows again, stop it first", 1)
    else:
        fail(f"{settings.run_dir}: an agent is running there and would write the rows again; stop it first", 1)
    try:
        removed, refused, unmarked = flush(settings)
    except HostError as error:
        fail(str(error), 1)
    click.echo(f"{removed} row{'s' * (removed != 1)} removed" + (f", {refused} refused" if refused else ""))
    if unmarked:
        click.echo(f"{unmarked} flood row{'s' * (unmarked != 1)} without our mark left alone, see `bridge fdb`")
    if refused:
        raise SystemExit(1)
