import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evpn.netlink.errors import NetlinkError
from evpn.netlink.messages import (
    HEADER,
    Message,
    Refusal,
    attribute,
    attributes,
    number,
    refusal,
    split,
)


def message(kind: int, payload: bytes, sequence: int = 7) -> bytes:
    padding = bytes(-len(payload) % 4)
    return HEADER.pack(HEADER.size + len(payload), kind, 0, sequence, 42) + payload + padding


def test_a_datagram_holds_messages_each_padded_to_four_octets() -> None:
    datagram = message(16, b"abcde") + message(17, b"")

    assert list(split(datagram)) == [Message(16, 0, 7, 42, b"abcde"), Message(17, 0, 7, 42, b"")]


def test_padding_may_be_missing_at_the_end() -> None:
    assert [part.payload for part in split(message(16, b"abcde")[:-3])] == [b"abcde"]


@pytest.mark.parametrize(
    "datagram",
    [b"\0" * 15, message(16, b"abcd")[:-1], HEADER.pack(15, 16, 0, 0, 0), message(16, b"") + b"\1"],
    ids=["short header", "cut payload", "length below the header", "octets left over"],
)
def test_what_does_not_fit_is_an_error(datagram: bytes) -> None:
    with pytest.raises(NetlinkError, match="EBADMSG"):
        list(split(datagram))


@pytest.mark.parametrize(
    "payload, found",
    [((-2).to_bytes(4, "little", signed=True) + bytes(16), Refusal(7, errno.ENOENT)), (bytes(20), None)],
    ids=["refused", "acknowledged"],
)
def test_an_error_message_is_a_refusal_unless_its_errno_is_0(payload: bytes, found: Refusal | None) -> None:
    (part,) = split(message(2, payload))

    assert refusal(part) == found


def test_other_messages_are_no_refusals() -> None:
    assert refusal(Message(28, 0, 7, 0, b"")) is None


def test_an_error_message_without_errno_is_an_error() -> None:
    with pytest.raises(NetlinkError):
        refusal(Message(2, 0, 7, 0, b"\1"))


@given(st.dictionaries(st.integers(0, 0x3FFF), st.binary(max_size=40)))
def test_attributes_come_back(wanted: dict[int, bytes]) -> None:
    packed = b"".join(attribute(kind, value) for kind, value in wanted.items())

    assert attributes(packed) == wanted


@pytest.mark.parametrize("packed", [b"\5\0\1", b"\3\0\1\0", b"\6\0\1\0a"], ids=["header", "below header", "beyond"])
def test_attributes_that_do_not_fit_are_an_error(packed: bytes) -> None:
    with pytest.raises(NetlinkError):
        attributes(packed)


def test_the_bits_for_nesting_are_not_part_of_the_type() -> None:
    assert attributes(attribute(0x8000 | 18, b"x")) == {18: b"x"}


def test_numbers_have_any_width() -> None:
    assert [number(value) for value in (b"", b"\1", b"\1\2", b"\1\0\0\0")] == [0, 1, 0x0201, 1]


@given(st.binary(max_size=200))
def test_no_octets_raise_anything_but_our_error(octets: bytes) -> None:
    for read in (lambda: [refusal(part) for part in split(octets)], lambda: attributes(octets)):
        try:
            read()
        except NetlinkError as error:
            assert error.errno == errno.EBADMSG


@pytest.mark.parametrize(
    "errno, told", [(2, "ENOENT (No such file or directory)"), (1 << 31, "errno 2147483648"), (-5, "errno -5")]
)
def test_any_number_that_the_kernel_gives_can_be_told(errno: int, told: str) -> None:
    assert str(NetlinkError(errno, "a row")) == f"a row: {told}"
