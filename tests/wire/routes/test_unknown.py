from hypothesis import given

from evpn.wire.routes import UnknownRoute, decode_routes

from ..strategies import unknown_routes


@given(unknown_routes)
def test_a_type_not_decoded_keeps_its_octets(route: UnknownRoute) -> None:
    assert decode_routes(route.encode()) == ([route], [])


def test_the_key_is_the_whole_of_it() -> None:
    assert UnknownRoute(6, b"abc").key != UnknownRoute(6, b"abd").key
    assert UnknownRoute(6, b"abc").key != UnknownRoute(7, b"abc").key
