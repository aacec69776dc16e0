"""Which frames say something of a host's own address, and which are not believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evpn.packet.sighting import Sighting, decode
from evpn.text import parse_ip

from .hosts import (
    ALL_NODES,
    ANY4,
    ANY6,
    IP,
    IP6,
    LINK_LOCAL,
    MAC,
    NONCE,
    OTHER_IP6,
    OTHER_MAC,
    OVERRIDE,
    ROUTER,
    SOLICITED,
    SOURCE_LINK_LAYER,
    TARGET_LINK_LAYER,
    advertisement,
    arp,
    ipv6,
    solicitation,
)

REQUEST = solicitation()
BELIEVED = {
    "ARP request": (arp(1), Sighting(MAC, IP, None)),
    "ARP reply": (arp(2), Sighting(MAC, IP, None)),
    "gratuitous ARP request": (arp(1, target=IP), Sighting(MAC, IP, None)),
    "gratuitous ARP reply": (arp(2, target=IP), Sighting(MAC, IP, None)),
    "ARP that is not filled up": (arp()[:42], Sighting(MAC, IP, None)),
    "solicitation": (REQUEST, Sighting(MAC, LINK_LOCAL, None)),
    "solicitation from a global address": (solicitation(IP6), Sighting(MAC, IP6, None)),
    "solicitation with a nonce": (
        solicitation(options=NONCE + SOURCE_LINK_LAYER),
        Sighting(MAC, LINK_LOCAL, None),
    ),
    "advertisement": (advertisement(), Sighting(MAC, IP6, False)),
    "advertisement of a router": (advertisement(flags=ROUTER | SOLICITED), Sighting(MAC, IP6, True)),
    "advertisement without an option": (advertisement(options=b""), Sighting(MAC, IP6, False)),
    "unsolicited advertisement": (
        advertisement(flags=OVERRIDE, destination=ALL_NODES),
        Sighting(MAC, IP6, False),
    ),
    "what follows the packet": (advertisement() + b"\2\0", Sighting(MAC, IP6, False)),
}


@pytest.mark.parametrize("frame, sighting", BELIEVED.values(), ids=BELIEVED)
def test_what_a_host_says_is_believed(frame: bytes, sighting: Sighting) -> None:
    assert decode(frame) == sighting


@pytest.mark.parametrize("frame, sighting", BELIEVED.values(), ids=BELIEVED)
def test_a_frame_that_is_cut_off_says_nothing_or_the_same(frame: bytes, sighting: Sighting) -> None:
    needed = 42 if len(sighting.ip) == 4 else 54 + int.from_bytes(frame[18:20])

    assert {decode(frame[:length]) for length in range(needed)} == {None}
    assert {decode(frame[:length]) for length in range(needed, len(frame) + 1)} == {sighting}


ARP_IN = {
    "type of hardware": arp(kind="0006 0800 06 04"),
    "size of hardware addresses": arp(kind="0001 0800 08 04"),
    "protocol": arp(kind="0001 86dd 06 04"),
    "size of protocol addresses": arp(kind="0001 0800 06 10"),
    "operation": arp(3),
}


@pytest.mark.parametrize("frame", ARP_IN.values(), ids=ARP_IN)
def test_other_arp_says_nothing(frame: bytes) -> None:
    assert decode(frame) is None


@pytest.mark.parametrize("operation", [1, 2], ids=["request", "reply"])
@pytest.mark.parametrize("ip", ["0.0.0.0", "0.0.0.1", "127.0.0.1", "224.0.0.1", "239.255.255.255", "255.255.255.255"])
def test_no_host_has_such_an_ipv4_address(ip: str, operation: int) -> None:
    assert decode(arp(operation, ip=parse_ip(ip))) is None


@pytest.mark.parametrize(
    "ip", ["1.0.0.0", "126.255.255.255", "128.0.0.1", "169.254.0.1", "223.255.255.255", "240.0.0.1"]
)
def test_a_host_may_have_such_an_ipv4_address(ip: str) -> None:
    sighting = decode(arp(ip=parse_ip(ip)))

    assert sighting is not None
    assert sighting.ip == parse_ip(ip)


@pytest.mark.parametrize("ip", ["::", "::1", "ff02::1", "ff0e::9"])
def test_no_host_has_such_an_ipv6_address(ip: str) -> None:
    assert decode(solicitation(parse_ip(ip))) is None
    assert decode(advertisement(parse_ip(ip))) is None


@pytest.mark.parametrize("ip", ["::2", "1::1", "fe80::1", "fd00::1", "2001:db8::1"])
def test_a_host_may_have_such_an_ipv6_address(ip: str) -> None:
    assert decode(solicitation(parse_ip(ip))) == Sighting(MAC, parse_ip(ip), None)
    assert decode(advertisement(parse_ip(ip))) == Sighting(MAC, parse_ip(ip), False)


CONTRADICTIONS = {
    "ARP": arp(mac=OTHER_MAC),
    "solicitation": solicitation(mac=OTHER_MAC),
    "advertisement": advertisement(mac=OTHER_MAC),
}


@pytest.mark.parametrize("frame", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_who_speaks_of_another_mac_is_not_believed(frame: bytes) -> None:
    assert decode(frame) is None


@pytest.mark.parametrize("mac", [bytes(6), b"\xff" * 6, b"\1\0\x5e\0\0\1"], ids=["zero", "broadcast", "multicast"])
def test_no_host_has_such_a_mac(mac: bytes) -> None:
    assert decode(arp(source=mac, mac=mac)) is None
    assert decode(solicitation(options=b"\1\1" + mac, mac=mac)) is None
    assert decode(advertisement(options=b"", mac=mac)) is None


PROBES = {"ARP probe": arp(ip=ANY4, target=IP), "solicitation from nowhere": solicitation(ANY6, IP6, b"")}


@pytest.mark.parametrize("frame", PROBES.values(), ids=PROBES)
def test_who_asks_whether_an_address_is_free_does_not_have_it(frame: bytes) -> None:
    assert decode(frame) is None


def changed(frame: bytes, offset: int, octets: str) -> bytes:
    new = bytes.fromhex(octets)
    return frame[:offset] + new + frame[offset + len(new) :]


def extended(header: int) -> bytes:
    """The solicitation behind an extension header that is empty."""
    return ipv6(b"\x3a\0" + bytes(6) + REQUEST[54:], LINK_LOCAL, OTHER_IP6, protocol=header)


def lengthened(options: bytes) -> list[bytes]:
    return [solicitation(options=options), advertisement(options=options)]


DISCARDED = {
    "IP version": [changed(REQUEST, 14, "40")],
    "a hop limit that a router has lowered": [changed(REQUEST, 21, "fe"), changed(advertisement(), 21, "40")],
    "a code": [changed(REQUEST, 55, "01")],
    "another message": [changed(REQUEST, 54, "85"), changed(REQUEST, 54, "86"), changed(REQUEST, 54, "89")],
    "another protocol": [changed(REQUEST, 20, "11")],
    "an extension header": [extended(number) for number in (0, 43, 44, 60)],
    "less payload than a message": [changed(REQUEST, 18, "0017"), changed(REQUEST, 18, "0000")],
    "more payload than there is": [changed(REQUEST, 18, "0028"), changed(REQUEST, 18, "ffff")],
    "a solicitation for a group": [solicitation(target=ALL_NODES)],
    "a solicited advertisement to a group": [advertisement(destination=ALL_NODES)],
    "a solicitation that does not say where to answer": [solicitation(options=b""), solicitation(options=NONCE)],
    "the other message's option": [solicitation(options=TARGET_LINK_LAYER)],
    "an option of no length": lengthened(b"\x0e\0" + bytes(6) + SOURCE_LINK_LAYER),
    "an option longer than the message": lengthened(SOURCE_LINK_LAYER + TARGET_LINK_LAYER + b"\x0e\2" + bytes(6)),
    "half an option": lengthened(SOURCE_LINK_LAYER + TARGET_LINK_LAYER + b"\x0e"),
    "a longer address": [
        solicitation(options=b"\1\2" + MAC + bytes(8)),
        advertisement(options=b"\2\2" + MAC + bytes(8)),
    ],
}


@pytest.mark.parametrize("frames", DISCARDED.values(), ids=DISCARDED)
def test_what_a_node_must_discard_says_nothing(frames: list[bytes]) -> None:
    assert [decode(frame) for frame in frames] == [None] * len(frames)


def test_of_two_addresses_the_first_counts() -> None:
    other = b"\1\1" + OTHER_MAC

    assert decode(solicitation(options=SOURCE_LINK_LAYER + other)) == Sighting(MAC, LINK_LOCAL, None)
    assert decode(solicitation(options=other + SOURCE_LINK_LAYER)) is None


@pytest.mark.parametrize("frame", [arp(), solicitation(), advertisement()], ids=["ARP", "NS", "NA"])
@pytest.mark.parametrize("tag", ["81000000", "81000064", "88a80064"])
def test_a_tagged_frame_is_of_another_network(frame: bytes, tag: str) -> None:
    assert decode(frame[:12] + bytes.fromhex(tag) + frame[12:]) is None


@given(st.binary(max_size=200))
def test_any_octets_are_a_sighting_or_none(octets: bytes) -> None:
    decode(octets)


@given(
    st.sampled_from([frame for frame, _ in BELIEVED.values()]),
    st.lists(st.tuples(st.integers(0, 85), st.integers(0, 255)), max_size=4),
    st.integers(0, 100),
)
def test_a_damaged_frame_never_speaks_for_another_mac(frame: bytes, damage: list[tuple[int, int]], end: int) -> None:
    damaged = bytearray(frame)
    for offset, octet in damage:
        damaged[offset % len(damaged)] = octet

    sighting = decode(bytes(damaged[:end]))

    assert sighting is None or sighting.mac == bytes(damaged[6:12])
    assert sighting is None or damaged.count(sighting.ip) > 0


@given(st.binary(max_size=60))
def test_any_options_are_read_or_refused(options: bytes) -> None:
    assert decode(solicitation(options=options)) in (None, Sighting(MAC, LINK_LOCAL, None))
    assert decode(advertisement(options=options)) in (None, Sighting(MAC, IP6, False))
