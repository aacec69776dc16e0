"""MAC table -> kernel rows: the one place that knows both worlds (RFC 8365, docs/strategies.md).

One remote MAC is a row in the bridge's FDB and one in the VXLAN device's; one remote VTEP is an all-zero row of the
VXLAN device, for BUM frames; one remote IP is a neighbor on the bridge, so that it can answer ARP and ND.
"""

from collections.abc import Iterable, Iterator, Mapping
from operator import itemgetter

from evpn.dataplane.entries import HostRow, MacRow, NeighborRow, mac_row, neighbor_row, neighbor_rows
from evpn.dataplane.segment import Segment
from evpn.evi.addresses import is_martian_host
from evpn.evi.bridge_domain import BridgeDomain
from evpn.evi.dirty import Dirty
from evpn.evi.paths import mac_of
from evpn.rib.path import Path
from evpn.values import NO_IP, ZERO_MAC, IpAddress, MacAddress
from evpn.wire.communities import IMMUTABLE, OVERRIDE, ROUTER
from evpn.wire.routes import MacIpRoute
from evpn.wire.routes.mac_ip import are_all, macs_of

_FIRST = itemgetter(0)
_ODD = {0, 127, *range(224, 256)}
"""First octets of which some addresses are no host's."""


def project(domain: BridgeDomain, segment: Segment, dirty: Dirty) -> None:
    """Bring what the kernel should hold up to date for the keys that changed."""
    plan, demand = segment.plan, segment.demand
    for vtep in dirty.vteps:
        wanted = plan.flood and vtep in domain.flood
        if wanted:
            segment.adopt_flood(vtep)
        segment.flood.want(vtep, True if wanted else None)
    macs, ips = dirty.macs if plan.macs else {}, dirty.ips if plan.neighbors else {}
    if plan.misses:
        macs = {mac: path for mac, path in macs.items() if mac in demand.macs}
        ips = {ip: path for ip, path in ips.items() if ip in demand.ips}
    segment.macs.want_batch(dirty.macs, _mac_rows(domain, segment, macs))
    if domain.expected or segment.hosts.desired:
        for mac in dirty.macs:
            segment.hosts.want(mac, _host(domain, segment, mac))
    segment.neighbors.want_batch(dirty.ips, _neighbor_rows(domain, segment, ips))


def _mac_rows(
    domain: BridgeDomain, segment: Segment, macs: Mapping[MacAddress, Path | None]
) -> Mapping[MacAddress, MacRow]:
    """Those that are wanted."""
    remote, proxy, reserved = domain.remote, segment.plan.proxy, segment.all_reserved
    sole = [path for path in macs.values() if path is not None]
    if not (sole or domain.frozen) and remote.keys().isdisjoint(macs):  # all gone
        return {}
    if len(sole) == len(macs) and not proxy and reserved.isdisjoint(macs):  # all new, as while a fabric is learnt
        return dict(zip(macs, _rows_of(sole), strict=True))
    rows: dict[MacAddress, MacRow] = {}
    for mac, path in macs.items():
        if path is None:
            owner = domain.owner(mac) if mac in remote or domain.frozen else None
            if owner is None:
                continue
            vtep, sticky = owner.vtep, owner.sticky
        else:
            vtep, sticky = path.next_hop, path.attributes.immovable
        if mac[0] & 1 or mac == ZERO_MAC or mac in reserved:
            continue
        if proxy and _is_router(domain, mac, vtep):
            rows[mac] = mac_row(vtep, sticky, router=True)
        else:
            rows[mac] = mac_row(vtep, sticky)
    return rows


def _rows_of(paths: Iterable[Path]) -> Iterator[MacRow]:
    """Of MAC/IP routes that were received, so none of a MAC that is no host's; many in turn are of one UPDATE."""
    vtep, attributes, row = NO_IP, None, mac_row(NO_IP)
    for path in paths:
        if path.next_hop is not vtep or path.attributes is not attributes:
            vtep, attributes = path.next_hop, path.attributes
            row = mac_row(vtep, attributes.immovable)
        yield row


def _is_router(domain: BridgeDomain, mac: MacAddress, vtep: IpAddress) -> bool:
    """Whether its VTEP says so of an IPv6 address of it (RFC 9047): the device has one flag for all of them."""
    for path in domain.remote.get(mac, ()):
        route, flags = path.route, path.attributes.arp_nd
        if flags and flags & ROUTER and path.next_hop == vtep and isinstance(route, MacIpRoute) and len(route.ip) == 16:
            return True
    return False


def _neighbor_rows(
    domain: BridgeDomain, segment: Segment, ips: Mapping[IpAddress, Path | None]
) -> Mapping[IpAddress, NeighborRow]:
    """Those that are wanted: only beside the FDB row that makes the bridge answer for them."""
    remote, foreign, reserved = domain.addresses.remote, segment.foreign_neighbors, segment.all_reserved
    paths = [path for path in ips.values() if path is not None]
    if not paths and remote.keys().isdisjoint(ips):  # all gone
        return {}
    routes = [path.route for path in paths]
    if len(paths) == len(ips) and are_all(routes) and foreign.isdisjoint(ips) and _ODD.isdisjoint(map(_FIRST, ips)):
        macs, attributes = macs_of(routes), [path.attributes for path in paths]
        shared = dict(zip(map(id, attributes), attributes, strict=True))
        if reserved.isdisjoint(macs) and all(each.arp_nd is None for each in shared.values()):
            return dict(zip(ips, neighbor_rows(macs), strict=True))
    rows: dict[IpAddress, NeighborRow] = {}
    for ip, sole in ips.items():
        path = sole
        if path is None:
            binding = domain.addresses.neighbor(ip) if ip in remote else None
            if binding is None:
                continue
            path = binding[1]
        mac = mac_of(path)
        if ip in foreign or mac in reserved or (ip[0] in _ODD and is_martian_host(ip)):
            continue
        flags = path.attributes.arp_nd
        if flags is not None and len(ip) == 16 and not flags & (OVERRIDE | ROUTER | IMMUTABLE):
            continue  # an anycast address: the bridge would answer with the override flag set (RFC 9047 section 2)
        rows[ip] = neighbor_row(mac, bool(flags and flags & ROUTER))
    return rows


def _host(domain: BridgeDomain, segment: Segment, mac: MacAddress) -> HostRow | None:
    """A host known beforehand, once it is known where: a static row on its port."""
    expected, entry = domain.expected.get(mac), domain.local.get(mac)
    if expected is None or entry is None or entry.claim is None or segment.reserved_host(mac):
        return None
    port = domain.port_of(mac)
    return HostRow(port, expected.sticky) if port else None
