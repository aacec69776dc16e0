"""Other VTEPs, whose routes a raw peer tells as a reflector would; and what our VTEP announces to it."""

from dataclasses import replace
from itertools import count
from typing import NamedTuple

from evpn.text import format_ip, format_mac, parse_ip, parse_mac
from evpn.values import NO_IP, ZERO_ESI, EthernetSegmentIdentifier
from evpn.wire.communities import arp_nd, default_gateway
from evpn.wire.routes import MacIpRoute
from evpn.wire.update import Update, decode, encode_announce, encode_withdraw
from tests.builders import a_mac_route, a_multicast_route, attributes

from .frr import until
from .raw_peer import END_OF_RIB, RawPeer
from .vtep import Vtep

LOWER, HIGHER, HIGHEST = "10.0.0.2", "10.0.0.98", "10.0.0.99"
"""VTEPs with addresses below and above ours, which is 10.0.0.11: that decides between equal claims."""

_numbers = count(1)


def a_mac() -> str:
    """One that no other test has."""
    number = next(_numbers)
    return f"02:00:00:01:{number >> 8:02x}:{number & 255:02x}"


class Announced(NamedTuple):
    """What is worth comparing in a MAC/IP route of ours."""

    sequence: int = 0
    sticky: bool = False
    flags: int | None = None
    """Of the ARP/ND community."""


class FarSide:
    """`vtep` is ours, `peer` has a session with it."""

    def __init__(self, peer: RawPeer, vtep: Vtep) -> None:
        self.peer = peer
        self.vtep = vtep
        self._standing: dict[tuple[str, str, str], bytes] = {}

    def begin(self) -> None:
        """All routes have been told."""
        self.peer.update(END_OF_RIB)
        until(lambda: self.vtep.summary()["in-sync"])

    def says_again(self) -> None:
        """All that stands, as a peer does that is asked for a refresh."""
        for body in self._standing.values():
            self.peer.update(body)
        self.begin()

    # What the others say

    def has(
        self,
        mac: str,
        ip: str = "",
        vtep: str = HIGHER,
        sequence: int = 0,
        sticky: bool = False,
        gateway: bool = False,
        flags: int | None = None,
        esi: EthernetSegmentIdentifier = ZERO_ESI,
    ) -> None:
        """`flags` are those of the ARP/ND community."""
        shared = attributes(sequence=sequence, sticky=sticky)
        more = ((default_gateway(),) if gateway else ()) + (() if flags is None else (arp_nd(flags),))
        shared = replace(shared, extended=(*shared.extended, *more))
        self._says((mac, ip, vtep), encode_announce([_route(mac, ip, vtep)._replace(esi=esi)], parse_ip(vtep), shared))

    def loses(self, mac: str, ip: str = "", vtep: str = HIGHER) -> None:
        self._standing.pop((mac, ip, vtep), None)
        self.peer.update(encode_withdraw([_route(mac, ip, vtep)]))

    def floods(self, vtep: str = HIGHER) -> None:
        route = a_multicast_route(parse_ip(vtep), f"{vtep}:100")
        shared = attributes(endpoint=parse_ip(vtep))
        self._says(("", "", vtep), encode_announce([route], parse_ip(vtep), shared))

    def floods_no_more(self, vtep: str = HIGHER) -> None:
        self.peer.update(encode_withdraw([a_multicast_route(parse_ip(vtep), f"{vtep}:100")]))

    def is_heard(self) -> None:
        """Whatever was said so far has been dealt with, rows and all: what is said behind it has been."""
        marker = a_mac()
        self.has(marker, vtep=HIGHEST)
        until(lambda: self.vtep.remote(marker) == {"bridge", HIGHEST}, every=0.02)
        self.loses(marker, vtep=HIGHEST)

    def _says(self, key: tuple[str, str, str], body: bytes) -> None:
        self._standing[key] = body
        self.peer.update(body)

    # What ours says

    def said(self) -> list[Update]:
        return [decode(body) for body in self.peer.updates()]

    def routes(self) -> dict[tuple[str, str], Announced]:
        """MAC and IP -> what is announced now; of a MAC-only route the IP is empty."""
        found: dict[tuple[str, str], Announced] = {}
        for update in self.said():
            for route in update.withdrawn:
                if isinstance(route, MacIpRoute):
                    found.pop(_names(route), None)
            for route in update.announced:
                if isinstance(route, MacIpRoute) and update.attributes is not None:
                    mobility = update.attributes.mobility
                    found[_names(route)] = Announced(*mobility, update.attributes.arp_nd)
        return found

    def of(self, mac: str) -> dict[str, Announced]:
        """IP -> what is announced of a MAC."""
        return {ip: route for (of, ip), route in self.routes().items() if of == mac}

    def withdrawn(self, mac: str | None = None) -> list[tuple[str, str]]:
        """MAC and IP of all withdrawals since the session came up, in order."""
        gone = [_names(route) for update in self.said() for route in update.withdrawn if isinstance(route, MacIpRoute)]
        return [one for one in gone if mac in (None, one[0])]


def _route(mac: str, ip: str, vtep: str) -> MacIpRoute:
    return a_mac_route(parse_mac(mac), parse_ip(ip) if ip else NO_IP, f"{vtep}:100")


def _names(route: MacIpRoute) -> tuple[str, str]:
    return format_mac(route.mac), format_ip(route.ip) if route.ip else ""
