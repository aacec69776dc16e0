import pytest
from hypothesis import given
from hypothesis import strategies as st

from evpn.wire import as_path
from evpn.wire.as_path import AS_SEQUENCE, AS_SET, CONFED_SEQUENCE, AsPath, AsPathSegment
from evpn.wire.errors import WireError

from .strategies import as_paths

AS_TRANS = 23456


def sequence(*asns: int) -> AsPathSegment:
    return AsPathSegment(AS_SEQUENCE, asns)


def a_set(*asns: int) -> AsPathSegment:
    return AsPathSegment(AS_SET, asns)


def test_numbers_have_two_or_four_octets() -> None:
    assert as_path.decode(bytes.fromhex("0202 fde8 fde9"), asn4=False) == (sequence(65000, 65001),)
    assert as_path.decode(bytes.fromhex("0201 fa56ea00"), asn4=True) == (sequence(4200000000),)


@given(as_paths)
def test_what_is_encoded_is_decoded_to_the_same(path: AsPath) -> None:
    assert as_path.decode(as_path.encode(path), asn4=True) == path


@given(st.binary(max_size=40), st.booleans())
def test_any_octets_are_a_path_or_an_error(value: bytes, asn4: bool) -> None:
    try:
        path = as_path.decode(value, asn4)
    except WireError:
        return
    assert not asn4 or as_path.encode(path) == value


@pytest.mark.parametrize("value", ["02", "0200", "0001fde8", "0501fde8", "0202fde8", "0201fd", "0201fde802"])
def test_a_segment_that_does_not_fit_is_an_error(value: str) -> None:
    with pytest.raises(WireError):
        as_path.decode(bytes.fromhex(value), asn4=False)


def test_a_set_counts_as_one_and_a_confederation_not_at_all() -> None:
    assert as_path.length((sequence(1, 2, 3), a_set(4, 5), AsPathSegment(CONFED_SEQUENCE, (6, 7)))) == 4


@pytest.mark.parametrize(
    ("old", "new", "whole"),
    [
        ((sequence(10, AS_TRANS),), (sequence(10, 70000),), (sequence(10, 70000),)),
        ((sequence(9, 10, AS_TRANS),), (sequence(10, 70000),), (sequence(9, 10, 70000),)),
        ((sequence(9), a_set(8, AS_TRANS)), (a_set(8, 70000),), (sequence(9), a_set(8, 70000))),
        ((a_set(9, 8), sequence(AS_TRANS)), (sequence(70000),), (a_set(9, 8), sequence(70000))),
        ((sequence(AS_TRANS),), (sequence(10, 70000),), (sequence(AS_TRANS),)),
        ((sequence(AS_TRANS),), (), (sequence(AS_TRANS),)),
        (
            (sequence(9, AS_TRANS),),
            (AsPathSegment(CONFED_SEQUENCE, (7, 8)), sequence(70000)),
            (sequence(9, 70000),),
        ),
    ],
    ids=[
        "same length",
        "old speaker in front",
        "sets",
        "set in front",
        "longer than the path",
        "empty",
        "confederation",
    ],
)
def test_as4_path_replaces_the_end_of_the_path(old: AsPath, new: AsPath, whole: AsPath) -> None:
    assert as_path.merge(old, new) == whole


@given(as_paths, as_paths)
def test_a_merged_path_is_as_long_as_the_one_that_came(old: AsPath, new: AsPath) -> None:
    assert as_path.length(as_path.merge(old, new)) == as_path.length(old)


@given(as_paths, as_paths)
def test_a_merged_path_can_be_encoded(old: AsPath, new: AsPath) -> None:
    merged = as_path.merge(old, new)

    assert as_path.decode(as_path.encode(merged), asn4=True) == merged
