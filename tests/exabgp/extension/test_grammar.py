"""Routes in words: each type, each field, and mistakes that say where they are."""

import pytest
from exabgp.configuration.core.format import formated
from hypothesis import given
from hypothesis import strategies as st

from evpn.exabgp.extension import grammar
from evpn.exabgp.extension.attribute_words import REFUSED, WORDS
from evpn.exabgp.extension.describe import describe_route
from evpn.text import parse_esi, parse_ip, parse_mac, parse_rd
from evpn.values import NO_IP, ZERO_ESI, ZERO_TAG, EthernetTag
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
    ("spelling", "plain"),
    [
        ("mac-ip rd 1:1 mac 50:54:33:00:00:09 vni[100 5000]", "mac-ip rd 1:1 mac 50:54:33:00:00:09 vni [ 100 5000 ]"),
        ("mac-ip rd 1:1 mac 50-54-33-00-00-09 vni (100,5000)", "mac-ip rd 1:1 mac 50:54:33:00:00:09 vni [ 100 5000 ]"),
        ("mac-ip\trd  1:1 mac 5054.3300.0009 vni 100", "mac-ip rd 1:1 mac 50:54:33:00:00:09 vni 100"),
        ("mac-ip route-distinguisher 1:1 mac 505433000009 vni 1", "mac-ip rd 1:1 mac 50:54:33:00:00:09 vni 1"),
        ("mac-ip rd \"1:1\" mac '50:54:33:00:00:09' vni 1 ;", "mac-ip rd 1:1 mac 50:54:33:00:00:09 vni 1"),
        ("multicast rd 1:1 ip 10.0.0.3;", "multicast rd 1:1 ip 10.0.0.3"),
        ("multicast rd 0x0000000100000001 ip 10.0.0.3", "multicast rd 1:1 ip 10.0.0.3"),
        ("ethernet-ad rd 1:1 esi 0 etag max vni 0", "ethernet-ad rd 1:1 esi 0 etag 4294967295 vni 0"),
        ("raw nlri 0x0311 00010a0000030064 00000000 20 0a000003".replace(" ", "").replace("rawnlri", "raw nlri "),
         "multicast rd 10.0.0.3:100 ip 10.0.0.3"),
    ],
)  # fmt: skip
def test_more_than_one_spelling(spelling: str, plain: str) -> None:
    assert parse(formated(spelling).replace(" ;", ";"), announce=False) == parse(plain, announce=False)


def test_a_type_without_words_is_announced_in_hexadecimal() -> None:
    parsed = parse("raw nlri 0x0603010203 next-hop self med 5")

    assert parsed.nlri == bytes.fromhex("0603010203")
    assert parsed.attributes == bytes.fromhex("80040400000005")


def test_one_of_each_of_the_optional_words_is_left_out_of_the_attributes() -> None:
    assert parse("multicast rd 1:1 ip 10.0.0.3 next-hop self").attributes == b""


HEAD = "mac-ip rd 10.0.0.3:100 mac 50:54:33:00:00:09 vni 100 next-hop self"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "'' is not one of: ethernet-ad, mac-ip, multicast, ethernet-segment, prefix, raw"),
        ("mac rd 1:1", "'mac' is not one of"),
        ("MAC-IP rd 1:1", "'MAC-IP' is not one of"),
        ("mac-ip", "mac-ip: rd, mac, vni, next-hop: missing"),
        ("mac-ip rd", "mac-ip: rd: a value is missing (word 3, behind: rd)"),
        ("mac-ip rd 1:1 rd 1:1", "mac-ip: 'rd' is there twice (word 4, behind: rd 1:1)"),
        ("mac-ip rd 1", "mac-ip: rd: '1' is not a route distinguisher such as 10.0.0.3:100 or 65000:100 (word 3,"),
        ("mac-ip rd 0x12", "mac-ip: rd: '0x12' is not eight octets"),
        ("mac-ip prefix 1.0.0.0/8", "mac-ip: 'prefix' is of prefix only (word 2)"),
        ("mac-ip RD 1:1", "mac-ip: 'RD' is not one of: aggregator, aigp, as-path, "),
        ("mac-ip vni 16777216", "mac-ip: vni: '16777216' is not a number from 0 to 16777215 (word 3, behind: vni)"),
        ("mac-ip vni [ 1 2", "mac-ip: vni: a value is missing (word 6, behind: [ 1 2)"),
        ("mac-ip vni [ ]", "mac-ip: vni: nothing between the brackets (word 4, behind: vni [)"),
        ("mac-ip vni [ [ 1 ] ]", "mac-ip: vni: '[' is not a number"),
        ("mac-ip vni 1 ]", "mac-ip: ']' is not one of"),
        (f"{HEAD} label 16", "mac-ip: 'label' is there twice"),
        (HEAD.replace("vni 100", "vni [ 1 2 3 ]"), "mac-ip: vni: 3 of them, not 1 or 2"),
        (HEAD.replace("mac 50", "mac 5é"), "mac-ip: mac: '5é:54:33:00:00:09' is not a MAC"),
        ("prefix rd 1:1 prefix 0.0.0.0/0 vni [ 1 2 ] next-hop self", "prefix: vni: 2 of them, not 1"),
        (f"{HEAD} pmsi ingress 100 10.0.0.3", "mac-ip: 'pmsi' is of multicast only (word 10, behind: 100"),
        (f"{HEAD} gateway 10.0.0.1", "mac-ip: 'gateway' is of prefix only"),
        (f"{HEAD} esi 00:11", "mac-ip: esi: '00:11' is not an ESI"),
        (f"{HEAD} next-hop 10.0.0.3", "mac-ip: 'next-hop' is there twice"),
        (HEAD.replace("self", "me"), "mac-ip: next-hop: 'me' is not an IPv4 or IPv6 address (word 9, behind: vni 100"),
        (f"{HEAD} # of the test", "mac-ip: '#' is not one of"),
        (f"{HEAD} attribute [ 0x0e 0x80 0x00 ]", "mac-ip: attribute 14 does not belong here"),
        (f"{HEAD} med 5 attribute [ 0x04 0x80 0x00000005 ]", "mac-ip: attribute 4 is there twice"),
        (f"{HEAD} attribute [ 0x63 0xc0 0x{'00' * 3500} ]", "mac-ip: attributes of 3504 octets, at most 3500"),
        ("prefix prefix 192.0.2.1/24", "prefix: prefix: '192.0.2.1/24' has bits set beyond its length (word 3, behind"),
        ("prefix prefix 192.0.2.0", "prefix: prefix: '' is not a number from 0 to 32"),
        ("prefix rd 1:1 prefix 0.0.0.0/0 gateway ::1 vni 0 next-hop self", "prefix: gateway: not of the address"),
        ("raw nlri 0x06030102 next-hop self", "raw: NLRI of 4 octets, which is not one route"),
        ("raw nlri 0x0203010203 next-hop self", "raw: MAC/IP route of 3 octets"),
        ("raw nlri 060301 next-hop self", "raw: nlri: '060301' does not start with 0x"),
        ("raw next-hop self", "raw: nlri: missing"),
    ],
)  # fmt: skip
def test_a_mistake_says_what_and_where(text: str, reason: str) -> None:
    with pytest.raises(ValueError) as mistake:
        parse(text)

    assert str(mistake.value).startswith(reason)


@pytest.mark.parametrize("word", REFUSED)
def test_a_word_of_other_families_that_means_nothing_here_says_so(word: str) -> None:
    with pytest.raises(ValueError, match=rf"^mac-ip: '{word}' is not for EVPN: .* \(word 10, behind: "):
        parse(f"{HEAD} {word} 5")


LONG = ["{}", "mac-ip {}", *(f"mac-ip {word} {{}}" for word in ("mac", "vni", "rd", "esi", "community", "as-path"))]


@pytest.mark.parametrize("length", [100, 100_000])
@pytest.mark.parametrize("text", [*LONG, "mac-ip extended-community {}", "mac-ip extended-community target:{}"])
def test_a_word_that_is_too_long_is_not_repeated(text: str, length: int) -> None:
    with pytest.raises(ValueError, match=rf"1\.\.\. of {length + text.count(':') * 7} characters") as mistake:
        parse(text.format("1" * length))
    assert len(str(mistake.value)) < 1000


SOUP = [
    *HEAD.split(),
    *WORDS,
    *REFUSED,
    *grammar.KINDS,
    *"[](),;{}#'",
    *("0x", "0x00", "-1", "65000:1", "0", "4294967295", "label", "attribute", "leaf", "ingress", "none", "gateway"),
    "\u0663",
    "é",
    "\0",
    "",
    " ",
    "1" * 5000,
]


@given(
    st.sampled_from([*grammar.KINDS, *SOUP]), st.lists(st.sampled_from(SOUP) | st.text(), max_size=20), st.booleans()
)
def test_any_words_are_a_route_or_a_mistake(name: str, words: list[str], announce: bool) -> None:
    try:
        grammar.parse([name, *words], announce)
    except ValueError as mistake:
        assert 0 < len(str(mistake)) < 1000
