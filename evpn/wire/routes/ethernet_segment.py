"""Route type 4, Ethernet Segment: who else is attached to a segment (RFC 7432 section 7.4)."""

from struct import Struct
from typing import NamedTuple, Self

from evpn.values import EthernetSegmentIdentifier, IpAddress, RouteDistinguisher, RouteKey
from evpn.wire.errors import WireError

_HEAD = Struct("!8s10sB")  # RD, ESI, IP length
_IP_BITS = {_HEAD.size + 4: 32, _HEAD.size + 16: 128}


class EthernetSegmentRoute(NamedTuple):
    rd: RouteDistinguisher
    esi: EthernetSegmentIdentifier
    originator: IpAddress

    @property
    def key(self) -> RouteKey:
        """Here the ESI is part of the identity."""
        return RouteKey(b"\4" + self.rd + self.esi + self.originator)

    def encode(self) -> bytes:
        size = len(self.originator)
        return bytes((4, _HEAD.size + size)) + _HEAD.pack(self.rd, self.esi, size * 8) + self.originator

    @classmethod
    def decode(cls, body: bytes) -> Self:
        _check(body)
        rd, esi, _ = _HEAD.unpack_from(body)
        return cls(rd, esi, IpAddress(body[_HEAD.size :]))


def key_of(body: bytes) -> RouteKey:
    _check(body)
    return RouteKey(b"\4" + body[:18] + body[19:])


def _check(body: bytes) -> None:
    if len(body) not in _IP_BITS or body[18] != _IP_BITS[len(body)]:
        raise WireError(f"Ethernet segment route of {len(body)} octets, or its originator is not 32 or 128 bits")
