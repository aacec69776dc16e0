import pytest
from hypothesis import given
from hypothesis import strategies as st

from evpn.text import parse_ip, parse_mac, parse_route_target
from evpn.values import ExtendedCommunity, RouteTargetPattern
from evpn.wire import communities
from evpn.wire.as_path import AS_SEQUENCE, AS_SET, AsPathSegment
from evpn.wire.attribute_rules import Attribute
from evpn.wire.attributes import EGP, IGP, PathAttributes, decode, encode, encode_one
from evpn.wire.communities import Mobility, parse_community
from evpn.wire.errors import Disposition
from evpn.wire.pmsi import ingress_replication

from .captured import UPDATES, captured
from .strategies import path_attributes

MANDATORY = "400101 00 4002 00 "
EXTERNAL = "400101 00 400206 0201 0000fde9 "
INTERNAL = "400504 00000064 800904 0a000003 800a04 0a000004"


def read(hexadecimal: str, asn4: bool = True, external: bool | None = None) -> tuple[PathAttributes, list[Disposition]]:
    attributes, faults = decode(bytes.fromhex(hexadecimal), asn4, external)
    return attributes, [fault.disposition for fault in faults]


def with_communities(*texts: str) -> PathAttributes:
    return PathAttributes(extended=tuple(parse_community(text) for text in texts))


@given(path_attributes)
def test_what_is_encoded_is_decoded_to_the_same(attributes: PathAttributes) -> None:
    assert decode(encode(attributes)) == (attributes, ())


@given(st.binary(max_size=200), st.booleans())
def test_any_octets_are_attributes_and_faults(octets: bytes, asn4: bool) -> None:
    attributes, faults = decode(octets, asn4)

    assert decode(encode(attributes)) == (attributes, ())
    assert all(fault.__traceback__ is None for fault in faults)


@given(path_attributes, st.data(), st.booleans())
def test_damaged_attributes_are_attributes_and_faults(
    attributes: PathAttributes, data: st.DataObject, asn4: bool
) -> None:
    octets = bytearray(encode(attributes))
    for _ in range(data.draw(st.integers(1, 4))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))

    damaged, _ = decode(bytes(octets), asn4)

    assert decode(encode(damaged)) == (damaged, ())


def test_attributes_of_an_announcement_go_out_in_the_order_of_their_codes() -> None:
    attributes = PathAttributes(
        local_preference=100,
        extended=(parse_community("target:65000:100"), communities.encapsulation()),
        pmsi=ingress_replication(100, parse_ip("10.0.0.3")),
    )

    assert encode(attributes) == bytes.fromhex(
        MANDATORY + "40050400000064 c01010 0002fde800000064 030c000000000008 c01609 00 06 000064 0a000003"
    )


def test_a_long_attribute_has_a_length_of_two_octets() -> None:
    assert encode_one(Attribute(0xC0, 8, bytes(256)))[:4].hex() == "d0080100"
    assert encode_one(Attribute(0xC0, 8, bytes(252)))[:3].hex() == "c008fc"


def test_the_same_octets_are_one_object_in_memory() -> None:
    octets = encode(PathAttributes(med=424242))

    assert decode(bytes(bytearray(octets)))[0] is decode(octets)[0]


@pytest.mark.parametrize("octets", ["4002 00", "400101 00", ""])
def test_without_a_mandatory_attribute_the_routes_are_withdrawn(octets: str) -> None:
    assert set(read(octets)[1]) == {Disposition.WITHDRAW}


def test_local_preference_may_be_absent_where_nothing_is_known_of_the_peer() -> None:
    assert read(MANDATORY) == (PathAttributes(), [])


def test_an_internal_peer_has_to_say_its_local_preference() -> None:
    assert read(MANDATORY, external=False) == (PathAttributes(), [Disposition.WITHDRAW])


def test_what_an_internal_peer_says_of_the_inside_counts() -> None:
    attributes, dispositions = read(MANDATORY + INTERNAL, external=False)

    assert (attributes.local_preference, attributes.originator_id) == (100, parse_ip("10.0.0.3"))
    assert attributes.cluster_list == (parse_ip("10.0.0.4"),)
    assert not dispositions


@pytest.mark.parametrize("internal", [INTERNAL, "400501 00", "800901 00", "800a00"])
def test_what_an_external_peer_says_of_the_inside_is_discarded_however_it_looks(internal: str) -> None:
    attributes, dispositions = read(EXTERNAL + internal, external=True)

    assert attributes == PathAttributes(as_path=(AsPathSegment(AS_SEQUENCE, (65001,)),))
    assert set(dispositions) == {Disposition.DISCARD}


def test_an_external_peer_has_to_be_in_its_path() -> None:
    assert read(MANDATORY, external=True)[1] == [Disposition.WITHDRAW]
    assert read(EXTERNAL, external=True)[1] == []


def test_of_an_external_peer_as_well_the_same_octets_are_one_object() -> None:
    octets = bytes.fromhex(EXTERNAL + INTERNAL)

    assert decode(bytes(bytearray(octets)), True, True)[0] is decode(octets, True, True)[0]


def test_what_is_malformed_does_not_take_the_rest_along() -> None:
    attributes, dispositions = read("400101 09 4002 00 c01007 00000000000000 400504 00000064")

    assert attributes == PathAttributes(local_preference=100)
    assert dispositions == [Disposition.WITHDRAW, Disposition.WITHDRAW]


def test_a_discarded_attribute_leaves_the_routes() -> None:
    assert read(MANDATORY + "400601 00") == (PathAttributes(), [Disposition.DISCARD])


def test_of_a_repeated_attribute_the_first_counts() -> None:
    assert read("400101 01" + MANDATORY) == (PathAttributes(origin=EGP), [Disposition.DISCARD])


def test_an_attribute_that_overruns_the_block_withdraws_the_routes() -> None:
    assert read(MANDATORY + "c010ff 00") == (PathAttributes(origin=IGP), [Disposition.WITHDRAW])


def test_of_unknown_attributes_only_the_transitive_ones_are_kept() -> None:
    attributes, dispositions = read(MANDATORY + "e06302 abcd 806402 abcd 400600")

    assert attributes.unknown == (Attribute(0x40, 6, b""), Attribute(0xE0, 99, b"\xab\xcd"))
    assert not dispositions


def test_the_path_of_a_two_octet_speaker_is_completed() -> None:
    attributes, _ = read("400101 00 400206 0202 fde8 5ba0 c0110a 0202 0000fde8 fa56ea00", asn4=False)

    assert attributes.as_path == (AsPathSegment(AS_SEQUENCE, (65000, 4200000000)),)


def test_as4_path_is_left_alone_between_four_octet_speakers() -> None:
    attributes, dispositions = read("400101 00 400206 0201 0000fde8 c01106 0201 fa56ea00")

    assert attributes.as_path == (AsPathSegment(AS_SEQUENCE, (65000,)),)
    assert not dispositions


def test_as4_path_is_stale_when_an_old_speaker_has_aggregated() -> None:
    stale = "400101 00 400206 0202 fde8 5ba0 c00706 fde8 0a000001 c0110a 0202 0000fde8 fa56ea00 c01208 fa56ea000a000001"

    assert read(stale, asn4=False)[0].as_numbers == {65000, 23456}


def test_the_path_has_a_length_and_its_numbers_for_the_loop_check() -> None:
    attributes = PathAttributes(as_path=(AsPathSegment(AS_SEQUENCE, (1, 2)), AsPathSegment(AS_SET, (3, 4))))

    assert attributes.as_path_length == 3
    assert attributes.as_numbers == {1, 2, 3, 4}


def test_route_targets_are_found_among_the_communities() -> None:
    attributes = with_communities("encap:vxlan", "target:65000:100", "target:10.0.0.3:7", "mac-mobility:5")

    assert attributes.route_targets == {parse_route_target("65000:100"), parse_route_target("10.0.0.3:7")}
    assert attributes.import_patterns == attributes.route_targets | {
        RouteTargetPattern((100).to_bytes(4)),
        RouteTargetPattern((7).to_bytes(4)),
    }


def test_a_mac_that_never_moved_has_sequence_zero() -> None:
    assert with_communities("encap:vxlan").mobility == (0, False)
    assert with_communities("mac-mobility:5", "mac-mobility:9:sticky").mobility == Mobility(5, sticky=False)
    assert with_communities("mac-mobility:0:sticky").mobility == (0, True)


@pytest.mark.parametrize(
    ("texts", "vxlan"),
    [([], True), (["encap:vxlan"], True), (["encap:mpls", "encap:vxlan"], True), (["encap:mpls"], False)],
)
def test_vxlan_is_meant_unless_something_else_is_said(texts: list[str], vxlan: bool) -> None:
    assert with_communities("target:65000:100", *texts).vxlan is vxlan


def test_other_communities_are_read_once_for_all() -> None:
    attributes = with_communities("default-gateway", "arp-nd:0x00", "arp-nd:0x03", "router-mac:02:00:00:00:00:01")

    assert attributes.default_gateway
    assert attributes.arp_nd == 0
    assert attributes.router_mac == parse_mac("02:00:00:00:00:01")


def test_what_is_not_said_is_absent() -> None:
    attributes = PathAttributes(extended=(ExtendedCommunity(b"\xff" * 8),))

    assert not attributes.default_gateway
    assert attributes.arp_nd is None
    assert attributes.router_mac is None
    assert not attributes.route_targets


@pytest.mark.parametrize("name", UPDATES)
def test_any_part_of_a_capture_is_attributes_and_faults(name: str) -> None:
    body = captured(name)

    for end in range(len(body)):
        decode(body[4:end])
        decode(body[end:], asn4=False)
