"""ARP for IPv4 over Ethernet (RFC 826)."""

from struct import Struct
from typing import NamedTuple, Self

from evpn.values import IpAddress, MacAddress

REQUEST, REPLY = 1, 2

_ETHERNET, _IPV4 = (1, 6), (0x0800, 4)  # type and size of the addresses
_PACKET = Struct("!HHBBH6s4s6s4s")


class ArpPacket(NamedTuple):
    operation: int
    sender_mac: MacAddress
    sender_ip: IpAddress
    target_mac: MacAddress
    target_ip: IpAddress

    def encode(self) -> bytes:
        return _PACKET.pack(_ETHERNET[0], _IPV4[0], _ETHERNET[1], _IPV4[1], *self)

    @classmethod
    def decode(cls, octets: bytes) -> Self | None:
        """None for what is cut off or about other addresses; what fills the frame up to its least size is ignored."""
        if len(octets) < _PACKET.size:
            return None
        hardware, protocol, hardware_size, protocol_size, *rest = _PACKET.unpack_from(octets)
        if (hardware, hardware_size) != _ETHERNET or (protocol, protocol_size) != _IPV4:
            return None
        return cls(*rest)
