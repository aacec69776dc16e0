"""Routes and attributes in the words in which they are announced, for `show adj-rib out` and the log."""

from evpn.exabgp.extension.attributes import unpack
from evpn.text import format_esi, format_ip, format_mac, format_rd
from evpn.values import ZERO_ESI, ZERO_TAG
from evpn.wire.attribute_rules import EXTENDED_COMMUNITIES
from evpn.wire.communities import format_community
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
    words = _words(routes[0]) if len(routes) == 1 else ""
    return words or f"bulk nlri {nlri.hex()}"


def describe_attributes(packed: bytes) -> str:
    """Extended communities in words, the rest as ExaBGP's generic attribute; each with a blank before it."""
    text = ""
    for attribute in unpack(packed):
        if attribute.code == EXTENDED_COMMUNITIES:
            communities = [attribute.value[at : at + 8] for at in range(0, len(attribute.value), 8)]
            text += f" extended-community [ {' '.join(map(format_community, communities))} ]"
        else:
            text += f" attribute [ 0x{attribute.code:02x} 0x{attribute.flags:02x} 0x{attribute.value.hex()} ]"
    return text


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
