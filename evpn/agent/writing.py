"""Rows to the kernel: few at once, many by a thread, while more routes are taken in.

While the thread has a batch nothing of the kernel is heard, nor asked for: all that happens are lines of ExaBGP and
wishes. So a batch ends in the state in which it began, and what is heard later is later. A second batch waits for the
first one, for the thread is not to wait until the loop has time: it has to wait for the interpreter already.
"""

import gc
import logging
import select
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from evpn.agent.core import Core
from evpn.dataplane.batches import RowChanges, placed, size_of
from evpn.netlink import rows
from evpn.netlink.background import Background
from evpn.netlink.messages import Refusal
from evpn.netlink.socket import Writer

log = logging.getLogger(__name__)

BATCH, BATCHES_PER_TURN = 4096, 8
"""Rows; in one turn as many as take the kernel 150 ms."""
DEPTH = 2
"""Batches that are under way at most, the one that the kernel is at work on among them."""
FEW = 64
"""Rows up to which it is quicker to write them than to have them written."""


class Readable(Protocol):
    def fileno(self) -> int: ...


class Writing:
    """Owner of the writing socket."""

    def __init__(
        self, core: Core, lines: Readable, take: Callable[[], None], writer: Writer, before: Callable[[], None]
    ) -> None:
        """`take`: takes a few of the lines that wait; `before`: is told before each batch of many."""
        self._core = core
        self._lines = lines
        self._take = take
        self._writer = writer
        self._before = before
        self._background = Background("row-writer", self._apply)
        self._flying: deque[list[RowChanges]] = deque()
        """Oldest first."""
        self._in_bulk = False
        """The turn before had very many rows as well."""

    def open(self) -> None:
        self._writer.open()
        self._background.open()

    @property
    def port_id(self) -> int:
        return self._writer.port_id

    def push(self, now: float) -> bool:
        """A slice of what differs; the rest next turn. Whether lines were taken meanwhile, as far as there were any."""
        batch = self._next()
        if size_of(batch) >= FEW:
            self._start(batch)
            if not self._in_bulk:
                gc.collect()  # before `gc.freeze`, which keeps garbage for ever: changes of devices leave some
            self._in_bulk = True
            self._go_on(BATCHES_PER_TURN - 1, now)
            return True
        self._in_bulk = False
        if batch:
            self._done(batch, self._writer.apply(rows.encode(batch)), now)
        return False

    def _go_on(self, left: int, now: float) -> None:
        """Takes routes in until all that is under way is in the kernel; up to so many more batches follow."""
        waiting, dry = select.poll(), False
        for descriptor in (self._background, self._lines):
            waiting.register(descriptor, select.POLLIN)
        while self._flying:
            room = left > 0 and len(self._flying) < DEPTH and not dry
            ready = {descriptor for descriptor, _ in waiting.poll(0 if room else None)}
            landed = self._background.fileno() in ready
            if room and (landed or not ready or self._is_enough()):
                batch = self._next()
                if batch:
                    self._before()
                    self._start(batch)
                    left -= 1
                dry = not batch
            elif landed:
                self._done(self._flying.popleft(), self._background.result(), now)
                # routes live long: that the collector walks each of them takes 5 % of the time. A cycle that becomes
                # garbage later stays for ever; none is made of what peers, the kernel or clients say
                gc.freeze()
                dry = False
            elif ready:
                self._take()
                self._core.settle(time.monotonic())
                dry = False

    def _next(self) -> list[RowChanges]:
        return self._core.dataplane.batch(BATCH, self._core.peers.synced, under_way=bool(self._flying))

    def _is_enough(self) -> bool:
        """For another whole batch."""
        return self._core.dataplane.backlog >= sum(map(size_of, self._flying)) + BATCH

    def _start(self, batch: list[RowChanges]) -> None:
        self._background.start(rows.encode(batch))
        self._core.dataplane.launch(batch)
        self._flying.append(batch)

    def _apply(self, items: list[bytes]) -> list[Refusal]:
        return self._writer.apply(items)

    def _done(self, batch: list[RowChanges], refusals: list[Refusal], now: float) -> None:
        refused = rows.refused(refusals)
        self._core.kernel.pushed(batch, refused, now)
        for index, errno in refused.items():
            segment, kind, key = placed(batch, index)
            log.debug("refused vni=%d kind=%s key=%s errno=%d", segment.vni, kind.value, key.hex(), errno)
