"""MAC table -> kernel rows: the one place that knows both worlds (RFC 8365, docs/strategies.md).

One remote MAC is a row in the bridge's FDB and one in the VXLAN device's; one remote VTEP is an all-zero row of the
VXLAN device, for BUM frames; one remote IP is a neighbor on the bridge, so that it can answer ARP and ND.
"""

from evpn.dataplane.entries import HostRow, MacRow, NeighborRow, mac_row
from evpn.dataplane.segment import Segment
from evpn.evi.addresses import is_martian_host
from evpn.evi.bridge_domain import BridgeDomain
from evpn.evi.dirty import Dirty
from evpn.values import ZERO_MAC, IpAddress, MacAddress
from evpn.wire.communities import IMMUTABLE, OVERRIDE, ROUTER
from evpn.wire.routes import MacIpRoute


def project(domain: BridgeDomain, segment: Segment, dirty: Dirty) -> None:
    """Bring what the kernel should hold up to date for the keys that changed."""
    plan, demand = segment.plan, segment.demand
    for vtep in dirty.vteps:
        wanted = plan.flood and vtep in domain.flood
        if wanted:
            segment.adopt_flood(vtep)
        segment.flood.want(vtep, True if wanted else None)
    everybody = plan.macs and not plan.misses
    for mac in dirty.macs:
        wanted = everybody or (plan.macs and mac in demand.macs)
        segment.macs.want(mac, _mac(domain, segment, mac) if wanted else None)
        if domain.expected or segment.hosts.desired:
            segment.hosts.want(mac, _host(domain, segment, mac))
    for ip in dirty.ips:
        wanted = plan.neighbors and (not plan.misses or ip in demand.ips)
        segment.neighbors.want(ip, _neighbor(domain, segment, ip) if wanted else None)


def _mac(domain: BridgeDomain, segment: Segment, mac: MacAddress) -> MacRow | None:
    owner = domain.owner(mac)
    if owner is None or mac[0] & 1 or mac == ZERO_MAC or segment.reserved(mac):
        return None
    if segment.plan.proxy and _is_router(domain, mac, owner.vtep):
        return mac_row(owner.vtep, owner.sticky, router=True)
    return mac_row(owner.vtep, owner.sticky)


def _is_router(domain: BridgeDomain, mac: MacAddress, vtep: IpAddress) -> bool:
    """Whether its VTEP says so of an IPv6 address of it (RFC 9047): the device has one flag for all of them."""
    for path in domain.remote.get(mac, ()):
        route, flags = path.route, path.attributes.arp_nd
        if flags and flags & ROUTER and path.next_hop == vtep and isinstance(route, MacIpRoute) and len(route.ip) == 16:
            return True
    return False


def _neighbor(domain: BridgeDomain, segment: Segment, ip: IpAddress) -> NeighborRow | None:
    """Only beside the FDB row that makes the bridge answer for it."""
    binding = domain.addresses.neighbor(ip)
    if binding is None or is_martian_host(ip) or ip in segment.foreign_neighbors or segment.reserved(binding[0]):
        return None
    mac, path = binding
    flags = path.attributes.arp_nd
    if len(ip) == 16 and flags is not None and not flags & (OVERRIDE | ROUTER | IMMUTABLE):
        return None  # an anycast address: the bridge would answer with the override flag set (RFC 9047 section 2)
    return NeighborRow(mac, bool((flags or 0) & ROUTER))


def _host(domain: BridgeDomain, segment: Segment, mac: MacAddress) -> HostRow | None:
    """A host known beforehand, once it is known where: a static row on its port."""
    expected, entry = domain.expected.get(mac), domain.local.get(mac)
    if expected is None or entry is None or entry.claim is None or segment.reserved_host(mac):
        return None
    port = domain.port_of(mac)
    return HostRow(port, expected.sticky) if port else None
