"""A thread in which the kernel takes or tells rows while Python goes on: `send` and `recv` give away the lock."""

import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Generic, TypeVar

Lot = TypeVar("Lot")
Result = TypeVar("Result")


class Background(Generic[Lot, Result]):
    """Lots one after the other: `start`, and once `fileno()` is readable, `result` of the oldest."""

    def __init__(self, name: str, work: Callable[[Lot], Result]) -> None:
        self._name = name
        self._do = work
        self._lots: SimpleQueue[Lot] = SimpleQueue()
        self._results: SimpleQueue[tuple[Result] | Exception] = SimpleQueue()
        self._event = -1

    def open(self) -> None:
        self._event = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_SEMAPHORE)
        threading.Thread(target=self._work, name=self._name, daemon=True).start()

    def fileno(self) -> int:
        return self._event

    def start(self, lot: Lot) -> None:
        self._lots.put(lot)

    def result(self) -> Result:
        """What the work came to, or its exception; waits for it."""
        os.eventfd_read(self._event)
        result = self._results.get()
        if not isinstance(result, Exception):
            return result[0]
        try:
            raise result
        finally:
            del result  # its traceback has this frame: a cycle that would keep all that the work had until then

    def _work(self) -> None:
        while True:
            lot = self._lots.get()
            try:
                self._results.put((self._do(lot),))
            except Exception as error:  # the loop's to judge, or to crash with
                self._results.put(error)
            os.eventfd_write(self._event, 1)
