"""Datagrams of any size, many by one call."""

import errno
import socket
from collections.abc import Iterator

import pytest

from evpn.netlink.inbox import HEAD, MOST, Inbox


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with one, other:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        yield one, other


def read(inbox: Inbox, sizes: list[int]) -> list[bytes]:
    return [inbox.datagram(index, size) for index, size in enumerate(sizes)]


def test_each_is_what_was_sent_however_long(ends) -> None:
    inbox = Inbox()
    sent = [bytes((number,)) * size for number, size in enumerate((1, 76, HEAD, HEAD + 1, 40_000, 3))]
    for datagram in sent:
        ends[0].send(datagram)

    sizes = inbox.receive(ends[1].fileno(), MOST)

    assert sizes == list(map(len, sent))
    assert read(inbox, sizes) == sent
    assert inbox.heads(2)[:1] == sent[0]
    assert inbox.heads(2)[HEAD : HEAD + 76] == sent[1]
    assert len(inbox.heads(2)) == 2 * HEAD


def test_no_more_than_wanted_are_taken_and_the_rest_waits(ends) -> None:
    inbox = Inbox()
    for number in range(5):
        ends[0].send(bytes((number,)))

    assert read(inbox, inbox.receive(ends[1].fileno(), 3)) == [b"\0", b"\1", b"\2"]
    assert read(inbox, inbox.receive(ends[1].fileno(), MOST + 1)) == [b"\3", b"\4"]


def test_when_nothing_waits_there_is_nothing(ends) -> None:
    assert Inbox().receive(ends[1].fileno(), MOST) == []


def test_an_error_is_raised(ends) -> None:
    number = ends[1].fileno()
    ends[1].close()

    with pytest.raises(OSError) as raised:
        Inbox().receive(number, MOST)

    assert raised.value.errno == errno.EBADF
