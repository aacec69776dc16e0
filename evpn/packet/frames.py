"""Frames that we send to hosts: whether an address is still in use, that one has moved, and who has it.

The question (RFC 5227 section 2.1.1, RFC 4861 section 7.3.1) goes to one MAC, so no other host is woken by it. It
claims as little as possible: an ARP probe has no sender address; a solicitation needs one to be answered to, the
link-local one of `source_mac`. A host that is checking an address for duplicates takes an ARP probe for that address as
a conflict (RFC 5227 section 2.1.1): ask only for what a host has used, and not right after its link came up.

The news (RFC 9161 section 3.6) goes to everybody in the name of the host: the kernel suppresses the host's own.
The answer (section 3.3) is the host's, too, and goes to who has asked.
"""

from evpn.packet import arp, ethernet, nd
from evpn.packet.arp import ArpPacket
from evpn.packet.ethernet import Frame
from evpn.packet.nd import NdMessage
from evpn.packet.question import Question, is_free
from evpn.values import ZERO_MAC, IpAddress, MacAddress

_NO_SENDER = IpAddress(bytes(4))
_ALL_NODES = IpAddress(bytes.fromhex("ff020000000000000000000000000001"))


def probe(target_mac: MacAddress, ip: IpAddress, source_mac: MacAddress) -> bytes:
    """Asks this host for this address; the answer goes to `source_mac`."""
    if len(ip) == 4:
        question = ArpPacket(arp.REQUEST, source_mac, _NO_SENDER, ZERO_MAC, ip).encode()
        return Frame(target_mac, source_mac, ethernet.ARP, question).encode()
    question = NdMessage(nd.SOLICITATION, nd.link_local(source_mac), ip, 0, ip, source_mac).encode()
    return Frame(target_mac, source_mac, ethernet.IPV6, question).encode()


def announcement(mac: MacAddress, ip: IpAddress, router: bool = False) -> bytes:
    """A gratuitous ARP request, or an unsolicited advertisement (RFC 4861 section 7.2.6) that overrides what was known.

    `router` is the R flag of RFC 9047; ARP has none.
    """
    if len(ip) == 4:
        news = ArpPacket(arp.REQUEST, mac, ip, ZERO_MAC, ip).encode()
        return Frame(ethernet.BROADCAST, mac, ethernet.ARP, news).encode()
    flags = nd.OVERRIDE | (nd.ROUTER if router else 0)
    news = NdMessage(nd.ADVERTISEMENT, ip, _ALL_NODES, flags, ip, mac).encode()
    return Frame(ethernet.ALL_NODES, mac, ethernet.IPV6, news).encode()


def answer(question: Question, mac: MacAddress, router: bool = False, override: bool = True) -> bytes:
    """An ARP reply, or a solicited advertisement, with the flags that RFC 9047 tells of the address.

    A host that has no address yet cannot be reached by one: then it is told to all nodes (RFC 4861 section 7.2.4).
    """
    asker, ip, target = question
    if len(target) == 4:
        reply = ArpPacket(arp.REPLY, mac, target, asker, ip).encode()
        return Frame(asker, mac, ethernet.ARP, reply).encode()
    flags = (nd.ROUTER if router else 0) | (nd.OVERRIDE if override else 0)
    if is_free(question):
        everybody = NdMessage(nd.ADVERTISEMENT, target, _ALL_NODES, flags, target, mac).encode()
        return Frame(ethernet.ALL_NODES, mac, ethernet.IPV6, everybody).encode()
    reply = NdMessage(nd.ADVERTISEMENT, target, ip, flags | nd.SOLICITED, target, mac).encode()
    return Frame(asker, mac, ethernet.IPV6, reply).encode()
