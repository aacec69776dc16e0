"""Duplicates: a MAC or IP that moves too often is told, or held (RFC 7432 section 15.1, RFC 9161 section 3.7).

N moves within M seconds make a duplicate. It is one until it was left alone for the recovery time, or until somebody
clears it. Pure.
"""

from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Generic, NamedTuple, TypeVar

K = TypeVar("K", bound=bytes)

MOST = 1 << 14
"""Keys whose moves are counted, and duplicates: who makes a flood of moving MACs must not fill our memory."""


class Duplicate(NamedTuple):
    """Times are monotonic seconds."""

    since: float
    last: float
    """When it moved last."""
    moves: int


class Duplicates(Generic[K]):
    """`found`: key -> Duplicate, the one that moved last at the end; the moves of the others are counted."""

    def __init__(self, moves: int, seconds: float, recovery: float) -> None:
        """`recovery`: seconds, 0 is until it is cleared."""
        self.moves = moves
        self.seconds = seconds
        self.recovery = recovery
        self.found: OrderedDict[K, Duplicate] = OrderedDict()
        self._moves: OrderedDict[K, deque[float]] = OrderedDict()

    def tune(self, moves: int, seconds: float, recovery: float) -> None:
        """Other numbers begin to count anew; what is a duplicate already stays one, for the new time."""
        self.moves, self.seconds, self.recovery = moves, seconds, recovery
        self._moves.clear()

    def moved(self, key: K, now: float) -> bool:
        """Count a move. True when the key becomes a duplicate by it; one that is a duplicate stays one for longer."""
        known = self.found.get(key)
        if known is not None:
            self.found[key] = known._replace(last=now, moves=known.moves + 1)
            self.found.move_to_end(key)
            return False
        times = self._moves.setdefault(key, deque(maxlen=self.moves))
        self._moves.move_to_end(key)
        times.append(now)
        if len(times) == self.moves and now - times[0] <= self.seconds and len(self.found) < MOST:
            del self._moves[key]
            self.found[key] = Duplicate(now, now, self.moves)
            return True
        if len(self._moves) > MOST:
            self._moves.popitem(last=False)
        return False

    def recovered(self, now: float) -> Iterator[K]:
        """Those whose time is over; they are duplicates no longer."""
        while (moment := self.next_recovery()) is not None and moment <= now:
            yield self.found.popitem(last=False)[0]

    def clear(self, key: K | None = None) -> list[K]:
        """Forget one, or all; which ones there were."""
        if key is None:
            cleared = list(self.found)
            self.found.clear()
            self._moves.clear()
            return cleared
        self._moves.pop(key, None)
        return [key] if self.found.pop(key, None) else []

    def recovers_at(self, one: Duplicate) -> float | None:
        """When it is forgotten by itself, if it does not move; None is never."""
        return one.last + self.recovery if self.recovery else None

    def next_recovery(self) -> float | None:
        return self.recovers_at(next(iter(self.found.values()))) if self.found else None
