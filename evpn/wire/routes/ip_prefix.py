"""Route type 5, IP Prefix (RFC 9136 section 3.1; the label is a VNI, RFC 8365)."""

from struct import Struct
from typing import NamedTuple, Self

from evpn.values import (
    ZERO_ESI,
    ZERO_MAC,
    EthernetSegmentIdentifier,
    EthernetTag,
    IpAddress,
    MacAddress,
    RouteDistinguisher,
    RouteKey,
)
from evpn.wire.errors import WireError

_BODIES = {body.size: body for body in (Struct("!8s10s4sB4s4s3s"), Struct("!8s10s4sB16s16s3s"))}
"""RD, ESI, tag, prefix length, prefix, gateway, label: the size of the whole tells the family."""

_IP_SIZES = {34: 4, 58: 16}
_BITS_AT = 22
_PREFIX_AT = 23


class IpPrefixRoute(NamedTuple):
    rd: RouteDistinguisher
    esi: EthernetSegmentIdentifier
    tag: EthernetTag
    prefix: IpAddress  # no bit set beyond the length
    length: int
    gateway: IpAddress  # all zero when it is not the overlay index
    vni: int

    @property
    def key(self) -> RouteKey:
        """Identity in the RIB: ESI, gateway and label belong to the path, not to the route."""
        return RouteKey(b"\5" + self.rd + self.tag + bytes((self.length,)) + self.prefix)

    @property
    def overlay_index(self) -> bool:
        """Whether the next hop is to be resolved through another EVPN route (RFC 9136 section 3.2)."""
        return self.esi != ZERO_ESI or any(self.gateway)

    def encode(self) -> bytes:
        body = _BODIES[26 + 2 * len(self.prefix)]
        label = self.vni.to_bytes(3)
        fields = (self.rd, self.esi, self.tag, self.length, self.prefix, self.gateway, label)
        return bytes((5, body.size)) + body.pack(*fields)

    @classmethod
    def decode(cls, body: bytes) -> Self:
        _check(body)
        rd, esi, tag, length, prefix, gateway, label = _BODIES[len(body)].unpack(body)
        return cls(rd, esi, tag, _network(prefix, length), length, gateway, int.from_bytes(label))


def check_announced(route: IpPrefixRoute, router_mac: MacAddress | None) -> None:
    """What only an announcement has to satisfy (RFC 9136 section 3.1); a withdrawal may say anything here."""
    if router_mac is not None and (router_mac[0] & 1 or router_mac == ZERO_MAC):
        raise WireError(f"IP prefix route through router's MAC {router_mac.hex(':')}, which is no host's")
    if route.esi != ZERO_ESI and any(route.gateway):
        raise WireError("IP prefix route with an ESI and a gateway")
    if not route.vni and not route.overlay_index:
        raise WireError("IP prefix route with neither a label nor an overlay index")


def key_of(body: bytes) -> RouteKey:
    _check(body)
    length = body[_BITS_AT]
    prefix = _network(body[_PREFIX_AT : _PREFIX_AT + _IP_SIZES[len(body)]], length)
    return RouteKey(b"\5" + body[:8] + body[18:_PREFIX_AT] + prefix)


def _check(body: bytes) -> None:
    if len(body) not in _IP_SIZES or body[_BITS_AT] > 8 * _IP_SIZES[len(body)]:
        raise WireError(f"IP prefix route of {len(body)} octets, or its prefix is longer than an address")


def _network(address: bytes, length: int) -> IpAddress:
    """Two spellings of one prefix are one route."""
    host_bits = 8 * len(address) - length
    return IpAddress((int.from_bytes(address) >> host_bits << host_bits).to_bytes(len(address)))
