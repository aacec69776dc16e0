"""`evpn render`: the files around a VTEP, from its own configuration."""

from ipaddress import IPv4Address, ip_address, ip_network
from pathlib import Path

import click

from evpn.cli.configuration import fail
from evpn.config.errors import ConfigError
from evpn.config.load import load
from evpn.config.reflector import frr_warnings
from evpn.config.render import names, render, write
from evpn.config.settings import NeighborSettings, Settings
from evpn.text import format_ip


def _addresses(context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> list[str]:
    try:
        return [str(ip_address(text)) for text in texts]
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _prefixes(context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> list[str]:
    try:
        return [str(ip_network(text)) for text in texts]
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _router_id(context: click.Context, parameter: click.Parameter, text: str | None) -> str | None:
    try:
        return None if text is None else str(IPv4Address(text))
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command(name="render", epilog=f"Templates: {', '.join(names())}.")
@click.argument("template")
@click.option("--config", "file", type=click.Path(path_type=Path), required=True, help="The configuration of the VTEP.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Instead of the standard output; mode 0600.")
@click.option("--neighbor", help="Route reflectors: which neighbor to render, the first if not said.")
@click.option("--client", "clients", multiple=True, callback=_addresses, help="Route reflectors: a VTEP.")
@click.option("--client-range", "ranges", multiple=True, callback=_prefixes, help="Route reflectors: prefix of VTEPs.")
@click.option("--router-id", callback=_router_id, help="Route reflectors: if not what their address ends with.")
@click.option("--set", "pairs", multiple=True, metavar="NAME=TEXT", help="Another variable of the template.")
def command(
    template: str,
    file: Path,
    output: Path | None,
    neighbor: str | None,
    clients: list[str],
    ranges: list[str],
    router_id: str | None,
    pairs: tuple[str, ...],
) -> None:
    """Render TEMPLATE for the VTEP that --config describes."""
    try:
        settings = load(file)
        extra: dict[str, object] = dict(map(_pair, pairs))
        if neighbor is not None:
            extra["neighbor"] = _neighbor(settings, neighbor)
        if clients:
            extra["clients"] = clients
        if ranges:
            extra["client_ranges"] = ranges
        if router_id is not None:
            extra["router_id"] = router_id
        if output is None:
            click.echo(render(template, settings, **extra), nl=False)
        else:
            write(template, settings, output, **extra)
        if template.startswith("frr-"):
            for line in frr_warnings(settings):
                click.echo(f"{file}: vtep-address: warning: {line}", err=True)
    except ConfigError as error:
        fail(str(error), 2)
    except OSError as error:
        fail(f"{error.filename}: {(error.strerror or str(error)).lower()}", 1)


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise ConfigError(f"--set: found {text!r}; accepted: NAME=TEXT")
    return name, value


def _neighbor(settings: Settings, text: str) -> NeighborSettings:
    addresses = {format_ip(neighbor.address): neighbor for neighbor in settings.neighbors}
    if text not in addresses:
        raise ConfigError(f"--neighbor: found {text!r}; accepted: {', '.join(addresses)}")
    return addresses[text]
