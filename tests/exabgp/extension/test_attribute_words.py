"""Attributes in words: what ExaBGP makes of them for its other families is what they are here."""

from types import SimpleNamespace
from typing import Any

import pytest
from exabgp.configuration.configuration import Configuration
from exabgp.configuration.core.format import formated

from evpn.exabgp.extension import grammar
from evpn.exabgp.extension.attribute_words import describe
from evpn.exabgp.extension.attributes import unpack

HEAD = "multicast rd 1:1 ip 10.0.0.3 next-hop 10.0.0.3"
SRV6 = "bgp-prefix-sid-srv6"
_NEXT_HOP = 3


def packed(text: str) -> bytes:
    return grammar.parse(formated(f"{HEAD} {text}").split(), announce=True).attributes


@pytest.fixture(scope="module")
def stock(installed: list[str]) -> Any:
    """ExaBGP's own parser of a route of IPv4, and the attributes that it packs."""
    configuration = Configuration([])
    session = SimpleNamespace(asn4=True, local_as=65000, peer_as=65000, aigp=True)

    def parse(text: str) -> bytes:
        assert configuration.partial("static", formated(f"route 192.0.2.0/24 next-hop 10.0.0.3 {text}"))
        configuration.scope.to_context()
        (change,) = configuration.scope.pop_routes()
        attributes = sorted(change.attributes.items())
        return b"".join(attribute.pack(session) for code, attribute in attributes if code != _NEXT_HOP)

    return parse


AS_EXABGP_HAS_THEM = [
    "origin igp",
    "origin EGP",
    "origin incomplete",
    "as-path [ ]",
    "as-path [ 65001 4200000000 1.10 ]",
    "as-path [65001,65002]",
    "as-path ( 65001 65002 )",
    "as-path [ 65001 ] ( 65002 65003 ) [ 65004 ]",
    "med 4294967295",
    "local-preference 0",
    "atomic-aggregate",
    "aggregator ( 65000:1.2.3.4 )",
    "aggregator (4200000000:1.2.3.4)",
    "aggregator 1.10:1.2.3.4",
    "community 65000:1",
    "community [ 65000:1 no-export ]",
    "community [ 5 0x0a ]",
    *(f"community {name}" for name in ("no-export", "no_export", "no-advertise", "no_advertise", "blackhole")),
    *(f"community {name}" for name in ("no-export-subconfed", "nopeer", "no-peer", "NO-EXPORT")),
    "originator-id 10.0.0.9",
    "cluster-list 10.0.0.1",
    "cluster-list [ 10.0.0.1 10.0.0.2 ]",
    "large-community 65000:1:2",
    "large-community [ 65000:1:2 65000:3:4 ]",
    "large-community 79228162514264337593543950335",
    "aigp 5",
    "aigp 0xffffffffffffffff",
    "extended-community target:65000:100",
    "extended-community 65000:100",
    "extended-community [ target:10.0.0.3:100 target:10.0.0.4:100 ]",
    "extended-community [ origin:65000:100 origin:10.0.0.3:100 ]",
    "extended-community redirect:65000:100",
    "extended-community redirect-to-nexthop",
    "extended-community l2info:19:0:1500:111",
    "extended-community bandwidth:65000:125000000",
    "extended-community mup:10:20",
    "extended-community 0x030c000000000008",
    "attribute [ 0x63 0xc0 0x0102 ]",
    "attribute [ 0x63 0xe0 0x ]",
    f"{SRV6} ( l2-service fd00::1 )",
    f"{SRV6} ( l3-service fd00::1 0x13 )",
    f"{SRV6} ( l2-service fd00::1 19 [ 32,16,16,0,16,48 ] )",
    "origin egp as-path [ 1 2 ] med 1 local-preference 2 community 3:4 extended-community target:5:6",
]


@pytest.mark.parametrize("text", AS_EXABGP_HAS_THEM)
def test_words_mean_what_they_mean_to_exabgp(stock: Any, text: str) -> None:
    assert packed(text).hex() == stock(text).hex()


OTHERS = {
    "as-path 65001": "4002 06 0201 0000fde9",
    "as-path [ 65001 ( 65002 , 65003 ) 65004 ]": "4002 16 0201 0000fde9 0102 0000fdea 0000fdeb 0201 0000fdec",
    "as-path [ ( 65001 ) ]": "4002 06 0101 0000fde9",
    "community [ 65000:1, 65000:2 ]": "c008 08 fde80001 fde80002",
    "community graceful-shutdown": "c008 04 ffff0000",
    "community accept-own": "c008 04 ffff0001",
    "community llgr-stale": "c008 04 ffff0006",
    "community no-llgr": "c008 04 ffff0007",
    "community accept-own-nexthop": "c008 04 ffff0008",
    "community standby-pe": "c008 04 ffff0009",
    "large-community [ 1:2:3, 4:5:6 ]": "c020 18 000000010000000200000003 000000040000000500000006",
    "extended-community target:4200000000:77": "c010 08 0202 fa56ea00 004d",
    "extended-community origin:4200000000:77": "c010 08 0203 fa56ea00 004d",
    "attribute [ 0x63 0xd0 0x0102 ]": "c063 02 0102",
    "attribute [ 0x63 0xc0 0x01 ] attribute [ 0x62 0xc0 0x02 ]": "c062 01 02 c063 01 01",
}
"""Where ExaBGP 5.0.15 refuses the words, or takes a large AS number for an address, or keeps the length bit."""


@pytest.mark.parametrize(("text", "octets"), OTHERS.items(), ids=OTHERS)
def test_words_that_exabgp_does_not_take_or_takes_wrongly(text: str, octets: str) -> None:
    assert packed(text).hex() == octets.replace(" ", "")


@pytest.mark.parametrize(
    "text",
    [
        *("origin igp", "as-path [ ]", "as-path [ 1 2 ] ( 3 4 ) [ 5 ]", "med 5", "local-preference 5"),
        *("atomic-aggregate", "aggregator ( 4200000000:10.0.0.3 )", "aigp 5", "originator-id 10.0.0.9"),
        "community [ 65000:1 no-export no-peer 0:5 standby-pe ]",
        "cluster-list [ 10.0.0.1 10.0.0.2 ]",
        "large-community [ 65000:1:2 ]",
        "extended-community [ target:65000:100 encap:vxlan 0x0123456789abcdef ]",
        "pmsi ingress 100 10.0.0.3",
        "attribute [ 0x63 0xe0 0x01 ]",
        "attribute [ 0x63 0xc0 0x ]",
    ],
)
def test_attributes_are_described_in_the_words_that_make_them(text: str) -> None:
    (attribute,) = unpack(packed(text))

    assert describe(attribute) == text


@pytest.mark.parametrize(
    "octets",
    [
        "0004 04 00000005",  # flags that a MED does not have
        "8004 03 000005",
        "4001 01 03",
        "4002 06 0301 0000fde9",  # a confederation has no words
        "4002 01 02",
        "4006 01 00",
        "c007 06 fde80a000003",  # an AS number of two octets
        "c008 03 000000",
        "c010 00",
        "801a 0b 02000b0000000000000005",
        "c016 02 0006",
        "c028 03 060000",
    ],
)
def test_what_words_cannot_say_is_described_in_hexadecimal(octets: str) -> None:
    (attribute,) = unpack(bytes.fromhex(octets))
    flags, code, value = attribute

    assert describe(attribute) == f"attribute [ 0x{code:02x} 0x{flags:02x} 0x{value.hex()} ]"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("origin ibgp", "origin: 'ibgp' is not one of: igp, egp, incomplete"),
        ("med -1", "med: '-1' is not a number from 0 to 4294967295"),
        ("local-preference", "local-preference: a value is missing"),
        ("atomic-aggregate 1", "'1' is not one of: "),
        ("aggregator 65000", "aggregator: '65000' is not an aggregator such as ( 65000:10.0.0.3 )"),
        ("aggregator ( 65000:2001:db8::1 )", "aggregator: '65000:2001:db8::1' is not an aggregator"),
        ("aggregator ( 4294967296:10.0.0.3 )", "aggregator: '4294967296' is not a number"),
        ("aggregator ( 1:10.0.0.3 2:10.0.0.3 )", "aggregator: 2 of them"),
        ("aigp -5", "aigp: '-5' is not a number from 0 to 18446744073709551615"),
        ("as-path", "as-path: a value is missing"),
        ("as-path igp", "as-path: 'igp' is not a number"),
        ("as-path 1.65536", "as-path: '65536' is not a number from 0 to 65535"),
        ("as-path [ 1 ( 2 ( 3 ) ) ]", "as-path: '(' is not a number"),
        ("as-path [ 1 ( 2 ]", "as-path: ']' is not a number"),
        ("as-path [ 1", "as-path: a value is missing"),
        (f"as-path [ {'1 ' * 256}]", "as-path: more than 255 AS numbers in a row"),
        ("community 65536:1", "community: '65536' is not a number from 0 to 65535"),
        ("community 1:", "community: '' is not a number from 0 to 65535"),
        ("community no-way", "community: 'no-way' is not a community such as 65000:1, nor one of: graceful-shutdown, "),
        ("community 4294967296", "community: '4294967296' is not a number from 0 to 4294967295"),
        ("community [ ]", "community: nothing between the brackets"),
        ("originator-id 2001:db8::1", "originator-id: '2001:db8::1' is not an IPv4 address"),
        ("cluster-list [ 10.0.0.1 10 ]", "cluster-list: '10' is not an IPv4 or IPv6 address"),
        ("large-community 1:2", "large-community: '1:2' is not a large community such as 65000:1:2"),
        ("large-community 1:2:4294967296", "large-community: '4294967296' is not a number"),
        ("extended-community [ target:1 ]", "extended-community: 'target:1' is not like target:65000:100: '1' is not"),
        ("extended-community vxlan", "extended-community: 'vxlan' is not an extended community: none of arp-nd, "),
        ("attribute [ 0x63 0xc0 ]", "attribute: not [ 0xCODE 0xFLAGS 0xVALUE ]"),
        ("attribute 0x63", "attribute: not [ 0xCODE 0xFLAGS 0xVALUE ]"),
        ("attribute [ 63 0xc0 0x00 ]", "attribute: '63' does not start with 0x"),
        (f"{SRV6} l2-service", f"{SRV6}: not in ( )"),
        (f"{SRV6} ( l4-service fd00::1 )", f"{SRV6}: 'l4-service' is not one of: l3-service, l2-service"),
        (f"{SRV6} ( l2-service 10.0.0.1 )", f"{SRV6}: '10.0.0.1' is not an IPv6 address"),
        (f"{SRV6} ( l2-service fd00::1 65536 )", f"{SRV6}: '65536' is not a number from 0 to 65535"),
        (f"{SRV6} ( l2-service fd00::1 1 [ 1 2 ] )", f"{SRV6}: 2 fields of the SID's structure, not 6"),
        (f"{SRV6} ( l2-service fd00::1 1 2", f"{SRV6}: ) is missing"),
        (f"{SRV6} ( l2-service fd00::1", f"{SRV6}: a value is missing"),
    ],
)
def test_a_mistake_says_what_is_accepted(text: str, reason: str) -> None:
    with pytest.raises(ValueError) as mistake:
        packed(text)

    assert str(mistake.value).startswith(f"multicast: {reason}")
    assert "(word " in str(mistake.value)
