"""Path attributes in words, as in ExaBGP's other families, and packed (RFC 4271, 1997, 4360, 4456, 6514, 7311, 8092).

Each word both ways: what people write becomes the octets of the attribute, and these become the words again.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from evpn.exabgp.extension import path_words, pmsi_words, prefix_sid
from evpn.exabgp.extension.words import Words, hexadecimal, number
from evpn.text import format_ip, parse_ip
from evpn.values import IpAddress
from evpn.wire import attribute_rules as rules
from evpn.wire.attribute_rules import OPTIONAL, TRANSITIVE, Attribute
from evpn.wire.attributes import encode_one
from evpn.wire.communities import format_community, parse_community
from evpn.wire.community_words import number as decimal_or_hexadecimal

Describe = Callable[[bytes], str]
"""The octets in words, the attribute's own first; empty where words cannot say them."""


class Word(NamedTuple):
    flags: int
    code: int
    parse: Callable[[Words], bytes]
    describe: Describe


_AIGP, _PREFIX_SID = 26, 40
_WORD = (1 << 32) - 1
_ORIGINS = {"igp": 0, "egp": 1, "incomplete": 2}
_AIGP_HEAD = b"\x01\x00\x0b"  # type and length of the only TLV there is (RFC 7311 section 3)

_COMMUNITIES = {
    "graceful-shutdown": 0xFFFF0000,
    "accept-own": 0xFFFF0001,
    "llgr-stale": 0xFFFF0006,
    "no-llgr": 0xFFFF0007,
    "accept-own-nexthop": 0xFFFF0008,
    "standby-pe": 0xFFFF0009,
    "blackhole": 0xFFFF029A,
    "no-export": 0xFFFFFF01,
    "no-advertise": 0xFFFFFF02,
    "no-export-subconfed": 0xFFFFFF03,
    "no-peer": 0xFFFFFF04,
    "nopeer": 0xFFFFFF04,
}
_COMMUNITY_NAMES = {value: name for name, value in _COMMUNITIES.items() if name != "nopeer"}


def packed(fields: dict[str, Any]) -> bytes:
    """What was said of the attributes, in the order of their codes; a repeated code is refused by `checked`."""
    given = [Attribute(WORDS[word].flags, WORDS[word].code, fields[word]) for word in WORDS if word in fields]
    given += fields.get("attribute", ())
    return b"".join(map(encode_one, sorted(given, key=lambda attribute: attribute.code)))


def parse_generic(words: Words) -> tuple[Attribute, ...]:
    """`attribute [ 0xCODE 0xFLAGS 0xVALUE ]`, ExaBGP's form for those without a word."""
    texts = words.values("attribute", hexadecimal)
    if len(texts) != 3 or len(texts[0]) != 1 or len(texts[1]) != 1:
        raise ValueError("attribute: not [ 0xCODE 0xFLAGS 0xVALUE ]")
    return (Attribute(texts[1][0] & ~rules.EXTENDED_LENGTH, texts[0][0], texts[2]),)


def describe(attribute: Attribute) -> str:
    """In words that give the same attribute again."""
    flags, code, value = attribute
    word = _BY_CODE.get(code)
    text = word.describe(value) if word and word.flags == flags & ~rules.EXTENDED_LENGTH else ""
    return text or generic(attribute)


def generic(attribute: Attribute) -> str:
    return f"attribute [ 0x{attribute.code:02x} 0x{attribute.flags:02x} 0x{attribute.value.hex()} ]"


def _parse_origin(words: Words) -> bytes:
    def parse(text: str) -> int:
        if text.lower() not in _ORIGINS:
            raise ValueError(f"{text!r} is not one of: {', '.join(_ORIGINS)}")
        return _ORIGINS[text.lower()]

    return bytes((words.value("origin", parse),))


def _describe_origin(value: bytes) -> str:
    return next((f"origin {name}" for name, number in _ORIGINS.items() if value == bytes((number,))), "")


def _parse_aigp(words: Words) -> bytes:
    return _AIGP_HEAD + words.value("aigp", lambda text: decimal_or_hexadecimal(text, (1 << 64) - 1)).to_bytes(8)


def _describe_aigp(value: bytes) -> str:
    return f"aigp {int.from_bytes(value[3:])}" if value[:3] == _AIGP_HEAD and len(value) == 11 else ""


def _four_octets(word: str) -> tuple[Callable[[Words], bytes], Describe]:
    def describe(value: bytes) -> str:
        return f"{word} {int.from_bytes(value)}" if len(value) == 4 else ""

    return (lambda words: words.value(word, number(_WORD)).to_bytes(4)), describe


def _list_of(
    word: str, size: int, parse: Callable[[str], bytes], text_of: Callable[[bytes], str]
) -> tuple[Callable[[Words], bytes], Describe]:
    def describe(value: bytes) -> str:
        if not value or len(value) % size:
            return ""
        return f"{word} [ {' '.join(text_of(value[at : at + size]) for at in range(0, len(value), size))} ]"

    return (lambda words: b"".join(words.values(word, parse))), describe


def _router_id(text: str) -> IpAddress:
    address = parse_ip(text)
    if len(address) != 4:
        raise ValueError(f"{text!r} is not an IPv4 address")
    return address


def _community(text: str) -> bytes:
    known = _COMMUNITIES.get(text.lower().replace("_", "-"))
    if known is not None:
        return known.to_bytes(4)
    high, colon, low = text.partition(":")
    if colon:
        half = number((1 << 16) - 1)
        return half(high).to_bytes(2) + half(low).to_bytes(2)
    if not text[:1].isdigit():
        raise ValueError(f"{text!r} is not a community such as 65000:1, nor one of: {', '.join(_COMMUNITIES)}")
    return decimal_or_hexadecimal(text, _WORD).to_bytes(4)


def _community_text(value: bytes) -> str:
    number = int.from_bytes(value)
    return _COMMUNITY_NAMES.get(number, f"{number >> 16}:{number & 0xFFFF}")


def _large_community(text: str) -> bytes:
    """Three numbers, or all of it as one."""
    parts = text.split(":")
    if len(parts) == 1 and text.isascii() and text.isdecimal():
        return number((1 << 96) - 1)(text).to_bytes(12)
    if len(parts) != 3:
        raise ValueError(f"{text!r} is not a large community such as 65000:1:2")
    return b"".join(number(_WORD)(part).to_bytes(4) for part in parts)


def _large_community_text(value: bytes) -> str:
    return ":".join(str(int.from_bytes(value[at : at + 4])) for at in (0, 4, 8))


def _without_words(value: bytes) -> str:
    return ""


_BOTH = OPTIONAL | TRANSITIVE

WORDS = {
    "origin": Word(TRANSITIVE, rules.ORIGIN, _parse_origin, _describe_origin),
    "as-path": Word(TRANSITIVE, rules.AS_PATH, path_words.parse_as_path, path_words.describe_as_path),
    "med": Word(OPTIONAL, rules.MED, *_four_octets("med")),
    "local-preference": Word(TRANSITIVE, rules.LOCAL_PREF, *_four_octets("local-preference")),
    "atomic-aggregate": Word(
        TRANSITIVE, rules.ATOMIC_AGGREGATE, lambda words: b"", lambda value: "" if value else "atomic-aggregate"
    ),
    "aggregator": Word(_BOTH, rules.AGGREGATOR, path_words.parse_aggregator, path_words.describe_aggregator),
    "community": Word(_BOTH, rules.COMMUNITIES, *_list_of("community", 4, _community, _community_text)),
    "originator-id": Word(
        OPTIONAL,
        rules.ORIGINATOR_ID,
        lambda words: words.value("originator-id", _router_id),
        lambda value: f"originator-id {format_ip(value)}" if len(value) == 4 else "",
    ),
    "cluster-list": Word(OPTIONAL, rules.CLUSTER_LIST, *_list_of("cluster-list", 4, _router_id, format_ip)),
    "extended-community": Word(
        _BOTH, rules.EXTENDED_COMMUNITIES, *_list_of("extended-community", 8, parse_community, format_community)
    ),
    "pmsi": Word(_BOTH, rules.PMSI_TUNNEL, pmsi_words.parse, pmsi_words.describe),
    "aigp": Word(OPTIONAL, _AIGP, _parse_aigp, _describe_aigp),
    "large-community": Word(
        _BOTH, rules.LARGE_COMMUNITIES, *_list_of("large-community", 12, _large_community, _large_community_text)
    ),
    "bgp-prefix-sid-srv6": Word(_BOTH, _PREFIX_SID, prefix_sid.parse, _without_words),
}

_BY_CODE = {word.code: word for word in WORDS.values()}

REFUSED = {
    "path-information": "EVPN is sent without ADD-PATH",
    "bgp-prefix-sid": "a label index is for labelled unicast only (RFC 8669 section 3.1)",
    "split": "a route of EVPN is announced as it is, not in parts",
    "name": "routes of EVPN are kept as octets, and have no names",
    "watchdog": "routes of EVPN belong to no watchdog: announce and withdraw them",
    "withdraw": "a route of EVPN in the configuration file is announced; leave it out",
}
"""Words of ExaBGP's other families that mean nothing here."""
