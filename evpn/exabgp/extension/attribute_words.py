"""Path attributes in words, as in ExaBGP's other families, and packed (RFC 4271, 1997, 4360, 4456, 6514, 8092)."""

from collections.abc import Callable
from typing import Any

from evpn.exabgp.extension.words import Words, number
from evpn.text import parse_ip
from evpn.values import MAX_VNI, IpAddress
from evpn.wire import as_path
from evpn.wire import attribute_rules as rules
from evpn.wire.as_path import AS_SEQUENCE, AS_SET, AsPathSegment
from evpn.wire.attribute_rules import OPTIONAL, TRANSITIVE, Attribute
from evpn.wire.attributes import encode_one
from evpn.wire.communities import parse_community
from evpn.wire.pmsi import ingress_replication

_WORD = (1 << 32) - 1
_AGGREGATION = 255

_ORIGINS = {"igp": 0, "egp": 1, "incomplete": 2}

_WELL_KNOWN_COMMUNITIES = {
    "no-export": 0xFFFFFF01,
    "no-advertise": 0xFFFFFF02,
    "no-export-subconfed": 0xFFFFFF03,
    "no-peer": 0xFFFFFF04,
    "graceful-shutdown": 0xFFFF0000,
    "blackhole": 0xFFFF029A,
}


def packed(fields: dict[str, Any]) -> bytes:
    """What was said of the attributes, in the order of their codes; a repeated code is refused by `checked`."""
    given = [Attribute(flags, code, fields[word]) for word, (flags, code) in _CODES.items() if word in fields]
    given += fields.get("attribute", ())
    return b"".join(map(encode_one, sorted(given, key=lambda attribute: attribute.code)))


def _origin(words: Words) -> bytes:
    def parse(text: str) -> int:
        if text.lower() not in _ORIGINS:
            raise ValueError(f"{text!r} is not one of: {', '.join(_ORIGINS)}")
        return _ORIGINS[text.lower()]

    return bytes((words.value("origin", parse),))


def _as_path(words: Words) -> bytes:
    """One AS number, `[ 1 2 ]` for a sequence, with a set in it as `( 3 4 )`."""
    text = words.next("as-path")
    if text != "[":
        return as_path.encode((AsPathSegment(AS_SEQUENCE, (_as_number(text),)),))
    path: list[AsPathSegment] = []
    numbers: list[int] = []
    closing, kind = "]", AS_SEQUENCE
    while True:
        text = words.next("as-path")
        if text in ("(", closing):
            if numbers:
                path.append(AsPathSegment(kind, tuple(numbers)))
            if text == "]":
                return as_path.encode(tuple(path))
            closing, kind, numbers = (")", AS_SET, []) if text == "(" else ("]", AS_SEQUENCE, [])
        elif text != ",":
            numbers.append(_as_number(text))
        if len(numbers) > _AGGREGATION:
            raise ValueError(f"as-path: more than {_AGGREGATION} AS numbers in a row")


def _as_number(text: str) -> int:
    """`65000`, or `1.10` as RFC 5396 writes the large ones."""
    high, dot, low = text.partition(".")
    if dot:
        half = number((1 << 16) - 1)
        return half(high) << 16 | half(low)
    return number(_WORD)(text)


def _four_octets(word: str) -> Callable[[Words], bytes]:
    return lambda words: words.value(word, number(_WORD)).to_bytes(4)


def _router_id(text: str) -> IpAddress:
    address = parse_ip(text)
    if len(address) != 4:
        raise ValueError(f"{text!r} is not an IPv4 address")
    return address


def _community(text: str) -> bytes:
    known = _WELL_KNOWN_COMMUNITIES.get(text.lower())
    if known is not None:
        return known.to_bytes(4)
    high, colon, low = text.partition(":")
    if not colon:
        return number(_WORD)(text).to_bytes(4)
    half = number((1 << 16) - 1)
    return half(high).to_bytes(2) + half(low).to_bytes(2)


def _large_community(text: str) -> bytes:
    parts = text.split(":")
    if len(parts) != 3:
        raise ValueError(f"{text!r} is not a large community such as 65000:1:2")
    return b"".join(number(_WORD)(part).to_bytes(4) for part in parts)


def _joined(word: str, parse: Callable[[str], bytes]) -> Callable[[Words], bytes]:
    return lambda words: b"".join(words.values(word, parse))


def _pmsi(words: Words) -> bytes:
    kind = words.next("pmsi")
    if kind != "ingress":
        raise ValueError(f"pmsi: {kind!r} is not one of: ingress")
    vni = words.value("pmsi ingress", number(MAX_VNI))
    return ingress_replication(vni, words.value("pmsi ingress", parse_ip)).encode()


def _generic(words: Words) -> tuple[Attribute, ...]:
    """`attribute [ 0xCODE 0xFLAGS 0xVALUE ]`, ExaBGP's form for those without a word."""
    texts = words.values("attribute", _hexadecimal)
    if len(texts) != 3 or len(texts[0]) != 1 or len(texts[1]) != 1:
        raise ValueError("attribute: not [ 0xCODE 0xFLAGS 0xVALUE ]")
    return (Attribute(texts[1][0] & ~rules.EXTENDED_LENGTH, texts[0][0], texts[2]),)


def _hexadecimal(text: str) -> bytes:
    if not text.lower().startswith("0x"):
        raise ValueError(f"{text!r} does not start with 0x")
    try:
        return bytes.fromhex(text[2:])
    except ValueError:
        raise ValueError(f"{text!r} is not whole octets in hexadecimal") from None


PARSERS: dict[str, Callable[[Words], Any]] = {
    "origin": _origin,
    "as-path": _as_path,
    "med": _four_octets("med"),
    "local-preference": _four_octets("local-preference"),
    "community": _joined("community", _community),
    "originator-id": lambda words: words.value("originator-id", _router_id),
    "cluster-list": _joined("cluster-list", _router_id),
    "extended-community": _joined("extended-community", parse_community),
    "pmsi": _pmsi,
    "large-community": _joined("large-community", _large_community),
    "attribute": _generic,
}

REPEATED = ("attribute",)

_CODES = {
    "origin": (TRANSITIVE, rules.ORIGIN),
    "as-path": (TRANSITIVE, rules.AS_PATH),
    "med": (OPTIONAL, rules.MED),
    "local-preference": (TRANSITIVE, rules.LOCAL_PREF),
    "community": (OPTIONAL | TRANSITIVE, rules.COMMUNITIES),
    "originator-id": (OPTIONAL, rules.ORIGINATOR_ID),
    "cluster-list": (OPTIONAL, rules.CLUSTER_LIST),
    "extended-community": (OPTIONAL | TRANSITIVE, rules.EXTENDED_COMMUNITIES),
    "pmsi": (OPTIONAL | TRANSITIVE, rules.PMSI_TUNNEL),
    "large-community": (OPTIONAL | TRANSITIVE, rules.LARGE_COMMUNITIES),
}
