"""What a host says about an address of its own, and whether that is believed (RFC 9161 section 3.2).

Anybody on a port can claim any address. What can be asked is that the frame does not contradict itself: the MAC address
in the message is the one that the frame came from, which is also the one that the bridge learns. And only what binds an
address counts: probes for duplicates (sender 0.0.0.0, source ::) ask whether an address is free, they do not use it.
"""

from typing import NamedTuple

from evpn.packet import arp, ethernet, nd
from evpn.packet.arp import ArpPacket
from evpn.packet.ethernet import Frame
from evpn.packet.nd import NdMessage
from evpn.values import IpAddress, MacAddress


class Sighting(NamedTuple):
    mac: MacAddress
    ip: IpAddress
    router: bool | None
    """R flag of an advertisement; None where the frame does not say."""


def decode(octets: bytes) -> Sighting | None:
    """What the frame says; None when it says nothing of its sender's addresses, or nothing that is believed."""
    frame = Frame.decode(octets)
    if frame is None or not ethernet.is_station(frame.source):
        return None
    if frame.protocol == ethernet.ARP:
        found = _from_arp(frame)
    elif frame.protocol == ethernet.IPV6:
        found = _from_nd(frame)
    else:
        return None
    if found is None or found.mac != frame.source or not is_host_address(found.ip):
        return None
    return found


def is_host_address(ip: IpAddress) -> bool:
    """A host can have it, and be reached by it from its neighbours."""
    if len(ip) == 4:
        this_network, loopback, multicast = ip[0] == 0, ip[0] == 127, ip[0] >> 4 == 14
        return not (this_network or loopback or multicast or ip == _BROADCAST)
    unspecified_or_loopback = ip[:15] == _FIFTEEN_ZEROS and ip[15] <= 1
    return not (unspecified_or_loopback or nd.is_multicast(ip))


_BROADCAST = b"\xff" * 4
_FIFTEEN_ZEROS = bytes(15)


def _from_arp(frame: Frame) -> Sighting | None:
    """Requests and replies alike tell of their sender."""
    packet = ArpPacket.decode(frame.payload)
    if packet is None or packet.operation not in (arp.REQUEST, arp.REPLY):
        return None
    return Sighting(packet.sender_mac, packet.sender_ip, None)


def _from_nd(frame: Frame) -> Sighting | None:
    """A solicitation tells of its source, if it says where to answer; an advertisement of its target."""
    message = NdMessage.decode(frame.payload)
    if message is None:
        return None
    if message.kind == nd.SOLICITATION:
        return None if message.mac is None else Sighting(message.mac, message.source, None)
    mac = frame.source if message.mac is None else message.mac
    return Sighting(mac, message.target, bool(message.flags & nd.ROUTER))
