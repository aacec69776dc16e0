"""Frames at the end of a cable: said octet by octet, and all that passes there heard.

MAC and IP addresses are text here, as everywhere in these tests.
"""

import socket
import struct
from typing import Self

from evpn.packet import arp, ethernet, nd
from evpn.packet.arp import ArpPacket
from evpn.packet.ethernet import Frame
from evpn.packet.frames import announcement
from evpn.packet.nd import NdMessage
from evpn.text import format_ip, parse_ip, parse_mac
from evpn.values import ZERO_MAC, IpAddress, MacAddress

from .frr import Namespace
from .raw_peer import socket_in

_ALL_PROTOCOLS, _LOCAL_EXPERIMENT = 3, 0x88B5
_SO_RCVBUFFORCE = 33
_VXLAN_PORT, _OUTER_HEADERS = 4789, 50
_NOBODY = IpAddress(bytes(4))


class Cable:
    """One end of it, in the namespace that has the device."""

    def __init__(self, namespace: Namespace, device: str = "eth0") -> None:
        self.namespace = namespace
        self.device = device
        self._heard: list[bytes] = []

    def __enter__(self) -> Self:
        self._socket = socket_in(self.namespace, socket.AF_PACKET, socket.SOCK_RAW)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 1 << 22)
        self._socket.setblocking(False)
        self._socket.bind((self.device, _ALL_PROTOCOLS))
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def say(self, *frames: bytes) -> None:
        for frame in frames:
            self._socket.send(frame)

    def heard(self) -> list[Frame]:
        """All that went in or out since it was plugged in."""
        while True:
            try:
                self._heard.append(self._socket.recv(1 << 16))
            except BlockingIOError:
                return [frame for octets in self._heard if (frame := Frame.decode(octets))]

    def tunnelled(self) -> list[Frame]:
        """The frames inside of VXLAN packets over IPv4."""
        packets = [
            frame.encode() for frame in self.heard() if frame.protocol == 0x0800 and frame.payload[9:10] == b"\x11"
        ]
        inside = [octets[_OUTER_HEADERS:] for octets in packets if octets[36:38] == struct.pack("!H", _VXLAN_PORT)]
        return [frame for octets in inside if (frame := Frame.decode(octets))]


def a_frame(mac: str, to: str = "ff:ff:ff:ff:ff:ff") -> bytes:
    """One that says nothing but where its sender is."""
    return Frame(parse_mac(to), parse_mac(mac), _LOCAL_EXPERIMENT, bytes(46)).encode()


def gratuitous(mac: str, ip: str) -> bytes:
    """Gratuitous ARP, or an unsolicited advertisement."""
    return announcement(parse_mac(mac), parse_ip(ip))


def arp_request(mac: str, ip: str, target: str, source: str | None = None) -> bytes:
    """To everybody; `source` is the sender in the Ethernet header when it is another one."""
    packet = ArpPacket(arp.REQUEST, parse_mac(mac), parse_ip(ip), ZERO_MAC, parse_ip(target))
    return Frame(ethernet.BROADCAST, parse_mac(source or mac), ethernet.ARP, packet.encode()).encode()


def arp_probe(mac: str, target: str) -> bytes:
    """Is it free? (RFC 5227)"""
    return arp_request(mac, format_ip(_NOBODY), target)


def arp_reply(mac: str, ip: str, to_mac: str, to_ip: str, source: str | None = None) -> bytes:
    """To one host alone."""
    packet = ArpPacket(arp.REPLY, parse_mac(mac), parse_ip(ip), parse_mac(to_mac), parse_ip(to_ip))
    return Frame(parse_mac(to_mac), parse_mac(source or mac), ethernet.ARP, packet.encode()).encode()


def solicitation(mac: str, ip: str, target: str, source: str | None = None) -> bytes:
    """To the solicited-node group of the target; from `::`, where no answer can go, it is about duplicates."""
    own = parse_mac(mac) if ip != "::" else None
    wanted = parse_ip(target)
    group = IpAddress(bytes.fromhex("ff0200000000000000000001ff") + wanted[-3:])
    message = NdMessage(nd.SOLICITATION, parse_ip(ip), group, 0, wanted, own)
    destination = MacAddress(b"\x33\x33\xff" + wanted[-3:])
    return Frame(destination, parse_mac(source or mac), ethernet.IPV6, message.encode()).encode()


def advertisement(mac: str, ip: str, to_mac: str, to_ip: str, flags: int = nd.SOLICITED | nd.OVERRIDE) -> bytes:
    """To one host alone."""
    message = NdMessage(nd.ADVERTISEMENT, parse_ip(ip), parse_ip(to_ip), flags, parse_ip(ip), parse_mac(mac))
    return Frame(parse_mac(to_mac), parse_mac(mac), ethernet.IPV6, message.encode()).encode()


def asks_for(frame: Frame, ip: str) -> bool:
    """An ARP request or a solicitation for this address."""
    if frame.protocol == ethernet.ARP:
        packet = ArpPacket.decode(frame.payload)
        return packet is not None and packet.operation == arp.REQUEST and packet.target_ip == parse_ip(ip)
    message = NdMessage.decode(frame.payload) if frame.protocol == ethernet.IPV6 else None
    return message is not None and message.kind == nd.SOLICITATION and message.target == parse_ip(ip)
