"""The readable form of all five route types, for people and configuration files (RFC 7432 section 7, RFC 9136).

    mac-ip           rd RD [esi E] [etag N] mac M [ip A] vni N|[ N N ]          next-hop A|self [attributes]
    multicast        rd RD [etag N] ip A [pmsi ingress VNI A]                   next-hop A|self [attributes]
    ethernet-ad      rd RD esi E etag N vni N                                   next-hop A|self [attributes]
    ethernet-segment rd RD esi E ip A                                           next-hop A|self [attributes]
    prefix           rd RD [esi E] [etag N] prefix P/L [gateway A] vni N        next-hop A|self [attributes]

Words may come in any order. `label` may stand for `vni`: it is the MPLS form, four bits to the left of a VNI and with
the bottom of stack set (RFC 3032). A withdrawal takes the same words and needs only those of the key.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from evpn.exabgp.extension import attribute_words
from evpn.exabgp.extension.attributes import checked
from evpn.exabgp.extension.words import Words, number
from evpn.text import parse_esi, parse_ip, parse_mac, parse_rd
from evpn.values import MAX_VNI, NO_IP, ZERO_ESI, ZERO_TAG, EthernetTag, IpAddress
from evpn.wire.errors import WireError
from evpn.wire.routes import (
    EthernetAdRoute,
    EthernetSegmentRoute,
    InclusiveMulticastRoute,
    IpPrefixRoute,
    MacIpRoute,
    Route,
)

Fields = dict[str, Any]


class Parsed(NamedTuple):
    nlri: bytes
    attributes: bytes
    next_hop: bytes | None  # None is `self`: the address differs from neighbor to neighbor


class Kind(NamedTuple):
    required: tuple[str, ...]
    optional: tuple[str, ...]
    build: Callable[[Fields], Route]
    not_for_withdraw: tuple[str, ...] = ()  # of the required words, those that are not in the key


def parse(words: list[str], announce: bool) -> Parsed:
    name = words[0] if words else ""
    if name not in KINDS:
        raise ValueError(f"{name!r} is not one of: {', '.join(KINDS)}")
    kind = KINDS[name]
    try:
        fields = _fields(Words(words[1:]), kind)
        needed = (*kind.required, "next-hop") if announce else set(kind.required) - set(kind.not_for_withdraw)
        missing = [word for word in needed if word not in fields]
        if missing:
            raise ValueError(f"{', '.join(missing)}: missing")
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


def _fields(words: Words, kind: Kind) -> Fields:
    accepted = {*kind.required, *kind.optional, "next-hop", *attribute_words.PARSERS}
    fields: Fields = {}
    while words:
        word = words.next("")
        name = "vni" if word == "label" else word
        if name not in accepted:
            raise ValueError(f"{word!r} is not one of: {', '.join(sorted(accepted))}")
        if name in fields and name not in attribute_words.REPEATED:
            raise ValueError(f"{word!r} is there twice")
        value = (_FIELDS.get(word) or attribute_words.PARSERS[word])(words)
        fields[name] = fields.get(name, ()) + value if name in attribute_words.REPEATED else value
    return fields


def _next_hop(words: Words) -> IpAddress | None:
    return words.value("next-hop", lambda text: None if text == "self" else parse_ip(text))


def _prefix(words: Words) -> tuple[IpAddress, int]:
    def parse_prefix(text: str) -> tuple[IpAddress, int]:
        address, _, bits = text.partition("/")
        ip = parse_ip(address)
        length = number(8 * len(ip))(bits)
        if int.from_bytes(ip) & ((1 << (8 * len(ip) - length)) - 1):
            raise ValueError(f"{text!r} has bits set beyond its length")
        return ip, length

    return words.value("prefix", parse_prefix)


def _mpls(text: str) -> int:
    return number((1 << 20) - 1)(text) << 4 | 1


_FIELDS: dict[str, Callable[[Words], Any]] = {
    "rd": lambda words: words.value("rd", parse_rd),
    "esi": lambda words: words.value("esi", parse_esi),
    "etag": lambda words: EthernetTag(words.value("etag", number((1 << 32) - 1)).to_bytes(4)),
    "mac": lambda words: words.value("mac", parse_mac),
    "ip": lambda words: words.value("ip", parse_ip),
    "gateway": lambda words: words.value("gateway", parse_ip),
    "prefix": _prefix,
    "vni": lambda words: words.values("vni", number(MAX_VNI)),
    "label": lambda words: words.values("label", _mpls),
    "next-hop": _next_hop,
}


def _label(fields: Fields, most: int = 1) -> list[int]:
    labels: list[int] = fields.get("vni", [0])
    if len(labels) > most:
        raise ValueError(f"vni: {len(labels)} of them, not {' or '.join(map(str, range(1, most + 1)))}")
    return labels


def _mac_ip(fields: Fields) -> Route:
    vni, l3vni = [*_label(fields, most=2), None][:2]
    head = fields["rd"], fields.get("esi", ZERO_ESI), fields.get("etag", ZERO_TAG)
    return MacIpRoute(*head, fields["mac"], fields.get("ip", NO_IP), vni or 0, l3vni)


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
    head = fields["rd"], fields.get("esi", ZERO_ESI), fields.get("etag", ZERO_TAG)
    return IpPrefixRoute(*head, prefix, length, gateway, _label(fields)[0])


KINDS = {
    "mac-ip": Kind(("rd", "mac", "vni"), ("esi", "etag", "ip"), _mac_ip, ("vni",)),
    "multicast": Kind(("rd", "ip"), ("etag", "pmsi"), _multicast),
    "ethernet-ad": Kind(("rd", "esi", "etag", "vni"), (), _ethernet_ad, ("vni",)),
    "ethernet-segment": Kind(("rd", "esi", "ip"), (), _ethernet_segment),
    "prefix": Kind(("rd", "prefix", "vni"), ("esi", "etag", "gateway"), _ip_prefix, ("vni",)),
}
