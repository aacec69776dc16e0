"""Neighbor solicitations and advertisements with their IPv6 header (RFC 4861 sections 4.3, 4.4, 4.6.1 and 7.1).

The ICMPv6 checksum of what is received is not verified. Linux completes it for these messages in software, on a veth
too; but a guest behind a tap with a virtio header may leave it to its host, and then a port hears the sum of the pseudo
header instead. What comes from an overlay port has crossed memory or a cable with a checksum of its own, and whoever
forges a message can compute this one as well.
"""

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple, Self

from evpn.values import IpAddress, MacAddress

SOLICITATION, ADVERTISEMENT = 135, 136
ICMPV6 = 58
ROUTER, SOLICITED, OVERRIDE = 0x80, 0x40, 0x20

_VERSION_6 = 6 << 28
_NEVER_FORWARDED = 255  # a router would have made it less: nobody but a neighbour can have sent it
# version, payload length, next header, hop limit, source, destination; type, code, checksum, flags, target
_PACKET = Struct("!IHBB16s16sBBHB3x16s")
_IPV6_HEADER = 40
_PSEUDO_HEADER = Struct("!32sI3xB")  # RFC 8200 section 8.1
_SOURCE_LINK_LAYER, _TARGET_LINK_LAYER = 1, 2
_LINK_LAYER = Struct("!BB6s")
_LINK_LAYER_OPTION = {SOLICITATION: _SOURCE_LINK_LAYER, ADVERTISEMENT: _TARGET_LINK_LAYER}


class NdMessage(NamedTuple):
    kind: int
    source: IpAddress
    destination: IpAddress
    flags: int  # of an advertisement
    target: IpAddress
    mac: MacAddress | None  # source link-layer address of a solicitation, target's of an advertisement

    def encode(self) -> bytes:
        kind, source, destination, flags, target, mac = self
        option = b"" if mac is None else _LINK_LAYER.pack(_LINK_LAYER_OPTION[kind], 1, mac)
        length = _PACKET.size - _IPV6_HEADER + len(option)
        head = (_VERSION_6, length, ICMPV6, _NEVER_FORWARDED, source, destination, kind, 0)
        unsigned = _PACKET.pack(*head, 0, flags, target) + option
        return _PACKET.pack(*head, _checksum(unsigned), flags, target) + option

    @classmethod
    def decode(cls, octets: bytes) -> Self | None:
        """None for everything that RFC 4861 section 7.1 has a node discard, and for what has extension headers."""
        if len(octets) < _PACKET.size:
            return None
        head, length, protocol, hops, source, destination, kind, code, _, flags, target = _PACKET.unpack_from(octets)
        end = _IPV6_HEADER + length
        wellformed = head >> 28 == 6 and protocol == ICMPV6 and hops == _NEVER_FORWARDED and code == 0
        if not wellformed or kind not in _LINK_LAYER_OPTION or not _PACKET.size <= end <= len(octets):
            return None
        if is_multicast(target) or (kind == ADVERTISEMENT and flags & SOLICITED and is_multicast(destination)):
            return None
        try:
            mac = _link_layer(octets[_PACKET.size : end], _LINK_LAYER_OPTION[kind])
        except ValueError:
            return None
        return cls(kind, source, destination, flags, target, mac)


def is_multicast(ip: bytes) -> bool:
    return ip[0] == 0xFF


def link_local(mac: MacAddress) -> IpAddress:
    """The address that an interface derives from its MAC (RFC 4291 section 2.5.6 and appendix A)."""
    return IpAddress(b"\xfe\x80" + bytes(6) + bytes((mac[0] ^ 2,)) + mac[1:3] + b"\xff\xfe" + mac[3:])


def _link_layer(options: bytes, wanted: int) -> MacAddress | None:
    """Of several addresses the first one counts; ValueError when the options are not what they say."""
    found: MacAddress | None = None
    for option in _split(options):
        if option[0] == wanted and found is None:
            if len(option) != _LINK_LAYER.size:
                raise ValueError(len(option))  # not of Ethernet
            found = MacAddress(option[2:])
    return found


def _split(options: bytes) -> Iterator[bytes]:
    """Each is as long as its second octet says, in units of eight."""
    at, size = 0, len(options)
    while at < size:
        length = 8 * options[at + 1] if at + 1 < size else 0
        if not 0 < length <= size - at:
            raise ValueError(length)
        yield options[at : at + length]
        at += length


def _checksum(unsigned: bytes) -> int:
    """The ones' complement sum of 16-bit words is the remainder by 65535 (RFC 1071), for 2^16 leaves 1."""
    addresses, message = unsigned[8:_IPV6_HEADER], unsigned[_IPV6_HEADER:]
    return -int.from_bytes(_PSEUDO_HEADER.pack(addresses, len(message), ICMPV6) + message) % 0xFFFF
