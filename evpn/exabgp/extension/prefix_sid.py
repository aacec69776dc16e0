"""EVPN over SRv6: the SID of a service in the BGP Prefix-SID attribute, in ExaBGP's words (RFC 8669, RFC 9252).

bgp-prefix-sid-srv6 ( l2-service|l3-service SID [BEHAVIOR [ [ LB,LN,FUNCTION,ARGUMENT,LENGTH,OFFSET ] ]] )
"""

from struct import pack

from evpn.exabgp.extension.words import Words
from evpn.text import parse_ip
from evpn.values import IpAddress
from evpn.wire.community_words import number

_WORD = "bgp-prefix-sid-srv6"
_SERVICES = {"l3-service": 5, "l2-service": 6}
_ANY_BEHAVIOR = 0xFFFF
_SID_INFORMATION, _SID_STRUCTURE = 1, 1
_STRUCTURE_FIELDS = 6


def parse(words: Words) -> bytes:
    if words.next(_WORD) != "(":
        raise ValueError(f"{_WORD}: not in ( )")
    service = words.value(_WORD, _service)
    sid = words.value(_WORD, _sid)
    behavior, structure = _ANY_BEHAVIOR, b""
    if not words.following(")"):
        behavior = words.value(_WORD, lambda text: number(text, 0xFFFF))
        if words.following("["):
            octets = words.values(_WORD, lambda text: number(text, 255))
            if len(octets) != _STRUCTURE_FIELDS:
                raise ValueError(f"{_WORD}: {len(octets)} fields of the SID's structure, not {_STRUCTURE_FIELDS}")
            structure = _tlv(_SID_STRUCTURE, bytes(octets))
    if words.next(_WORD) != ")":
        raise ValueError(f"{_WORD}: ) is missing")
    information = b"\0" + sid + pack("!xHx", behavior) + structure
    return _tlv(service, b"\0" + _tlv(_SID_INFORMATION, information))


def _service(text: str) -> int:
    if text not in _SERVICES:
        raise ValueError(f"{text!r} is not one of: {', '.join(_SERVICES)}")
    return _SERVICES[text]


def _sid(text: str) -> IpAddress:
    sid = parse_ip(text)
    if len(sid) != 16:
        raise ValueError(f"{text!r} is not an IPv6 address")
    return sid


def _tlv(kind: int, value: bytes) -> bytes:
    return pack("!BH", kind, len(value)) + value
