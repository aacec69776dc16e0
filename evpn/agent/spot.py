"""Spot checks: some rows that are believed right, from all over a table, are asked for by their keys.

They take a thread some milliseconds, however many rows there are. Nothing is corrected by them: where one is other than
believed there may be more, and all are looked at.
"""

import random
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import TypeAlias, TypeVar

from evpn.agent.core import Core
from evpn.agent.looking import do, place_of
from evpn.dataplane.comparison import Comparison, Found, Question, Sample
from evpn.dataplane.segment import Segment
from evpn.netlink.background import Background
from evpn.netlink.columns import Place
from evpn.netlink.look import Looker

SOME = 64
"""MACs, and neighbors, of one spot check."""

_Told: TypeAlias = tuple[Sample, Found]
K = TypeVar("K")
V = TypeVar("V")


class Spot:
    """`start`, and once `fileno()` is readable, `take`."""

    def __init__(self, core: Core, looker: Looker) -> None:
        self._core = core
        self._looker = looker
        self._background: Background[partial[_Told], _Told] = Background("spot", do)
        self._asked: Segment | None = None

    def open(self) -> None:
        self._background.open()

    def fileno(self) -> int:
        return self._background.fileno()

    def start(self) -> None:
        """Ask for some rows of a bridge domain, unless that is done already."""
        segments = [one for one in self._core.dataplane.segments.values() if one.attachment is not None]
        weights = [len(one.macs.actual) + len(one.neighbors.actual) for one in segments]
        if self._asked is not None or not any(weights):
            return
        (self._asked,) = random.choices(segments, weights)
        self._background.start(partial(self._ask, self._asked, place_of(self._asked)))

    def take(self) -> bool:
        """Whether all is as believed; else there is something to look for. Raises a `NetlinkError`."""
        segment, self._asked = self._asked, None
        sample, found = self._background.result()
        if segment is None or self._core.dataplane.segments.get(segment.vni) is not segment:
            return True
        return segment.attachment is None or Comparison(segment, Found({}, {}, [], [])).confirms(sample, found)

    def _ask(self, segment: Segment, place: Place) -> tuple[Sample, Found]:
        """In the thread, for it takes its time to walk past a million rows."""
        sample = Sample(_some(segment.macs.actual), _some(segment.neighbors.actual))
        answer = self._looker.answer(place, Question([*sample.macs], [*sample.neighbors]))
        return sample, answer[place.vni]


def _some(table: Mapping[K, V]) -> dict[K, V]:
    """At equal distances, for the rows of a VTEP stand together; fewer if rows come or go meanwhile."""
    step, found = max(1, len(table) // SOME), dict[K, V]()
    with suppress(RuntimeError):
        for key in islice(table, random.randrange(step), None, step):
            value = table.get(key)
            if value is not None and len(found) < SOME:
                found[key] = value
    return found
