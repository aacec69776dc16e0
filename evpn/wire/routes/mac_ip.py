"""Route type 2, MAC/IP Advertisement (RFC 7432 section 7.2; the label is a VNI, RFC 8365)."""

from functools import lru_cache
from struct import Struct
from typing import NamedTuple, Self

from evpn.values import (
    MAX_ET,
    ZERO_MAC,
    EthernetSegmentIdentifier,
    EthernetTag,
    IpAddress,
    MacAddress,
    RouteDistinguisher,
    RouteKey,
)
from evpn.wire.errors import Disposition, WireError

_SIZES = {30 + ip + labels: (ip, labels) for ip in (0, 4, 16) for labels in (3, 6)}
"""Size of a body -> octets of its IP and of its labels: no two combinations have the same."""

_BODIES = {size: Struct(f"!22sB6sB{ip}s{labels}s") for size, (ip, labels) in _SIZES.items()}
"""RD, ESI and tag together, MAC length, MAC, IP length, IP, labels."""

_UNPACK = {size: (_BODIES[size].unpack, ip * 8) for size, (ip, _) in _SIZES.items()}
_ONE_LABEL = 1 << 24
_new = tuple.__new__  # 0.25 us less than the constructor of a NamedTuple


class MacIpRoute(NamedTuple):
    rd: RouteDistinguisher
    esi: EthernetSegmentIdentifier
    tag: EthernetTag
    mac: MacAddress
    ip: IpAddress  # empty when the route carries none
    vni: int
    l3vni: int | None = None

    @property
    def key(self) -> RouteKey:
        """Identity in the RIB: ESI and labels belong to the path, not to the route."""
        return RouteKey(b"\2" + self.rd + self.tag + self.mac + self.ip)

    def encode(self) -> bytes:
        labels = self.vni.to_bytes(3) + (b"" if self.l3vni is None else self.l3vni.to_bytes(3))
        body = _BODIES[30 + len(self.ip) + len(labels)]
        head = self.rd + self.esi + self.tag
        return bytes((2, body.size)) + body.pack(head, 48, self.mac, len(self.ip) * 8, self.ip, labels)

    @classmethod
    def decode(cls, body: bytes) -> Self:
        size = len(body)
        if size not in _UNPACK:
            raise WireError(f"MAC/IP route of {size} octets")
        unpack, expected = _UNPACK[size]
        head, mac_bits, mac, ip_bits, ip, labels = unpack(body)
        if mac_bits != 48 or ip_bits != expected:
            raise WireError(f"MAC/IP route, MAC/{mac_bits} IP/{ip_bits} in {size} octets")
        if mac[0] & 1 or mac == ZERO_MAC:
            raise WireError(f"MAC/IP route for {mac.hex(':')}, which is no host's", Disposition.IGNORE)
        rd, esi, tag = _head(head)
        if len(labels) == 3:
            return _new(cls, (rd, esi, tag, mac, ip, int.from_bytes(labels), None))
        vni, l3vni = divmod(int.from_bytes(labels), _ONE_LABEL)
        return _new(cls, (rd, esi, tag, mac, ip, vni, l3vni))


def key_of(body: bytes) -> RouteKey:
    size = len(body)
    if size not in _UNPACK or body[22] != 48 or body[29] != _UNPACK[size][1]:
        raise WireError(f"MAC/IP route of {size} octets, or a MAC or IP length that is none")
    return RouteKey(b"\2" + body[:8] + body[18:22] + body[23:29] + body[30 : 30 + (body[29] >> 3)])


@lru_cache(maxsize=4096)
def _head(octets: bytes) -> tuple[bytes, bytes, bytes]:
    """RD, ESI and tag, one object for the very many routes that share them: 130 octets less for each."""
    if octets[18:] == MAX_ET:
        raise WireError("MAC/IP route with the tag of all segments", Disposition.IGNORE)
    return octets[:8], octets[8:18], octets[18:]
