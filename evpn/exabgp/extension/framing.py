"""Which received UPDATE must end the session (RFC 7606): that alone is decided here, the helper judges all the rest.

It ends the session when the routes of an UPDATE cannot be found or cannot be told apart; an attribute that makes no
sense behind them is the helper's to treat as a withdrawal.
"""

from collections.abc import Iterator
from typing import NamedTuple

from evpn.exabgp.extension.updates import FAMILY
from evpn.wire.attribute_rules import EXTENDED_LENGTH, MP_REACH, MP_UNREACH

MALFORMED_ATTRIBUTE_LIST, OPTIONAL_ATTRIBUTE_ERROR = 1, 9

_NEXT_HOPS = (4, 16, 32)  # the last is an IPv6 address with its link-local (RFC 2545 section 3)


class Fault(NamedTuple):
    """Of a NOTIFICATION with error code 3."""

    subcode: int
    reason: str


def check(body: bytes) -> Fault | bytes:
    """What is wrong with the EVPN routes in the body of an UPDATE; else the body without them, for ExaBGP to decode.

    Of an UPDATE about EVPN alone nothing is left: empty.
    """
    size = len(body)
    start = 4 + int.from_bytes(body[:2])
    if start > size:
        return Fault(MALFORMED_ATTRIBUTE_LIST, "withdrawn routes overrun the message")
    end = start + int.from_bytes(body[start - 2 : start])
    if end > size:
        return Fault(MALFORMED_ATTRIBUTE_LIST, "path attributes overrun the message")
    ipv4 = start > 4 or end < size
    try:
        places = dict(_routes(body, start, end, ipv4))
    except _FaultError as error:
        return error.fault
    evpn = [place for place, family in places.items() if family == FAMILY]
    if not evpn:
        return body
    return _without(evpn, body, start, end) if ipv4 or len(evpn) < len(places) else b""


class _FaultError(Exception):
    def __init__(self, subcode: int, reason: str) -> None:
        self.fault = Fault(subcode, reason)


def _routes(body: bytes, start: int, end: int, ipv4: bool) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Place and family of each MP_REACH_NLRI and MP_UNREACH_NLRI, up to the first attribute that overruns."""
    seen: set[int] = set()
    while start < end:
        flags, code = body[start], body[start + 1] if start + 1 < end else 0
        value = start + (4 if flags & EXTENDED_LENGTH else 3)
        after = value + int.from_bytes(body[start + 2 : value])
        if value > end or after > end:
            if code in (MP_REACH, MP_UNREACH) or not (MP_REACH in seen or ipv4):
                raise _FaultError(
                    MALFORMED_ATTRIBUTE_LIST, "an attribute overruns its field and the routes cannot be found"
                )
            return  # the routes are known: they are treated as withdrawn (RFC 7606 section 4)
        if code in (MP_REACH, MP_UNREACH):
            if code in seen:
                raise _FaultError(MALFORMED_ATTRIBUTE_LIST, f"attribute {code} is there twice")
            seen.add(code)
            yield (start, after), _check_routes(code, body[value:after])
        start = after


def _without(places: list[tuple[int, int]], body: bytes, start: int, end: int) -> bytes:
    kept = bytearray(body[start:end])
    for first, after in reversed(places):
        del kept[first - start : after - start]
    return body[: start - 2] + len(kept).to_bytes(2) + bytes(kept) + body[end:]


def _check_routes(code: int, value: bytes) -> tuple[int, int]:
    """The family; routes of another one are ExaBGP's to check."""
    if len(value) < (5 if code == MP_REACH else 3):
        raise _FaultError(OPTIONAL_ATTRIBUTE_ERROR, f"attribute {code} of {len(value)} octets")
    family = int.from_bytes(value[:2]), value[2]
    if family != FAMILY:
        return family
    at = 3
    if code == MP_REACH:
        if value[3] not in _NEXT_HOPS:
            raise _FaultError(OPTIONAL_ATTRIBUTE_ERROR, f"next hop of {value[3]} octets")
        at = 5 + value[3]
        if at > len(value):
            raise _FaultError(OPTIONAL_ATTRIBUTE_ERROR, "next hop overruns its attribute")
    if not _ends_with_a_route(value, at):
        raise _FaultError(OPTIONAL_ATTRIBUTE_ERROR, "EVPN NLRI overruns its attribute")
    return family


def _ends_with_a_route(value: bytes, at: int) -> bool:
    """Routes of one length, as nearly all are, are looked at together: one by one takes ten times as long."""
    size = len(value)
    lengths = value[at + 1 :: 2 + value[at + 1]] if at + 1 < size else b""
    if lengths and lengths.count(lengths[0]) * (2 + lengths[0]) == size - at:
        return True
    while at + 1 < size:
        at += 2 + value[at + 1]
    return at == size
