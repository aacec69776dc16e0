"""Real pipes: the reading thread is real, too, so each test waits on the event and never sleeps."""

import os
import select
import threading
from collections.abc import Iterator

import pytest

from evpn.exabgp.pipe import Pipe


class FarEnd:
    """ExaBGP's ends of the two pipes."""

    def __init__(self) -> None:
        read_fd, self.to_us = os.pipe()
        self.from_us, write_fd = os.pipe()
        self.pipe = Pipe(read_fd, write_fd)
        self.pipe.open()
        self.fds = {read_fd, write_fd, self.to_us, self.from_us}

    def say(self, octets: bytes) -> None:
        while octets:
            octets = octets[os.write(self.to_us, octets) :]

    def hang_up(self, fd: int) -> None:
        os.close(fd)
        self.fds.discard(fd)

    def lines(self, count: int) -> list[bytes]:
        """What `pipe` reads until it has so many lines."""
        found: list[bytes] = []
        while len(found) < count and not self.pipe.closed:
            assert select.select([self.pipe], [], [], 5)[0], f"only {len(found)} lines came"
            found += self.pipe.read()
        return found


@pytest.fixture
def far() -> Iterator[FarEnd]:
    far = FarEnd()
    yield far
    if far.to_us in far.fds:
        far.hang_up(far.to_us)
    for thread in threading.enumerate():
        if thread.name == "exabgp-reader":
            thread.join(40)  # the end of file is its end
    for fd in far.fds | {far.pipe.fileno()}:
        os.close(fd)


def test_lines_come_without_their_newlines(far: FarEnd) -> None:
    far.say(b"one\ntwo\n\nfour\n")

    assert far.lines(4) == [b"one", b"two", b"", b"four"]


def test_a_line_in_pieces_is_one_line(far: FarEnd) -> None:
    far.say(b"o")
    select.select([far.pipe], [], [], 5)
    assert far.pipe.read() == []
    far.say(b"n")
    far.say(b"e\nrest")

    assert far.lines(1) == [b"one"]

    far.say(b" of it\n")
    assert far.lines(1) == [b"rest of it"]


@pytest.mark.parametrize("size", [1 << 16, (1 << 20) + 1, 3 << 20])
def test_a_line_of_any_size_comes_whole(far: FarEnd, size: int) -> None:
    far.say(b"x" * size + b"\nnext\n")

    first, second = far.lines(2)

    assert (len(first), second) == (size, b"next")


def test_the_event_stays_while_more_is_waiting(far: FarEnd) -> None:
    far.say(b"a\n" * 1000)
    far.say(b"b\n")
    found: list[bytes] = []

    while len(found) < 1001:
        assert select.select([far.pipe], [], [], 5)[0]
        found += far.pipe.read(limit=1)

    assert found[-1] == b"b"


def test_the_writer_over_there_never_blocks_however_long_we_do_not_read(far: FarEnd) -> None:
    far.say(b"x" * 99 + b"\n")
    for _ in range(80):
        far.say((b"x" * 99 + b"\n") * 1000)  # 8 MB, eight times what the pipe holds

    assert len(far.lines(80_001)) == 80_001


def test_the_end_of_file_comes_after_the_last_line(far: FarEnd) -> None:
    far.say(b"last\n")
    far.hang_up(far.to_us)

    assert far.lines(9) == [b"last"]
    assert far.pipe.closed


def test_what_is_written_goes_out_in_order(far: FarEnd) -> None:
    far.pipe.write(b"one\n")
    far.pipe.write(b"two\n")
    assert far.pipe.unwritten == 2

    far.pipe.flush()

    assert os.read(far.from_us, 100) == b"one\ntwo\n"
    assert far.pipe.unwritten == 0


def test_a_reader_that_does_not_read_does_not_block_us(far: FarEnd) -> None:
    lines = [b"%7d" % n + b"x" * 60_000 + b"\n" for n in range(50)]
    for line in lines:
        far.pipe.write(line)

    far.pipe.flush()
    assert far.pipe.unwritten > 0
    assert not far.pipe.closed

    received = b""
    while far.pipe.unwritten or select.select([far.from_us], [], [], 0)[0]:
        received += os.read(far.from_us, 1 << 16)
        far.pipe.flush()
    assert received == b"".join(lines)


def test_a_reader_that_is_gone_is_the_end(far: FarEnd) -> None:
    far.hang_up(far.from_us)
    far.pipe.write(b"line\n")

    far.pipe.flush()

    assert far.pipe.closed
    assert far.pipe.unwritten == 1


def test_exabgp_keeps_what_is_too_much_and_none_of_it_is_lost(far: FarEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evpn.exabgp.pipe.MOST_UNREAD", 1 << 20)
    line = b"x" * 1023 + b"\n"
    speaker = threading.Thread(target=far.say, args=(line * 16_384,), daemon=True)
    speaker.start()
    speaker.join(0.5)
    held_back = speaker.is_alive()

    lines = far.lines(16_384)

    speaker.join(5)
    assert held_back and not speaker.is_alive()
    assert set(lines) == {line[:-1]}
