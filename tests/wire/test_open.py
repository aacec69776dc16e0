import pytest
from hypothesis import given
from hypothesis import strategies as st

from evpn.text import parse_ip
from evpn.wire.errors import Disposition, WireError
from evpn.wire.open import EVPN, GracefulRestart, Open, decode

from .captured import OPENS, captured

HEAD = "04 fde8 00b4 0a000002"


def with_capabilities(hexadecimal: str) -> Open:
    capabilities = bytes.fromhex(hexadecimal)
    parameter = bytes((2, len(capabilities))) + capabilities
    return decode(bytes.fromhex(HEAD) + bytes((len(parameter),)) + parameter)


def test_frr_says_what_it_can() -> None:
    assert decode(captured("frr-open")) == Open(
        version=4,
        as_number=65000,
        hold_time=9,
        router_id=parse_ip("10.77.0.2"),
        families=frozenset({EVPN}),
        asn4=True,
        graceful_restart=GracefulRestart(120, families={}),
    )


def test_the_flags_of_a_start_are_no_part_of_the_time() -> None:
    assert decode(captured("frr-open-first-start")).graceful_restart == GracefulRestart(120, families={})


def test_an_open_without_capabilities_is_a_plain_one() -> None:
    plain = decode(bytes.fromhex(HEAD + "00"))

    assert (plain.as_number, plain.hold_time) == (65000, 180)
    assert not plain.families
    assert not plain.asn4
    assert plain.graceful_restart is None


def test_the_four_octet_as_number_stands_for_as_trans() -> None:
    assert with_capabilities("4104 fa56ea00").as_number == 4200000000


def test_graceful_restart_names_the_families_and_what_was_kept() -> None:
    peer = with_capabilities("400a 0078 0019 46 80 0001 01 00")

    assert peer.graceful_restart == GracefulRestart(120, families={EVPN: True, (1, 1): False})


def test_families_come_one_by_one_or_in_parameters_of_their_own() -> None:
    parameter = "0206 0104 00190046"
    body = bytes.fromhex(HEAD + "10" + parameter + "0206 0104 00010001")

    assert decode(body).families == {EVPN, (1, 1)}
    assert with_capabilities("0104 00190046 0104 00010001").families == {EVPN, (1, 1)}


def test_parameters_may_be_longer_than_255_octets() -> None:
    filler = "ffff" + "00" * 255
    parameter = bytes.fromhex("0104 00190046" + filler)
    body = (
        bytes.fromhex(HEAD + "ff ff")
        + (len(parameter) + 3).to_bytes(2)
        + b"\2"
        + len(parameter).to_bytes(2)
        + parameter
    )

    assert decode(body).families == {EVPN}


@pytest.mark.parametrize("capability", ["4907 0376746e 03 6c61", "4900", "0200", "0600", "8000", "c802 01ff"])
def test_other_capabilities_are_no_reason_to_refuse(capability: str) -> None:
    assert with_capabilities(capability) == decode(bytes.fromhex(HEAD + "00"))


@pytest.mark.parametrize(
    "body",
    [
        "",
        HEAD,
        HEAD + "02",
        HEAD + "00 00",
        HEAD + "02 0205",
        HEAD + "04 0202 0104",
        HEAD + "05 0203 0101 00",
        HEAD + "05 0203 4101 00",
        HEAD + "05 0203 4001 00",
        HEAD + "ff ff 00",
    ],
)
def test_an_open_that_cannot_be_read_resets_the_session(body: str) -> None:
    with pytest.raises(WireError) as caught:
        decode(bytes.fromhex(body))
    assert caught.value.disposition is Disposition.RESET


@given(
    st.binary(max_size=80) | st.binary(max_size=60).map(lambda tail: bytes.fromhex(HEAD) + bytes((len(tail),)) + tail)
)
def test_any_octets_are_an_open_or_an_error(body: bytes) -> None:
    try:
        assert decode(body).version == body[0]
    except WireError as error:
        assert error.disposition is Disposition.RESET


@given(st.lists(st.tuples(st.sampled_from((1, 2, 6, 64, 65, 70, 73, 128, 200)), st.binary(max_size=12)), max_size=8))
def test_any_capabilities_are_an_open_or_an_error(capabilities: list[tuple[int, bytes]]) -> None:
    try:
        with_capabilities(b"".join(bytes((code, len(value))) + value for code, value in capabilities).hex())
    except WireError as error:
        assert error.disposition is Disposition.RESET


@pytest.mark.parametrize("name", OPENS)
def test_a_truncated_open_is_an_error(name: str) -> None:
    body = captured(name)

    for end in range(len(body)):
        with pytest.raises(WireError):
            decode(body[:end])
