"""What a thread makes is taken part by part; who wants no more leaves no thread behind."""

import gc
import threading
import weakref
from collections.abc import Iterator
from contextlib import suppress
from errno import ENOBUFS

import pytest

from evpn.agent.threaded import in_thread
from evpn.netlink.errors import NetlinkError
from tests.interop.frr import until


def test_parts_come_in_their_order() -> None:
    assert [part for part in in_thread(lambda: iter(range(100))) if part is not None] == list(range(100))


def test_nobody_waits_for_a_part_that_is_not_there_yet() -> None:
    wanted = threading.Event()

    def parts() -> Iterator[str]:
        wanted.wait()
        yield "part"

    taken = in_thread(parts)
    assert next(taken) is None
    wanted.set()

    assert [part for part in taken if part] == ["part"]


def test_what_is_raised_is_raised_to_who_takes_the_parts() -> None:
    def parts() -> Iterator[int]:
        yield 1
        raise NetlinkError(ENOBUFS, "dump")

    taken = []
    with pytest.raises(NetlinkError, match="dump"):
        taken += list(in_thread(parts))


def test_only_a_few_are_made_before_they_are_taken_and_none_when_nobody_wants_more() -> None:
    made = 0

    def parts() -> Iterator[int]:
        nonlocal made
        while True:
            made += 1
            yield made

    before = threading.active_count()
    taken = in_thread(parts)
    numbers = [part for part in (next(taken) for _ in range(10)) if part is not None]
    until(lambda: made >= len(numbers) + 4, 10)
    assert made <= len(numbers) + 6

    taken.close()  # type: ignore[attr-defined]
    until(lambda: threading.active_count() == before, 10)
    assert made <= len(numbers) + 7


def test_what_was_made_until_it_failed_is_gone_without_a_collector() -> None:
    """Who writes very many rows freezes what there is, and what is in a cycle by then stays for good."""
    left = []

    def parts() -> Iterator[int]:
        rows = threading.Event()
        left.append(weakref.ref(rows))
        yield 1
        raise NetlinkError(ENOBUFS, "dump")

    gc.disable()
    try:
        with suppress(NetlinkError):
            list(in_thread(parts))
        until(lambda: left[0]() is None, 10)
    finally:
        gc.enable()
