"""What we announce: a type 3 per VNI, a type 2 per local MAC and one per IP of it (RFC 7432 sections 9.2.1, 10, 11).

Attributes are shared by all routes of a VNI with the same mobility, so that they fill UPDATEs together.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from evpn.evi.mobility import Claim
from evpn.values import (
    NO_IP,
    ZERO_ESI,
    ZERO_MAC,
    ZERO_TAG,
    ExtendedCommunity,
    IpAddress,
    MacAddress,
    RouteDistinguisher,
    RouteKey,
    RouteTarget,
    Vni,
)
from evpn.wire.attributes import PathAttributes
from evpn.wire.communities import IMMUTABLE, OVERRIDE, ROUTER, arp_nd, encapsulation, mac_mobility
from evpn.wire.pmsi import ingress_replication
from evpn.wire.routes import InclusiveMulticastRoute, MacIpRoute
from evpn.wire.routes.mac_ip import split_at_mac

_new = tuple.__new__  # half the time of the constructor of a NamedTuple


class Instance(NamedTuple):
    """What the routes of one VNI have in common."""

    vni: Vni
    vtep: IpAddress
    rd: RouteDistinguisher
    export_targets: tuple[RouteTarget, ...]


class Announcement(NamedTuple):
    """One route of ours; AS_PATH and LOCAL_PREF belong to the session that it is sent on."""

    nlri: bytes
    attributes: PathAttributes


def mac_ip(
    instance: Instance, mac: MacAddress, claim: Claim, ip: IpAddress = NO_IP, flags: int | None = None
) -> Announcement:
    """`flags` are those of the ARP/ND community; None is a route without it."""
    route = MacIpRoute(instance.rd, ZERO_ESI, ZERO_TAG, mac, ip, instance.vni)
    shared = _mac_ip_attributes(instance.export_targets, claim.sequence, claim.sticky, flags)
    return Announcement(route.encode(), shared)


def macs_alone(
    instance: Instance, claims: Mapping[MacAddress, Claim | None]
) -> tuple[list[RouteKey], dict[RouteKey, Announcement]]:
    """The keys of these MACs' own routes, and the routes: none without a claim. A sixth of the time of `mac_ip`."""
    one = MacIpRoute(instance.rd, ZERO_ESI, ZERO_TAG, ZERO_MAC, NO_IP, instance.vni)
    head, (before, behind) = one.key.removesuffix(ZERO_MAC), split_at_mac(one.encode())
    keys: list[RouteKey] = []
    routes: dict[RouteKey, Announcement] = {}
    last, shared = None, PathAttributes()
    for mac, claim in claims.items():
        key = RouteKey(head + mac)
        keys.append(key)
        if claim is None:
            continue
        if claim is not last:
            last, shared = claim, _mac_ip_attributes(instance.export_targets, claim.sequence, claim.sticky, None)
        routes[key] = _new(Announcement, (before + mac + behind, shared))
    return keys, routes


def arp_nd_flags(ip: IpAddress, router: bool, configured: bool) -> int | None:
    """With an IPv6 address always, with an IPv4 one only where there is something to say (RFC 9047 section 3.1)."""
    immutable = IMMUTABLE if configured else 0
    if len(ip) == 16:
        return OVERRIDE | immutable | (ROUTER if router else 0)
    return immutable or None


def mac_ip_key(instance: Instance, mac: MacAddress, ip: IpAddress = NO_IP) -> RouteKey:
    return MacIpRoute(instance.rd, ZERO_ESI, ZERO_TAG, mac, ip, instance.vni).key


def inclusive_multicast(instance: Instance) -> tuple[RouteKey, Announcement]:
    """Originator, next hop and tunnel endpoint are all our VTEP address: FRR floods to the first of them."""
    route = InclusiveMulticastRoute(instance.rd, ZERO_TAG, instance.vtep)
    communities = (*map(ExtendedCommunity, instance.export_targets), encapsulation())
    attributes = PathAttributes(extended=communities, pmsi=ingress_replication(instance.vni, instance.vtep))
    return route.key, Announcement(route.encode(), attributes)


@lru_cache(maxsize=4096)
def _mac_ip_attributes(
    targets: tuple[RouteTarget, ...], sequence: int, sticky: bool, flags: int | None
) -> PathAttributes:
    """The first advertisement carries no mobility community (RFC 7432 section 15)."""
    mobility = (mac_mobility(sequence, sticky),) if sequence or sticky else ()
    neighbor = () if flags is None else (arp_nd(flags),)
    return PathAttributes(extended=(*map(ExtendedCommunity, targets), encapsulation(), *mobility, *neighbor))
