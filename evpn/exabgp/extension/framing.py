"""Which received UPDATE must end the session (RFC 7606): that alone is decided here, the helper judges all the rest.

It ends the session when the routes of an UPDATE cannot be found or cannot be told apart; an attribute that makes no
sense behind them is the helper's to treat as a withdrawal.
"""

from typing import NamedTuple

from evpn.exabgp.extension.updates import FAMILY
from evpn.wire.attribute_rules import EXTENDED_LENGTH, MP_REACH, MP_UNREACH

MALFORMED_ATTRIBUTE_LIST, OPTIONAL_ATTRIBUTE_ERROR = 1, 9

_NEXT_HOPS = (4, 16, 32)  # the last is an IPv6 address with its link-local (RFC 2545 section 3)


class Fault(NamedTuple):
    """Of a NOTIFICATION with error code 3."""

    subcode: int
    reason: str


class OtherFamilyError(Exception):
    """The UPDATE speaks of something else than EVPN, or of nothing: ExaBGP's own decoding is right for it."""


def check(body: bytes) -> Fault | None:
    """What is wrong with the body of an UPDATE; `OtherFamilyError` if it is not about EVPN."""
    size = len(body)
    if size < 4 or body[:2] != b"\0\0":
        raise OtherFamilyError
    end = 4 + int.from_bytes(body[2:4])
    if end > size:
        return Fault(MALFORMED_ATTRIBUTE_LIST, "path attributes overrun the message")
    if end < size:
        raise OtherFamilyError
    return _check_attributes(body, end)


def _check_attributes(body: bytes, end: int) -> Fault | None:
    seen: set[int] = set()
    at = 4
    while at < end:
        flags, code = body[at], body[at + 1] if at + 1 < end else 0
        start = at + (4 if flags & EXTENDED_LENGTH else 3)
        after = start + int.from_bytes(body[at + 2 : start])
        if start > end or after > end:
            if not seen or code in (MP_REACH, MP_UNREACH):
                return Fault(MALFORMED_ATTRIBUTE_LIST, "an attribute overruns its field and the routes cannot be found")
            return None  # the routes are known: the helper treats them as withdrawn (RFC 7606 section 4)
        if code in (MP_REACH, MP_UNREACH):
            if code in seen:
                return Fault(MALFORMED_ATTRIBUTE_LIST, f"attribute {code} is there twice")
            seen.add(code)
            fault = _check_routes(code, body[start:after])
            if fault:
                return fault
        at = after
    if not seen:
        raise OtherFamilyError
    return None


def _check_routes(code: int, value: bytes) -> Fault | None:
    if len(value) < (5 if code == MP_REACH else 3):
        return Fault(OPTIONAL_ATTRIBUTE_ERROR, f"attribute {code} of {len(value)} octets")
    if (int.from_bytes(value[:2]), value[2]) != FAMILY:
        raise OtherFamilyError
    at = 3
    if code == MP_REACH:
        if value[3] not in _NEXT_HOPS:
            return Fault(OPTIONAL_ATTRIBUTE_ERROR, f"next hop of {value[3]} octets")
        at = 5 + value[3]
        if at > len(value):
            return Fault(OPTIONAL_ATTRIBUTE_ERROR, "next hop overruns its attribute")
    size = len(value)
    while at + 1 < size:
        at += 2 + value[at + 1]
    if at != size:
        return Fault(OPTIONAL_ATTRIBUTE_ERROR, "EVPN NLRI overruns its attribute")
    return None
