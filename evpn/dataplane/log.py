"""The last word on each row of a bridge domain since a look at it began, whoever gave it."""

from collections.abc import Collection
from typing import Any, NamedTuple

from evpn.dataplane.entries import AF_BRIDGE, Kind
from evpn.dataplane.ownership import KernelRow
from evpn.delta import Changes


class Heard(NamedTuple):
    """The kernel told of a row."""

    row: KernelRow
    present: bool


class Written(NamedTuple):
    """The kernel took a row of ours; None: its removal."""

    kind: Kind
    key: Any
    value: Any


class Log:
    """As large as the number of rows that change, however often they do."""

    def __init__(self) -> None:
        self._words: dict[object, Heard | Written] = {}

    def heard(self, row: KernelRow, present: bool) -> None:
        mac = row.lladdr if row.family == AF_BRIDGE else None  # a neighbor is known by its address
        self._say((row.ifindex, mac, row.dst), Heard(row, present))

    def written(self, kind: Kind, changes: Changes[Any, Any]) -> None:
        for key, _, new in changes:
            self._say((kind, key), Written(kind, key, new))

    def take(self) -> Collection[Heard | Written]:
        """Oldest first; from now on it is empty."""
        words, self._words = self._words, {}
        return words.values()

    def _say(self, key: object, word: Heard | Written) -> None:
        self._words.pop(key, None)
        self._words[key] = word
