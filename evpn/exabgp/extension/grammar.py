"""The readable form of all route types, for people and configuration files (RFC 7432 section 7, RFC 9136).

    ethernet-ad      rd RD esi E etag N vni N                                   next-hop A|self [attributes]
    mac-ip           rd RD [esi E] [etag N] mac M [ip A] vni N|[ N N ]          next-hop A|self [attributes]
    multicast        rd RD [etag N] ip A [pmsi ...]                             next-hop A|self [attributes]
    ethernet-segment rd RD esi E ip A                                           next-hop A|self [attributes]
    prefix           rd RD [esi E] [etag N] prefix P/L [gateway A] vni N        next-hop A|self [attributes]
    raw              nlri 0xTYPE-LENGTH-VALUE                                   next-hop A|self [attributes]

Words may come in any order. `label` may stand for `vni`: it is the MPLS form, four bits to the left of a VNI and with
the bottom of stack set (RFC 3032). A withdrawal takes the same words and needs only those of the key.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from evpn.exabgp.extension import attribute_words
from evpn.exabgp.extension.attributes import checked
from evpn.exabgp.extension.words import Words, hexadecimal, number, shortened
from evpn.text import parse_esi, parse_ip, parse_mac, parse_rd
from evpn.values import (
    MAX_VNI,
    NO_IP,
    ZERO_ESI,
    ZERO_TAG,
    EthernetSegmentIdentifier,
    EthernetTag,
    IpAddress,
    RouteDistinguisher,
)
from evpn.wire.errors import WireError
from evpn.wire.routes import (
    EthernetAdRoute,
    EthernetSegmentRoute,
    InclusiveMulticastRoute,
    IpPrefixRoute,
    MacIpRoute,
    Route,
    UnknownRoute,
    key_of,
)

T = TypeVar("T")
Fields = dict[str, Any]

_MAX_TAG = (1 << 32) - 1  # MAX-ET: the route is for the segment as a whole (RFC 7432 section 8.2.1)


class Parsed(NamedTuple):
    nlri: bytes
    attributes: bytes
    next_hop: bytes | None  # None is `self`: the address differs from neighbor to neighbor


class Kind(NamedTuple):
    required: tuple[str, ...]
    optional: tuple[str, ...]
    build: Callable[[Fields], Route]
    not_for_withdraw: tuple[str, ...] = ()  # of the required words, those that are not in the key
    attributes: tuple[str, ...] = ()  # that only this type carries


def parse(words: list[str], announce: bool) -> Parsed:
    name = words[0].rstrip(";") if words else ""
    if name not in KINDS:
        raise ValueError(f"{shortened(name)!r} is not one of: {', '.join(KINDS)}")
    kind, rest = KINDS[name], Words(words[1:])
    try:
        fields = _fields(rest, name)
    except ValueError as error:
        raise ValueError(f"{name}: {error} ({rest.place})") from None
    needed = (*kind.required, "next-hop") if announce else set(kind.required) - set(kind.not_for_withdraw)
    missing = [word for word in needed if word not in fields]
    if missing:
        raise ValueError(f"{name}: {', '.join(missing)}: missing")
    try:
        attributes = checked(attribute_words.packed(fields))
        return Parsed(kind.build(fields).encode(), attributes, fields.get("next-hop"))
    except (ValueError, WireError) as error:
        raise ValueError(f"{name}: {error}") from None


def own_address(neighbor: Any) -> bytes:
    """`next-hop self`: our end of the BGP session."""
    address = neighbor["local-address"]
    if address is None:
        raise ValueError("next-hop: self is not known before the session, local-address is not configured")
    return bytes(address.pack())


def _fields(words: Words, name: str) -> Fields:
    kind = KINDS[name]
    elsewhere = {word for other in KINDS.values() for word in other.attributes} - set(kind.attributes)
    accepted = {*kind.required, *kind.optional, "next-hop", "attribute", *attribute_words.WORDS} - elsewhere
    fields: Fields = {}
    while words:
        word = words.next("")
        field = _OTHER_NAMES.get(word, word)
        if field not in accepted:
            raise ValueError(f"{shortened(word)!r} {_why_not(field, accepted)}")
        if field in fields and field != "attribute":
            raise ValueError(f"{word!r} is there twice")
        if field == "attribute":
            fields.setdefault(field, []).extend(attribute_words.parse_generic(words))
        elif field in attribute_words.WORDS:
            fields[field] = attribute_words.WORDS[field].parse(words)
        else:
            fields[field] = _FIELDS[word](words)
    return fields


def _why_not(word: str, accepted: set[str]) -> str:
    if word in attribute_words.REFUSED:
        return f"is not for EVPN: {attribute_words.REFUSED[word]}"
    others = [name for name, kind in KINDS.items() if word in (*kind.required, *kind.optional, *kind.attributes)]
    if others:
        return f"is of {', '.join(others)} only"
    return f"is not one of: {', '.join(sorted(accepted))}"


def _rd(text: str) -> RouteDistinguisher:
    """As people write it, or all of its octets where that is not known."""
    if not text.startswith("0x"):
        return parse_rd(text)
    octets = hexadecimal(text)
    if len(octets) != 8:
        raise ValueError(f"{text!r} is not eight octets")
    return RouteDistinguisher(octets)


def _etag(text: str) -> EthernetTag:
    return EthernetTag((_MAX_TAG if text == "max" else number(_MAX_TAG)(text)).to_bytes(4))


def _next_hop(text: str) -> IpAddress | None:
    return None if text.lower() == "self" else parse_ip(text)


def _prefix(text: str) -> tuple[IpAddress, int]:
    address, _, bits = text.partition("/")
    ip = parse_ip(address)
    length = number(8 * len(ip))(bits)
    if int.from_bytes(ip) & ((1 << (8 * len(ip) - length)) - 1):
        raise ValueError(f"{text!r} has bits set beyond its length")
    return ip, length


def _mpls(text: str) -> int:
    return number((1 << 20) - 1)(text) << 4 | 1


def _one(word: str, parse: Callable[[str], T]) -> Callable[[Words], T]:
    return lambda words: words.value(word, parse)


_FIELDS: dict[str, Callable[[Words], Any]] = {
    "rd": _one("rd", _rd),
    "route-distinguisher": _one("route-distinguisher", _rd),
    "esi": _one("esi", parse_esi),
    "etag": _one("etag", _etag),
    "mac": _one("mac", parse_mac),
    "ip": _one("ip", parse_ip),
    "gateway": _one("gateway", parse_ip),
    "prefix": _one("prefix", _prefix),
    "vni": lambda words: words.values("vni", number(MAX_VNI)),
    "label": lambda words: words.values("label", _mpls),
    "nlri": _one("nlri", hexadecimal),
    "next-hop": _one("next-hop", _next_hop),
}

_OTHER_NAMES = {"label": "vni", "route-distinguisher": "rd"}


def _label(fields: Fields, most: int = 1) -> list[int]:
    labels: list[int] = fields.get("vni", [0])
    if len(labels) > most:
        raise ValueError(f"vni: {len(labels)} of them, not {' or '.join(map(str, range(1, most + 1)))}")
    return labels


def _mac_ip(fields: Fields) -> Route:
    vni, l3vni = [*_label(fields, most=2), None][:2]
    return MacIpRoute(*_head(fields), fields["mac"], fields.get("ip", NO_IP), vni or 0, l3vni)


def _multicast(fields: Fields) -> Route:
    return InclusiveMulticastRoute(fields["rd"], fields.get("etag", ZERO_TAG), fields["ip"])


def _ethernet_ad(fields: Fields) -> Route:
    return EthernetAdRoute(fields["rd"], fields["esi"], fields["etag"], _label(fields)[0])


def _ethernet_segment(fields: Fields) -> Route:
    return EthernetSegmentRoute(fields["rd"], fields["esi"], fields["ip"])


def _ip_prefix(fields: Fields) -> Route:
    prefix, length = fields["prefix"]
    gateway = fields.get("gateway", bytes(len(prefix)))
    if len(gateway) != len(prefix):
        raise ValueError("gateway: not of the address family of the prefix")
    return IpPrefixRoute(*_head(fields), prefix, length, gateway, _label(fields)[0])


def _raw(fields: Fields) -> Route:
    nlri = fields["nlri"]
    key_of(nlri)
    return UnknownRoute(nlri[0], nlri[2:])


def _head(fields: Fields) -> tuple[RouteDistinguisher, EthernetSegmentIdentifier, EthernetTag]:
    return fields["rd"], fields.get("esi", ZERO_ESI), fields.get("etag", ZERO_TAG)


KINDS = {
    "ethernet-ad": Kind(("rd", "esi", "etag", "vni"), (), _ethernet_ad, ("vni",)),
    "mac-ip": Kind(("rd", "mac", "vni"), ("esi", "etag", "ip"), _mac_ip, ("vni",)),
    "multicast": Kind(("rd", "ip"), ("etag",), _multicast, attributes=("pmsi",)),
    "ethernet-segment": Kind(("rd", "esi", "ip"), (), _ethernet_segment),
    "prefix": Kind(("rd", "prefix", "vni"), ("esi", "etag", "gateway"), _ip_prefix, ("vni",)),
    "raw": Kind(("nlri",), (), _raw),
}
