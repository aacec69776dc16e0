"""Many datagrams of any size by few calls, in order."""

import errno
import socket
from collections.abc import Iterator

import pytest

from evpn.netlink.outbox import MOST, Outbox


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with one, other:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
        one.setblocking(False)
        other.setblocking(False)
        yield one, other


def read(end: socket.socket, count: int) -> list[bytes]:
    return [end.recv(1 << 16) for _ in range(count)]


@pytest.mark.parametrize("count", [0, 1, 3, MOST, MOST + 1])
def test_each_arrives_as_it_was_sent(ends, count: int) -> None:
    sent = [number.to_bytes(2) * (number % 50 + 1) for number in range(count)]

    Outbox().send(ends[0].fileno(), sent)

    assert read(ends[1], count) == sent
    with pytest.raises(BlockingIOError):
        ends[1].recv(1)


def test_an_outbox_is_used_again_with_fewer_and_shorter_ones(ends) -> None:
    outbox = Outbox()
    for sent in ([b"a" * 100, b"b" * 100, b"c" * 100], [b"d"]):
        outbox.send(ends[0].fileno(), sent)
        assert read(ends[1], len(sent)) == sent


def test_what_cannot_be_sent_is_an_error_and_ends_it(ends) -> None:
    with pytest.raises(OSError) as caught:
        Outbox().send(ends[0].fileno(), [b"before", bytes(1 << 24), b"behind"])

    assert caught.value.errno == errno.EMSGSIZE
    assert read(ends[1], 1) == [b"before"]
    with pytest.raises(BlockingIOError):
        ends[1].recv(1)
