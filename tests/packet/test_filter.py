"""The filter, run by the kernel: on a Unix datagram socket too, so nobody has to be root."""

import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evpn.netlink.echo import attach
from evpn.packet.filter import LONGEST, program
from evpn.packet.sighting import decode

from .hosts import ALL_NODES, LINK_LOCAL, MAC, advertisement, arp, ipv6, solicitation


class Filtered:
    def __init__(self) -> None:
        self.sender, self.receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        attach(self.receiver, program())

    def passed(self, frame: bytes) -> bytes | None:
        self.sender.send(frame)
        try:
            return self.receiver.recv(1 << 16)
        except BlockingIOError:
            return None

    def close(self) -> None:
        self.sender.close()
        self.receiver.close()


@pytest.fixture(scope="module")
def kernel() -> Iterator[Filtered]:
    made = Filtered()
    yield made
    made.close()


WANTED = {"ARP": arp(), "ARP reply": arp(2), "solicitation": solicitation(), "advertisement": advertisement()}


@pytest.mark.parametrize("frame", WANTED.values(), ids=WANTED)
def test_what_tells_of_an_address_passes_whole(kernel: Filtered, frame: bytes) -> None:
    assert kernel.passed(frame) == frame


def test_of_a_long_frame_the_beginning_passes(kernel: Filtered) -> None:
    frame = solicitation(options=b"\1\1" + MAC + b"\x0e\x20" + bytes(254))

    assert kernel.passed(frame) == frame[:LONGEST]


def message(kind: int) -> bytes:
    return ipv6(bytes((kind,)) + bytes(23), LINK_LOCAL, ALL_NODES)


OTHERS = {
    "IPv4": arp()[:12] + b"\x08\x00" + bytes(46),
    "IPv6 with TCP": ipv6(b"\x87" + bytes(39), LINK_LOCAL, ALL_NODES, protocol=6),
    "ping": message(128),
    "router advertisement": message(134),
    "redirect": message(137),
    "MLD, behind an extension header": ipv6(b"\x3a\0\5\2\0\0\0\0\x8f" + bytes(19), LINK_LOCAL, ALL_NODES, protocol=0),
    "tagged ARP": arp()[:12] + b"\x81\0\0\5" + arp()[12:],
    "another EtherType": arp()[:12] + b"\x88\xb5" + bytes(46),
    "a header": arp()[:13],
    "half a solicitation": solicitation()[:54],
    "nothing": b"",
}


@pytest.mark.parametrize("frame", OTHERS.values(), ids=OTHERS)
def test_all_else_is_dropped(kernel: Filtered, frame: bytes) -> None:
    assert kernel.passed(frame) is None


FRAMES = [*WANTED.values(), *OTHERS.values()]


@given(st.sampled_from(FRAMES), st.lists(st.tuples(st.integers(12, 55), st.integers(0, 255)), max_size=3))
def test_what_is_believed_has_passed(kernel: Filtered, frame: bytes, damage: list[tuple[int, int]]) -> None:
    damaged = bytearray(frame)
    for offset, octet in damage:
        if offset < len(damaged):
            damaged[offset] = octet

    passed = kernel.passed(bytes(damaged))

    assert passed is None or passed == damaged[:LONGEST]
    assert decode(bytes(damaged)) is None or passed is not None
