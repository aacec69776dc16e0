"""PMSI Tunnel: how to reach the flood of a type 3 route (RFC 6514 section 5; the label is a VNI, RFC 8365)."""

from struct import Struct
from typing import NamedTuple, Self

from evpn.values import IpAddress
from evpn.wire.errors import WireError

INGRESS_REPLICATION = 6

_HEAD = Struct("!BB3s")  # flags, tunnel type, label


class PmsiTunnel(NamedTuple):
    flags: int
    kind: int
    vni: int
    endpoint: bytes  # an IpAddress for ingress replication, else the tunnel identifier as it came

    def encode(self) -> bytes:
        return _HEAD.pack(self.flags, self.kind, self.vni.to_bytes(3)) + self.endpoint

    @classmethod
    def decode(cls, value: bytes) -> Self:
        if len(value) < _HEAD.size:
            raise WireError(f"PMSI tunnel of {len(value)} octets")
        flags, kind, label = _HEAD.unpack_from(value)
        endpoint = value[_HEAD.size :]
        if kind == INGRESS_REPLICATION and len(endpoint) not in (4, 16):
            raise WireError(f"PMSI ingress replication with an endpoint of {len(endpoint)} octets")
        return cls(flags, kind, int.from_bytes(label), endpoint)


def ingress_replication(vni: int, endpoint: IpAddress) -> PmsiTunnel:
    """Send us a copy: what a VTEP says of itself."""
    return PmsiTunnel(0, INGRESS_REPLICATION, vni, endpoint)
