"""Rows to the kernel: few at once, many by a thread, while more routes are taken in.

While the thread has a batch nothing of the kernel is heard, nor asked for: all that happens are lines of ExaBGP and
wishes. So a batch ends in the state in which it began, and what is heard later is later.
"""

import logging
import select
import time
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

    def open(self) -> None:
        self._writer.open()
        self._background.open()

    @property
    def port_id(self) -> int:
        return self._writer.port_id

    def push(self, now: float) -> None:
        """A slice of what differs; the rest next turn, after whatever has come in meanwhile."""
        batch = self._core.dataplane.batch(BATCH, self._core.peers.synced)
        if not batch:
            return
        if size_of(batch) < FEW:
            self._done(batch, self._writer.apply(rows.encode(batch)), now)
            return
        self._background.start(rows.encode(batch))
        for turn in range(BATCHES_PER_TURN):
            following, items = self._meanwhile(batch, last=turn == BATCHES_PER_TURN - 1)
            refusals = self._background.result()
            if following:
                self._before()
                self._background.start(items)
            self._done(batch, refusals, now)
            batch = following
            if not batch:
                return

    def _meanwhile(self, batch: list[RowChanges], last: bool) -> tuple[list[RowChanges], list[bytes]]:
        """Takes routes in until this batch is in the kernel; the next one, encoded, unless it is the last."""
        done, lines = self._background.fileno(), self._lines.fileno()
        waiting = select.poll()
        waiting.register(done, select.POLLIN)
        waiting.register(lines, select.POLLIN)
        enough = size_of(batch) + BATCH
        following: list[RowChanges] = []
        items: list[bytes] = []
        prepared = last
        while done not in (ready := {descriptor for descriptor, _ in waiting.poll(None if prepared else 0)}):
            if not prepared and (lines not in ready or self._core.dataplane.backlog >= enough):
                following = self._core.dataplane.batch(BATCH, self._core.peers.synced, batch)
                items, prepared = rows.encode(following), True
            elif lines in ready:
                self._take()
                self._core.settle(time.monotonic())
                prepared = last or bool(following)
        return following, items

    def _apply(self, items: list[bytes]) -> list[Refusal]:
        return self._writer.apply(items)

    def _done(self, batch: list[RowChanges], refusals: list[Refusal], now: float) -> None:
        refused = rows.refused(refusals)
        self._core.kernel.pushed(batch, refused, now)
        for index, errno in refused.items():
            segment, kind, key = placed(batch, index)
            log.debug("refused vni=%d kind=%s key=%s errno=%d", segment.vni, kind.value, key.hex(), errno)
