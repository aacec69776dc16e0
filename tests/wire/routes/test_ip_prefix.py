import pytest
from hypothesis import given

from evpn.text import parse_ip, parse_mac, parse_rd
from evpn.values import ZERO_ESI, ZERO_TAG, EthernetSegmentIdentifier
from evpn.wire.errors import Disposition, WireError
from evpn.wire.routes.ip_prefix import IpPrefixRoute, check_announced, key_of

from ..strategies import ip_prefix_routes

NO_GATEWAY = parse_ip("0.0.0.0")
ESI = EthernetSegmentIdentifier(b"\0\1\2\3\4\5\6\7\x08\x09")
ROUTE = IpPrefixRoute(parse_rd("10.0.0.3:1"), ZERO_ESI, ZERO_TAG, parse_ip("192.0.2.0"), 24, NO_GATEWAY, 5000)


@given(ip_prefix_routes())
def test_what_is_encoded_is_decoded_to_the_same(route: IpPrefixRoute) -> None:
    assert IpPrefixRoute.decode(route.encode()[2:]) == route
    assert key_of(route.encode()[2:]) == route.key


@given(ip_prefix_routes())
def test_the_key_ignores_segment_gateway_and_label(route: IpPrefixRoute) -> None:
    assert route._replace(esi=ESI, gateway=parse_ip("10.9.9.9"), vni=0).key == route.key


def test_prefixes_of_another_length_have_another_key() -> None:
    assert ROUTE._replace(length=25).key != ROUTE.key


def test_bits_beyond_the_length_do_not_make_another_route() -> None:
    body = ROUTE._replace(prefix=parse_ip("192.0.2.77")).encode()[2:]

    assert IpPrefixRoute.decode(body) == ROUTE
    assert key_of(body) == ROUTE.key


@pytest.mark.parametrize(("length", "size"), [(33, 34), (129, 58), (24, 33), (24, 35), (24, 46), (24, 0)])
def test_a_body_of_another_size_or_a_prefix_that_is_too_long_withdraws_the_route(length: int, size: int) -> None:
    body = (bytes(22) + bytes((length,)) + bytes(40))[:size]

    for read in (IpPrefixRoute.decode, key_of):
        with pytest.raises(WireError) as caught:
            read(body)
        assert caught.value.disposition is Disposition.WITHDRAW


@pytest.mark.parametrize(
    "route",
    [ROUTE, ROUTE._replace(vni=0, esi=ESI), ROUTE._replace(vni=0, gateway=parse_ip("10.9.9.9"))],
    ids=["label", "segment", "gateway"],
)
def test_a_prefix_is_reached_through_a_label_a_segment_or_a_gateway(route: IpPrefixRoute) -> None:
    check_announced(route, parse_mac("02:00:00:00:00:01"))


@pytest.mark.parametrize(
    ("route", "router_mac"),
    [
        (ROUTE._replace(vni=0), "02:00:00:00:00:01"),
        (ROUTE._replace(esi=ESI, gateway=parse_ip("10.9.9.9")), "02:00:00:00:00:01"),
        (ROUTE, "01:00:00:00:00:01"),
        (ROUTE, "00:00:00:00:00:00"),
    ],
    ids=["through nothing", "through both", "router MAC of a group", "router MAC zero"],
)
def test_an_announcement_that_leads_nowhere_is_withdrawn(route: IpPrefixRoute, router_mac: str) -> None:
    with pytest.raises(WireError) as caught:
        check_announced(route, parse_mac(router_mac))
    assert caught.value.disposition is Disposition.WITHDRAW
