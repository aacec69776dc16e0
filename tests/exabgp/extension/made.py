"""Routes and sessions, built of what a test says about them."""

from types import SimpleNamespace
from typing import Any

from exabgp.bgp.message.open.capability.negotiated import RequirePath
from exabgp.bgp.message.open.capability.refresh import REFRESH
from exabgp.protocol.family import AFI, SAFI

from evpn.exabgp.extension.table import AttributeSet, Keyed, keyed, share
from evpn.text import parse_ip, parse_mac, parse_rd
from evpn.values import NO_IP, ZERO_ESI, ZERO_TAG
from evpn.wire.communities import mac_mobility
from evpn.wire.routes import MacIpRoute
from evpn.wire.update import Update, decode

RD = parse_rd("10.0.0.3:100")
NEXT_HOP = parse_ip("10.0.0.3")


def nlri(name: str, vni: int = 100) -> bytes:
    """The MAC that a test calls A, B ...: its letter is the last octet."""
    mac = parse_mac(f"50:54:33:00:00:{ord(name):02x}")
    return MacIpRoute(RD, ZERO_ESI, ZERO_TAG, mac, NO_IP, vni).encode()


def route(name: str, vni: int = 100) -> list[Keyed]:
    return keyed(nlri(name, vni))


def with_mobility(sequence: int, owner: str = "helper") -> AttributeSet:
    return share(b"\xc0\x10\x08" + mac_mobility(sequence), NEXT_HOP, owner)


def session(size: int = 4096, **changes: Any) -> Any:
    """As ExaBGP's `Negotiated` after the OPENs."""
    negotiated: dict[str, Any] = {
        "local_as": 65000,
        "peer_as": 65000,
        "asn4": True,
        "msg_size": size,
        "families": [(AFI.l2vpn, SAFI.evpn)],
        "addpath": RequirePath(),
        "refresh": REFRESH.ENHANCED,
    }
    return SimpleNamespace(**{**negotiated, **changes})


def said(message: bytes) -> Update:
    """An UPDATE as a peer reads it."""
    assert message[:16] == b"\xff" * 16 and int.from_bytes(message[16:18]) == len(message) and message[18] == 2
    return decode(message[19:])
