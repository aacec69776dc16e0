import pytest
from hypothesis import given

from evpn.values import EthernetSegmentIdentifier
from evpn.wire.errors import WireError
from evpn.wire.routes.ethernet_ad import EthernetAdRoute, key_of

from ..strategies import ethernet_ad_routes


@given(ethernet_ad_routes)
def test_what_is_encoded_is_decoded_to_the_same(route: EthernetAdRoute) -> None:
    assert EthernetAdRoute.decode(route.encode()[2:]) == route
    assert key_of(route.encode()[2:]) == route.key


@given(ethernet_ad_routes)
def test_the_key_ignores_the_label_but_not_the_segment(route: EthernetAdRoute) -> None:
    assert route._replace(vni=0).key == route.key
    assert route._replace(esi=EthernetSegmentIdentifier(bytes((route.esi[0] ^ 1,)) + route.esi[1:])).key != route.key


@pytest.mark.parametrize("size", [0, 24, 26])
def test_any_other_size_withdraws_the_route(size: int) -> None:
    for read in (EthernetAdRoute.decode, key_of):
        with pytest.raises(WireError):
            read(bytes(size))
