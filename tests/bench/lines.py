"""Routes of the VTEP as commands for ExaBGP: in words, one line each, and in bulk. All of it made beforehand."""

from typing import NamedTuple

from evpn.exabgp import commands
from evpn.text import format_ip, format_mac, format_rd, parse_ip, parse_rd
from evpn.wire.attributes import PathAttributes, encode
from evpn.wire.routes import MacIpRoute
from tests.bench import stream
from tests.bench.site import VTEP_ADDRESS

_OURS = stream.Vtep(parse_ip(VTEP_ADDRESS), parse_rd(f"{VTEP_ADDRESS}:{stream.VNI}"))
_PACKED = encode(PathAttributes(extended=stream.COMMUNITIES))
_TARGET, _ENCAPSULATION = f"target:{stream.AS_NUMBER}:{stream.VNI}", f"0x{stream.COMMUNITIES[0].hex()}"
_ATTRIBUTES = f"next-hop {VTEP_ADDRESS} extended-community [ {_TARGET} {_ENCAPSULATION} ]"


class Lines(NamedTuple):
    octets: bytes
    routes: list[bytes]
    """The NLRI that the peer hears."""


def words(first: int, count: int) -> Lines:
    """`announce evpn mac-ip`, as the extension has it, and as `stock.py` has it."""
    routes = _routes(first, count)
    return Lines("".join(map(_words, routes)).encode(), [route.encode() for route in routes])


def bulk(first: int, count: int) -> Lines:
    """`announce evpn bulk`, as the agent says it."""
    routes = [route.encode() for route in _routes(first, count)]
    return Lines(b"".join(commands.announce(1, _PACKED, _OURS.address, routes)), routes)


def ipv4(first: int, count: int) -> Lines:
    """`announce route`, which every ExaBGP has."""
    addresses = [route.ip for route in _routes(first, count)]
    lines = (f"announce route {format_ip(address)}/32 {_ATTRIBUTES}\n" for address in addresses)
    return Lines("".join(lines).encode(), [b"\x20" + address for address in addresses])


def _routes(first: int, count: int) -> list[MacIpRoute]:
    return [stream.route(index, _OURS) for index in range(first, first + count)]


def _words(route: MacIpRoute) -> str:
    key = f"rd {format_rd(route.rd)} mac {format_mac(route.mac)} ip {format_ip(route.ip)}"
    return f"announce evpn mac-ip {key} vni {route.vni} {_ATTRIBUTES}\n"
