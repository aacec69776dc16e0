"""Extended communities of EVPN (RFC 4360, 5668, 7432 section 7, 9012, 9047, 9135): octets, facts, words.

Of each kind: a function that makes it, one that reads it (None from a community of another kind), and its words,
such as `target:65000:100` or `mac-mobility:5:sticky`. Kinds that nothing here reads have words only, and those are in
`community_words`.
"""

from typing import NamedTuple

from evpn.text import format_mac, format_route_target, parse_mac, parse_route_target
from evpn.values import MAX_VNI, ExtendedCommunity, MacAddress, RouteTarget, RouteTargetPattern
from evpn.wire import community_words
from evpn.wire.community_words import ARP_ND_FLAGS, Format, Parse, fields, flags, number

VXLAN = 8
"""Tunnel type of the encapsulation community (RFC 8365 section 11)."""

ROUTER, OVERRIDE, IMMUTABLE = 0x01, 0x02, 0x08
"""Flags R, O and I of the ARP/ND community (RFC 9047 section 2)."""

SINGLE_ACTIVE = 0x01
"""Flag of the ESI label community (RFC 7432 section 7.5)."""

_ENCAPSULATION = b"\x03\x0c"
_DEFAULT_GATEWAY = b"\x03\x0d"
_MAC_MOBILITY = b"\x06\x00"
_ESI_LABEL = b"\x06\x01"
_ES_IMPORT = b"\x06\x02"
_ROUTER_MAC = b"\x06\x03"
_ARP_ND = b"\x06\x08"

_TARGET_TYPES = (0x00, 0x01, 0x02)  # two-octet AS, IPv4 address, four-octet AS
_ROUTE_TARGET = 0x02
_STICKY = 0x01

TUNNELS = {
    "l2tpv3": 1,
    "gre": 2,
    "ip-in-ip": 7,
    "vxlan": VXLAN,
    "nvgre": 9,
    "mpls": 10,
    "mpls-in-gre": 11,
    "vxlan-gpe": 12,
    "mpls-in-udp": 13,
    "ipv6": 14,
    "sr-policy": 15,
    "bare": 16,
    "geneve": 19,
}
"""IANA's tunnel types, without those that are deprecated."""

_TUNNEL_NAMES = {number: name for name, number in TUNNELS.items()}
_MODES = {"": False, "0": False, "all-active": False, "1": True, "single-active": True}


class Mobility(NamedTuple):
    """How often a MAC has moved, and whether it may (RFC 7432 section 7.7)."""

    sequence: int = 0
    sticky: bool = False


def is_route_target(community: bytes) -> bool:
    return community[1] == _ROUTE_TARGET and community[0] in _TARGET_TYPES


def local_part(target: RouteTarget) -> RouteTargetPattern:
    """What is left of a target under any administrator, as four octets."""
    return RouteTargetPattern(target[4:] if target[0] == 0 else bytes(2) + target[6:])


def encapsulation(tunnel: int = VXLAN) -> ExtendedCommunity:
    return ExtendedCommunity(_ENCAPSULATION + bytes(4) + tunnel.to_bytes(2))


def encapsulation_of(community: bytes) -> int | None:
    return int.from_bytes(community[6:]) if community[:2] == _ENCAPSULATION else None


def mac_mobility(sequence: int, sticky: bool = False) -> ExtendedCommunity:
    return ExtendedCommunity(_MAC_MOBILITY + bytes((_STICKY if sticky else 0, 0)) + sequence.to_bytes(4))


def mac_mobility_of(community: bytes) -> Mobility | None:
    if community[:2] != _MAC_MOBILITY:
        return None
    return Mobility(int.from_bytes(community[4:]), bool(community[2] & _STICKY))


def default_gateway() -> ExtendedCommunity:
    return ExtendedCommunity(_DEFAULT_GATEWAY + bytes(6))


def is_default_gateway(community: bytes) -> bool:
    return community[:2] == _DEFAULT_GATEWAY


def router_mac(mac: MacAddress) -> ExtendedCommunity:
    return ExtendedCommunity(_ROUTER_MAC + mac)


def router_mac_of(community: bytes) -> MacAddress | None:
    return MacAddress(community[2:]) if community[:2] == _ROUTER_MAC else None


def arp_nd(flags: int) -> ExtendedCommunity:
    return ExtendedCommunity(_ARP_ND + bytes((flags,)) + bytes(5))


def arp_nd_of(community: bytes) -> int | None:
    return community[2] if community[:2] == _ARP_ND else None


def esi_label(label: int, single_active: bool = False) -> ExtendedCommunity:
    return ExtendedCommunity(_ESI_LABEL + bytes((SINGLE_ACTIVE if single_active else 0, 0, 0)) + label.to_bytes(3))


def es_import(mac: MacAddress) -> ExtendedCommunity:
    return ExtendedCommunity(_ES_IMPORT + mac)


def format_community(community: bytes) -> str:
    """In words where they say all of its octets, else in hexadecimal."""
    text = _words(community)
    try:
        return text if text and parse_community(text) == community else f"0x{community.hex()}"
    except ValueError:
        return f"0x{community.hex()}"


def parse_community(text: str) -> ExtendedCommunity:
    """`target:65000:100`, or `65000:100` as ExaBGP has it; the other names are those of `EXAMPLES`."""
    name, _, rest = text.partition(":")
    if text.startswith("0x"):
        name, rest = "0x", text[2:]
    elif name not in _PARSE and name[:1].isdigit():
        name, rest = "target", text
    if name not in _PARSE:
        names = ", ".join(sorted(_PARSE.keys() - {"0x"}))
        raise ValueError(f"{text!r} is not an extended community: none of {names}, or 0x and 16 hexadecimal digits")
    try:
        return ExtendedCommunity(_PARSE[name](rest))
    except ValueError as error:
        raise ValueError(f"{text!r} is not like {EXAMPLES[name]}: {error}") from None


def _words(community: bytes) -> str:
    """Empty for a kind without words; reserved octets are not looked at."""
    if is_route_target(community):
        return f"target:{format_route_target(community)}"
    return _FORMAT[community[:2]](community) if community[:2] in _FORMAT else ""


def _format_encapsulation(community: bytes) -> str:
    tunnel = int.from_bytes(community[6:])
    return f"encap:{_TUNNEL_NAMES.get(tunnel, tunnel)}"


_FORMAT: dict[bytes, Format] = {
    **community_words.FORMAT,
    _ENCAPSULATION: _format_encapsulation,
    _DEFAULT_GATEWAY: lambda _: "default-gateway",
    _MAC_MOBILITY: lambda c: f"mac-mobility:{int.from_bytes(c[4:])}{':sticky' if c[2] else ''}",
    _ESI_LABEL: lambda c: f"esi-label:{int.from_bytes(c[5:])}{':single-active' if c[2] else ''}",
    _ES_IMPORT: lambda c: f"es-import:{format_mac(c[2:])}",
    _ROUTER_MAC: lambda c: f"router-mac:{format_mac(c[2:])}",
    _ARP_ND: lambda c: f"arp-nd:{c[2]:#04x}",
}


def _parse_hexadecimal(rest: str) -> bytes:
    octets = bytes.fromhex(rest) if rest.isalnum() else b""
    if len(octets) != 8:
        raise ValueError(f"{rest!r} is not 16 hexadecimal digits")
    return octets


def _parse_encapsulation(rest: str) -> bytes:
    return encapsulation(community_words.named(rest.lower(), TUNNELS, (1 << 16) - 1))


def _parse_mac_mobility(rest: str) -> bytes:
    sequence, word = fields(rest, 1, 2)
    if word not in ("", "sticky"):
        raise ValueError(f"{word!r} is not sticky")
    return mac_mobility(number(sequence, (1 << 32) - 1), bool(word))


def _parse_default_gateway(rest: str) -> bytes:
    fields(rest, 0, 0)
    return default_gateway()


def _parse_esi_label(rest: str) -> bytes:
    label, mode = fields(rest, 1, 2)
    if mode not in _MODES:
        raise ValueError(f"{mode!r} is not single-active or all-active")
    return esi_label(number(label, MAX_VNI), _MODES[mode])


_PARSE: dict[str, Parse] = {
    **community_words.PARSE,
    "0x": _parse_hexadecimal,
    "target": parse_route_target,
    "encap": _parse_encapsulation,
    "mac-mobility": _parse_mac_mobility,
    "default-gateway": _parse_default_gateway,
    "router-mac": lambda rest: router_mac(parse_mac(rest)),
    "arp-nd": lambda rest: arp_nd(flags(rest, ARP_ND_FLAGS, 255)),
    "esi-label": _parse_esi_label,
    "es-import": lambda rest: es_import(parse_mac(rest)),
}

EXAMPLES = {
    "target": "target:65000:100",
    "encap": "encap:vxlan",
    "mac-mobility": "mac-mobility:5 or mac-mobility:5:sticky",
    "esi-label": "esi-label:100 or esi-label:100:single-active",
    "es-import": "es-import:02:00:00:00:00:01",
    "router-mac": "router-mac:02:00:00:00:00:01",
    "default-gateway": "default-gateway",
    "arp-nd": "arp-nd:router+override",
    **community_words.EXAMPLES,
    "0x": "0x030c000000000008",
}
"""How each name is used."""
