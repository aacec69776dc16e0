"""What we send: read by ourselves as what a host says, and by a dissector that shares no line with us."""

import shutil
import subprocess
from pathlib import Path
from random import Random
from struct import Struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evpn.packet.frames import announcement, answer, probe
from evpn.packet.question import Question
from evpn.packet.sighting import Sighting, decode
from evpn.text import format_ip, format_mac, parse_ip, parse_mac
from evpn.values import IpAddress, MacAddress

from .strategies import ips4, ips6, macs

MAC, OURS = parse_mac("50:54:33:00:00:09"), parse_mac("02:00:00:00:00:10")
IP, IP6 = parse_ip("192.0.2.9"), parse_ip("2001:db8::9")
ASKER, ASKER_IP, ASKER_IP6 = parse_mac("50:54:33:00:00:0a"), parse_ip("192.0.2.10"), parse_ip("2001:db8::a")
LINK_LOCAL_OF_OURS = "fe80::ff:fe00:10"
BROADCAST, ALL_NODES = "ff:ff:ff:ff:ff:ff", "33:33:00:00:00:01"

_PCAP_HEADER, _PCAP_RECORD = Struct("=IHHiIII"), Struct("=IIII")
_ETHERNET_FRAMES = 1


@given(macs, ips4, st.booleans())
def test_an_announcement_of_ipv4_is_seen_as_the_hosts_own(mac: MacAddress, ip: IpAddress, router: bool) -> None:
    assert decode(announcement(mac, ip, router)) == Sighting(mac, ip, None)


@given(macs, ips6, st.booleans())
def test_an_announcement_of_ipv6_is_seen_as_the_hosts_own(mac: MacAddress, ip: IpAddress, router: bool) -> None:
    assert decode(announcement(mac, ip, router)) == Sighting(mac, ip, router)


@given(macs, ips4, macs)
def test_a_probe_of_ipv4_claims_no_address(mac: MacAddress, ip: IpAddress, ours: MacAddress) -> None:
    assert decode(probe(mac, ip, ours)) is None


@given(macs, ips6, macs)
def test_a_probe_of_ipv6_claims_a_link_local_address(mac: MacAddress, ip: IpAddress, ours: MacAddress) -> None:
    sighting = decode(probe(mac, ip, ours))

    assert sighting is not None
    assert (sighting.mac, sighting.ip[:8]) == (ours, parse_ip("fe80::")[:8])


@given(macs, ips6, macs, st.booleans())
def test_checksums_are_right(mac: MacAddress, ip: IpAddress, ours: MacAddress, router: bool) -> None:
    asked, free = Question(ours, ip, ip), Question(ours, IpAddress(bytes(16)), ip)
    answers = [answer(question, mac, router) for question in (asked, free)]
    for frame in (probe(mac, ip, ours), announcement(mac, ip, router), *answers):
        addresses, message = frame[22:54], frame[54:]
        summed = addresses + len(message).to_bytes(4) + (58).to_bytes(4) + message
        total = sum(int.from_bytes(summed[at : at + 2]) for at in range(0, len(summed), 2))
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        assert total == 0xFFFF


@pytest.fixture
def tshark(tmp_path: Path) -> "Tshark":
    """Not to be skipped: who lacks it has to know that nobody else has looked at our frames."""
    assert shutil.which("tshark") is not None, "tshark not found; install the package tshark"
    return Tshark(tmp_path / "frames.pcap")


class Tshark:
    def __init__(self, capture: Path) -> None:
        self.capture = capture

    def fields(self, frames: list[bytes], *names: str) -> list[list[str]]:
        """These fields of each frame; empty where a frame has none."""
        records = (_PCAP_RECORD.pack(0, 0, len(frame), len(frame)) + frame for frame in frames)
        header = _PCAP_HEADER.pack(0xA1B2C3D4, 2, 4, 0, 0, 1 << 16, _ETHERNET_FRAMES)
        self.capture.write_bytes(header + b"".join(records))
        wanted = [word for name in names for word in ("-e", name)]
        command = ["tshark", "-r", str(self.capture), "-T", "fields", "-E", "separator=|", *wanted]
        shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return [line.split("|") for line in shown.splitlines()]


ETHERNET = ("eth.dst", "eth.src")
ARP = ("arp.opcode", "arp.src.hw_mac", "arp.src.proto_ipv4", "arp.dst.hw_mac", "arp.dst.proto_ipv4")
ARP_KIND = ("arp.isprobe", "arp.isannouncement")
ND = ("ipv6.src", "ipv6.dst", "ipv6.hlim", "icmpv6.type", "icmpv6.opt.type", "icmpv6.opt.linkaddr")
ADVERTISED = ("icmpv6.nd.na.target_address", "icmpv6.nd.na.flag.r", "icmpv6.nd.na.flag.s", "icmpv6.nd.na.flag.o")
NO_MAC = "00:00:00:00:00:00"


def test_an_arp_probe_is_understood(tshark: Tshark) -> None:
    (shown,) = tshark.fields([probe(MAC, IP, OURS)], *ETHERNET, *ARP, *ARP_KIND)

    ours, mac = format_mac(OURS), format_mac(MAC)
    assert shown == [mac, ours, "1", ours, "0.0.0.0", NO_MAC, "192.0.2.9", "1", ""]


def test_an_arp_announcement_is_understood(tshark: Tshark) -> None:
    (shown,) = tshark.fields([announcement(MAC, IP)], *ETHERNET, *ARP, *ARP_KIND)

    mac = format_mac(MAC)
    assert shown == [BROADCAST, mac, "1", mac, "192.0.2.9", NO_MAC, "192.0.2.9", "", "1"]


def test_a_solicitation_is_understood(tshark: Tshark) -> None:
    (shown,) = tshark.fields([probe(MAC, IP6, OURS)], *ETHERNET, *ND, "icmpv6.nd.ns.target_address")

    ours, mac, ip = format_mac(OURS), format_mac(MAC), format_ip(IP6)
    assert shown == [mac, ours, LINK_LOCAL_OF_OURS, ip, "255", "135", "1", ours, ip]


@pytest.mark.parametrize("router", [False, True], ids=["host", "router"])
def test_an_unsolicited_advertisement_is_understood(tshark: Tshark, router: bool) -> None:
    (shown,) = tshark.fields([announcement(MAC, IP6, router)], *ETHERNET, *ND, *ADVERTISED)

    mac, ip = format_mac(MAC), format_ip(IP6)
    assert shown == [ALL_NODES, mac, ip, "ff02::1", "255", "136", "2", mac, ip, str(int(router)), "0", "1"]


def test_an_arp_reply_is_understood(tshark: Tshark) -> None:
    (shown,) = tshark.fields([answer(Question(ASKER, ASKER_IP, IP), MAC)], *ETHERNET, *ARP, *ARP_KIND)

    mac, asker = format_mac(MAC), format_mac(ASKER)
    assert shown == [asker, mac, "2", mac, "192.0.2.9", asker, "192.0.2.10", "", ""]


@pytest.mark.parametrize("router, override", [(False, True), (True, True), (False, False)])
def test_a_solicited_advertisement_is_understood(tshark: Tshark, router: bool, override: bool) -> None:
    frame = answer(Question(ASKER, ASKER_IP6, IP6), MAC, router, override)
    (shown,) = tshark.fields([frame], *ETHERNET, *ND, *ADVERTISED)

    mac, ip, asker = format_mac(MAC), format_ip(IP6), [format_mac(ASKER), format_ip(ASKER_IP6)]
    flags = [str(int(router)), "1", str(int(override))]
    assert shown == [asker[0], mac, ip, asker[1], "255", "136", "2", mac, ip, *flags]


def test_who_has_no_address_yet_is_told_with_all_nodes(tshark: Tshark) -> None:
    frame = answer(Question(ASKER, IpAddress(bytes(16)), IP6), MAC)
    (shown,) = tshark.fields([frame], *ETHERNET, *ND, *ADVERTISED)

    mac, ip = format_mac(MAC), format_ip(IP6)
    assert shown == [ALL_NODES, mac, ip, "ff02::1", "255", "136", "2", mac, ip, "0", "0", "1"]


def test_a_thousand_frames_have_no_flaw(tshark: Tshark) -> None:
    random = Random(4861)
    frames = []
    for _ in range(250):
        mac, ours = (MacAddress(b"\x02" + random.randbytes(5)) for _ in range(2))
        ip, ip6 = IpAddress(b"\xc6" + random.randbytes(3)), IpAddress(b"\x20" + random.randbytes(15))
        frames += [probe(mac, ip, ours), announcement(mac, ip), probe(mac, ip6, ours), announcement(mac, ip6, True)]

    shown = tshark.fields(frames, "frame.protocols", "icmpv6.checksum.status", "_ws.malformed", "_ws.expert.severity")

    good = "1"
    arp, nd = ["eth:ethertype:arp", "", "", ""], ["eth:ethertype:ipv6:icmpv6", good, "", ""]
    assert shown == [arp, arp, nd, nd] * 250


def test_the_dissector_would_see_a_flaw(tshark: Tshark) -> None:
    frame = announcement(MAC, IP6)
    damaged, shortened = frame[:-1] + b"\xff", frame[:70]

    shown = tshark.fields([damaged, shortened], "icmpv6.checksum.status", "_ws.malformed", "_ws.expert.severity")

    assert shown[0][0] == "0"
    assert shown[1][1:] != ["", ""]
