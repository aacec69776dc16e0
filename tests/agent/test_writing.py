"""Very many rows: what changes while the kernel is at work ends as it would have ended otherwise."""

import gc
import os
import random
import threading
import time
from collections.abc import Iterator
from weakref import ref

import pytest

from evpn.agent.writing import BATCH, BATCHES_PER_TURN, FEW, Writing
from evpn.netlink.messages import Refusal
from evpn.values import IpAddress, MacAddress
from evpn.wire.update import encode_announce, encode_withdraw
from tests.builders import LINKS, RR1, VTEP2, VTEP3, a_mac_route, attributes, rd_of
from tests.fakes import FakeKernel

from .vtep import Vtep

MANY = 3 * BATCH


class Lines:
    """UPDATEs that wait, and a descriptor that says so."""

    def __init__(self, core) -> None:
        self._core = core
        self._event = os.eventfd(0, os.EFD_NONBLOCK)
        self.updates: list[bytes] = []
        self.taken = 0

    def fileno(self) -> int:
        return self._event

    def say(self, *updates: bytes) -> None:
        self.updates += updates
        os.eventfd_write(self._event, 1)

    def take(self) -> None:
        self.taken += 1
        self._core.update_received(RR1, self.updates.pop(0))
        if not self.updates:
            os.eventfd_read(self._event)


class SlowKernel(FakeKernel):
    """Works in the thread, and is not done before so many lines have been taken meanwhile, if there are any."""

    def __init__(self, *links) -> None:
        super().__init__(*links)
        self.lines: Lines | None = None
        self.patience = 3
        self.batches = 0
        self.threads: set[str] = set()

    def open(self) -> None: ...

    def apply(self, messages: list[bytes]) -> list[Refusal]:
        self.batches += 1
        self.threads.add(threading.current_thread().name)
        if self.lines is not None and threading.current_thread().name == "row-writer":
            wanted = self.lines.taken + self.patience
            while self.lines.updates and self.lines.taken < wanted:
                continue
        return super().apply(messages)


class Site:
    def __init__(self) -> None:
        self.kernel = SlowKernel(*LINKS)
        self.vtep = Vtep(kernel=self.kernel)
        self.vtep.peer_up()
        self.vtep.settle()
        self.core = self.vtep.core
        self.kernel.lines = self.lines = Lines(self.core)
        self.writing = Writing(self.core, self.lines, self.lines.take, self.kernel, lambda: None)  # type: ignore[arg-type]
        self.writing.open()
        self.kernel.filtered = True

    def run(self, *updates: bytes) -> None:
        """As the loop does: some lines, what follows of them, a push; until nothing is left."""
        if updates:
            self.lines.say(*updates)
        for _ in range(1000):
            if self.lines.updates:
                self.lines.take()
            self.core.settle(0.0)
            self.writing.push(0.0)
            if not self.lines.updates and not self.core.dataplane.pending:
                return
        raise AssertionError(f"{self.core.dataplane.pending} rows pending still")

    def rows(self) -> tuple[object, ...]:
        return self.kernel.bridge, self.kernel.tunnel, self.kernel.neighbors


def mac(number: int) -> MacAddress:
    return MacAddress(b"\2\0" + number.to_bytes(4))


def ip(number: int) -> IpAddress:
    return IpAddress((0x0A640000 + number).to_bytes(4))


def announced(numbers: range | list[int], vtep: IpAddress = VTEP2, **mobility) -> Iterator[bytes]:
    for start in range(0, len(numbers), 100):
        routes = [a_mac_route(mac(number), ip(number), rd_of(vtep)) for number in numbers[start : start + 100]]
        yield encode_announce(routes, vtep, attributes(**mobility))


def withdrawn(numbers: range | list[int], vtep: IpAddress = VTEP2) -> Iterator[bytes]:
    for start in range(0, len(numbers), 100):
        yield encode_withdraw([a_mac_route(mac(n), ip(n), rd_of(vtep)) for n in numbers[start : start + 100]])


def expected(*updates: bytes) -> tuple[object, ...]:
    """The rows if each UPDATE is dealt with before the next one comes, on the loop's own thread."""
    vtep = Vtep()
    vtep.peer_up()
    for update in updates:
        vtep.speaker.update(RR1, update)
    vtep.settle()
    return vtep.kernel.bridge, vtep.kernel.tunnel, vtep.kernel.neighbors


def test_many_rows_are_written_by_the_thread_while_lines_are_taken() -> None:
    site, updates = Site(), list(announced(range(MANY)))

    site.run(*updates)

    assert site.kernel.threads >= {"row-writer"}
    assert site.lines.taken == len(updates)
    assert site.rows() == expected(*updates)


def test_few_rows_wait_for_no_thread() -> None:
    site = Site()
    site.kernel.threads.clear()

    site.run(*announced(range(FEW // 2 - 1)))

    assert site.kernel.threads == {threading.main_thread().name}


def test_garbage_of_before_is_not_kept_with_the_routes() -> None:
    site = Site()
    garbage = Lines(site.core)
    garbage.itself = garbage  # type: ignore[attr-defined]
    left = ref(garbage)

    gc.disable()
    try:
        del garbage
        site.run(*announced(range(FEW)))
    finally:
        gc.enable()

    assert left() is None


@pytest.mark.parametrize("seed", range(8))
def test_what_changes_under_way_ends_as_if_it_had_not_been_under_way(seed: int) -> None:
    chosen = random.Random(seed)
    numbers = range(2 * BATCH)
    updates = list(announced(numbers))
    for round_ in range(1, 5):
        some = chosen.sample(numbers, 500)
        updates += list(announced(some, VTEP3, sequence=round_) if chosen.random() < 0.5 else withdrawn(some))
    first, rest = updates[:82], updates[82:]
    chosen.shuffle(rest)
    site = Site()
    site.kernel.patience = chosen.randrange(1, 30)

    site.run(*first, *rest)

    assert site.rows() == expected(*first, *rest)


def test_all_is_withdrawn_while_it_is_being_written() -> None:
    site, numbers = Site(), range(MANY)
    site.kernel.patience = 1000

    site.run(*announced(numbers), *withdrawn(numbers))

    assert site.rows() == expected()


def test_a_turn_ends_although_there_is_more() -> None:
    site = Site()
    numbers = range(BATCH * (BATCHES_PER_TURN + 2))
    for update in announced(numbers):
        site.core.update_received(RR1, update)
    site.core.settle(0.0)
    site.kernel.batches = 0

    site.writing.push(0.0)

    assert site.kernel.batches == BATCHES_PER_TURN
    assert site.core.dataplane.pending == 2 * len(numbers) - BATCHES_PER_TURN * BATCH


def test_what_is_refused_by_the_thread_waits_and_is_tried_again() -> None:
    site, numbers = Site(), range(BATCH)
    site.kernel.refuse = {mac(7): 28, ip(9): 16}

    for update in announced(numbers):
        site.core.update_received(RR1, update)
    site.core.settle(0.0)
    site.writing.push(0.0)
    site.writing.push(0.0)

    refused = {key: one.errno for (_, _, key), one in site.core.dataplane.refusals.items()}
    assert refused == {mac(7): 28, ip(9): 16}
    site.kernel.refuse.clear()
    site.core.settle(2.0)
    site.writing.push(2.0)
    assert site.core.dataplane.pending == 0
    assert site.rows() == expected(*announced(numbers))


def test_a_mistake_of_ours_in_the_thread_ends_the_agent(monkeypatch) -> None:
    site = Site()

    def broken(items: list[bytes]) -> list[Refusal]:
        raise ZeroDivisionError

    monkeypatch.setattr(site.kernel, "apply", broken)
    with pytest.raises(ZeroDivisionError):
        site.run(*announced(range(BATCH)))


def test_the_next_batch_waits_when_the_thread_is_done_with_one(monkeypatch) -> None:
    site, apply, waiting = Site(), SlowKernel.apply, []

    def patient(kernel: SlowKernel, messages: list[bytes]) -> list[Refusal]:
        deadline = time.monotonic() + (0 if waiting else 5)
        while not (found := site.writing._background._lots.qsize()) and time.monotonic() < deadline:
            time.sleep(0.001)
        waiting.append(found)
        return apply(kernel, messages)

    for update in announced(range(2 * BATCH)):
        site.core.update_received(RR1, update)
    site.core.settle(0.0)
    monkeypatch.setattr(SlowKernel, "apply", patient)

    site.writing.push(0.0)

    assert waiting[0] == 1
