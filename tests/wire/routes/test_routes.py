import pytest
from hypothesis import given
from hypothesis import strategies as st

from evpn.text import parse_ip, parse_rd
from evpn.values import ZERO_TAG
from evpn.wire.errors import Disposition, WireError
from evpn.wire.routes import InclusiveMulticastRoute, Route, decode_routes, encode_routes, key_of, split

from ..strategies import routes

MULTICAST = InclusiveMulticastRoute(parse_rd("10.0.0.3:100"), ZERO_TAG, parse_ip("10.0.0.3"))

field = st.binary(max_size=600) | st.lists(
    st.tuples(st.integers(0, 8), st.binary(max_size=60)).map(lambda tlv: bytes((tlv[0], len(tlv[1]))) + tlv[1])
).map(b"".join)
"""Noise, or noise that is well framed."""


@given(st.lists(routes))
def test_what_is_encoded_is_decoded_to_the_same(many: list[Route]) -> None:
    assert decode_routes(encode_routes(many)) == (many, [])


@given(st.lists(routes))
def test_every_piece_of_a_split_field_has_the_key_of_its_route(many: list[Route]) -> None:
    pieces = split(encode_routes(many))

    assert pieces == [route.encode() for route in many]
    assert [key_of(piece) for piece in pieces] == [route.key for route in many]


@given(field)
def test_any_octets_are_routes_and_faults_or_a_reset(nlri: bytes) -> None:
    try:
        decoded, faults = decode_routes(nlri)
    except WireError as error:
        assert error.disposition is Disposition.RESET
        with pytest.raises(WireError):
            split(nlri)
    else:
        assert len(decoded) + len(faults) == len(split(nlri))
        assert all(fault.__traceback__ is None for fault in faults)


@given(field)
def test_any_octets_that_decode_have_the_key_of_what_they_decode_to(nlri: bytes) -> None:
    try:
        decoded, faults = decode_routes(nlri)
    except WireError:
        return
    if faults:
        return
    assert [key_of(piece) for piece in split(nlri)] == [route.key for route in decoded]


@given(st.binary(max_size=80))
def test_any_octets_have_a_key_or_are_refused(nlri: bytes) -> None:
    try:
        key = key_of(nlri)
    except WireError:
        return
    assert key[0] == nlri[0]


def test_a_bad_route_does_not_hurt_its_neighbours() -> None:
    bad = bytes((2, 5)) + bytes(5)

    decoded, faults = decode_routes(MULTICAST.encode() + bad + MULTICAST.encode())

    assert decoded == [MULTICAST, MULTICAST]
    assert [fault.disposition for fault in faults] == [Disposition.WITHDRAW]


@pytest.mark.parametrize("cut", range(1, len(MULTICAST.encode())))
def test_a_route_cut_short_cannot_be_carved_and_resets_the_session(cut: int) -> None:
    nlri = MULTICAST.encode() + MULTICAST.encode()[:cut]

    for read in (decode_routes, split, key_of):
        with pytest.raises(WireError) as caught:
            read(nlri)
        assert caught.value.disposition is Disposition.RESET
