"""Which neighbours a command is for, and what ExaBGP knows of them."""

import re
from typing import Any, NamedTuple

from exabgp.bgp.message.open.capability import Capability
from exabgp.reactor.api.command.limit import match_neighbors

from evpn.exabgp.extension.rib import EVPN_FAMILY
from evpn.exabgp.extension.table import Table

_WORDS = "neighbor|local-ip|local-as|peer-as|router-id|family-allowed"
_NEIGHBORS = re.compile(rf"neighbor \S+(?: ,| (?:{_WORDS}) \S+)*")


class Target(NamedTuple):
    name: str  # ExaBGP's, `neighbor 10.0.0.1 local-ip ...`
    neighbor: Any
    table: Table


def select(reactor: Any, service: str, descriptions: list[list[str]]) -> list[Target]:
    """The configured neighbours of this helper that have EVPN; a `ValueError` if there is none.

    Neighbours that ExaBGP makes out of a range share one RIB and are not among them.
    """
    neighbors = reactor.configuration.neighbors
    names = match_neighbors(reactor.peers(service), descriptions)
    found = [(name, neighbors[name]) for name in names if name in neighbors]
    targets = [Target(name, n, n.rib.outgoing.evpn) for name, n in found if EVPN_FAMILY in n.families()]
    if not targets:
        wanted = ", ".join(" ".join(words) for words in descriptions) or "any neighbor"
        reason = "with family l2vpn evpn" if found else f"of process {service}"
        raise ValueError(f"{wanted}: no neighbor {reason}")
    return targets


def lacks_command(line: str) -> bool:
    """Whether there is nothing behind the neighbors: in most of such lines ExaBGP looks for it without end.

    `neighbor 10.0.0.1 local-as 65000 peer-as 65000` is one, of which it takes the last two words again and again.
    """
    return _NEIGHBORS.fullmatch(line) is not None


def pending(reactor: Any, targets: list[Target]) -> int:
    """Routes that wait for a session that is up to take them."""
    established = reactor.established_peers()
    return sum(len(target.table.dirty) for target in targets if target.name in established)


def describe_peers(reactor: Any, service: str) -> list[dict[str, Any]]:
    return [_describe_peer(reactor._peers[name]) for name in reactor.peers(service)]


def _describe_peer(peer: Any) -> dict[str, Any]:
    """Addresses as in ExaBGP's own lines; what was negotiated only while the session is up."""
    neighbor = peer.neighbor
    up = peer.established() and peer.proto is not None
    described: dict[str, Any] = {
        "address": str(neighbor["peer-address"]),
        "local-address": str(neighbor["local-address"]),
        "peer-as": _number(neighbor["peer-as"]),
        "local-as": _number(neighbor["local-as"]),
        "state": "up" if up else "down",
        "asn4": False,
        "families": [],
        "graceful-restart": 0,
    }
    if up:
        described.update(_negotiated(peer.proto.negotiated))
    return described


def _negotiated(negotiated: Any) -> dict[str, Any]:
    """A restart time only counts for the families that come with it (RFC 4724 section 3); FRR 8.4 names none."""
    offered = negotiated.received_open.capabilities.get(Capability.CODE.GRACEFUL_RESTART)
    return {
        "peer-as": int(negotiated.peer_as),
        "local-as": int(negotiated.local_as),
        "router-id": str(negotiated.received_open.router_id),
        "asn4": bool(negotiated.asn4),
        "families": [f"{afi} {safi}" for afi, safi in negotiated.families],
        "graceful-restart": int(offered.restart_time) if offered and EVPN_FAMILY in offered else 0,
        "hold-time": int(negotiated.holdtime),
        "message-size": int(negotiated.msg_size),
    }


def _number(asn: Any) -> int | None:
    """None for an AS number that is taken from the peer."""
    return None if asn is None else int(asn)
