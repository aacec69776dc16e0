"""The loss of a session: what its peer said before is stale, and goes unless it is said again (RFC 4724 section 4.2).

No path is marked, for a peer may have a million of them. What was said since is known, and all else of the peer is
stale. What follows from that for each route is found out a slice of routes at a time.
"""

from collections.abc import Iterable

from evpn.values import RouteKey


class Loss:
    """Of one session of one peer."""

    def __init__(self) -> None:
        self.said: set[RouteKey] = set()
        """What the peer has announced since, and not withdrawn."""
        self.is_swept = False
        """What is stale is to be dropped; before, it only loses to what is fresh."""
        self._left: list[RouteKey] | None = None

    def sweep(self) -> None:
        """Every route has to be looked at again: those that have been were only put in another order."""
        if not self.is_swept:
            self.is_swept, self._left = True, None

    @property
    def is_through(self) -> bool:
        """Every route was looked at."""
        return self._left == []

    def take(self, routes: Iterable[RouteKey], most: int) -> list[RouteKey]:
        """The next ones to be looked at. Of `routes` only those known at first matter: the others were said since."""
        if self._left is None:
            self._left = list(routes)
        part = self._left[-most:]
        del self._left[-most:]  # bit by bit, for to forget a million at once takes as long as to note them
        return part
