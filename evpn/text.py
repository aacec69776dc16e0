"""Identifiers as people write them, both ways; a `ValueError` says what was found and what is accepted."""

import socket

from netaddr import EUI, AddrFormatError, IPAddress

from evpn.values import (
    EthernetSegmentIdentifier,
    IpAddress,
    MacAddress,
    RouteDistinguisher,
    RouteTarget,
    RouteTargetPattern,
)

_ANY_ADMINISTRATOR = "*"
_TYPE_AS2, _TYPE_IPV4, _TYPE_AS4 = 0, 1, 2
_ROUTE_TARGET = 2
_FOUR_OCTETS = "L"  # after a small AS number that is written in four octets all the same


def parse_mac(text: str) -> MacAddress:
    """Any of the usual spellings of a MAC address."""
    try:
        if text.isalnum() and len(text) != 12:  # netaddr would take a digit less
            raise ValueError(text)
        return MacAddress(EUI(text, version=48).packed)
    except (AddrFormatError, ValueError, TypeError):
        raise ValueError(f"{text!r} is not a MAC address such as 50:54:33:00:00:09") from None


def format_mac(mac: bytes) -> str:
    return mac.hex(":")


def parse_ip(text: str) -> IpAddress:
    """An IPv4 or IPv6 address, without a prefix length."""
    try:
        return IpAddress(IPAddress(text, flags=0).packed)
    except (AddrFormatError, ValueError, TypeError):
        raise ValueError(f"{text!r} is not an IPv4 or IPv6 address") from None


def format_ip(ip: bytes) -> str:
    """Empty for the absent address."""
    if not ip:
        return ""
    return socket.inet_ntop(socket.AF_INET if len(ip) == 4 else socket.AF_INET6, ip)


def parse_rd(text: str) -> RouteDistinguisher:
    """`10.0.0.3:100`, `65000:100`, `4200000000:100` or `65000L:100` (RFC 4364 section 4.2)."""
    try:
        kind, body = _administrator(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a route distinguisher such as 10.0.0.3:100 or 65000:100") from None
    return RouteDistinguisher(bytes((0, kind)) + body)


def format_rd(rd: bytes) -> str:
    kind = int.from_bytes(rd[:2])
    return _format_administrator(kind, rd[2:]) if kind <= _TYPE_AS4 else f"0x{rd.hex()}"


def parse_route_target(text: str) -> RouteTarget:
    """`65000:100`, `4200000000:77` or `10.0.0.3:100` (RFC 4360, RFC 5668)."""
    try:
        kind, body = _administrator(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a route target such as 65000:100 or 10.0.0.3:100") from None
    return RouteTarget(bytes((kind, _ROUTE_TARGET)) + body)


def parse_route_target_pattern(text: str) -> RouteTargetPattern:
    """A route target, or `*:100` for a local part under any administrator, as FRR has it."""
    administrator, _, local = text.rpartition(":")
    if administrator != _ANY_ADMINISTRATOR:
        return RouteTargetPattern(parse_route_target(text))
    try:
        return RouteTargetPattern(_unsigned(_decimal(local), 4))
    except ValueError:
        raise ValueError(f"{text!r} is not a route target such as 65000:100 or *:100") from None


def format_route_target(target: bytes) -> str:
    """A route target or a pattern of 4 octets."""
    if len(target) == 4:
        return f"{_ANY_ADMINISTRATOR}:{int.from_bytes(target)}"
    return _format_administrator(target[0], target[2:]) if target[0] <= _TYPE_AS4 else f"0x{target.hex()}"


def parse_esi(text: str) -> EthernetSegmentIdentifier:
    """Ten octets in hexadecimal, with or without colons; `0` is the single-homed segment."""
    digits = text.replace(":", "")
    try:
        return EthernetSegmentIdentifier(bytes(10) if digits == "0" else _exactly(bytes.fromhex(digits), 10))
    except ValueError:
        raise ValueError(f"{text!r} is not an ESI of ten octets such as 00:11:22:33:44:55:66:77:88:99") from None


def format_esi(esi: bytes) -> str:
    return esi.hex(":")


def _exactly(octets: bytes, length: int) -> bytes:
    if len(octets) != length:
        raise ValueError(len(octets))
    return octets


def _administrator(text: str) -> tuple[int, bytes]:
    """The type and the six octets shared by route distinguishers and route targets."""
    administrator, _, local = text.rpartition(":")
    number = _decimal(local)
    if "." in administrator:
        return _TYPE_IPV4, _exactly(parse_ip(administrator), 4) + _unsigned(number, 2)
    asn = _decimal(administrator.removesuffix(_FOUR_OCTETS))
    if asn < 1 << 16 and not administrator.endswith(_FOUR_OCTETS):
        return _TYPE_AS2, asn.to_bytes(2) + _unsigned(number, 4)
    return _TYPE_AS4, _unsigned(asn, 4) + _unsigned(number, 2)


def _decimal(text: str) -> int:
    """ASCII digits, and no more of them than the largest number here has."""
    if not (text.isascii() and text.isdigit()) or len(text) > 10:
        raise ValueError(text)
    return int(text)


def _unsigned(number: int, octets: int) -> bytes:
    if number >= 1 << (8 * octets):
        raise ValueError(number)
    return number.to_bytes(octets)


def _format_administrator(kind: int, body: bytes) -> str:
    if kind == _TYPE_AS2:
        return f"{int.from_bytes(body[:2])}:{int.from_bytes(body[2:])}"
    local = int.from_bytes(body[4:])
    if kind == _TYPE_IPV4:
        return f"{format_ip(body[:4])}:{local}"
    asn = int.from_bytes(body[:4])
    return f"{asn}{_FOUR_OCTETS if asn < 1 << 16 else ''}:{local}"
