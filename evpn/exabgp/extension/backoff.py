"""Back-off between sessions that do not last.

Surface: the name `Delay` in `exabgp.reactor.peer`. ExaBGP forgets its back-off whenever a session is established, so a
peer that resets the session on one of our routes is called again at once, 25 times a second.
"""

from time import monotonic
from typing import Any

from exabgp.reactor import peer
from exabgp.reactor.delay import Delay

STABLE = 10.0
"""Seconds after which an established session counts as a good one."""

LONGEST = 30
"""Seconds between two attempts at most."""


class PatientDelay(Delay):  # type: ignore[misc]  # ExaBGP has no types
    def __init__(self) -> None:
        super().__init__()
        self._since = monotonic() - STABLE
        self._short = 0

    def reset(self) -> None:
        """A session was established, or somebody asked for one now."""
        super().reset()
        self._since = monotonic()

    def increase(self) -> None:
        """A session ended, or did not come to be. The first time after a good one costs nothing."""
        self._short = 0 if monotonic() - self._since >= STABLE else self._short + 1
        self._next: Any = max(self._next, min(2 ** (self._short - 2), LONGEST) if self._short > 1 else 0)
        super().increase()


def install() -> None:
    peer.Delay = PatientDelay
