"""UPDATE messages for EVPN: as many routes in each as the session's message size takes (RFC 4271, 4760).

ExaBGP asks two things of what a RIB yields: `messages(negotiated, include_withdraw)`, and that it gives octets.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from evpn.exabgp.extension.attributes import Session, complete
from evpn.exabgp.extension.table import AttributeSet
from evpn.wire.attribute_rules import MP_REACH, MP_UNREACH

AFI_L2VPN, SAFI_EVPN = 25, 70
FAMILY = (AFI_L2VPN, SAFI_EVPN)

_HEADER = 19
_LENGTHS = 4  # of the withdrawn routes and of the attributes
_MP_HEAD = 4  # flags, code, two octets of length
_OPTIONAL_EXTENDED = 0x90
_AFI_SAFI = AFI_L2VPN.to_bytes(2) + bytes((SAFI_EVPN,))
_MARKER = b"\xff" * 16
_UPDATE = 2


class Negotiated(Protocol):
    """The part of ExaBGP's `Negotiated` that matters here."""

    local_as: int
    peer_as: int
    asn4: bool
    msg_size: int
    families: list[tuple[int, int]]


def session_of(negotiated: Negotiated) -> Session:
    ases = int(negotiated.local_as), int(negotiated.peer_as)
    aigp = bool(getattr(negotiated, "aigp", False))  # `capability { aigp enable; }`
    return Session(*ases, bool(negotiated.asn4), int(negotiated.msg_size), aigp)


@dataclass(frozen=True, slots=True)
class Announcement:
    shared: AttributeSet
    routes: list[bytes]

    def messages(self, negotiated: Negotiated, include_withdraw: bool = True) -> Iterator[bytes]:
        if FAMILY in negotiated.families:
            yield from announce(self.shared, self.routes, session_of(negotiated))


@dataclass(frozen=True, slots=True)
class Withdrawal:
    routes: list[bytes]

    def messages(self, negotiated: Negotiated, include_withdraw: bool = True) -> Iterator[bytes]:
        """None in the first batch of a session: its peer has nothing that could be withdrawn."""
        if include_withdraw and FAMILY in negotiated.families:
            yield from withdraw(self.routes, session_of(negotiated))


def announce(shared: AttributeSet, routes: list[bytes], session: Session) -> Iterator[bytes]:
    """MP_REACH_NLRI comes first, so that a receiver finds the routes before it can stumble (RFC 7606 section 5.1)."""
    attributes = complete(shared.attributes, session)
    head = _AFI_SAFI + bytes((len(shared.next_hop),)) + shared.next_hop + b"\0"
    room = session.size - _HEADER - _LENGTHS - _MP_HEAD - len(attributes) - len(head)
    for nlri in _filled(routes, room):
        yield _message(_attribute(MP_REACH, head + nlri) + attributes)


def withdraw(routes: list[bytes], session: Session) -> Iterator[bytes]:
    room = session.size - _HEADER - _LENGTHS - _MP_HEAD - len(_AFI_SAFI)
    for nlri in _filled(routes, room):
        yield _message(_attribute(MP_UNREACH, _AFI_SAFI + nlri))


def _filled(routes: list[bytes], room: int) -> Iterator[bytes]:
    """The routes joined to fields of at most that size; one that no field can hold is left out."""
    start = size = 0
    for at, route in enumerate(routes):
        if size + len(route) > room:
            if at > start and size:
                yield b"".join(routes[start:at])
            start, size = at, 0
            if len(route) > room:
                start = at + 1
                continue
        size += len(route)
    if size:
        yield b"".join(routes[start:])


def _attribute(code: int, value: bytes) -> bytes:
    return bytes((_OPTIONAL_EXTENDED, code)) + len(value).to_bytes(2) + value


def _message(attributes: bytes) -> bytes:
    length = _HEADER + _LENGTHS + len(attributes)
    return _MARKER + length.to_bytes(2) + bytes((_UPDATE,)) + b"\0\0" + len(attributes).to_bytes(2) + attributes
