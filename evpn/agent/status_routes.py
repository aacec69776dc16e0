"""`evpn show flood|vtep|rib`: what the others say."""

from collections import Counter
from collections.abc import Iterable, Iterator

from evpn.agent.core import Core
from evpn.agent.status_rows import Row, Rows, domains_of, in_slices, kernel_state, rows_of
from evpn.dataplane.entries import Kind
from evpn.evi.bridge_domain import BridgeDomain
from evpn.text import format_esi, format_ip, format_mac, format_rd, format_route_target
from evpn.values import ZERO_ESI, IpAddress, MacAddress, RouteKey, Vni
from evpn.wire.routes import (
    EthernetAdRoute,
    EthernetSegmentRoute,
    InclusiveMulticastRoute,
    IpPrefixRoute,
    MacIpRoute,
    Route,
)

_COUNTED = 10_000
"""MACs counted in a turn."""

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
    counted = 0
    for domain in domains_of(core, vni):
        flooded.update(list(domain.flood))
        for macs in in_slices(domain.remote, _COUNTED):
            owned.update(_owners(domain, macs))
            counted += len(macs)
            if counted >= _COUNTED:
                counted = 0
                yield {}
    for vtep in sorted(flooded.keys() | owned.keys()):
        yield {"vtep": format_ip(vtep), "vnis": flooded[vtep], "macs": owned[vtep]}


def _owners(domain: BridgeDomain, macs: Iterable[MacAddress]) -> Iterator[IpAddress]:
    remote, local, frozen = domain.remote, domain.local, domain.frozen
    for mac in macs:
        paths = remote.get(mac, ())
        if len(paths) == 1 and isinstance(paths, tuple) and mac not in local and mac not in frozen:
            yield paths[0].next_hop  # as most are: nothing has to be decided
        elif (owner := domain.owner(mac)) is not None:
            yield owner.vtep


def rib(core: Core, vni: Vni | None, now: float) -> Rows:
    """Every path, the best one of a route first."""
    return rows_of(in_slices(core.rib.routes), lambda key: paths(core, vni, key))


def paths(core: Core, vni: Vni | None, key: RouteKey) -> Rows:
    """Those of one route, the best one first."""
    best, reason = core.rib.best(key)
    for path in core.rib.routes.get(key, ()):
        importers = [domain.vni for domain in core.fabric.importers(path.attributes)]
        if vni is None or vni in importers:
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
