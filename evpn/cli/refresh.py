"""`evpn refresh`: nothing is believed that can be asked."""

from pathlib import Path

import click

from evpn.cli.client import ask, run_dir_of, where_agent


@click.command("refresh")
@where_agent
def command(config: Path | None, run_dir: Path | None) -> None:
    """Ask every peer for all its routes again (RFC 2918), look at all rows of the kernel, repair what differs."""
    peers = list(ask(run_dir_of(config, run_dir), {"command": "refresh"}))
    for row in peers:
        click.echo(f"{row['peer']} {'asked' if row['asked'] else 'is down, not asked'}")
    if not any(row["asked"] for row in peers):
        raise SystemExit(1)
