"""What real speakers send, word for word."""

import pytest

from evpn.text import format_ip, format_mac, format_rd, parse_esi
from evpn.values import ZERO_ESI, ZERO_TAG
from evpn.wire.as_path import AS_SEQUENCE, AS_SET, AsPathSegment
from evpn.wire.attribute_rules import Attribute
from evpn.wire.attributes import IGP, INCOMPLETE, PathAttributes
from evpn.wire.communities import ROUTER, Mobility, format_community
from evpn.wire.errors import Disposition
from evpn.wire.pmsi import INGRESS_REPLICATION, PmsiTunnel
from evpn.wire.routes import (
    EthernetAdRoute,
    EthernetSegmentRoute,
    InclusiveMulticastRoute,
    IpPrefixRoute,
    MacIpRoute,
    Route,
    UnknownRoute,
)
from evpn.wire.update import Update, decode, encode

from .captured import UPDATES, captured, four_octet

CLEAN = [name for name in UPDATES if name not in ("raw-communities-of-7", "raw-origin-9")]


def update_of(name: str) -> Update:
    return decode(captured(name), four_octet(name))


def attributes_of(name: str) -> PathAttributes:
    attributes = update_of(name).attributes
    assert attributes is not None
    return attributes


def words(attributes: PathAttributes) -> list[str]:
    return [format_community(community) for community in attributes.extended]


def shown(route: Route) -> tuple[object, ...]:
    assert isinstance(route, MacIpRoute)
    assert route.esi == ZERO_ESI
    assert route.tag == ZERO_TAG
    return format_rd(route.rd), format_mac(route.mac), format_ip(route.ip), route.vni, route.l3vni


@pytest.mark.parametrize("name", CLEAN)
def test_a_capture_has_no_fault_and_survives_our_encoding(name: str) -> None:
    update = update_of(name)

    again = decode(encode(update.announced, update.withdrawn, update.next_hop, update.attributes))

    assert update.faults == ()
    assert update.end_of_rib or again == update


@pytest.mark.parametrize(
    ("name", "routes"),
    [
        ("frr-mac", [("10.99.0.1:2", "02:00:00:00:00:55", "", 100, None)]),
        ("frr-mac-sticky", [("10.99.0.1:2", "02:00:00:00:00:77", "", 100, None)]),
        ("frr-mac-moved", [("10.99.0.1:2", "02:00:00:00:00:33", "", 100, None)]),
        ("frr-mac-ip-v4", [("10.99.0.1:2", "02:00:00:00:00:55", "192.0.2.55", 100, 5000)]),
        ("frr-mac-ip-v6-router", [("10.99.0.1:2", "02:00:00:00:00:55", "2001:db8:64::55", 100, 5000)]),
        (
            "frr-mac-ip-two-labels-svi",
            [
                ("10.99.0.1:2", "02:00:00:10:01:00", "192.0.2.1", 100, 5000),
                ("10.99.0.1:2", "02:00:00:10:01:00", "2001:db8:64::1", 100, 5000),
            ],
        ),
        (
            "frr-mac-ip-link-local",
            [
                ("10.99.0.1:2", "02:00:00:10:01:00", "fe80::ff:fe10:100", 100, 5000),
                ("10.99.0.1:2", "7e:19:ce:e3:47:f7", "", 100, None),
            ],
        ),
        ("frr-reflected-mobility", [("10.99.0.3:100", "02:00:00:00:00:33", "", 100, None)]),
        ("frr-reflected-ebgp-attributes", [("10.99.0.4:100", "02:00:00:00:00:44", "2001:db8:64::44", 100, 5000)]),
        (
            "raw-two-labels",
            [
                ("10.77.0.3:100", "02:00:00:00:00:01", "", 100, None),
                ("10.77.0.3:100", "02:00:00:00:00:02", "10.1.1.2", 100, 5000),
            ],
        ),
    ],
)
def test_mac_ip_routes_are_read(name: str, routes: list[tuple[object, ...]]) -> None:
    assert [shown(route) for route in update_of(name).announced] == routes


@pytest.mark.parametrize(
    ("name", "next_hop"),
    [("frr-mac", "10.99.0.1"), ("frr-reflected-mobility", "10.99.0.3"), ("raw-type-6", "10.77.0.3")],
)
def test_the_next_hop_is_the_vtep_also_through_a_reflector(name: str, next_hop: str) -> None:
    assert format_ip(update_of(name).next_hop) == next_hop


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("frr-mac", ["encap:vxlan", "target:65000:100"]),
        ("frr-mac-sticky", ["encap:vxlan", "target:65000:100", "mac-mobility:0:sticky"]),
        ("frr-mac-moved", ["encap:vxlan", "target:65000:100", "mac-mobility:6"]),
        (
            "frr-mac-ip-v6-router",
            ["encap:vxlan", "target:65000:100", "target:65000:5000", "router-mac:02:00:00:50:00:00", "arp-nd:0x01"],
        ),
        ("frr-prefix-v4", ["encap:vxlan", "target:65000:5000", "router-mac:02:00:00:50:00:00"]),
        ("raw-ethernet-ad", ["target:65000:100", "encap:vxlan", "esi-label:0:single-active"]),
        ("raw-ethernet-segment", ["es-import:02:aa:bb:cc:dd:ee", "df-election:default", "encap:vxlan"]),
        ("raw-prefix", ["target:4200000000:77", "encap:vxlan", "router-mac:02:aa:bb:cc:dd:ee"]),
    ],
)
def test_communities_are_read(name: str, texts: list[str]) -> None:
    assert words(attributes_of(name)) == texts


def test_frr_advertises_itself_for_flooding() -> None:
    update = update_of("frr-multicast")
    (route,) = update.announced

    assert isinstance(route, InclusiveMulticastRoute)
    assert (format_rd(route.rd), format_ip(route.originator)) == ("10.99.0.1:2", "10.99.0.1")
    assert attributes_of("frr-multicast").pmsi == PmsiTunnel(0, INGRESS_REPLICATION, 100, route.originator)


@pytest.mark.parametrize(
    ("name", "prefix", "length", "med"),
    [("frr-prefix-v4", "198.51.100.0", 25, 0), ("frr-prefix-v6", "2001:db8:5::", 48, 1024)],
)
def test_frr_advertises_prefixes_of_both_families(name: str, prefix: str, length: int, med: int) -> None:
    (route,) = update_of(name).announced

    assert isinstance(route, IpPrefixRoute)
    assert (format_ip(route.prefix), route.length, route.vni) == (prefix, length, 5000)
    assert not route.overlay_index
    assert attributes_of(name).origin == INCOMPLETE
    assert attributes_of(name).med == med


def test_frr_withdraws_with_label_zero_and_without_the_second_label() -> None:
    (announced,) = update_of("frr-mac-ip-v6-router").announced
    (withdrawn,) = update_of("frr-withdraw-mac-ip-v6").withdrawn

    assert shown(withdrawn)[-2:] == (0, None)
    assert withdrawn.key == announced.key


def test_frr_withdraws_several_routes_at_once() -> None:
    announced = update_of("frr-mac-ip-v4").announced + update_of("frr-mac").announced
    everything = update_of("frr-withdraw-all").withdrawn

    assert {route.key for route in update_of("frr-withdraw-two").withdrawn} == {route.key for route in announced}
    assert len({route.key for route in everything}) == 7
    assert everything[-1] == update_of("frr-multicast").announced[0]


def test_a_moved_mac_and_a_sticky_one_and_a_router_are_told_apart() -> None:
    assert attributes_of("frr-mac").mobility == Mobility()
    assert attributes_of("frr-mac-moved").mobility == Mobility(6)
    assert attributes_of("frr-mac-sticky").mobility == Mobility(0, sticky=True)
    assert attributes_of("frr-mac-ip-v6-router").arp_nd == ROUTER
    assert attributes_of("raw-two-labels").default_gateway
    assert not attributes_of("frr-mac").default_gateway


def test_a_reflector_says_whose_route_it_was() -> None:
    attributes = attributes_of("frr-reflected-mobility")

    assert attributes.originator_id is not None
    assert format_ip(attributes.originator_id) == "10.99.0.3"
    assert [format_ip(cluster) for cluster in attributes.cluster_list] == ["10.99.0.1"]
    assert attributes.local_preference == 100


def test_an_external_peer_gets_a_path_and_no_local_preference() -> None:
    attributes = attributes_of("frr-ebgp-mac-ip")

    assert attributes.as_path == (AsPathSegment(AS_SEQUENCE, (65000,)),)
    assert attributes.local_preference is None
    assert attributes.origin == IGP


@pytest.mark.parametrize("name", [name for name in UPDATES if name.startswith(("frr-", "exabgp-"))])
def test_what_other_daemons_say_is_right_for_the_kind_of_session(name: str) -> None:
    external = name == "frr-ebgp-mac-ip"

    told = decode(captured(name), four_octet(name), external)

    assert told == decode(captured(name), four_octet(name))
    assert not told.faults


def test_a_two_octet_session_tells_the_same_as_a_four_octet_one() -> None:
    attributes = attributes_of("frr-reflected-ebgp-attributes")

    assert attributes == attributes_of("frr-reflected-ebgp-attributes-as2")
    assert attributes.as_path == (
        AsPathSegment(AS_SEQUENCE, (4200000001, 64999)),
        AsPathSegment(AS_SET, (65010, 4200000010)),
    )
    assert attributes.communities == (bytes.fromhex("fde80001"),)
    assert attributes.large_communities == (bytes(11) + b"\1",)
    assert attributes.unknown == (Attribute(0xE0, 99, b"evpn"),)


def test_segments_are_read() -> None:
    esi = parse_esi("03:02:aa:bb:cc:dd:ee:00:00:01")
    (per_segment,) = update_of("raw-ethernet-ad").announced
    (segment,) = update_of("raw-ethernet-segment").announced

    assert isinstance(per_segment, EthernetAdRoute)
    assert isinstance(segment, EthernetSegmentRoute)
    assert (per_segment.esi, per_segment.tag, per_segment.vni) == (esi, b"\xff" * 4, 0)
    assert (segment.esi, format_ip(segment.originator)) == (esi, "10.77.0.3")


def test_a_type_that_is_not_decoded_is_kept() -> None:
    (route,) = update_of("raw-type-6").announced

    assert isinstance(route, UnknownRoute)
    assert (route.kind, len(route.body)) == (6, 28)


@pytest.mark.parametrize("name", ["raw-communities-of-7", "raw-origin-9"])
def test_malformed_attributes_withdraw_the_route(name: str) -> None:
    update = update_of(name)

    assert update.announced == []
    assert len(update.withdrawn) == 1
    assert [fault.disposition for fault in update.faults] == [Disposition.WITHDRAW]
