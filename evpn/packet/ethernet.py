"""The Ethernet header, untagged (IEEE 802.3)."""

from struct import Struct
from typing import NamedTuple, Self

from evpn.values import ZERO_MAC, MacAddress

ARP, IPV6 = 0x0806, 0x86DD
BROADCAST = MacAddress(b"\xff" * 6)
ALL_NODES = MacAddress(bytes.fromhex("333300000001"))
"""Where the IPv6 multicast group of all nodes goes (RFC 2464 section 7)."""

_HEADER = Struct("!6s6sH")


class Frame(NamedTuple):
    destination: MacAddress
    source: MacAddress
    protocol: int
    payload: bytes

    def encode(self) -> bytes:
        return _HEADER.pack(self.destination, self.source, self.protocol) + self.payload

    @classmethod
    def decode(cls, octets: bytes) -> Self | None:
        """The protocol of a tagged frame is that of its tag (IEEE 802.1Q), so nobody takes it for anything else."""
        if len(octets) < _HEADER.size:
            return None
        destination, source, protocol = _HEADER.unpack_from(octets)
        return cls(destination, source, protocol, octets[_HEADER.size :])


def is_station(mac: bytes) -> bool:
    """One interface has it: no group address, not all zero."""
    return not mac[0] & 1 and mac != ZERO_MAC
