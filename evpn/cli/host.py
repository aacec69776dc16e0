"""`evpn host`: tell the agent of a host known beforehand, as an orchestrator does when it starts one."""

from pathlib import Path

import click

from evpn.cli.client import Command, ask, run_dir_of, where_agent


@click.group("host")
def command() -> None:
    """Hosts known beforehand: announced before their first frame, with a static row on their port."""


def _which(function: Command) -> Command:
    mac = click.option("--mac", required=True, help="The host's MAC address.")
    vni = click.option("--vni", type=int, required=True, help="The VNI that it is in.")
    return vni(mac(where_agent(function)))


@command.command("add")
@_which
@click.option("--ip", multiple=True, help="An address of the host; may be given several times.")
@click.option("--port", help="The port of the bridge that it is behind; without, the one where it turns up.")
@click.option("--sticky", is_flag=True, help="It does not move: nobody else may have the MAC.")
def add(
    vni: int, mac: str, config: Path | None, run_dir: Path | None, ip: tuple[str, ...], port: str | None, sticky: bool
) -> None:
    """Tell of a host, until the agent ends. What is to last belongs into `hosts` of the configuration."""
    request = {"command": "host", "action": "add", "vni": vni, "mac": mac, "ip": ip, "port": port, "sticky": sticky}
    for row in ask(run_dir_of(config, run_dir), request):
        click.echo(f"{row['mac']} is known in VNI {row['vni']} until {row['until']}")


@command.command("del")
@_which
def delete(vni: int, mac: str, config: Path | None, run_dir: Path | None) -> None:
    """Forget a host again. When it is seen on a port it is announced like any other."""
    request = {"command": "host", "action": "del", "vni": vni, "mac": mac}
    for row in ask(run_dir_of(config, run_dir), request):
        click.echo(f"{row['mac']} is no longer known in VNI {row['vni']}")
