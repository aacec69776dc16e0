import pytest
from hypothesis import given

from evpn.values import EthernetSegmentIdentifier
from evpn.wire.errors import WireError
from evpn.wire.routes.ethernet_segment import EthernetSegmentRoute, key_of

from ..strategies import ethernet_segment_routes


@given(ethernet_segment_routes)
def test_what_is_encoded_is_decoded_to_the_same(route: EthernetSegmentRoute) -> None:
    assert EthernetSegmentRoute.decode(route.encode()[2:]) == route
    assert key_of(route.encode()[2:]) == route.key


@given(ethernet_segment_routes)
def test_the_segment_is_part_of_the_key(route: EthernetSegmentRoute) -> None:
    assert route._replace(esi=EthernetSegmentIdentifier(bytes((route.esi[0] ^ 1,)) + route.esi[1:])).key != route.key


@pytest.mark.parametrize("tail", ["", "20", "20 0a0000", "20 0a000003 00", "80 0a000003", "20" + "00" * 16])
def test_an_originator_that_is_no_address_withdraws_the_route(tail: str) -> None:
    body = bytes(18) + bytes.fromhex(tail)

    for read in (EthernetSegmentRoute.decode, key_of):
        with pytest.raises(WireError):
            read(body)
