"""Extended communities of EVPN (RFC 4360, 5668, 7432 section 7, 9012, 9047, 9135): octets, facts, words.

Of each kind: a function that makes it, one that reads it (None from a community of another kind), and its words,
such as `target:65000:100` or `mac-mobility:5:sticky`.
"""

from collections.abc import Callable
from typing import NamedTuple

from evpn.text import format_mac, format_route_target, parse_mac, parse_route_target
from evpn.values import MAX_VNI, ExtendedCommunity, MacAddress, RouteTarget, RouteTargetPattern

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

_TUNNELS = {"gre": 2, "vxlan": VXLAN, "nvgre": 9, "mpls": 10, "vxlan-gpe": 12, "geneve": 19}
_TUNNEL_NAMES = {number: name for name, number in _TUNNELS.items()}
_MODES = {"": False, "0": False, "all-active": False, "1": True, "single-active": True}

_ACCEPTED = (
    "target:65000:100, encap:vxlan, mac-mobility:5, mac-mobility:5:sticky, default-gateway, arp-nd:0x02,"
    " router-mac:02:00:00:00:00:01, es-import:02:00:00:00:00:01, esi-label:100, esi-label:100:single-active,"
    " or 0x and 16 hexadecimal digits"
)


class Mobility(NamedTuple):
    """How often a MAC has moved, and whether it may (RFC 7432 section 7.7)."""

    sequence: int = 0
    sticky: bool = False


class EsiLabel(NamedTuple):
    label: int
    single_active: bool


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


def esi_label_of(community: bytes) -> EsiLabel | None:
    if community[:2] != _ESI_LABEL:
        return None
    return EsiLabel(int.from_bytes(community[5:]), bool(community[2] & SINGLE_ACTIVE))


def es_import(mac: MacAddress) -> ExtendedCommunity:
    return ExtendedCommunity(_ES_IMPORT + mac)


def es_import_of(community: bytes) -> MacAddress | None:
    return MacAddress(community[2:]) if community[:2] == _ES_IMPORT else None


def format_community(community: bytes) -> str:
    """In words where they say all of its octets, else in hexadecimal."""
    text = _words(community)
    return text if text and parse_community(text) == community else f"0x{community.hex()}"


def parse_community(text: str) -> ExtendedCommunity:
    name, _, rest = text.partition(":")
    try:
        return _parse_hexadecimal(text) if text.startswith("0x") else _PARSERS[name](rest)
    except (ValueError, KeyError):
        raise ValueError(f"{text!r} is not an extended community such as {_ACCEPTED}") from None


def _words(community: bytes) -> str:
    """Empty for a kind without words; reserved octets are not looked at."""
    if is_route_target(community):
        return f"target:{format_route_target(community)}"
    return _WORDS[community[:2]](community) if community[:2] in _WORDS else ""


def _format_encapsulation(community: bytes) -> str:
    tunnel = int.from_bytes(community[6:])
    return f"encap:{_TUNNEL_NAMES.get(tunnel, tunnel)}"


_WORDS: dict[bytes, Callable[[bytes], str]] = {
    _ENCAPSULATION: _format_encapsulation,
    _DEFAULT_GATEWAY: lambda _: "default-gateway",
    _MAC_MOBILITY: lambda c: f"mac-mobility:{int.from_bytes(c[4:])}{':sticky' if c[2] else ''}",
    _ESI_LABEL: lambda c: f"esi-label:{int.from_bytes(c[5:])}{':single-active' if c[2] else ''}",
    _ES_IMPORT: lambda c: f"es-import:{format_mac(c[2:])}",
    _ROUTER_MAC: lambda c: f"router-mac:{format_mac(c[2:])}",
    _ARP_ND: lambda c: f"arp-nd:{c[2]:#04x}",
}


def _parse_hexadecimal(text: str) -> ExtendedCommunity:
    octets = bytes.fromhex(text[2:])
    if len(octets) != 8:
        raise ValueError(text)
    return ExtendedCommunity(octets)


def _parse_encapsulation(rest: str) -> ExtendedCommunity:
    return encapsulation(_TUNNELS[rest] if rest in _TUNNELS else _number(rest, (1 << 16) - 1))


def _parse_mac_mobility(rest: str) -> ExtendedCommunity:
    sequence, separator, word = rest.partition(":")
    if separator and word != "sticky":
        raise ValueError(word)
    return mac_mobility(_number(sequence, (1 << 32) - 1), bool(separator))


def _parse_default_gateway(rest: str) -> ExtendedCommunity:
    if rest:
        raise ValueError(rest)
    return default_gateway()


def _parse_arp_nd(rest: str) -> ExtendedCommunity:
    if rest.startswith("0x") and len(rest) > 2:
        return arp_nd(int.from_bytes(bytes.fromhex(rest[2:].zfill(2))))
    return arp_nd(_number(rest, 255))


def _parse_esi_label(rest: str) -> ExtendedCommunity:
    label, _, mode = rest.partition(":")
    return esi_label(_number(label, MAX_VNI), _MODES[mode])


_PARSERS: dict[str, Callable[[str], ExtendedCommunity]] = {
    "target": lambda rest: ExtendedCommunity(parse_route_target(rest)),
    "encap": _parse_encapsulation,
    "mac-mobility": _parse_mac_mobility,
    "default-gateway": _parse_default_gateway,
    "router-mac": lambda rest: router_mac(parse_mac(rest)),
    "arp-nd": _parse_arp_nd,
    "esi-label": _parse_esi_label,
    "es-import": lambda rest: es_import(parse_mac(rest)),
}


def _number(text: str, maximum: int) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 10 or int(text) > maximum:
        raise ValueError(text)
    return int(text)
