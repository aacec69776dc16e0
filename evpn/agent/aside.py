"""What may take long and nobody has to wait for: one job at a time, in a thread."""

import threading
from collections.abc import Callable

PATIENCE = 0.05
"""Seconds that a job is waited for before the loop goes on without it: most are done by then, and in order."""


class Aside:
    """What a job changes belongs to it until it is over."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None

    def start(self, job: Callable[[], None]) -> None:
        self._thread = threading.Thread(target=self._work, args=(job,), name="aside", daemon=True)
        self._thread.start()
        self._thread.join(PATIENCE)

    @property
    def busy(self) -> bool:
        """An error of a job that has ended is ours, and the loop's to crash with."""
        if self._thread is None or self._thread.is_alive():
            return self._thread is not None
        self._thread = None
        if self._error is not None:
            raise self._error
        return False

    def _work(self, job: Callable[[], None]) -> None:
        try:
            job()
        except Exception as error:
            self._error = error
