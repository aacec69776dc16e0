"""Desired against actual: one table of the far side (kernel or BGP speaker), and the keys on which the two differ.

Queues hold keys, never events: a key that flaps ten times between two batches costs one write, and memory is bounded
by state, not by churn. Bookkeeping cannot fail; what the far side refuses is postponed and the rest goes on. Where very
many differ, a look into a large table is what takes time, so the queues carry what a batch needs.
"""

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import compress, islice
from operator import is_
from typing import Generic, NamedTuple, TypeAlias, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


Change: TypeAlias = tuple[K, V | None, V | None]
"""One difference: key, actual, desired; None is absence."""


@dataclass(frozen=True, slots=True)
class Changes(Generic[K, V]):
    """Differences by the column, for there are very many: what is done to a whole column takes a tenth of the time."""

    keys: list[K]
    old: list[V | None]
    new: list[V | None]

    @classmethod
    def of(cls, changes: Iterable[Change[K, V]]) -> "Changes[K, V]":
        every = list(changes)
        return cls([key for key, _, _ in every], [old for _, old, _ in every], [new for _, _, new in every])

    def __len__(self) -> int:
        return len(self.keys)

    def __iter__(self) -> Iterator[Change[K, V]]:
        return zip(self.keys, self.old, self.new, strict=True)

    def part(self, start: int, end: int) -> "Changes[K, V]":
        return Changes(self.keys[start:end], self.old[start:end], self.new[start:end])

    def where(self, chosen: Collection[bool]) -> "Changes[K, V]":
        """Those for which it is true."""
        keys, old, new = compress(self.keys, chosen), compress(self.old, chosen), compress(self.new, chosen)
        return Changes(list(keys), list(old), list(new))


_APART, _MOST_LANDMARKS = 256, 1024
"""Keys from one landmark to the next; and how many of these are kept."""


class Flight(NamedTuple, Generic[K, V]):
    """What is under way together."""

    rows: dict[K, V]
    removing: bool


class DeltaTable(Generic[K, V]):
    """`desired`, `actual`, and where a key is on which they differ: it is written, removed, under way, or it waits."""

    __slots__ = (
        "_all_new",
        "_disturbed",
        "_flights",
        "actual",
        "desired",
        "landmarks",
        "postponed",
        "removals",
        "writes",
    )

    def __init__(self) -> None:
        self.desired: dict[K, V] = {}
        self.actual: dict[K, V] = {}
        self.writes: dict[K, V] = {}
        """And what is desired; oldest first."""
        self.removals: dict[K, V] = {}
        """And what is to go; oldest first."""
        self.postponed: dict[K, None] = {}
        """Refused ones."""
        self.landmarks: list[K] = []
        """Of each batch of very many keys that became actual some, which may be gone by now: whoever wants to look at a
        few, need not walk past all the others."""
        self._flights: list[Flight[K, V]] = []
        """Under way, oldest first; what becomes of them is not known yet."""
        self._disturbed: set[K] = set()
        """Those under way of which something was wanted, or told, since."""
        self._all_new = True
        """Whether it is known of all `writes` that the far side has nothing under their keys."""

    @property
    def pending(self) -> int:
        """How many keys differ, those that are under way or postponed included."""
        return len(self.writes) + len(self.removals) + len(self.postponed) + sum(len(one.rows) for one in self._flights)

    def differs(self, key: K) -> bool:
        """Whether it is one of the pending ones."""
        return any(key in some for some in (self.writes, self.removals, self.postponed)) or self._is_flying(key)

    def _is_flying(self, key: K) -> bool:
        return any(key in flight.rows for flight in self._flights)

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
        if len(wishes) == len(keys) and self._are_new(wishes):  # as while a fabric is learnt
            self._all_new = self._all_new or not self.writes
            self.desired.update(wishes)
            self.writes.update(wishes)
        elif not wishes and not self.writes and self._are_calm(keys):  # all gone
            actual, desired, removals = self.actual, self.desired, self.removals
            for key in keys:
                desired.pop(key, None)
                known = actual.get(key)
                if known is not None:
                    removals[key] = known
        else:
            for key in keys:
                self.want(key, wishes.get(key))

    def _are_new(self, wishes: Mapping[K, V]) -> bool:
        """Neither side has any of these keys. What is actual but not desired is to be removed, one way or another."""
        calm = not (self.removals or self.postponed or self._disturbed or any(one.removing for one in self._flights))
        return calm and self.desired.keys().isdisjoint(wishes)

    def _are_calm(self, keys: Collection[K]) -> bool:
        return not self.postponed and all(one.rows.keys().isdisjoint(keys) for one in self._flights)

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

    def batch(self, limit: int, removals: bool = False) -> Changes[K, V]:
        """Up to `limit` differences, oldest first: writes, or removals when asked for."""
        queue = self.removals if removals else self.writes
        keys = list(islice(queue, limit))
        values: list[V | None] = list(islice(queue.values(), limit))
        if removals:
            return Changes(keys, values, [None] * len(keys))
        return Changes(keys, [None] * len(keys) if self._all_new else list(map(self.actual.get, keys)), values)

    def launch(self, batch: Changes[K, V]) -> None:
        """It is under way from now on, until `observe_batch`, or `postpone`, is told what has become of it."""
        removing = batch.new.count(None) == len(batch)
        queue = self.removals if removing else self.writes
        if len(batch) < len(queue):
            rows = {key: queue.pop(key) for key in batch.keys}
        elif removing:
            rows, self.removals = queue, {}
        else:
            rows, self.writes = queue, {}
        self._flights.append(Flight(rows, removing))

    def observe_batch(self, batch: Changes[K, V]) -> None:
        """The far side took all of a batch: of the oldest that is under way, or of one that never was."""
        keys = batch.keys
        flight, calm = self._land(keys), not self.postponed and self._disturbed.isdisjoint(keys)
        self._disturbed.difference_update(keys)
        if flight is None or not calm:
            self._observe_each(keys, batch.new)
        elif flight.removing:
            _forget(self.actual, keys)
        else:
            self.actual.update(flight.rows)
        if len(keys) > _APART and batch.new[0] is not None:
            self.landmarks += keys[::_APART]
            if len(self.landmarks) > _MOST_LANDMARKS:
                del self.landmarks[::2]

    def _observe_each(self, keys: list[K], values: list[V | None]) -> None:
        gone = values.count(None)
        if not (self.postponed or gone) and all(map(is_, map(self.desired.get, keys), values)):  # as it was wanted
            self.actual.update(zip(keys, values, strict=True))  # type: ignore[arg-type]  # none of them is None
            _forget(self.writes, keys)
        elif not self.postponed and gone and gone == len(keys) and self.desired.keys().isdisjoint(keys):
            _forget(self.actual, keys)
            _forget(self.removals, keys)
        else:
            for key, value in zip(keys, values, strict=True):
                self.observe(key, value)

    def _land(self, keys: list[K]) -> Flight[K, V] | None:
        """They are no longer under way. What was, if they are all of it."""
        flight = self._flights[0] if self._flights else None
        if flight is not None and keys and len(flight.rows) == len(keys) and keys[0] in flight.rows:
            return self._flights.pop(0)
        for flight in self._flights:
            _forget(flight.rows, keys)
        self._flights = [flight for flight in self._flights if flight.rows]
        return None

    def postpone(self, key: K) -> None:
        """Refused: out of the queues until `retry`, another wish for the key, or the end of the difference."""
        if self._is_flying(key):
            self._land([key])
            self._disturbed.discard(key)
            self._settle(key, self.desired.get(key), self.actual.get(key))
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
        if self._flights and self._is_flying(key):
            self._disturbed.add(key)  # and wait until it is known what has become of it
            return
        if self.postponed:
            self.postponed.pop(key, None)
        if desired == actual:
            self.writes.pop(key, None)
            self.removals.pop(key, None)
        elif desired is not None:
            self.removals.pop(key, None)
            self._all_new = actual is None and (self._all_new or not self.writes)
            self.writes[key] = desired
        elif actual is not None:
            self.writes.pop(key, None)
            self.removals[key] = actual


def _forget(table: dict[K, V], keys: Iterable[K]) -> None:
    for key in keys if table else ():
        table.pop(key, None)
    if not table:
        table.clear()  # or whoever looks for the first one, walks past all that were there
