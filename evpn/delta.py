"""Desired against actual: one table of the far side (kernel or BGP speaker), and the keys on which the two differ.

Queues hold keys, never events: a key that flaps ten times between two batches costs one write, and memory is bounded
by state, not by churn. Bookkeeping cannot fail; what the far side refuses is postponed and the rest goes on.
"""

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from itertools import islice
from operator import is_
from typing import Generic, TypeAlias, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


Change: TypeAlias = tuple[K, V | None, V | None]
"""One difference: key, actual, desired; None is absence. A plain tuple, for there are very many."""


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

    def differs(self, key: K) -> bool:
        """Whether it is one of the pending ones."""
        return key in self.writes or key in self.removals or key in self.postponed

    def want(self, key: K, value: V | None) -> None:
        if self.postponed and key in self.postponed and value == self.desired.get(key):
            return
        if value is None:
            self.desired.pop(key, None)
        else:
            self.desired[key] = value
        self._settle(key, value, self.actual.get(key))

    def want_batch(self, keys: Collection[K], wishes: Mapping[K, V]) -> None:
        """`want` of each of these keys; those without a wish are to be absent."""
        actual, desired, writes, removals = self.actual, self.desired, self.writes, self.removals
        if self.postponed:
            for key in keys:
                self.want(key, wishes.get(key))
            return
        if len(wishes) == len(keys) and not removals and actual.keys().isdisjoint(wishes):
            desired.update(wishes)  # all new, as while a fabric is learnt
            writes.update(dict.fromkeys(wishes))
            return
        if not wishes and not writes:  # all gone
            for key in keys:
                desired.pop(key, None)
            removals.update((key, None) for key in keys if key in actual)
            return
        for key in keys:
            self.want(key, wishes.get(key))

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

    def batch(self, limit: int, removals: bool = False, flying: Collection[K] = ()) -> list[Change[K, V]]:
        """Up to `limit` differences, oldest first: writes, or removals when asked for.

        `flying`: keys whose last batch is under way; what becomes of them is not known yet.
        """
        queue = self.removals if removals else self.writes
        actual, desired = self.actual, self.desired
        keys = list(islice((key for key in queue if key not in flying) if flying else queue, limit))
        return list(zip(keys, map(actual.get, keys), map(desired.get, keys), strict=True))

    def observe_batch(self, batch: Sequence[Change[K, V]]) -> None:
        """The far side took all of a batch."""
        if self.postponed:
            for key, _, new in batch:
                self.observe(key, new)
            return
        keys, news = [key for key, _, _ in batch], [new for _, _, new in batch]
        if None not in news and all(map(is_, map(self.desired.get, keys), news)):  # nothing was wanted meanwhile
            self.actual.update((key, new) for key, _, new in batch if new is not None)
            for key in keys:
                self.writes.pop(key, None)
        elif news.count(None) == len(news) and self.desired.keys().isdisjoint(keys):
            for key in keys:
                self.actual.pop(key, None)
                self.removals.pop(key, None)
        else:
            for key, new in zip(keys, news, strict=True):
                self.observe(key, new)

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
