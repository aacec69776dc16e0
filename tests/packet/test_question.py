"""Which frames are questions that a proxy may answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evpn.packet.frames import answer, probe
from evpn.packet.question import Question, decode, is_free
from evpn.text import parse_ip
from evpn.values import IpAddress, MacAddress

from .hosts import (
    ANY4,
    ANY6,
    IP,
    IP6,
    LINK_LOCAL,
    MAC,
    NONCE,
    OTHER_IP,
    OTHER_IP6,
    OTHER_MAC,
    TARGET_LINK_LAYER,
    advertisement,
    arp,
    solicitation,
)
from .strategies import ips4, macs

GROUP = bytes.fromhex("3333ff00000a")


def to(destination: bytes, frame: bytes) -> bytes:
    return destination + frame[6:]


ASKED = {
    "ARP request": (arp(), Question(MAC, IP, OTHER_IP)),
    "ARP that is not filled up": (arp()[:42], Question(MAC, IP, OTHER_IP)),
    "ARP probe": (arp(ip=ANY4), Question(MAC, ANY4, OTHER_IP)),
    "solicitation": (to(GROUP, solicitation()), Question(MAC, LINK_LOCAL, OTHER_IP6)),
    "solicitation from a global address": (to(GROUP, solicitation(IP6)), Question(MAC, IP6, OTHER_IP6)),
    "detection of duplicates": (to(GROUP, solicitation(ANY6, options=b"")), Question(MAC, ANY6, OTHER_IP6)),
    "the same with a nonce": (to(GROUP, solicitation(ANY6, options=NONCE)), Question(MAC, ANY6, OTHER_IP6)),
}


@pytest.mark.parametrize("frame, question", ASKED.values(), ids=ASKED)
def test_what_everybody_is_asked_is_a_question(frame: bytes, question: Question) -> None:
    assert decode(frame) == question
    assert is_free(question) == (question.ip in (ANY4, ANY6))


NOT_ASKED = {
    "ARP reply": arp(2),
    "gratuitous ARP": arp(target=IP),
    "ARP to one host": to(OTHER_MAC, arp()),
    "ARP of somebody else": arp(mac=OTHER_MAC),
    "ARP from a group": arp(source=GROUP, mac=GROUP),
    "ARP from a loopback address": arp(ip=parse_ip("127.0.0.1")),
    "ARP for 0.0.0.0": arp(ip=IP, target=ANY4),
    "ARP for a group": arp(target=parse_ip("224.0.0.1")),
    "nothing at all": arp(ip=ANY4, target=ANY4),
    "advertisement": to(GROUP, advertisement()),
    "solicitation to one host": solicitation(),
    "solicitation of somebody else": to(GROUP, solicitation(mac=OTHER_MAC)),
    "solicitation that says not where to answer": to(GROUP, solicitation(options=b"")),
    "solicitation with the option of an advertisement": to(GROUP, solicitation(options=TARGET_LINK_LAYER)),
    "detection of duplicates that says where to answer": to(GROUP, solicitation(ANY6)),
    "solicitation for an own address": to(GROUP, solicitation(OTHER_IP6)),
    "solicitation for the loopback address": to(GROUP, solicitation(target=parse_ip("::1"))),
    "another protocol": to(GROUP, arp())[:12] + b"\x88\xb5" + bytes(46),
    "ARP that is cut off": arp()[:41],
    "solicitation that is cut off": to(GROUP, solicitation())[:60],
    "half a header": arp()[:13],
    "nothing": b"",
}


@pytest.mark.parametrize("frame", NOT_ASKED.values(), ids=NOT_ASKED)
def test_anything_else_is_none(frame: bytes) -> None:
    assert decode(frame) is None


@given(st.binary(max_size=130))
def test_no_octets_are_too_strange(octets: bytes) -> None:
    decode(octets)
    decode(b"\xff" * 6 + octets)


@given(macs, ips4, macs)
def test_neither_our_own_questions_nor_our_answers_are_to_be_answered(
    mac: MacAddress, ip: IpAddress, ours: MacAddress
) -> None:
    assert decode(probe(mac, ip, ours)) is None
    assert decode(answer(Question(ours, IP, ip), mac)) is None
