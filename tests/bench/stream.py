"""The routes that the bench announces, as BGP messages: remote MAC/IP routes of a few VTEPs, and their withdrawal."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from evpn.text import parse_ip, parse_rd, parse_route_target
from evpn.values import ZERO_ESI, ZERO_TAG, ExtendedCommunity, IpAddress, MacAddress, RouteDistinguisher
from evpn.wire import update
from evpn.wire.attributes import PathAttributes
from evpn.wire.communities import encapsulation
from evpn.wire.pmsi import ingress_replication
from evpn.wire.routes import InclusiveMulticastRoute, MacIpRoute, Route

VNI = 100
AS_NUMBER = 65000
ROWS_PER_ROUTE = 3  # FDB of the VXLAN device, FDB of the bridge, neighbour
ROUTES_PER_UPDATE = 100  # 39 octets each: as many as fit into 4096 octets beside the attributes

_FIRST_IP = int.from_bytes(parse_ip("172.16.0.0"))
_UPDATE = 2
COMMUNITIES = (encapsulation(), ExtendedCommunity(parse_route_target(f"{AS_NUMBER}:{VNI}")))
_ATTRIBUTES = PathAttributes(local_preference=100, extended=COMMUNITIES)


class Vtep(NamedTuple):
    address: IpAddress
    rd: RouteDistinguisher


VTEPS = tuple(Vtep(parse_ip(f"10.0.0.{n}"), parse_rd(f"10.0.0.{n}:{VNI}")) for n in (101, 102, 103, 104))


def message(kind: int, body: bytes) -> bytes:
    """With the header of RFC 4271 section 4.1."""
    return b"\xff" * 16 + (19 + len(body)).to_bytes(2) + bytes((kind,)) + body


def remote_mac(index: int) -> MacAddress:
    return MacAddress(b"\x02\x00" + index.to_bytes(4))


def local_mac(index: int) -> MacAddress:
    return MacAddress(b"\x06\x00" + index.to_bytes(4))


def route(index: int, vtep: Vtep) -> MacIpRoute:
    ip = IpAddress((_FIRST_IP + index).to_bytes(4))
    return MacIpRoute(vtep.rd, ZERO_ESI, ZERO_TAG, remote_mac(index), ip, VNI)


def announcements(first: int, count: int) -> list[bytes]:
    """UPDATEs of `count` MAC/IP routes from number `first` on; each of them one VTEP's."""
    return [announce(vtep, routes) for vtep, routes in _groups(first, count)]


def withdrawals(first: int, count: int) -> list[bytes]:
    return [withdraw(routes) for _, routes in _groups(first, count)]


def announce(vtep: Vtep, routes: Sequence[Route], attributes: PathAttributes = _ATTRIBUTES) -> bytes:
    """One UPDATE."""
    return message(_UPDATE, update.encode_announce(routes, vtep.address, attributes))


def withdraw(routes: Sequence[Route]) -> bytes:
    return message(_UPDATE, update.encode_withdraw(routes))


def floods() -> list[bytes]:
    """The type 3 route of every VTEP."""
    return [
        announce(
            vtep,
            [InclusiveMulticastRoute(vtep.rd, ZERO_TAG, vtep.address)],
            PathAttributes(local_preference=100, extended=COMMUNITIES, pmsi=ingress_replication(VNI, vtep.address)),
        )
        for vtep in VTEPS
    ]


def end_of_rib() -> bytes:
    return message(_UPDATE, bytes.fromhex("00000006800f03001946"))


def _groups(first: int, count: int) -> Iterator[tuple[Vtep, list[MacIpRoute]]]:
    """A route belongs to the same VTEP whatever range it is part of."""
    start, end = first, first + count
    while start < end:
        group = start // ROUTES_PER_UPDATE
        stop = min((group + 1) * ROUTES_PER_UPDATE, end)
        vtep = VTEPS[group % len(VTEPS)]
        yield vtep, [route(index, vtep) for index in range(start, stop)]
        start = stop
