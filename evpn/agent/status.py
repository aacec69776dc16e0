"""What `evpn show` shows: rows of plain values, made one by one while they are sent.

Every function yields dicts; the first row's keys, in order, are the columns. Times are seconds. An empty dict is no
row: the search goes on, and others may have their turn.
"""

from collections.abc import Callable

from evpn.agent import status_found, status_hosts, status_routes
from evpn.agent.core import Core
from evpn.agent.status_rows import Rows, domains_of
from evpn.dataplane.plan import advice
from evpn.dataplane.segment import Attachment, Segment
from evpn.text import format_ip, format_rd, format_route_target
from evpn.values import IpAddress, MacAddress, Vni


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
        "local-ips": sum(len(domain.addresses.bindings.of_ip) for domain in domains),
        "remote-ips": sum(len(domain.addresses.remote) for domain in domains),
        "duplicates": sum(len(of.macs.found) + len(of.ips.found) for of in core.moves.detectors.values()),
        "rows-pending": core.dataplane.pending,
        "rows-written": core.dataplane.written,
        "rows-removed": core.dataplane.removed,
        "rows-refused": core.dataplane.refused,
        "rows-repaired": core.kernel.disturbances.repaired,
        "drift": core.kernel.drift,
        "overruns": core.kernel.overruns,
        "failed-dumps": core.kernel.failed_dumps,
        "frames-lost": core.kernel.frames_lost,
    }


def peers(core: Core, vni: Vni | None, now: float) -> Rows:
    for peer in list(core.peers.peers.values()):
        yield {
            "peer": peer.address,
            "as": peer.peer_as,
            "state": "up" if peer.up else "down",
            "since": round(now - peer.since, 1),
            "routes": core.rib.paths_of.get(peer.address, 0),
            "max-routes": peer.max_routes,
            "over-limit": peer.over_limit,
            "stale": core.rib.stale(peer.address),
            "end-of-rib": peer.end_of_rib,
            "updates": peer.updates,
            "faults": peer.faults,
            "resets": peer.resets,
            "reason": peer.last_reason,
        }


def _served(segment: Segment, attached: Attachment) -> str:
    """With what a device of somebody else's lacks, and how to mend it."""
    lacking = "; ".join(advice(attached.device, segment.plan))
    return f"served, but {lacking}" if lacking else "served"


def vnis(core: Core, vni: Vni | None, now: float) -> Rows:
    for domain in domains_of(core, vni):
        settings, segment = core.instances.served[domain.vni], core.dataplane.segments[domain.vni]
        attached = segment.attachment
        yield {
            "vni": domain.vni,
            "state": _served(segment, attached) if attached else core.instances.problems.get(domain.vni, "waiting"),
            "strategy": settings.strategy.value,
            "device": attached.device.name if attached else settings.device,
            "bridge": attached.bridge.name if attached else settings.bridge,
            "rd": format_rd(settings.rd),
            "import": sorted(map(format_route_target, settings.import_targets)),
            "export": list(map(format_route_target, settings.export_targets)),
            "local-macs": len(domain.local),
            "remote-macs": len(domain.remote),
            "waiting-macs": len(domain.overflow.waiting),
            "vteps": len(domain.flood),
            "pending": segment.pending,
            "discovered": domain.vni in core.instances.discovered,
        }


SHOW: dict[str, Callable[[Core, Vni | None, float], Rows]] = {
    "summary": summary,
    "peers": peers,
    "vni": vnis,
    "mac": status_hosts.macs,
    "neigh": status_hosts.neighbors,
    "vtep": status_routes.vteps,
    "flood": status_routes.flood,
    "rib": status_routes.rib,
    "local": status_hosts.local,
    "duplicates": status_hosts.duplicates,
    "events": status_hosts.events,
}

FIND: dict[str, Callable[[Core, Vni | None, MacAddress | IpAddress, float], Rows]] = {
    "mac": status_found.macs,
    "neigh": status_found.neighbors,
    "rib": status_found.rib,
    "local": status_found.local,
    "events": status_found.events,
}
"""The same of one MAC or IP alone."""
