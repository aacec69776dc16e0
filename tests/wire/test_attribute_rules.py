import pytest

from evpn.wire.attribute_rules import Attribute, carve, fault_of, frames
from evpn.wire.errors import Disposition, WireError

MALFORMED = {
    "ORIGIN of no octet": ("40 01", "", Disposition.WITHDRAW),
    "ORIGIN of two octets": ("40 01", "0000", Disposition.WITHDRAW),
    "ORIGIN of a value that is none": ("40 01", "03", Disposition.WITHDRAW),
    "ORIGIN said to be optional": ("c0 01", "00", Disposition.WITHDRAW),
    "AS_PATH with half a number": ("40 02", "0201 fde8", Disposition.WITHDRAW),
    "AS_PATH with AS 0": ("40 02", "0202 0000fde8 00000000", Disposition.WITHDRAW),
    "MULTI_EXIT_DISC of three octets": ("80 04", "000000", Disposition.WITHDRAW),
    "LOCAL_PREF of five octets": ("40 05", "0000000000", Disposition.WITHDRAW),
    "ATOMIC_AGGREGATE with a value": ("40 06", "00", Disposition.DISCARD),
    "AGGREGATOR of six octets between four-octet speakers": ("c0 07", "fde80a000001", Disposition.DISCARD),
    "AGGREGATOR in AS 0": ("c0 07", "000000000a000001", Disposition.DISCARD),
    "AS4_AGGREGATOR in AS 0": ("c0 12", "000000000a000001", Disposition.DISCARD),
    "COMMUNITIES of six octets": ("c0 08", "000000000000", Disposition.WITHDRAW),
    "COMMUNITIES of none": ("c0 08", "", Disposition.WITHDRAW),
    "ORIGINATOR_ID of 16 octets": ("80 09", "00" * 16, Disposition.WITHDRAW),
    "CLUSTER_LIST of five octets": ("80 0a", "00" * 5, Disposition.WITHDRAW),
    "EXTENDED_COMMUNITIES of seven octets": ("c0 10", "00" * 7, Disposition.WITHDRAW),
    "EXTENDED_COMMUNITIES of none": ("c0 10", "", Disposition.WITHDRAW),
    "EXTENDED_COMMUNITIES said not to be transitive": ("80 10", "00" * 8, Disposition.WITHDRAW),
    "PMSI_TUNNEL of four octets": ("c0 16", "00060000", Disposition.WITHDRAW),
    "PMSI_TUNNEL to nowhere": ("c0 16", "0006000064", Disposition.WITHDRAW),
    "LARGE_COMMUNITIES of eight octets": ("c0 20", "00" * 8, Disposition.WITHDRAW),
    "well-known and unknown": ("40 63", "00", Disposition.WITHDRAW),
}

SOUND = {
    "NEXT_HOP, which is not read": ("40 03", ""),
    "AS4_PATH between four-octet speakers, which is not read": ("c0 11", "ff"),
    "EXTENDED_COMMUNITIES of an unknown type": ("c0 10", "ff" * 8),
    "an optional attribute that is unknown": ("c0 63", "00"),
    "PMSI_TUNNEL of an unknown type": ("c0 16", "0063000064"),
    "COMMUNITIES with the partial bit": ("e0 08", "00" * 4),
}


def an_attribute(head: str, value: str) -> Attribute:
    flags, code = bytes.fromhex(head)
    return Attribute(flags, code, bytes.fromhex(value))


@pytest.mark.parametrize(("head", "value", "disposition"), MALFORMED.values(), ids=MALFORMED)
def test_what_is_malformed_has_the_disposition_of_its_rfc(head: str, value: str, disposition: Disposition) -> None:
    fault = fault_of(an_attribute(head, value), asn4=True)

    assert fault is not None
    assert fault.disposition is disposition


@pytest.mark.parametrize(("head", "value"), SOUND.values(), ids=SOUND)
def test_what_is_only_unusual_is_let_through(head: str, value: str) -> None:
    assert fault_of(an_attribute(head, value), asn4=True) is None


def test_two_octet_speakers_send_their_own_sizes() -> None:
    assert fault_of(an_attribute("40 02", "0201 fde8"), asn4=False) is None
    assert fault_of(an_attribute("c0 07", "fde80a000001"), asn4=False) is None
    bad_path = fault_of(an_attribute("c0 11", "0201 fde8"), asn4=False)
    assert bad_path is not None
    assert bad_path.disposition is Disposition.DISCARD


def test_frames_say_where_attributes_are() -> None:
    block = bytes.fromhex("40 01 01 00d0 10 0008 0000000000000000")

    assert [(frame.start, frame.code, frame.value, frame.end) for frame in frames(block)] == [
        (0, 1, 3, 4),
        (4, 16, 8, 16),
    ]


@pytest.mark.parametrize("tail", ["40", "4001", "400102", "40010200", "5001", "500100", "50010002", "5001000200"])
def test_an_attribute_that_overruns_comes_after_those_before_it(tail: str) -> None:
    found = []

    with pytest.raises(WireError) as caught:
        for frame in frames(bytes.fromhex("40010100" + tail)):
            found.append(frame.code)  # noqa: PERF401
    assert found == [1]
    assert caught.value.disposition is Disposition.WITHDRAW


def test_however_often_an_attribute_is_repeated_that_is_one_fault() -> None:
    _, faults = carve(bytes.fromhex("40010100" + 1000 * "c06300" + 1000 * "400101ff"))

    assert [str(fault) for fault in faults] == ["path attribute 99 is repeated", "path attribute 1 is repeated"]


def test_of_a_repeated_attribute_the_first_is_kept() -> None:
    found, faults = carve(bytes.fromhex("4001010040010101"))

    assert found == {1: Attribute(0x40, 1, b"\0")}
    assert [fault.disposition for fault in faults] == [Disposition.DISCARD]
