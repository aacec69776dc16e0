"""What may take long and nobody has to wait for: one job at a time, in a thread."""

import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

PATIENCE = 0.05
"""Seconds that a job is waited for before the loop goes on without it: most are done by then, and in order."""
RETRY = 1.0
"""Seconds after which a job begins for which there was no thread."""


class Aside:
    """What a job changes belongs to it until it is over."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None
        self._waiting: Callable[[], None] | None = None
        self._retry_at = 0.0

    def start(self, job: Callable[[], None]) -> None:
        thread = threading.Thread(target=self._work, args=(job,), name="aside", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # a limit of the service or of the machine, which others may be the reason of
            if self._waiting is None:
                log.warning("work put off error=%s", error)
            self._waiting, self._retry_at = job, time.monotonic() + RETRY
            return
        self._thread, self._waiting = thread, None
        thread.join(PATIENCE)

    @property
    def busy(self) -> bool:
        """Whether a job runs, or waits for a thread; an error of one that has ended is the loop's to crash with."""
        if self._waiting is not None and time.monotonic() >= self._retry_at:
            self.start(self._waiting)
        if self._waiting is not None:
            return True
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
