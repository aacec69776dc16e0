"""A path: one route as one peer told it, and whether it may be used at all (RFC 4271 section 9.1.2, RFC 4456)."""

from collections.abc import Iterable
from enum import Enum
from itertools import repeat
from typing import NamedTuple

from evpn.values import IpAddress
from evpn.wire.attributes import PathAttributes
from evpn.wire.routes import Route


class Rejection(Enum):
    """Why a path is kept for show and never used."""

    OWN_NEXT_HOP = "next hop is our own VTEP"
    MARTIAN_NEXT_HOP = "next hop is no unicast address of another host"
    NEXT_HOP_FAMILY = "next hop is of another address family than our VTEP"
    AS_LOOP = "our AS number is in the AS path"
    ORIGINATOR_LOOP = "originator is our router id"
    CLUSTER_LOOP = "our router id is in the cluster list"
    ENCAPSULATION = "no VXLAN among its encapsulations"


class Path(NamedTuple):
    peer: str
    """Address of the BGP neighbor, as text."""
    next_hop: IpAddress
    attributes: PathAttributes
    route: Route
    rejection: Rejection | None


def paths_of(
    peer: str, next_hop: IpAddress, attributes: PathAttributes, routes: Iterable[Route], why: Rejection | None
) -> list[Path]:
    """The paths of one UPDATE."""
    columns = zip(repeat(peer), repeat(next_hop), repeat(attributes), routes, repeat(why))
    return list(map(tuple.__new__, repeat(Path), columns))  # half the time of the constructor of a NamedTuple


class Speaker(NamedTuple):
    """Who we are, to recognise our own routes and loops."""

    vtep: IpAddress
    router_id: IpAddress
    local_as: int


def rejection(speaker: Speaker, next_hop: IpAddress, attributes: PathAttributes) -> Rejection | None:
    """Decided once for all routes of an UPDATE: only what they share is looked at."""
    grounds = {
        Rejection.OWN_NEXT_HOP: next_hop == speaker.vtep,
        Rejection.MARTIAN_NEXT_HOP: is_martian(next_hop),
        Rejection.NEXT_HOP_FAMILY: len(next_hop) != len(speaker.vtep),
        Rejection.AS_LOOP: speaker.local_as in attributes.as_numbers,
        Rejection.ORIGINATOR_LOOP: attributes.originator_id == speaker.router_id,
        Rejection.CLUSTER_LOOP: speaker.router_id in attributes.cluster_list,
        Rejection.ENCAPSULATION: not attributes.vxlan,
    }
    return next((why for why, applies in grounds.items() if applies), None)


def is_martian(address: IpAddress) -> bool:
    """Zero, loopback, multicast, broadcast, link-local and class E: never the far end of a tunnel."""
    if len(address) == 4:
        first = address[0]
        return first in (0, 127) or first >= 224 or address[:2] == b"\xa9\xfe"
    if len(address) != 16:
        return True
    mapped = address[:12] == bytes(10) + b"\xff\xff"
    return mapped or address[:15] == bytes(15) or address[0] == 0xFF or address[:2] == b"\xfe\x80"
