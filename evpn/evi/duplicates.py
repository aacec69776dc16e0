"""Duplicates: a MAC or IP that moves too often is told, or held (RFC 7432 section 15.1, RFC 9161 section 3.7).

N moves within M seconds make a duplicate. It is one until it was left alone for the recovery time, or until somebody
clears it. Pure.
"""

from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Generic, NamedTuple, TypeVar

K = TypeVar("K", bound=bytes)

_MOST = 1 << 14
"""Keys whose moves are counted: who makes a flood of moving MACs must not fill our memory."""


class Duplicate(NamedTuple):
    since: float
    """Monotonic seconds."""
    until: float | None
    """When it is forgotten by itself; None is never."""
    moves: int


class Duplicates(Generic[K]):
    """`found`: key -> Duplicate; the moves of the others are counted."""

    def __init__(self, moves: int, seconds: float, recovery: float) -> None:
        """`recovery`: seconds, 0 is until it is cleared."""
        self.moves = moves
        self.seconds = seconds
        self.recovery = recovery
        self.found: dict[K, Duplicate] = {}
        self._moves: OrderedDict[K, deque[float]] = OrderedDict()

    def moved(self, key: K, now: float) -> bool:
        """Count a move. True when the key becomes a duplicate by it; one that is a duplicate stays one for longer."""
        if key in self.found:
            known = self.found[key]
            self.found[key] = Duplicate(known.since, self._until(now), known.moves + 1)
            return False
        times = self._moves.setdefault(key, deque(maxlen=self.moves))
        self._moves.move_to_end(key)
        times.append(now)
        if len(times) == self.moves and now - times[0] <= self.seconds:
            del self._moves[key]
            self.found[key] = Duplicate(now, self._until(now), self.moves)
            return True
        if len(self._moves) > _MOST:
            self._moves.popitem(last=False)
        return False

    def recovered(self, now: float) -> Iterator[K]:
        """Those whose time is over; they are duplicates no longer."""
        for key in [key for key, one in self.found.items() if one.until is not None and one.until <= now]:
            del self.found[key]
            yield key

    def clear(self, key: K | None = None) -> list[K]:
        """Forget one, or all; which ones there were."""
        cleared = [one for one in self.found if key in (None, one)]
        for one in cleared:
            del self.found[one]
        if key is None:
            self._moves.clear()
        else:
            self._moves.pop(key, None)
        return cleared

    def next_recovery(self) -> float | None:
        return min((one.until for one in self.found.values() if one.until is not None), default=None)

    def _until(self, now: float) -> float | None:
        return now + self.recovery if self.recovery else None
