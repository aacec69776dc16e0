import pytest
from hypothesis import given
from hypothesis import strategies as st

from evpn.text import (
    format_esi,
    format_ip,
    format_mac,
    format_rd,
    format_route_target,
    parse_esi,
    parse_ip,
    parse_mac,
    parse_rd,
    parse_route_target,
    parse_route_target_pattern,
)
from evpn.values import ZERO_ESI

PARSERS = (parse_mac, parse_ip, parse_rd, parse_route_target, parse_route_target_pattern, parse_esi)

OTHER_DIGITS = "\u0661"  # one, in Arabic
SUPERSCRIPT = "\u00b2"


def octets(size: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size)


administrators = st.sampled_from((0, 1, 2))


@given(octets(6))
def test_a_mac_is_read_as_written(mac: bytes) -> None:
    assert parse_mac(format_mac(mac)) == mac
    assert parse_mac(format_mac(mac).upper()) == mac


@given(octets(4) | octets(16))
def test_an_ip_is_read_as_written(ip: bytes) -> None:
    assert parse_ip(format_ip(ip)) == ip


@given(administrators, octets(6))
def test_a_distinguisher_is_read_as_written(kind: int, body: bytes) -> None:
    rd = bytes((0, kind)) + body

    assert parse_rd(format_rd(rd)) == rd


@given(administrators, octets(6))
def test_a_route_target_is_read_as_written(kind: int, body: bytes) -> None:
    target = bytes((kind, 2)) + body

    assert parse_route_target(format_route_target(target)) == target
    assert parse_route_target_pattern(format_route_target(target)) == target


@given(octets(4))
def test_a_pattern_under_any_administrator_is_read_as_written(local: bytes) -> None:
    assert parse_route_target_pattern(format_route_target(local)) == local


@given(octets(10))
def test_a_segment_is_read_as_written(esi: bytes) -> None:
    assert parse_esi(format_esi(esi)) == esi


@given(st.text() | st.text("0123456789abcdefx:.-*L/ "))
def test_any_text_is_a_value_or_a_value_error_that_repeats_it(text: str) -> None:
    for parse in PARSERS:
        try:
            parse(text)
        except ValueError as error:
            assert str(error).startswith(repr(text))


@pytest.mark.parametrize(
    "text", ["50:54:33:00:00:09", "50-54-33-00-00-09", "5054.3300.0009", "505433000009", "50:54:33:0:0:9"]
)
def test_a_mac_has_many_spellings(text: str) -> None:
    assert parse_mac(text).hex() == "505433000009"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "0",
        "0x12",
        "50543300000",
        "5054330000091",
        "50:54:33:00:00",
        "50:54:33:00:00:09:10",
        "50:54:33:00:00:zz",
    ],
)
def test_what_is_not_a_mac_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a MAC address such as 50:54:33:00:00:09"):
        parse_mac(text)


@pytest.mark.parametrize(
    "text", ["", "1", "0x12", "10.0.0", "10.0.0.256", "010.0.0.1", "10.0.0.1/24", " 10.0.0.1", "fe80::1%eth0", "::1::"]
)
def test_what_is_not_an_ip_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an IPv4 or IPv6 address"):
        parse_ip(text)


def test_the_absent_ip_is_the_empty_text() -> None:
    assert format_ip(b"") == ""


@pytest.mark.parametrize(
    ("text", "hexadecimal"),
    [
        ("10.0.0.3:100", "0001 0a000003 0064"),
        ("65000:100", "0000 fde8 00000064"),
        ("4200000000:100", "0002 fa56ea00 0064"),
        ("65000L:100", "0002 0000fde8 0064"),
    ],
)
def test_a_distinguisher_has_three_types(text: str, hexadecimal: str) -> None:
    assert parse_rd(text) == bytes.fromhex(hexadecimal)
    assert format_rd(bytes.fromhex(hexadecimal)) == text


@pytest.mark.parametrize(
    ("text", "hexadecimal"),
    [
        ("10.0.0.3:100", "0102 0a000003 0064"),
        ("65000:268435556", "0002 fde8 10000064"),
        ("4200000000:77", "0202 fa56ea00 004d"),
        ("65000L:100", "0202 0000fde8 0064"),
    ],
)
def test_a_route_target_has_three_types(text: str, hexadecimal: str) -> None:
    assert parse_route_target(text) == bytes.fromhex(hexadecimal)
    assert format_route_target(bytes.fromhex(hexadecimal)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "100",
        ":100",
        "65000:",
        "65000:4294967296",
        "65536:65536",
        "4294967296:1",
        "10.0.0.3:65536",
        "10.0.0:1",
        "::1:5",
        f"{SUPERSCRIPT}:1",
        f"1:{SUPERSCRIPT}",
        "-1:1",
        "L:1",
        "10.0.0.3L:1",
        "*:1",
        "1:2:3",
    ],
)
def test_what_is_not_a_distinguisher_or_a_target_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a route distinguisher such as"):
        parse_rd(text)
    with pytest.raises(ValueError, match=r"is not a route target such as"):
        parse_route_target(text)


@pytest.mark.parametrize("text", ["*:", "*", "*:4294967296", f"*:{SUPERSCRIPT}", "*:-1", "**:1"])
def test_what_is_not_a_pattern_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a route target such as"):
        parse_route_target_pattern(text)


def test_what_has_no_words_is_shown_in_hexadecimal() -> None:
    assert format_rd(bytes.fromhex("0003000000000000")) == "0x0003000000000000"
    assert format_route_target(bytes.fromhex("0602000000000000")) == "0x0602000000000000"


def test_the_segment_of_a_single_home_is_zero() -> None:
    assert parse_esi("0") == ZERO_ESI
    assert parse_esi("00112233445566778899") == parse_esi("00:11:22:33:44:55:66:77:88:99")


@pytest.mark.parametrize(
    "text", ["", "1", "00:11", "00:11:22:33:44:55:66:77:88:99:aa", "00:11:22:33:44:55:66:77:88:zz"]
)
def test_what_is_not_a_segment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an ESI of ten octets"):
        parse_esi(text)
