"""Packed path attributes: checked when a helper hands them over, completed for each session (RFC 4271 section 5).

A helper says what it means for every neighbour at once, so ORIGIN, AS_PATH and LOCAL_PREF may be left out and are added
as ExaBGP does for its other routes. AS numbers are four octets wide here; a session without that capability gets them
in two, and what does not fit in AS4_PATH and AS4_AGGREGATOR (RFC 6793 section 4.2.2).
"""

from collections.abc import Iterator
from typing import NamedTuple

from evpn.wire import as_path
from evpn.wire import attribute_rules as rules
from evpn.wire.as_path import AS_SEQUENCE, AS_SET, AsPathSegment
from evpn.wire.attribute_rules import OPTIONAL, TRANSITIVE, Attribute
from evpn.wire.attributes import encode_one
from evpn.wire.errors import WireError

_AS_TRANS = 23456
_AIGP = 26
_WIDEST = (1 << 16) - 1
_IGP = b"\0"
_PREFERENCE = (100).to_bytes(4)
_ELSEWHERE = dict.fromkeys(
    (rules.NEXT_HOP, rules.MP_REACH, rules.MP_UNREACH), "next hop and routes have their own words"
) | dict.fromkeys((rules.AS4_PATH, rules.AS4_AGGREGATOR), "AS numbers of four octets go into AS_PATH and AGGREGATOR")

_MOST = 3500
"""Octets of attributes that leave room for any route in a message of 4096, the smallest that can be negotiated."""


class Session(NamedTuple):
    """What an UPDATE depends on."""

    local_as: int
    peer_as: int
    asn4: bool
    size: int  # octets of the largest message
    aigp: bool = False  # whether an external neighbour is to have AIGP as well


def unpack(packed: bytes) -> list[Attribute]:
    """In the order in which they are; a `WireError` if they are no attributes."""
    return [Attribute(flags, code, packed[value:end]) for _, code, flags, value, end in rules.frames(packed)]


def checked(packed: bytes) -> bytes:
    """The same octets if they can be sent for many routes; a `WireError` says why not."""
    given = unpack(packed)
    # an AS_PATH is said twice to a neighbour that knows two octets only: once narrow, once whole
    size = len(packed) + sum(len(one.value) // 2 + 8 for one in given if one.code == rules.AS_PATH)
    if size > _MOST:
        raise WireError(f"attributes of {size} octets, at most {_MOST} leave room for a route")
    seen = set()
    for attribute in given:
        if attribute.code in _ELSEWHERE:
            raise WireError(f"attribute {attribute.code} does not belong here: {_ELSEWHERE[attribute.code]}")
        if attribute.code in seen:
            raise WireError(f"attribute {attribute.code} is there twice")
        seen.add(attribute.code)
        fault = rules.fault_of(attribute, asn4=True)
        if fault:
            raise fault
    return packed


def complete(packed: bytes, session: Session) -> bytes:
    """What goes to that neighbour, in the order of the attributes' codes (RFC 4271 section 5)."""
    internal = session.local_as == session.peer_as
    found = {attribute.code: attribute for attribute in unpack(packed)}
    found.setdefault(rules.ORIGIN, Attribute(TRANSITIVE, rules.ORIGIN, _IGP))
    path = found.setdefault(rules.AS_PATH, Attribute(TRANSITIVE, rules.AS_PATH, b""))
    if internal:
        found.setdefault(rules.LOCAL_PREF, Attribute(TRANSITIVE, rules.LOCAL_PREF, _PREFERENCE))
    else:
        for code in (rules.LOCAL_PREF, rules.ORIGINATOR_ID, rules.CLUSTER_LIST):  # RFC 4456 section 8: of one AS only
            found.pop(code, None)
        if not session.aigp:  # nobody else's metric leaves the domain unasked (RFC 7311 section 3.1)
            found.pop(_AIGP, None)
        if not path.value:
            ours = as_path.encode((AsPathSegment(AS_SEQUENCE, (session.local_as,)),))
            found[rules.AS_PATH] = path._replace(value=ours)
    if not session.asn4:
        aggregator = found.get(rules.AGGREGATOR)
        told = [*_old_path(found[rules.AS_PATH]), *(_old_aggregator(aggregator) if aggregator else ())]
        found.update((old.code, old) for old in told)
    return b"".join(
        encode_one(Attribute(flags & ~rules.EXTENDED_LENGTH, code, value))
        for code, (flags, _, value) in sorted(found.items())
    )


def _old_path(path: Attribute) -> Iterator[Attribute]:
    """An AS_PATH for an old speaker, and the AS4_PATH that keeps what it cannot hold, without confederations."""
    segments = as_path.decode(path.value, asn4=True)
    narrow = b"".join(bytes((kind, len(asns))) + b"".join(map(_narrow, asns)) for kind, asns in segments)
    yield path._replace(value=narrow)
    public = tuple(segment for segment in segments if segment.kind in (AS_SET, AS_SEQUENCE))
    if any(number > _WIDEST for segment in public for number in segment.as_numbers):
        yield Attribute(OPTIONAL | TRANSITIVE, rules.AS4_PATH, as_path.encode(public))


def _old_aggregator(aggregator: Attribute) -> Iterator[Attribute]:
    number, router_id = int.from_bytes(aggregator.value[:4]), aggregator.value[4:]
    yield aggregator._replace(value=_narrow(number) + router_id)
    if number > _WIDEST:
        yield Attribute(OPTIONAL | TRANSITIVE, rules.AS4_AGGREGATOR, aggregator.value)


def _narrow(number: int) -> bytes:
    return (number if number <= _WIDEST else _AS_TRANS).to_bytes(2)
