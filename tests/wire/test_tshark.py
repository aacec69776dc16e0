"""Our encodings in the eyes of a dissector that shares no line with us."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from evpn.text import parse_esi, parse_ip, parse_mac, parse_rd
from evpn.values import NO_IP, ZERO_ESI, ZERO_TAG
from evpn.wire.as_path import AS_SEQUENCE, AsPathSegment
from evpn.wire.attributes import PathAttributes
from evpn.wire.communities import parse_community
from evpn.wire.pmsi import ingress_replication
from evpn.wire.routes import (
    EthernetAdRoute,
    EthernetSegmentRoute,
    InclusiveMulticastRoute,
    IpPrefixRoute,
    MacIpRoute,
    Route,
)
from evpn.wire.update import encode_announce, encode_withdraw

RD, ESI = parse_rd("10.0.0.3:100"), parse_esi("03:02:aa:bb:cc:dd:ee:00:00:01")
MAC, V4, V6 = parse_mac("50:54:33:00:00:09"), parse_ip("192.0.2.9"), parse_ip("2001:db8::9")
VTEP, VTEP6, ANY, ANY6 = (parse_ip(text) for text in ("10.0.0.3", "2001:db8::3", "0.0.0.0", "::"))

ROUTES: dict[str, Route] = {
    "ethernet-ad": EthernetAdRoute(RD, ESI, ZERO_TAG, 100),
    "mac": MacIpRoute(RD, ZERO_ESI, ZERO_TAG, MAC, NO_IP, 100),
    "mac-ip-v4": MacIpRoute(RD, ESI, ZERO_TAG, MAC, V4, 100),
    "mac-ip-v6-two-labels": MacIpRoute(RD, ZERO_ESI, ZERO_TAG, MAC, V6, 100, 5000),
    "multicast-v4": InclusiveMulticastRoute(RD, ZERO_TAG, VTEP),
    "multicast-v6": InclusiveMulticastRoute(RD, ZERO_TAG, VTEP6),
    "ethernet-segment": EthernetSegmentRoute(RD, ESI, VTEP),
    "prefix-v4": IpPrefixRoute(RD, ZERO_ESI, ZERO_TAG, parse_ip("198.51.100.0"), 25, ANY, 5000),
    "prefix-v6": IpPrefixRoute(RD, ZERO_ESI, ZERO_TAG, parse_ip("2001:db8:5::"), 48, ANY6, 5000),
}

COMMUNITIES = (
    "target:65000:100",
    "target:4200000000:77",
    "target:10.0.0.3:100",
    "encap:vxlan",
    "mac-mobility:5:sticky",
    "default-gateway",
    "router-mac:02:aa:bb:cc:dd:ee",
    "es-import:02:aa:bb:cc:dd:ee",
    "esi-label:100:single-active",
    "arp-nd:0x01",
)

ATTRIBUTES = PathAttributes(
    as_path=(AsPathSegment(AS_SEQUENCE, (65001, 4200000000)),),
    med=7,
    local_preference=100,
    communities=(bytes.fromhex("fde80064"),),
    originator_id=parse_ip("10.0.0.1"),
    cluster_list=(parse_ip("10.0.0.2"),),
    extended=tuple(parse_community(text) for text in COMMUNITIES),
    pmsi=ingress_replication(100, VTEP),
    large_communities=(bytes.fromhex("0000fde80000000100000002"),),
)

UNDERSTOOD = (
    "AS Path segment: 65001 4200000000",
    "Route Target: 65000:100",
    "(4200000000):77",
    "Route Target: 10.0.0.3:100",
    "VXLAN Encapsulation (8)",
    "Sticky/Static MAC: Yes",
    "Sequence number: 5",
    "Default Gateway",
    "Router's MAC: 02:aa:bb:cc:dd:ee",
    "ES-Import Route Target: 02:aa:bb:cc:dd:ee",
    "Single-Active redundancy",
    "ND: 0x0100",
    "Tunnel Type: Ingress Replication (6)",
    "VNI: 100",
    "ingress replication IP end point: 10.0.0.3",
    "Large communities: 65000:1:2",
)


@pytest.fixture(autouse=True)
def tools() -> None:
    """Not to be skipped: who lacks them has to know that nobody else has looked at our encodings."""
    missing = [tool for tool in ("tshark", "text2pcap") if shutil.which(tool) is None]
    assert not missing, f"{' and '.join(missing)} not found; install the package tshark"


def dissect(body: bytes, directory: Path) -> str:
    message = b"\xff" * 16 + (len(body) + 19).to_bytes(2) + b"\2" + body
    dump, capture = directory / "dump", directory / "update.pcap"
    dump.write_text(f"0000 {message.hex(' ')}\n")
    subprocess.run(["text2pcap", "-q", "-T", "179,40000", str(dump), str(capture)], check=True, capture_output=True)
    tshark = ["tshark", "-r", str(capture), "-V", "-O", "bgp"]
    return subprocess.run(tshark, check=True, capture_output=True, text=True).stdout


def unflawed(text: str) -> bool:
    return "Border Gateway Protocol - UPDATE Message" in text and not any(
        word in text for word in ("Malformed", "level: Warn", "level: Error", "nknown", "nvalid")
    )


@pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES)
def test_every_route_is_understood(route: Route, tmp_path: Path) -> None:
    announced = dissect(encode_announce([route], VTEP, PathAttributes()), tmp_path)
    withdrawn = dissect(encode_withdraw([route]), tmp_path)

    assert unflawed(announced), announced
    assert unflawed(withdrawn), withdrawn


def test_the_fields_of_a_route_are_where_they_should_be(tmp_path: Path) -> None:
    text = dissect(encode_announce([ROUTES["mac-ip-v6-two-labels"]], VTEP, PathAttributes()), tmp_path)

    for words in (
        "(10.0.0.3:100)",
        "MAC Address: 50:54:33:00:00:09",
        "IPv6 address: 2001:db8::9",
        "Next hop: 10.0.0.3",
    ):
        assert words in text, text
    assert "MPLS Label 1: 6\n" in text, text  # 100 without its last four bits: it takes a VNI for a label


def test_an_ipv6_next_hop_is_understood(tmp_path: Path) -> None:
    text = dissect(encode_announce([ROUTES["multicast-v6"]], VTEP6, PathAttributes()), tmp_path)

    assert unflawed(text), text


def test_every_attribute_is_understood(tmp_path: Path) -> None:
    text = dissect(encode_announce([ROUTES["multicast-v4"]], VTEP, ATTRIBUTES), tmp_path)

    assert unflawed(text), text
    for words in UNDERSTOOD:
        assert words in text, text


PASSED_THROUGH = {
    "target:65000L:77": r"Route Target: 0.65000\(65000\):77",
    "origin:65000:100": "Route Origin: 65000:100",
    "origin:10.0.0.3:100": "Route Origin: 10.0.0.3:100",
    "origin:4200000000:77": r"Route Origin: 64086.59904\(4200000000\):77",
    "l2-attributes:primary+control-word:1500": "flags: 0x0006, L2 MTU: 1500 .* Flags: 0x0006, C flag, P flag ",
    "l2-attributes:backup": "Flags: 0x0001, B flag ",
    "e-tree:1600:leaf": "E-Tree: .* Flags: 0x01, L flag .* MPLS Label: 100 ",
    "df-election:highest-preference:dont-preempt:32767": "DF Election: 0x0280 0x0000 0x7fff",
    "i-sid:100:0xc00001": "I-SID: 0x0000 0x64c0 0x0001",
    "arp-nd:router+override": "ND: 0x0300 0x0000 0x0000",
    "multicast-flags:igmp-proxy+mld-proxy": "Multicast Flags Extended Community: 0x0003 0x0000 0x0000",
    "evi-rt:65000:100": "EVI-RT Type 0 Extended Community: 0xfde8 0x0000 0x0064",
    "evi-rt:10.0.0.3:100": "EVI-RT Type 1 Extended Community: 0x0a00 0x0003 0x0064",
    "evi-rt:4200000000:77": "EVI-RT Type 2 Extended Community: 0xfa56 0xea00 0x004d",
    "esi-label:1600": "ESI MPLS Label: All-Active redundancy, Label: 100",
    "bandwidth:65000:125000000": "Link Bandwidth: ASN 65000, 1000.000 Mbps",
    "redirect:65000:1": "Flow spec redirect AS 2 bytes: RT 65000:1",
    "redirect:10.0.0.3:1": "Flow spec redirect IPv4 format: .* IPv4 address: 10.0.0.3 2-Octet AN: 1$",
    "redirect:4200000000:1": "Flow spec redirect AS-4byte format: .* 4-Octet AS: 4200000000 2-Octet AN: 1$",
    "l2info:19:0:1500:111": r"Encaps Type: VPLS \(19\) Control Flags: 0x00 .* Layer-2 MTU: 1500",
    "encap:l2tpv3": "Tunnel type: L2TPv3 over IP",
    "encap:gre": "Tunnel type: GRE",
    "encap:ip-in-ip": "Tunnel type: IP in IP",
    "encap:nvgre": "Tunnel type: NVGRE",
    "encap:mpls": "Tunnel type: MPLS Encapsulation",
    "encap:mpls-in-gre": "Tunnel type: MPLS in GRE",
    "encap:vxlan-gpe": "Tunnel type: VxLAN GPE",
    "encap:mpls-in-udp": "Tunnel type: MPLS in UDP",
}
"""All kinds that this dissector knows; it shows those without a layout of its own as three times two octets."""


def test_communities_that_only_pass_through_are_understood(tmp_path: Path) -> None:
    attributes = PathAttributes(extended=tuple(map(parse_community, PASSED_THROUGH)))
    text = dissect(encode_announce([ROUTES["multicast-v4"]], VTEP, attributes), tmp_path)

    assert unflawed(text), text
    one_by_one = re.split(r"\n {16}(?=\S)", text.partition("Carried extended communities")[2])[1:]
    for (words, understood), told in zip(PASSED_THROUGH.items(), one_by_one, strict=True):
        assert re.search(understood, " ".join(told.split())), f"{words}: {told}"


def test_many_routes_need_an_attribute_with_a_long_length(tmp_path: Path) -> None:
    text = dissect(encode_announce(list(ROUTES.values()) * 2, VTEP, PathAttributes()), tmp_path)

    assert unflawed(text), text
