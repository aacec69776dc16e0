"""Which addresses may stand where."""

import re

from evpn.config.errors import Where
from evpn.text import format_mac, parse_ip, parse_mac
from evpn.values import ZERO_MAC, IpAddress, MacAddress

_V4_MAPPED = bytes(10) + b"\xff\xff"
_ENDPOINT = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9.-]+)):(?P<port>[0-9]{1,5})")


def unicast(where: Where, text: str) -> IpAddress:
    """An address that one host, and not only its link, can have."""
    ip = where.parse(parse_ip, text)
    if flaw := _flaw(ip) or ("a link-local" if _is_link_local(ip) else None):
        raise where.wrong(f"{text} is {flaw} address; accepted: a unicast IPv4 or IPv6 address")
    return ip


def vtep(where: Where, text: str) -> IpAddress:
    """Unicast, and reachable from other hosts."""
    ip = unicast(where, text)
    if ip[0] == 127 if len(ip) == 4 else ip == bytes(15) + b"\1":
        raise where.wrong(f"{text} is a loopback address; accepted: an IPv4 or IPv6 address that other hosts can reach")
    return ip


def host(where: Where, text: str) -> IpAddress:
    """What a host on the segment can have: link-local addresses too."""
    ip = where.parse(parse_ip, text)
    if flaw := _flaw(ip):
        raise where.wrong(f"{text} is {flaw} address; accepted: a unicast IPv4 or IPv6 address")
    return ip


def host_mac(where: Where, text: str) -> MacAddress:
    mac = where.parse(parse_mac, text)
    if mac == ZERO_MAC:
        flaw = "all zero"
    elif mac == b"\xff" * 6:
        flaw = "the broadcast address"
    elif mac[0] & 1:
        flaw = "a multicast address"
    else:
        return mac
    raise where.wrong(f"{format_mac(mac)} is {flaw}; accepted: the MAC address of one host, such as 50:54:33:00:00:09")


def router_id(where: Where, text: str) -> IpAddress:
    """Four octets that are not zero (RFC 6286)."""
    ip = where.parse(parse_ip, text)
    if len(ip) != 4 or not any(ip):
        raise where.wrong(f"found {text}; accepted: an IPv4 address other than 0.0.0.0")
    return ip


def multicast_group(where: Where, text: str, vtep: IpAddress) -> IpAddress:
    ip = where.parse(parse_ip, text)
    if not _is_multicast(ip) or len(ip) != len(vtep):
        example = "239.0.0.100" if len(vtep) == 4 else "ff05::100"
        accepted = f"{family(vtep)} multicast address such as {example}, of the family of vtep-address"
        raise where.wrong(f"found {text}; accepted: {accepted}")
    return ip


def endpoint(where: Where, text: str) -> tuple[str, int]:
    """The host without brackets, and the TCP port."""
    match = _ENDPOINT.fullmatch(text)
    if not match or not 1 <= int(match["port"]) <= 65535:
        raise where.wrong(f"found {text!r}; accepted: HOST:PORT such as 127.0.0.1:9479 or [::1]:9479")
    if match["v6"]:
        where.parse(parse_ip, match["v6"])
    return match["v6"] or match["host"], int(match["port"])


def family(ip: IpAddress) -> str:
    return "an IPv4" if len(ip) == 4 else "an IPv6"


def _flaw(ip: IpAddress) -> str | None:
    if not any(ip):
        return "the unspecified"
    if _is_multicast(ip):
        return "a multicast"
    if len(ip) == 4 and ip[0] in (0, *range(240, 256)):
        return "a reserved"
    if ip.startswith(_V4_MAPPED) and len(ip) == 16:
        return "an IPv4-mapped"
    return None


def _is_multicast(ip: IpAddress) -> bool:
    return 224 <= ip[0] < 240 if len(ip) == 4 else ip[0] == 0xFF


def _is_link_local(ip: IpAddress) -> bool:
    return ip[:2] == b"\xa9\xfe" if len(ip) == 4 else ip[0] == 0xFE and ip[1] & 0xC0 == 0x80
