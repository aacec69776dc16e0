"""EVPN routes in the shape in which ExaBGP passes routes about: for the configuration file and `show adj-rib out`.

Only those two: a `Change` and what hangs on it is some 5 kB, the `Table` keeps octets.
"""

from typing import Any

from exabgp.bgp.message import Action
from exabgp.bgp.message.update.attribute import Attributes
from exabgp.bgp.message.update.nlri.evpn.nlri import EVPN
from exabgp.protocol.family import AFI, SAFI, Family
from exabgp.protocol.ip import IP, IPSelf
from exabgp.rib.change import Change

from evpn.exabgp.extension.describe import describe, describe_attributes, describe_route
from evpn.wire.routes import key_of


class EvpnNlri(EVPN):  # type: ignore[misc]  # ExaBGP has no types
    """Any route type; `next_hop` None stands for `next-hop self`, which ExaBGP resolves for each neighbour."""

    def __init__(self, packed: bytes, next_hop: bytes | None) -> None:
        super().__init__(Action.ANNOUNCE)
        self.CODE = packed[0]
        self._packed = packed[2:]
        self.nexthop = IPSelf(AFI.l2vpn) if next_hop is None else IP.unpack(next_hop)

    def index(self) -> bytes:
        """Two announcements of one key are one route, whatever their ESI and labels."""
        return bytes(Family.index(self)) + key_of(self.pack_nlri())

    def __str__(self) -> str:
        return describe_route(self.pack_nlri())

    def as_dict(self) -> dict[str, Any]:
        family = {"afi": str(AFI.l2vpn), "safi": str(SAFI.evpn)}
        return {"code": self.CODE, "raw": self._raw(), "route": str(self), "family": family}

    def json(self, compact: bool | None = None) -> str:
        return f'{{ "code": {self.CODE}, "raw": "{self._raw()}", "route": "{self}" }}'


class EvpnAttributes(Attributes):  # type: ignore[misc]  # ExaBGP has no types
    """Packed attributes that nothing in ExaBGP needs to look into."""

    def __init__(self, packed: bytes = b"") -> None:
        super().__init__()
        self.packed = packed

    def index(self) -> bytes:
        return self.packed

    def pack(self, negotiated: Any, with_default: bool = True) -> bytes:
        return self.packed

    def as_dict(self) -> dict[str, str]:
        return {"packed": self.packed.hex()}

    def json(self) -> str:
        return f'"packed": "{self.packed.hex()}"'

    def __repr__(self) -> str:
        return describe_attributes(self.packed)


class EvpnChange(Change):  # type: ignore[misc]  # ExaBGP has no types
    def extensive(self) -> str:
        nlri, attributes = self.nlri.pack_nlri(), self.attributes.packed
        if self.nlri.nexthop.SELF:
            return f"{self.nlri} next-hop self{self.attributes!r}"
        return describe(nlri, self.nlri.nexthop.pack(), attributes)


def change_of(nlri: bytes, attributes: bytes, next_hop: bytes | None) -> EvpnChange:
    return EvpnChange(EvpnNlri(nlri, next_hop), EvpnAttributes(attributes))
