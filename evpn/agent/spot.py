"""Spot checks: some rows that are believed right, from all over a table, are asked for by their keys.

They take a thread some milliseconds, however many rows there are. Nothing is corrected by them: where one is other than
believed there may be more, and all are looked at.
"""

import random
from functools import partial
from itertools import islice
from typing import TypeAlias, TypeVar

from evpn.agent.core import Core
from evpn.agent.looking import do, place_of
from evpn.dataplane.comparison import Comparison, Found, Question, Sample
from evpn.dataplane.segment import Segment
from evpn.delta import DeltaTable
from evpn.netlink.background import Background
from evpn.netlink.columns import Place
from evpn.netlink.look import Looker

SOME = 64
"""MACs, and neighbors, of one spot check."""
FEW = 4096
"""Rows of a table up to which they are chosen among all."""

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
        sample = Sample(_some(self._asked.macs), _some(self._asked.neighbors))
        self._background.start(partial(self._ask, place_of(self._asked), sample))

    def take(self) -> bool:
        """Whether all is as believed; else there is something to look for. Raises a `NetlinkError`."""
        segment, self._asked = self._asked, None
        sample, found = self._background.result()
        if segment is None or self._core.dataplane.segments.get(segment.vni) is not segment:
            return True
        return segment.attachment is None or Comparison(segment, Found({}, {}, [], [])).confirms(sample, found)

    def _ask(self, place: Place, sample: Sample) -> tuple[Sample, Found]:
        answer = self._looker.answer(place, Question([*sample.macs], [*sample.neighbors]))
        return sample, answer[place.vni]


def _some(table: DeltaTable[K, V]) -> dict[K, V]:
    """From all over the table, for the rows of a VTEP stand together."""
    actual = table.actual
    keys = list(actual) if len(actual) <= FEW else [*table.landmarks, *islice(reversed(actual), SOME)]
    chosen = random.sample(keys, min(SOME, len(keys)))
    return {key: actual[key] for key in chosen if key in actual}
