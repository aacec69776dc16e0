"""Routes and attributes in the words that announce them again, for `show adj-rib out` and the log."""

from evpn.exabgp.extension import attribute_words
from evpn.exabgp.extension.attributes import unpack
from evpn.text import format_esi, format_ip, format_mac, format_rd
from evpn.values import ZERO_ESI, ZERO_TAG
from evpn.wire.attribute_rules import PMSI_TUNNEL
from evpn.wire.errors import WireError
from evpn.wire.routes import (
    EthernetAdRoute,
    EthernetSegmentRoute,
    InclusiveMulticastRoute,
    IpPrefixRoute,
    MacIpRoute,
    Route,
    decode_routes,
)


def describe_route(nlri: bytes) -> str:
    """`mac-ip rd 10.0.0.3:100 mac 50:54:33:00:00:09 vni 100`; in hexadecimal what has no words."""
    try:
        routes, _ = decode_routes(nlri)
    except WireError:
        routes = []
    words = _words(routes[0]) if len(routes) == 1 and routes[0].encode() == nlri else ""
    return words or f"raw nlri 0x{nlri.hex()}"


def describe_attributes(packed: bytes) -> str:
    """Each with a blank before it."""
    return "".join(f" {attribute_words.describe(attribute)}" for attribute in unpack(packed))


def describe(nlri: bytes, next_hop: bytes, packed: bytes) -> str:
    """All that an announcement says."""
    route = describe_route(nlri)
    attributes = ""
    for attribute in unpack(packed):
        misplaced = attribute.code == PMSI_TUNNEL and not route.startswith("multicast ")
        attributes += f" {(attribute_words.generic if misplaced else attribute_words.describe)(attribute)}"
    return f"{route} next-hop {format_ip(next_hop)}{attributes}"


def _words(route: Route) -> str:
    match route:
        case MacIpRoute(rd, esi, tag, mac, ip, vni, l3vni):
            labels = f"vni {vni}" if l3vni is None else f"vni [ {vni} {l3vni} ]"
            return f"mac-ip {_head(rd, esi, tag)} mac {format_mac(mac)}{_optional('ip', ip)} {labels}"
        case InclusiveMulticastRoute(rd, tag, originator):
            return f"multicast {_head(rd, ZERO_ESI, tag)} ip {format_ip(originator)}"
        case EthernetAdRoute(rd, esi, tag, vni):
            return f"ethernet-ad rd {format_rd(rd)} esi {format_esi(esi)} etag {int.from_bytes(tag)} vni {vni}"
        case EthernetSegmentRoute(rd, esi, originator):
            return f"ethernet-segment rd {format_rd(rd)} esi {format_esi(esi)} ip {format_ip(originator)}"
        case IpPrefixRoute(rd, esi, tag, prefix, length, gateway, vni):
            overlay = _optional("gateway", gateway) if any(gateway) else ""
            return f"prefix {_head(rd, esi, tag)} prefix {format_ip(prefix)}/{length}{overlay} vni {vni}"
        case _:
            return ""


def _head(rd: bytes, esi: bytes, tag: bytes) -> str:
    text = f"rd {format_rd(rd)}"
    if esi != ZERO_ESI:
        text += f" esi {format_esi(esi)}"
    if tag != ZERO_TAG:
        text += f" etag {int.from_bytes(tag)}"
    return text


def _optional(word: str, ip: bytes) -> str:
    return f" {word} {format_ip(ip)}" if ip else ""
