"""A thread in which the kernel takes rows while Python goes on: `send` gives the interpreter's lock away."""

import os
import threading
from collections.abc import Sequence
from queue import SimpleQueue

from evpn.netlink.messages import Refusal
from evpn.netlink.socket import Writer


class Background:
    """One lot at a time: `start`, and once `fileno()` is readable, `result`."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._lots: SimpleQueue[Sequence[bytes]] = SimpleQueue()
        self._results: SimpleQueue[list[Refusal] | Exception] = SimpleQueue()
        self._event = -1

    def open(self) -> None:
        self._event = os.eventfd(0, os.EFD_CLOEXEC)
        threading.Thread(target=self._work, name="row-writer", daemon=True).start()

    def fileno(self) -> int:
        return self._event

    def start(self, items: Sequence[bytes]) -> None:
        self._lots.put(items)

    def result(self) -> list[Refusal]:
        """What `Writer.apply` said; waits for it."""
        os.eventfd_read(self._event)
        result = self._results.get()
        if isinstance(result, Exception):
            raise result
        return result

    def _work(self) -> None:
        while True:
            items = self._lots.get()
            try:
                self._results.put(self._writer.apply(items))
            except Exception as error:  # ours, and the loop's to crash with
                self._results.put(error)
            os.eventfd_write(self._event, 1)
