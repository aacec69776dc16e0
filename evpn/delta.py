"""Desired against actual: one table of the far side (kernel or BGP speaker), and the keys on which the two differ.

Queues hold keys, never events: a key that flaps ten times between two batches costs one write, and memory is bounded
by state, not by churn. Bookkeeping cannot fail; what the far side refuses is postponed and the rest goes on.
"""

from collections.abc import Hashable, Iterable, Mapping
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Change(NamedTuple, Generic[K, V]):
    """One difference: `old` is actual, `new` is desired, None is absence."""

    key: K
    old: V | None
    new: V | None


class DeltaTable(Generic[K, V]):
    """`desired`, `actual`, and the ordered sets of keys to write, to remove, and refused ones that wait."""

    __slots__ = ("actual", "desired", "postponed", "removals", "writes")

    def __init__(self) -> None:
        self.desired: dict[K, V] = {}
        self.actual: dict[K, V] = {}
        self.writes: dict[K, None] = {}
        self.removals: dict[K, None] = {}
        self.postponed: dict[K, None] = {}

    @property
    def pending(self) -> int:
        """How many keys differ, the postponed ones included."""
        return len(self.writes) + len(self.removals) + len(self.postponed)

    def want(self, key: K, value: V | None) -> None:
        if self.postponed and key in self.postponed and value == self.desired.get(key):
            return
        if value is None:
            self.desired.pop(key, None)
        else:
            self.desired[key] = value
        self._settle(key, value, self.actual.get(key))

    def observe(self, key: K, value: V | None) -> None:
        """The far side holds `value`: told by it, or known because it took our write."""
        if value is None:
            self.actual.pop(key, None)
        else:
            self.actual[key] = value
        desired = self.desired.get(key)
        if self.postponed and key in self.postponed and value != desired:
            return  # a refused write may do half of its work, and the news of it must not make it be tried at once
        self._settle(key, desired, value)

    def observe_all(self, rows: Mapping[K, V]) -> None:
        """The far side holds exactly `rows`: a dump."""
        for key in [key for key in self.actual if key not in rows]:
            self.observe(key, None)
        for key, value in rows.items():
            self.observe(key, value)

    def batch(self, limit: int, removals: bool = False) -> list[Change[K, V]]:
        """Up to `limit` differences, oldest first: writes, or removals when asked for."""
        queue = self.removals if removals else self.writes
        actual, desired = self.actual, self.desired
        return [Change(key, actual.get(key), desired.get(key)) for key in islice(queue, limit)]

    def postpone(self, key: K) -> None:
        """Refused: out of the queues until `retry`, another wish for the key, or the end of the difference."""
        if key in self.writes or key in self.removals:
            self.writes.pop(key, None)
            self.removals.pop(key, None)
            self.postponed[key] = None

    def retry(self, keys: Iterable[K] | None = None) -> None:
        """Put postponed keys, or all of them, behind the others again."""
        for key in list(self.postponed if keys is None else keys):
            if key in self.postponed:
                self._settle(key, self.desired.get(key), self.actual.get(key))

    def _settle(self, key: K, desired: V | None, actual: V | None) -> None:
        if self.postponed:
            self.postponed.pop(key, None)
        if desired == actual:
            self.writes.pop(key, None)
            self.removals.pop(key, None)
        elif desired is None:
            self.writes.pop(key, None)
            self.removals[key] = None
        else:
            self.removals.pop(key, None)
            self.writes[key] = None
