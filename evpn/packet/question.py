"""A question of a host to everybody: what a proxy may answer in the name of who has the address (RFC 9161 section 3.3).

What goes to one host alone is for that host to answer: its neighbour wants to know whether it is there still. And what
a host says of an address of its own, as after a move, is no question.
"""

from typing import NamedTuple

from evpn.packet import arp, ethernet, nd
from evpn.packet.arp import ArpPacket
from evpn.packet.ethernet import Frame
from evpn.packet.nd import NdMessage
from evpn.packet.sighting import is_host_address
from evpn.values import IpAddress, MacAddress


class Question(NamedTuple):
    mac: MacAddress
    """Who asks."""
    ip: IpAddress
    """Its own address; all zero when it has none yet, and asks whether this one is free (RFC 5227, RFC 4862)."""
    target: IpAddress


def decode(octets: bytes) -> Question | None:
    """What the frame asks; None when it asks nothing, or not everybody, or contradicts itself."""
    frame = Frame.decode(octets)
    if frame is None or not ethernet.is_station(frame.source) or not frame.destination[0] & 1:
        return None
    if frame.protocol == ethernet.ARP:
        found = _from_arp(frame)
    elif frame.protocol == ethernet.IPV6:
        found = _from_nd(frame)
    else:
        return None
    if found is None or found.mac != frame.source or found.ip == found.target or not is_host_address(found.target):
        return None
    return found if is_host_address(found.ip) or is_free(found) else None


def is_free(question: Question) -> bool:
    """Whether that is the question: a probe, or the detection of duplicates."""
    return not any(question.ip)


def _from_arp(frame: Frame) -> Question | None:
    packet = ArpPacket.decode(frame.payload)
    if packet is None or packet.operation != arp.REQUEST:
        return None
    return Question(packet.sender_mac, packet.sender_ip, packet.target_ip)


def _from_nd(frame: Frame) -> Question | None:
    """One that says where to answer; without a source address it may not (RFC 4861 section 7.1.1)."""
    message = NdMessage.decode(frame.payload)
    if message is None or message.kind != nd.SOLICITATION or any(message.source) == (message.mac is None):
        return None
    return Question(message.mac or frame.source, message.source, message.target)
