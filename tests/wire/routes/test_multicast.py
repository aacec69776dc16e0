import pytest
from hypothesis import given

from evpn.text import parse_ip, parse_rd
from evpn.values import ZERO_TAG
from evpn.wire.errors import WireError
from evpn.wire.routes.multicast import InclusiveMulticastRoute, key_of

from ..strategies import multicast_routes


@pytest.mark.parametrize(
    ("originator", "tail"), [("10.0.0.3", "20 0a000003"), ("2001:db8::3", "80 20010db8" + "00" * 11 + "03")]
)
def test_octets_are_those_of_the_rfc(originator: str, tail: str) -> None:
    route = InclusiveMulticastRoute(parse_rd("10.0.0.3:100"), ZERO_TAG, parse_ip(originator))
    body = bytes.fromhex("0001 0a000003 0064 00000000" + tail)

    assert route.encode() == bytes((3, len(body))) + body


@given(multicast_routes)
def test_what_is_encoded_is_decoded_to_the_same(route: InclusiveMulticastRoute) -> None:
    assert InclusiveMulticastRoute.decode(route.encode()[2:]) == route
    assert key_of(route.encode()[2:]) == route.key


@pytest.mark.parametrize(
    "tail", ["", "20", "20 0a0000", "20 0a000003 00", "80 0a000003", "18 0a0000", "20" + "00" * 16]
)
def test_an_originator_that_is_no_address_withdraws_the_route(tail: str) -> None:
    body = bytes(12) + bytes.fromhex(tail)

    for read in (InclusiveMulticastRoute.decode, key_of):
        with pytest.raises(WireError):
            read(body)
