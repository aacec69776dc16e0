import pytest
from hypothesis import given
from hypothesis import strategies as st

from evpn.text import parse_ip, parse_mac, parse_rd
from evpn.values import MAX_ET, NO_IP, ZERO_ESI, ZERO_MAC, ZERO_TAG, EthernetSegmentIdentifier, MacAddress
from evpn.wire import routes
from evpn.wire.errors import Disposition, WireError
from evpn.wire.routes import split
from evpn.wire.routes.mac_ip import (
    MacIpRoute,
    are_all,
    decode_run,
    ips_of,
    key_of,
    keys_of,
    lead_somewhere,
    macs_of,
)
from evpn.wire.routes.multicast import InclusiveMulticastRoute

from ..strategies import mac_ip_routes, macs

RD = parse_rd("10.0.0.3:100")
MAC = parse_mac("50:54:33:00:00:09")
HEAD = "0001 0a000003 0064" + "00" * 10 + "00000000"

ROUTES = {
    "a MAC alone": (MacIpRoute(RD, ZERO_ESI, ZERO_TAG, MAC, NO_IP, 100), "30 505433000009 00 000064"),
    "an IPv4 address": (
        MacIpRoute(RD, ZERO_ESI, ZERO_TAG, MAC, parse_ip("192.0.2.9"), 100),
        "30 505433000009 20 c0000209 000064",
    ),
    "an IPv6 address and two labels": (
        MacIpRoute(RD, ZERO_ESI, ZERO_TAG, MAC, parse_ip("2001:db8::9"), 0xFFFFFF, 5000),
        "30 505433000009 80 20010db8000000000000000000000009 ffffff 001388",
    ),
}


@pytest.mark.parametrize(("route", "tail"), ROUTES.values(), ids=ROUTES)
def test_octets_are_those_of_the_rfc_both_ways(route: MacIpRoute, tail: str) -> None:
    body = bytes.fromhex(HEAD + tail)

    assert route.encode() == bytes((2, len(body))) + body
    assert MacIpRoute.decode(body) == route


@given(mac_ip_routes)
def test_what_is_encoded_is_decoded_to_the_same(route: MacIpRoute) -> None:
    assert MacIpRoute.decode(route.encode()[2:]) == route


@given(mac_ip_routes)
def test_the_key_is_found_without_building_the_route(route: MacIpRoute) -> None:
    assert key_of(route.encode()[2:]) == route.key


@given(mac_ip_routes)
def test_the_key_ignores_segment_and_labels(route: MacIpRoute) -> None:
    withdrawal = route._replace(esi=EthernetSegmentIdentifier(b"\1" * 10), vni=0, l3vni=None)

    assert withdrawal.key == route.key


@given(mac_ip_routes, mac_ip_routes)
def test_two_keys_are_equal_only_when_all_key_fields_are(a: MacIpRoute, b: MacIpRoute) -> None:
    assert (a.key == b.key) == ((a.rd, a.tag, a.mac, a.ip) == (b.rd, b.tag, b.mac, b.ip))


@pytest.mark.parametrize(
    "tail",
    [
        "28 505433000009 00 000064",
        "30 505433000009 08 c0 000064",
        "30 505433000009 20 000064",
        "30 505433000009 00 c0000209 000064",
        "30 505433000009 80 c0000209 000064",
        "30 505433000009 00 0000",
        "30 505433000009 00 000064 001388 01",
        "30 505433",
        "",
    ],
)
def test_a_bad_length_withdraws_the_route(tail: str) -> None:
    body = bytes.fromhex(HEAD + tail)

    for read in (MacIpRoute.decode, key_of):
        with pytest.raises(WireError) as caught:
            read(body)
        assert caught.value.disposition is Disposition.WITHDRAW


@pytest.mark.parametrize("mac", [ZERO_MAC, parse_mac("ff:ff:ff:ff:ff:ff"), parse_mac("01:00:5e:00:00:01")])
def test_a_mac_that_no_host_can_have_would_turn_into_flooding_and_is_ignored(mac: MacAddress) -> None:
    body = MacIpRoute(RD, ZERO_ESI, ZERO_TAG, mac, NO_IP, 100).encode()[2:]

    with pytest.raises(WireError) as caught:
        MacIpRoute.decode(body)
    assert caught.value.disposition is Disposition.IGNORE


@given(st.lists(mac_ip_routes, min_size=1, max_size=4), st.integers(0, 255), st.integers(0, 255))
def test_a_run_is_what_its_routes_are_one_by_one(routes: list[MacIpRoute], place: int, octet: int) -> None:
    """Sound or damaged at some place."""
    nlri = bytearray(b"".join(route.encode() for route in routes))
    nlri[place % len(nlri)] = octet
    run = decode_run(bytes(nlri))

    if run is not None:
        pieces = split(bytes(nlri))
        assert [MacIpRoute.decode(piece[2:]) for piece in pieces] == run
        assert {piece[0] for piece in pieces} == {2}


@given(mac_ip_routes, st.lists(macs, min_size=1))
def test_routes_of_one_size_are_a_run(route: MacIpRoute, hosts: list[MacAddress]) -> None:
    routes = [route._replace(mac=mac) for mac in hosts]

    assert decode_run(b"".join(route.encode() for route in routes)) == routes


@given(st.lists(mac_ip_routes, min_size=1, max_size=4), st.lists(macs, max_size=4))
def test_by_the_column_is_what_it_is_one_by_one(found: list[MacIpRoute], hosts: list[MacAddress]) -> None:
    alike = [found[0]._replace(mac=mac) for mac in hosts]
    for some in (found, [*found[:1], *alike], [*alike, *found]):
        assert keys_of(some) == [route.key for route in some]
        assert macs_of(some) == [route.mac for route in some]
        assert ips_of(some) == [route.ip for route in some]
        assert lead_somewhere(some) == all(route.vni for route in some)


def test_routes_of_other_types_have_their_keys_and_no_columns() -> None:
    mixed = [
        MacIpRoute(RD, ZERO_ESI, ZERO_TAG, MAC, NO_IP, 100),
        InclusiveMulticastRoute(RD, ZERO_TAG, parse_ip("10.0.0.3")),
    ]

    assert routes.keys_of(mixed) == [route.key for route in mixed]
    assert not are_all(mixed) and not lead_somewhere(mixed)
    assert are_all(mixed[:1]) and lead_somewhere(mixed[:1])
    assert not are_all([]) and not lead_somewhere([])


def test_what_is_no_run_is_read_one_by_one() -> None:
    alone, other = (MacIpRoute(RD, ZERO_ESI, tag, MAC, NO_IP, 100).encode() for tag in (ZERO_TAG, MAX_ET))

    for nlri in (b"", alone[:-1], alone + alone[:-1], alone + other, b"\3" + alone[1:], alone + b"\2"):
        assert decode_run(nlri) is None


def test_routes_of_one_origin_share_their_distinguisher_and_segment() -> None:
    first, second = (MacIpRoute.decode(bytes.fromhex(HEAD + f"30 50543300000{n} 00 000064")) for n in (1, 2))

    assert first.rd is second.rd
    assert first.esi is second.esi
    assert first.tag is second.tag
