"""`evpn check`: whether a configuration file is right; the host is looked at by `evpn run`."""

from collections.abc import Iterator
from pathlib import Path

import click

from evpn.config.derive import is_allocated, natural_rd
from evpn.config.errors import ConfigError
from evpn.config.load import load
from evpn.config.reflector import frr_warnings
from evpn.config.settings import NeighborSettings, Settings, VniSettings
from evpn.text import format_ip, format_rd, format_route_target


@click.command(name="check")
@click.argument("file", type=click.Path(path_type=Path))
def command(file: Path) -> None:
    """Validate FILE; what is wrong with it is said in one line."""
    try:
        settings = load(file)
    except ConfigError as error:
        click.echo(str(error), err=True)
        raise SystemExit(2) from None
    click.echo("\n".join(summary(settings)))
    for line in frr_warnings(settings):
        click.echo(f"{file}: vtep-address: warning: {line}; GoBGP takes them too", err=True)


def summary(settings: Settings) -> Iterator[str]:
    """What the file makes of this host, a line each."""
    yield f"{settings.path} is valid"
    yield f"  VTEP {format_ip(settings.vtep)}, AS {settings.local_as}, router-id {format_ip(settings.router_id)}"
    for neighbor in settings.neighbors:
        yield f"  neighbor {_neighbor(neighbor, settings)}"
    for vni in settings.vnis:
        yield f"  VNI {_vni(vni)}"
    yield from _other_rds(settings)
    if settings.discover:
        yield "  and every VXLAN device that is in a bridge"


def _other_rds(settings: Settings) -> Iterator[str]:
    """Nothing or one line: which RDs are not those that the VNI alone would tell."""
    others = [vni for vni in settings.vnis if vni.rd != natural_rd(settings.router_id, vni.vni)]
    chosen = [str(vni.vni) for vni in others if is_allocated(vni.rd)]
    written = [str(vni.vni) for vni in others if not is_allocated(vni.rd)]
    parts = [f"VNI {', '.join(written)} as written"] if written else []
    if chosen:
        parts.append(f"VNI {', '.join(chosen)} with a free number, unless a running agent has another in use")
    if parts:
        yield f"  RD other than router-id:VNI: {'; '.join(parts)}"


def _neighbor(neighbor: NeighborSettings, settings: Settings) -> str:
    kind = "iBGP" if neighbor.peer_as == settings.local_as else "eBGP"
    secured = ", with a password" if neighbor.password else ""
    restart = f"graceful restart {neighbor.graceful_restart} s" if neighbor.graceful_restart else "no graceful restart"
    return (
        f"{format_ip(neighbor.address)} AS {neighbor.peer_as}, {kind}, hold {neighbor.hold_time} s, {restart}{secured}"
    )


def _vni(vni: VniSettings) -> str:
    imports = " ".join(map(format_route_target, sorted(vni.import_targets)))
    exports = " ".join(map(format_route_target, vni.export_targets))
    place = f"{vni.vni}: {vni.device} in {vni.bridge}, {vni.strategy.value}"
    return f"{place}, RD {format_rd(vni.rd)}, import {imports or 'nothing'}, export {exports or 'nothing'}"
