"""A configuration into a core: the first one, and every later one, where what did not change is not touched."""

from evpn.agent.core import Core
from evpn.agent.peers import Peer
from evpn.config.derive import keep_rds
from evpn.config.errors import ConfigError
from evpn.config.settings import Settings, VniSettings
from evpn.text import format_ip
from evpn.values import Vni

_FIXED = {
    "vtep-address": "vtep",
    "router-id": "router_id",
    "local-as": "local_as",
    "run-dir": "run_dir",
    "control-group": "control_group",
}


def check_reload(old: Settings, new: Settings) -> None:
    """A `ConfigError` for what only a restart can change."""
    for key, field in _FIXED.items():
        if getattr(old, field) != getattr(new, field):
            raise ConfigError(f"{new.path}: {key}: found a value other than at the start; accepted: a restart")


def configure(core: Core, settings: Settings, now: float) -> None:
    """Serve exactly these VNIs and neighbors."""
    core.settings = core.instances.settings = settings
    core.peers.hold = settings.hold_on_session_loss
    core.instances.discovered -= {entry.vni for entry in settings.vnis}
    core.instances.become(_vnis(core, settings))
    _neighbors(core, settings, now)


def _vnis(core: Core, settings: Settings) -> dict[Vni, VniSettings]:
    """The configured and the discovered ones; they keep their RDs as far as no other is told to have them."""
    served = core.instances.served
    found = [served[vni] for vni in core.instances.discovered] if settings.discover else []
    return keep_rds(settings.router_id, [*settings.vnis, *found], {vni: old.rd for vni, old in served.items()})


def _neighbors(core: Core, settings: Settings, now: float) -> None:
    wanted = {format_ip(neighbor.address): neighbor for neighbor in settings.neighbors}
    for address, peer in list(core.peers.peers.items()):
        if address not in wanted or wanted[address].peer_as != peer.peer_as:
            core.drop_peer(address, now)
    for address, neighbor in wanted.items():
        if address not in core.peers.peers:
            external = neighbor.peer_as != settings.local_as
            core.add_peer(Peer(address, neighbor.peer_as, external, since=now))
        core.peers.peers[address].max_routes = neighbor.max_routes
