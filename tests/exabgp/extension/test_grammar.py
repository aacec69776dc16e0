"""Routes in words: each type, each attribute, and mistakes that say where they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evpn.exabgp.extension import grammar
from evpn.exabgp.extension.describe import describe_route
from evpn.text import parse_esi, parse_ip, parse_mac, parse_rd
from evpn.values import NO_IP, ZERO_ESI, ZERO_TAG, EthernetTag
from evpn.wire import attributes as wire_attributes
from evpn.wire.attribute_rules import Attribute
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
    decode_routes,
)

RD = parse_rd("10.0.0.3:100")
ESI = parse_esi("00:11:22:33:44:55:66:77:88:99")
MAC = parse_mac("50:54:33:00:00:09")
TAG = EthernetTag((7).to_bytes(4))

ROUTES: list[tuple[str, Route]] = [
    (
        "mac-ip rd 10.0.0.3:100 mac 50:54:33:00:00:09 vni 100",
        MacIpRoute(RD, ZERO_ESI, ZERO_TAG, MAC, NO_IP, 100),
    ),
    (
        "mac-ip rd 10.0.0.3:100 esi 00:11:22:33:44:55:66:77:88:99 etag 7 mac 50:54:33:00:00:09 ip 2001:db8::9"
        " vni [ 100 5000 ]",
        MacIpRoute(RD, ESI, TAG, MAC, parse_ip("2001:db8::9"), 100, 5000),
    ),
    ("multicast rd 10.0.0.3:100 ip 10.0.0.3", InclusiveMulticastRoute(RD, ZERO_TAG, parse_ip("10.0.0.3"))),
    (
        "ethernet-ad rd 10.0.0.3:100 esi 00:11:22:33:44:55:66:77:88:99 etag 4294967295 vni 0",
        EthernetAdRoute(RD, ESI, EthernetTag(b"\xff" * 4), 0),
    ),
    (
        "ethernet-segment rd 10.0.0.3:100 esi 00:11:22:33:44:55:66:77:88:99 ip 10.0.0.3",
        EthernetSegmentRoute(RD, ESI, parse_ip("10.0.0.3")),
    ),
    (
        "prefix rd 10.0.0.3:100 prefix 192.0.2.0/24 vni 5000",
        IpPrefixRoute(RD, ZERO_ESI, ZERO_TAG, parse_ip("192.0.2.0"), 24, parse_ip("0.0.0.0"), 5000),
    ),
    (
        "prefix rd 10.0.0.3:100 etag 7 prefix 2001:db8::/32 gateway 2001:db8::1 vni 0",
        IpPrefixRoute(RD, ZERO_ESI, TAG, parse_ip("2001:db8::"), 32, parse_ip("2001:db8::1"), 0),
    ),
]


def parse(text: str, announce: bool = True) -> grammar.Parsed:
    return grammar.parse(text.split(), announce)


def attributes(text: str) -> PathAttributes:
    packed = parse(f"multicast rd 10.0.0.3:100 ip 10.0.0.3 next-hop self {text}").attributes
    found, faults = wire_attributes.decode(wire_attributes.encode(PathAttributes())[:4] + b"\x40\x02\0" + packed)
    assert not [fault for fault in faults if "repeated" not in str(fault)]
    return found


@pytest.mark.parametrize(("text", "route"), ROUTES)
def test_each_route_type(text: str, route: Route) -> None:
    assert decode_routes(parse(f"{text} next-hop 10.0.0.3").nlri) == ([route], [])
    assert describe_route(route.encode()) == text


@pytest.mark.parametrize(("text", "route"), ROUTES)
def test_words_may_come_in_any_order(text: str, route: Route) -> None:
    kind, _, words = text.partition(" ")

    assert parse(f"{kind} next-hop self {words}").nlri == route.encode()


def test_a_withdrawal_needs_the_words_of_the_key_only() -> None:
    withdrawn = parse("mac-ip rd 10.0.0.3:100 mac 50:54:33:00:00:09", announce=False)

    (route,), _ = decode_routes(withdrawn.nlri)
    assert route.key == MacIpRoute(RD, ESI, ZERO_TAG, MAC, NO_IP, 100).key


def test_the_next_hop_is_an_address_or_ourselves() -> None:
    route = "multicast rd 10.0.0.3:100 ip 10.0.0.3"

    assert parse(f"{route} next-hop 2001:db8::3").next_hop == parse_ip("2001:db8::3")
    assert parse(f"{route} next-hop self").next_hop is None


def test_a_label_is_four_bits_to_the_left_of_a_vni() -> None:
    (route,), _ = decode_routes(parse("prefix rd 1:1 prefix 0.0.0.0/0 label 16 next-hop self").nlri)

    assert isinstance(route, IpPrefixRoute) and route.vni == 16 << 4 | 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("med 5 local-preference 200", PathAttributes(med=5, local_preference=200)),
        ("origin incomplete", None),
        ("community [ 65000:1 no-export 5 ]", (b"\xfd\xe8\0\1", b"\xff\xff\xff\1", b"\0\0\0\5")),
        ("large-community 65000:1:2", None),
        ("originator-id 10.0.0.9 cluster-list [ 10.0.0.1 10.0.0.2 ]", None),
    ],
)
def test_generic_attributes_are_well_formed(text: str, expected: object) -> None:
    found = attributes(text)

    if isinstance(expected, PathAttributes):
        assert found == expected
    elif expected:
        assert found.communities == expected


def test_extended_communities_by_name() -> None:
    words = (
        "target:65000:100 target:4200000000:77 encap:vxlan mac-mobility:5:sticky router-mac:02:00:00:00:00:01"
        " es-import:02:00:00:00:00:01 esi-label:100 default-gateway arp-nd:0x02 0x0102030405060708"
    )

    assert attributes(f"extended-community [ {words} ]").extended == tuple(map(parse_community, words.split()))
    assert attributes("extended-community encap:vxlan").extended == (parse_community("encap:vxlan"),)


def test_pmsi() -> None:
    assert attributes("pmsi ingress 100 10.0.0.3").pmsi == ingress_replication(100, parse_ip("10.0.0.3"))


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("65001", [(2, (65001,))]),
        ("[ 65001 4200000000 1.10 ]", [(2, (65001, 4200000000, 65546))]),
        ("[ 65001 ( 65002 , 65003 ) ]", [(2, (65001,)), (1, (65002, 65003))]),
        ("[ ]", []),
    ],
)
def test_as_path(text: str, segments: list[tuple[int, tuple[int, ...]]]) -> None:
    packed = parse(f"multicast rd 1:1 ip 10.0.0.3 next-hop self as-path {text}").attributes
    found, _ = wire_attributes.decode(b"\x40\x01\x01\x00" + packed)

    assert [tuple(segment) for segment in found.as_path] == segments


def test_an_attribute_without_a_word() -> None:
    found = attributes("attribute [ 0x63 0xc0 0x0102 ] attribute [ 0x64 0xc0 0x03 ]")

    assert found.unknown == (Attribute(0xC0, 0x63, b"\1\2"), Attribute(0xC0, 0x64, b"\3"))


HEAD = "mac-ip rd 10.0.0.3:100 mac 50:54:33:00:00:09 vni 100 next-hop self"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "'' is not one of: mac-ip, multicast, ethernet-ad, ethernet-segment, prefix"),
        ("mac rd 1:1", "'mac' is not one of"),
        ("mac-ip", "mac-ip: rd, mac, vni, next-hop: missing"),
        ("mac-ip rd", "mac-ip: rd: a value is missing"),
        ("mac-ip rd 1:1 rd 1:1", "mac-ip: 'rd' is there twice"),
        ("mac-ip rd 1", "mac-ip: rd: '1' is not a route distinguisher"),
        ("mac-ip prefix 1.0.0.0/8", "mac-ip: 'prefix' is not one of: "),
        ("mac-ip vni 16777216", "mac-ip: vni: '16777216' is not a number from 0 to 16777215"),
        ("mac-ip vni [ 1 2", "mac-ip: vni: a value is missing"),
        ("mac-ip vni [ ]", "mac-ip: vni: nothing between the brackets"),
        (f"{HEAD} label 16", "mac-ip: 'label' is there twice"),
        (HEAD.replace("vni 100", "vni [ 1 2 3 ]"), "mac-ip: vni: 3 of them, not 1 or 2"),
        (f"{HEAD} extended-community [ target:1 ]", "mac-ip: extended-community: 'target:1' is not"),
        (f"{HEAD} origin ibgp", "mac-ip: origin: 'ibgp' is not one of: igp"),
        (f"{HEAD} med -1", "mac-ip: med: '-1' is not a number"),
        (f"{HEAD} originator-id 2001:db8::1", "mac-ip: originator-id: '2001:db8::1' is not an IPv4"),
        (f"{HEAD} large-community 1:2", "mac-ip: large-community: '1:2' is not"),
        (f"{HEAD} community 65536:1", "mac-ip: community: '65536' is not a number from 0 to 65535"),
        (f"{HEAD} attribute [ 0x63 0xc0 ]", "mac-ip: attribute: not "),
        (f"{HEAD} attribute [ 0x0e 0x80 0x00 ]", "mac-ip: attribute 14 does not belong here"),
        (f"{HEAD} med 5 attribute [ 0x04 0x80 0x00000005 ]", "mac-ip: attribute 4 is there twice"),
        (f"{HEAD} as-path [ {'1 ' * 256}]", "mac-ip: as-path: more than 255"),
        ("multicast pmsi p2mp 5", "multicast: pmsi: 'p2mp' is not one of: ingress"),
        ("prefix prefix 192.0.2.1/24", "prefix: prefix: '192.0.2.1/24' has bits set beyond its length"),
        ("prefix prefix 192.0.2.0", "prefix: prefix: '' is not a number from 0 to 32"),
        (
            "prefix rd 1:1 prefix 0.0.0.0/0 gateway ::1 vni 0 next-hop self",
            "prefix: gateway: not of the address family",
        ),
    ],
)
def test_a_mistake_says_what_and_where(text: str, reason: str) -> None:
    with pytest.raises(ValueError) as mistake:
        parse(text)

    assert str(mistake.value).startswith(reason)


@given(st.lists(st.sampled_from([*HEAD.split(), "[", "]", "(", ",", "extended-community", "as-path", "\u0663", "é"])))
def test_any_words_are_a_route_or_a_mistake(words: list[str]) -> None:
    try:
        grammar.parse(words, announce=True)
    except ValueError as mistake:
        assert str(mistake)
