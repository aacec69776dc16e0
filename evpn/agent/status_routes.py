"""`evpn show flood|vtep|rib`: what the others say."""

from collections import Counter

from evpn.agent.core import Core
from evpn.agent.status_rows import Row, Rows, domains_of, kernel_state
from evpn.dataplane.entries import Kind
from evpn.text import format_esi, format_ip, format_mac, format_rd, format_route_target
from evpn.values import ZERO_ESI, IpAddress, RouteKey, Vni
from evpn.wire.routes import (
    EthernetAdRoute,
    EthernetSegmentRoute,
    InclusiveMulticastRoute,
    IpPrefixRoute,
    MacIpRoute,
    Route,
)

_SEARCH = 1000
"""Routes looked at for nothing until an empty row lets others have a turn."""

TYPE_NAMES = {1: "ethernet-ad", 2: "mac-ip", 3: "multicast", 4: "ethernet-segment", 5: "prefix"}


def flood(core: Core, vni: Vni | None, now: float) -> Rows:
    for domain in domains_of(core, vni):
        segment = core.dataplane.segments[domain.vni]
        for vtep in list(domain.flood):
            paths = domain.flood.get(vtep, ())
            yield {
                "vni": domain.vni,
                "vtep": format_ip(vtep),
                "rd": [format_rd(path.route.rd) for path in paths if isinstance(path.route, InclusiveMulticastRoute)],
                "kernel": kernel_state(core, segment, Kind.FLOOD, segment.flood, vtep),
            }


def vteps(core: Core, vni: Vni | None, now: float) -> Rows:
    """Every other VTEP: in how many VNIs we flood to it, and how many MACs are behind it."""
    flooded: Counter[IpAddress] = Counter()
    owned: Counter[IpAddress] = Counter()
    searched = 0
    for domain in domains_of(core, vni):
        flooded.update(list(domain.flood))
        for mac in list(domain.remote):
            owner = domain.owner(mac)
            if owner is not None:
                owned[owner.vtep] += 1
            searched += 1
            if searched % _SEARCH == 0:
                yield {}
    for vtep in sorted(flooded.keys() | owned.keys()):
        yield {"vtep": format_ip(vtep), "vnis": flooded[vtep], "macs": owned[vtep]}


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
            importers = [domain.vni for domain in core.fabric.importers(path.attributes)]
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
