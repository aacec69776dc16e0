"""What `evpn show` shows: rows of plain values, made one by one while they are sent.

Every function yields dicts; the first row's keys, in order, are the columns. Times are seconds. An empty dict is no
row: the search goes on, and others may have their turn.
"""

import os
from collections.abc import Callable, Iterator
from typing import Any

from evpn.agent.core import Core
from evpn.dataplane.entries import Kind
from evpn.dataplane.segment import Segment
from evpn.delta import DeltaTable
from evpn.evi.bridge_domain import BridgeDomain
from evpn.rib.path import Path
from evpn.text import format_esi, format_ip, format_mac, format_rd, format_route_target
from evpn.values import ZERO_ESI, RouteKey, Vni
from evpn.wire.routes import (
    EthernetAdRoute,
    EthernetSegmentRoute,
    InclusiveMulticastRoute,
    IpPrefixRoute,
    MacIpRoute,
    Route,
)

Row = dict[str, Any]
Rows = Iterator[Row]

_SEARCH = 1000
"""Routes looked at for nothing until an empty row lets others have a turn."""

TYPE_NAMES = {1: "ethernet-ad", 2: "mac-ip", 3: "multicast", 4: "ethernet-segment", 5: "prefix"}


def summary(core: Core, vni: Vni | None, now: float) -> Rows:
    peers = core.peers.peers.values()
    domains = core.fabric.domains.values()
    yield {
        "vtep": format_ip(core.settings.vtep),
        "router-id": format_ip(core.settings.router_id),
        "local-as": core.settings.local_as,
        "uptime": round(now - core.started, 1),
        "peers-up": sum(peer.up for peer in peers),
        "peers": len(peers),
        "in-sync": core.peers.synced,
        "vnis": len(domains),
        "vnis-served": sum(segment.attachment is not None for segment in core.dataplane.segments.values()),
        "routes": len(core.rib.routes),
        "announced": len(core.announcer.routes.actual),
        "local-macs": sum(len(domain.local) for domain in domains),
        "remote-macs": sum(len(domain.remote) for domain in domains),
        "rows-pending": core.dataplane.pending,
        "rows-written": core.dataplane.written,
        "rows-removed": core.dataplane.removed,
        "rows-refused": core.dataplane.refused,
        "drift": core.drift,
    }


def peers(core: Core, vni: Vni | None, now: float) -> Rows:
    for peer in list(core.peers.peers.values()):
        yield {
            "peer": peer.address,
            "as": peer.peer_as,
            "state": "up" if peer.up else "down",
            "since": round(now - peer.since, 1),
            "routes": core.rib.paths_of.get(peer.address, 0),
            "stale": len(core.rib.stale.get(peer.address, ())),
            "end-of-rib": peer.end_of_rib,
            "updates": peer.updates,
            "faults": peer.faults,
            "resets": peer.resets,
            "reason": peer.last_reason,
        }


def vnis(core: Core, vni: Vni | None, now: float) -> Rows:
    for domain in _domains(core, vni):
        settings, segment = core.instances.served[domain.vni], core.dataplane.segments[domain.vni]
        attached = segment.attachment
        yield {
            "vni": domain.vni,
            "state": "served" if attached else core.instances.problems.get(domain.vni, "waiting"),
            "strategy": settings.strategy.value,
            "device": attached.device.name if attached else settings.device,
            "bridge": attached.bridge.name if attached else settings.bridge,
            "rd": format_rd(settings.rd),
            "import": sorted(map(format_route_target, settings.import_targets)),
            "export": list(map(format_route_target, settings.export_targets)),
            "local-macs": len(domain.local),
            "remote-macs": len(domain.remote),
            "vteps": len(domain.flood),
            "pending": segment.pending,
            "discovered": domain.vni in core.instances.discovered,
        }


def macs(core: Core, vni: Vni | None, now: float) -> Rows:
    """Every MAC that is anywhere: ours, a peer's, both."""
    for domain in _domains(core, vni):
        segment = core.dataplane.segments[domain.vni]
        for mac in [*domain.local, *(mac for mac in domain.remote if mac not in domain.local)]:
            row = _mac(core, domain, segment, mac)
            if row is not None:
                yield row


def flood(core: Core, vni: Vni | None, now: float) -> Rows:
    for domain in _domains(core, vni):
        segment = core.dataplane.segments[domain.vni]
        for vtep in list(domain.flood):
            paths = domain.flood.get(vtep, ())
            yield {
                "vni": domain.vni,
                "vtep": format_ip(vtep),
                "rd": [format_rd(path.route.rd) for path in paths if isinstance(path.route, InclusiveMulticastRoute)],
                "kernel": _kernel(core, segment, Kind.FLOOD, segment.flood, vtep),
            }


def rib(core: Core, vni: Vni | None, now: float) -> Rows:
    """Every path, the best one of a route first; an empty row where a long search has found nothing yet."""
    searched = 0
    for key in list(core.rib.routes):
        if searched >= _SEARCH:
            searched = 0
            yield {}
        searched += 1
        best, reason = core.rib.best(key)
        for path in core.rib.routes.get(key, ()):
            importers = [domain.vni for domain in core.fabric.importers(path)]
            if vni is None or vni in importers:
                searched = 0
                yield {
                    **_route(path.route),
                    "next-hop": format_ip(path.next_hop),
                    "peer": path.peer,
                    "best": path is best,
                    "reason": path.rejection.value if path.rejection else reason.value if path is best else "",
                    "stale": core.rib.is_stale(key, path),
                    "route-targets": sorted(map(format_route_target, path.attributes.route_targets)),
                    "sequence": path.attributes.mobility.sequence,
                    "sticky": path.attributes.mobility.sticky,
                    "imported": importers,
                }


def local(core: Core, vni: Vni | None, now: float) -> Rows:
    """What we have learnt on our ports, and what became of it."""
    for domain in _domains(core, vni):
        for mac, entry in list(domain.local.items()):
            link = core.dataplane.links.get(entry.port)
            yield {
                "vni": domain.vni,
                "mac": format_mac(mac),
                "port": link.name if link else str(entry.port),
                "static": entry.static,
                "announced": entry.claim is not None,
                "sequence": entry.claim.sequence if entry.claim else None,
            }


SHOW: dict[str, Callable[[Core, Vni | None, float], Rows]] = {
    "summary": summary,
    "peers": peers,
    "vni": vnis,
    "mac": macs,
    "flood": flood,
    "rib": rib,
    "local": local,
}


def _domains(core: Core, vni: Vni | None) -> Iterator[BridgeDomain]:
    """Those that are served still when their turn comes: a reload may come between two rows."""
    for number, domain in list(core.fabric.domains.items()):
        if vni in (None, number) and core.fabric.domains.get(number) is domain:
            yield domain


def _mac(core: Core, domain: BridgeDomain, segment: Segment, mac: Any) -> Row | None:
    entry, owner = domain.local.get(mac), domain.owner(mac)
    if entry is not None and entry.claim is not None:
        link = core.dataplane.links.get(entry.port)
        where, reason = link.name if link else str(entry.port), "static" if entry.static else "learnt"
        kind, sequence, sticky, kernel = "local", entry.claim.sequence, entry.claim.sticky, "installed"
    elif owner is not None:
        paths = domain.remote.get(mac, ())
        where, reason = format_ip(owner.vtep), owner.reason.value
        kind, sticky = "remote", owner.sticky
        sequence = max((path.attributes.mobility.sequence for path in paths if path.next_hop == owner.vtep), default=0)
        kernel = segment.reserved(mac) or _kernel(core, segment, Kind.MAC, segment.macs, mac)
    else:
        return None
    return {
        "vni": domain.vni,
        "mac": format_mac(mac),
        "type": kind,
        "via": where,
        "sequence": sequence,
        "sticky": sticky,
        "ip": _addresses(domain.remote.get(mac, ())),
        "reason": reason,
        "kernel": kernel,
    }


def _addresses(paths: tuple[Path, ...]) -> list[str]:
    return [format_ip(path.route.ip) for path in paths if isinstance(path.route, MacIpRoute) and path.route.ip]


def _kernel(core: Core, segment: Segment, kind: Kind, table: DeltaTable[Any, Any], key: bytes) -> str:
    """What has become of a row in the kernel, in a few words."""
    refusal = core.dataplane.refusals.get((segment.vni, kind, key))
    if refusal is not None:
        return f"refused: {os.strerror(refusal.errno)}"
    if segment.attachment is None:
        return "no device"
    if key not in table.desired:
        return "not wanted"
    return "installed" if table.actual.get(key) == table.desired[key] else "pending"


def _route(route: Route) -> Row:
    kind = route.key[0]
    row: Row = {"type": kind, "name": TYPE_NAMES.get(kind, "unknown"), "route": _words(route)}
    rd = getattr(route, "rd", None)
    return {**row, "rd": format_rd(rd) if rd else ""}


def _words(route: Route) -> str:
    """The key of a route as people write it."""
    match route:
        case MacIpRoute():
            esi = "" if route.esi == ZERO_ESI else f" esi {format_esi(route.esi)}"
            return f"{format_mac(route.mac)}{' ' if route.ip else ''}{format_ip(route.ip)}{esi}"
        case InclusiveMulticastRoute():
            return format_ip(route.originator)
        case EthernetAdRoute():
            return f"{format_esi(route.esi)} {route.tag.hex()}"
        case EthernetSegmentRoute():
            return f"{format_esi(route.esi)} {format_ip(route.originator)}"
        case IpPrefixRoute():
            return f"{format_ip(route.prefix)}/{route.length}"
    return RouteKey(route.key).hex()
