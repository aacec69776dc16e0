"""What `show adj-rib out extensive` prints is what has to be announced to have it again, to the octet."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from evpn.exabgp.extension import grammar
from evpn.exabgp.extension.describe import describe, describe_attributes, describe_route
from evpn.text import parse_ip
from evpn.wire import attributes as wire_attributes
from evpn.wire.attribute_rules import AGGREGATOR, ATOMIC_AGGREGATE, OPTIONAL, TRANSITIVE, Attribute
from evpn.wire.attributes import PathAttributes, encode_one
from evpn.wire.communities import EXAMPLES, parse_community
from evpn.wire.routes import Route
from tests.wire.strategies import octets, path_attributes, routes

VTEP = parse_ip("10.0.0.3")

kinds = st.sampled_from([bytes(parse_community(text.split(" or ")[0]))[:2] for text in EXAMPLES.values()])
communities_with_words = st.builds(
    lambda kind, value: kind + value, kinds, octets(6) | octets(2).map(lambda value: bytes(4) + value)
)
others = st.lists(
    st.sampled_from(
        [
            Attribute(TRANSITIVE, ATOMIC_AGGREGATE, b""),
            Attribute(OPTIONAL | TRANSITIVE, AGGREGATOR, bytes.fromhex("fa56ea000a000003")),
            Attribute(OPTIONAL, 26, bytes.fromhex("01000b0000000000000005")),
            Attribute(OPTIONAL | TRANSITIVE, 40, bytes.fromhex("0600020000")),
            Attribute(OPTIONAL | TRANSITIVE, 99, bytes(300)),
        ]
    ),
    unique_by=lambda attribute: attribute.code,
)


@st.composite
def packed_attributes(draw: st.DrawFn) -> bytes:
    given = draw(path_attributes)
    named = draw(st.lists(communities_with_words, max_size=10))
    attributes = PathAttributes(**{**vars(given), "extended": (*given.extended, *named), "unknown": ()})
    packed = [*draw(others), *_unpacked(wire_attributes.encode(attributes))]
    return b"".join(map(encode_one, sorted(packed, key=lambda attribute: attribute.code)))


def _unpacked(packed: bytes) -> list[Attribute]:
    return [Attribute(f, code, packed[value:end]) for _, code, f, value, end in wire_attributes.rules.frames(packed)]


@given(routes, octets(4) | octets(16), packed_attributes())
def test_what_is_described_is_announced_again(route: Route, next_hop: bytes, packed: bytes) -> None:
    assume(len(packed) <= 3500)

    text = describe(route.encode(), next_hop, packed)

    assert grammar.parse(text.split(), announce=True) == (route.encode(), packed, next_hop)


@given(routes)
def test_what_is_described_can_be_withdrawn(route: Route) -> None:
    text = describe_route(route.encode())

    assert grammar.parse(text.split(), announce=False).nlri == route.encode()


def test_a_route_in_words() -> None:
    words = (
        "multicast rd 10.0.0.3:100 ip 10.0.0.3 next-hop 10.0.0.3 origin igp as-path [ 65001 ] med 5"
        " community [ 65000:1 no-export ] extended-community [ target:65000:100 encap:vxlan ] pmsi ingress 100 10.0.0.3"
    )
    nlri, packed, _ = grammar.parse(words.split(), announce=True)

    assert describe(nlri, VTEP, packed) == words
    assert describe_attributes(packed) == words.partition("next-hop 10.0.0.3")[2]


@pytest.mark.parametrize(
    ("nlri", "words"),
    [
        ("0602 0001", "raw nlri 0x06020001"),
        ("0203 000102", "raw nlri 0x0203000102"),
        ("0600 0600", "raw nlri 0x06000600"),
        # a prefix with bits beyond its length, which `prefix` would not take
        (
            "0522 00010a0000030064 00000000000000000000 00000000 08 0a000001 00000000 000064",
            "raw nlri 0x052200010a00000300640000000000000000000000000000080a00000100000000000064",
        ),
    ],
)
def test_a_route_that_words_cannot_say(nlri: str, words: str) -> None:
    assert describe_route(bytes.fromhex(nlri)) == words


def test_a_tunnel_on_a_route_that_floods_nothing_is_a_generic_attribute() -> None:
    route = "mac-ip rd 1:1 mac 50:54:33:00:00:09 vni 5 next-hop 10.0.0.3 attribute [ 0x16 0xc0 0x00060000640a000003 ]"
    nlri, packed, _ = grammar.parse(route.split(), announce=True)

    assert describe(nlri, VTEP, packed) == route
