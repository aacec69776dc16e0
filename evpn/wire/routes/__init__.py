"""EVPN NLRI: one file per route type (RFC 7432 section 7, RFC 9136), and the list of them here.

A new type is a new file, a member of `Route` and a line in each of the two tables.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from evpn.values import RouteKey
from evpn.wire.errors import Disposition, WireError
from evpn.wire.routes import ethernet_ad, ethernet_segment, ip_prefix, mac_ip, multicast
from evpn.wire.routes.ethernet_ad import EthernetAdRoute
from evpn.wire.routes.ethernet_segment import EthernetSegmentRoute
from evpn.wire.routes.ip_prefix import IpPrefixRoute
from evpn.wire.routes.mac_ip import MacIpRoute
from evpn.wire.routes.multicast import InclusiveMulticastRoute
from evpn.wire.routes.unknown import UnknownRoute

__all__ = [
    "EthernetAdRoute",
    "EthernetSegmentRoute",
    "InclusiveMulticastRoute",
    "IpPrefixRoute",
    "MacIpRoute",
    "Route",
    "UnknownRoute",
    "decode_routes",
    "encode_routes",
    "key_of",
    "keys_of",
    "split",
]

Route: TypeAlias = (
    EthernetAdRoute | MacIpRoute | InclusiveMulticastRoute | EthernetSegmentRoute | IpPrefixRoute | UnknownRoute
)

_DECODE: dict[int, Callable[[bytes], Route]] = {
    1: EthernetAdRoute.decode,
    2: MacIpRoute.decode,
    3: InclusiveMulticastRoute.decode,
    4: EthernetSegmentRoute.decode,
    5: IpPrefixRoute.decode,
}

_KEY_OF: dict[int, Callable[[bytes], RouteKey]] = {
    1: ethernet_ad.key_of,
    2: mac_ip.key_of,
    3: multicast.key_of,
    4: ethernet_segment.key_of,
    5: ip_prefix.key_of,
}


def decode_routes(nlri: bytes) -> tuple[list[Route], list[WireError]]:
    """What a field of NLRI says; a bad body costs that route only, bad framing is raised (RFC 7606 section 5.3)."""
    run = mac_ip.decode_run(nlri)
    if run is not None:
        return list(run), []
    routes: list[Route] = []
    faults: list[WireError] = []
    at, size = 0, len(nlri)
    while at < size:
        end = _end(nlri, at, size)
        kind = nlri[at]
        body = nlri[at + 2 : end]
        try:
            routes.append(_DECODE[kind](body) if kind in _DECODE else UnknownRoute(kind, body))
        except WireError as fault:
            faults.append(fault.with_traceback(None))
        at = end
    return routes, faults


def encode_routes(routes: Iterable[Route]) -> bytes:
    return b"".join([route.encode() for route in routes])


def split(nlri: bytes) -> list[bytes]:
    """The NLRI of a field one by one, each with its type and length; the bodies are not looked at."""
    pieces = []
    at, size = 0, len(nlri)
    while at < size:
        end = _end(nlri, at, size)
        pieces.append(nlri[at:end])
        at = end
    return pieces


def key_of(nlri: bytes) -> RouteKey:
    """The key that the decoded route would have, of exactly one NLRI."""
    if len(nlri) < 2 or len(nlri) != nlri[1] + 2:
        raise WireError(f"NLRI of {len(nlri)} octets, which is not one route", Disposition.RESET)
    kind = nlri[0]
    return _KEY_OF[kind](nlri[2:]) if kind in _KEY_OF else RouteKey(nlri[:1] + nlri[2:])


def keys_of(routes: Sequence[Route]) -> list[RouteKey]:
    """`key` of each."""
    return mac_ip.keys_of(routes) if mac_ip.are_all(routes) else [route.key for route in routes]


def _end(nlri: bytes, at: int, size: int) -> int:
    """Where the NLRI that starts here is over."""
    end = at + 2 + nlri[at + 1] if at + 1 < size else size + 1
    if end > size:
        raise WireError(f"NLRI overruns its field of {size} octets at {at}", Disposition.RESET)
    return end
