"""`evpn clear`: what an operator takes back."""

from pathlib import Path

import click

from evpn.cli.client import ask, run_dir_of, where_agent


@click.group("clear")
def command() -> None:
    """Have the agent forget something that it would remember for a while."""


@command.command("duplicates")
@where_agent
@click.option("--vni", type=int, help="In this VNI only.")
@click.argument("address", required=False)
def duplicates(config: Path | None, run_dir: Path | None, vni: int | None, address: str | None) -> None:
    """MACs and IPs that moved too often, all or ADDRESS. They may move again, and are counted anew."""
    request = {"command": "clear", "what": "duplicates", "vni": vni, "address": address}
    cleared = sum(row["cleared"] for row in ask(run_dir_of(config, run_dir), request))
    click.echo(f"{cleared} cleared")
