"""What hosts say, octet by octet and without any line of `evpn.packet`."""

from evpn.text import parse_ip, parse_mac

MAC, OTHER_MAC = parse_mac("50:54:33:00:00:09"), parse_mac("50:54:33:00:00:0a")
IP, OTHER_IP = parse_ip("192.0.2.9"), parse_ip("192.0.2.10")
IP6, LINK_LOCAL, OTHER_IP6 = parse_ip("2001:db8::9"), parse_ip("fe80::5254:33ff:fe00:9"), parse_ip("2001:db8::a")
ANY4, ANY6, ALL_NODES = parse_ip("0.0.0.0"), parse_ip("::"), parse_ip("ff02::1")

SOURCE_LINK_LAYER, TARGET_LINK_LAYER = b"\1\1" + MAC, b"\2\1" + MAC
NONCE = bytes.fromhex("0e01010203040506")
ROUTER, SOLICITED, OVERRIDE = 0x80, 0x40, 0x20


def arp(
    operation: int = 1,
    *,
    source: bytes = MAC,
    mac: bytes = MAC,
    ip: bytes = IP,
    target: bytes = OTHER_IP,
    kind: str = "0001080006 04",
) -> bytes:
    """A request of a host for another one, unless told otherwise."""
    packet = bytes.fromhex(kind) + operation.to_bytes(2) + mac + ip + bytes(6) + target
    return b"\xff" * 6 + source + b"\x08\x06" + packet + bytes(18)


def solicitation(
    source: bytes = LINK_LOCAL, target: bytes = OTHER_IP6, options: bytes = SOURCE_LINK_LAYER, *, mac: bytes = MAC
) -> bytes:
    message = b"\x87\0\0\0" + bytes(4) + target + options
    return ipv6(message, source, parse_ip("ff02::1:ff00:a"), mac=mac)


def advertisement(
    target: bytes = IP6,
    flags: int = SOLICITED | OVERRIDE,
    options: bytes = TARGET_LINK_LAYER,
    *,
    mac: bytes = MAC,
    destination: bytes = OTHER_IP6,
) -> bytes:
    message = b"\x88\0\0\0" + bytes((flags, 0, 0, 0)) + target + options
    return ipv6(message, LINK_LOCAL, destination, mac=mac)


def ipv6(
    message: bytes, source: bytes, destination: bytes, *, mac: bytes = MAC, hops: int = 255, protocol: int = 58
) -> bytes:
    head = bytes.fromhex("60000000") + len(message).to_bytes(2) + bytes((protocol, hops)) + source + destination
    return OTHER_MAC + mac + b"\x86\xdd" + head + message
