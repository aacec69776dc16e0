"""Route type 3, Inclusive Multicast Ethernet Tag: "flood to me" (RFC 7432 section 7.3)."""

from struct import Struct
from typing import NamedTuple, Self

from evpn.values import MAX_ET, EthernetTag, IpAddress, RouteDistinguisher, RouteKey
from evpn.wire.errors import Disposition, WireError

_HEAD = Struct("!8s4sB")  # RD, tag, IP length
_IP_BITS = {_HEAD.size + 4: 32, _HEAD.size + 16: 128}


class InclusiveMulticastRoute(NamedTuple):
    rd: RouteDistinguisher
    tag: EthernetTag
    originator: IpAddress

    @property
    def key(self) -> RouteKey:
        return RouteKey(b"\3" + self.rd + self.tag + self.originator)

    def encode(self) -> bytes:
        size = len(self.originator)
        return bytes((3, _HEAD.size + size)) + _HEAD.pack(self.rd, self.tag, size * 8) + self.originator

    @classmethod
    def decode(cls, body: bytes) -> Self:
        _check(body)
        rd, tag, _ = _HEAD.unpack_from(body)
        if tag == MAX_ET:
            raise WireError("inclusive multicast route with the tag of all segments", Disposition.IGNORE)
        return cls(rd, tag, IpAddress(body[_HEAD.size :]))


def key_of(body: bytes) -> RouteKey:
    _check(body)
    return RouteKey(b"\3" + body[:12] + body[13:])


def _check(body: bytes) -> None:
    if len(body) not in _IP_BITS or body[12] != _IP_BITS[len(body)]:
        raise WireError(f"inclusive multicast route of {len(body)} octets, or its originator is not 32 or 128 bits")
