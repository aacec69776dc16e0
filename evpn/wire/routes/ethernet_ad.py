"""Route type 1, Ethernet Auto-Discovery, per segment or per EVI (RFC 7432 section 7.1)."""

from struct import Struct
from typing import NamedTuple, Self

from evpn.values import EthernetSegmentIdentifier, EthernetTag, RouteDistinguisher, RouteKey
from evpn.wire.errors import WireError

_BODY = Struct("!8s10s4s3s")  # RD, ESI, tag, label
_TYPE_AND_LENGTH = bytes((1, _BODY.size))


class EthernetAdRoute(NamedTuple):
    rd: RouteDistinguisher
    esi: EthernetSegmentIdentifier
    tag: EthernetTag  # all ones: the route is for the segment as a whole
    vni: int

    @property
    def key(self) -> RouteKey:
        """Here the ESI is part of the identity."""
        return RouteKey(b"\1" + self.rd + self.esi + self.tag)

    def encode(self) -> bytes:
        return _TYPE_AND_LENGTH + _BODY.pack(self.rd, self.esi, self.tag, self.vni.to_bytes(3))

    @classmethod
    def decode(cls, body: bytes) -> Self:
        _check(body)
        rd, esi, tag, label = _BODY.unpack(body)
        return cls(rd, esi, tag, int.from_bytes(label))


def key_of(body: bytes) -> RouteKey:
    _check(body)
    return RouteKey(b"\1" + body[:22])


def _check(body: bytes) -> None:
    if len(body) != _BODY.size:
        raise WireError(f"Ethernet A-D route of {len(body)} octets")
