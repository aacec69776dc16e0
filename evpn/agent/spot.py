"""Spot checks: some rows that are believed right, from all over a table, are asked for by their keys.

They take a thread some milliseconds, however many rows there are. Nothing is corrected by them: where one is other than
believed there may be more, and all are looked at.
"""

import random
from collections.abc import Mapping
from functools import partial
from itertools import islice
from typing import NamedTuple, TypeVar

from evpn.agent.core import Core
from evpn.agent.looking import do, place_of
from evpn.dataplane.comparison import Comparison, Found, Question, Sample
from evpn.dataplane.segment import Segment
from evpn.netlink.background import Background
from evpn.netlink.look import Looker
from evpn.values import Vni

SOME = 64
"""MACs, and neighbors, of one spot check."""

K = TypeVar("K")
V = TypeVar("V")


class _Asked(NamedTuple):
    segment: Segment
    sample: Sample


class Spot:
    """`start`, and once `fileno()` is readable, `take`."""

    def __init__(self, core: Core, looker: Looker) -> None:
        self._core = core
        self._looker = looker
        self._background: Background[partial[dict[Vni, Found]], dict[Vni, Found]] = Background("spot", do)
        self._asked: _Asked | None = None

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
        (segment,) = random.choices(segments, weights)
        sample = Sample(_some(segment.macs.actual), _some(segment.neighbors.actual))
        self._asked = _Asked(segment, sample)
        question = Question([*sample.macs], [*sample.neighbors])
        self._background.start(partial(self._looker.answer, place_of(segment), question))

    def take(self) -> bool:
        """Whether all is as believed; else there is something to look for. Raises a `NetlinkError`."""
        asked, self._asked = self._asked, None
        answer = self._background.result()
        if asked is None or asked.segment.vni not in answer:
            return True
        segment, sample = asked
        holds = self._core.dataplane.segments.get(segment.vni) is segment and segment.attachment is not None
        return not holds or Comparison(segment, Found({}, {}, [], [])).confirms(sample, answer[segment.vni])


def _some(table: Mapping[K, V]) -> dict[K, V]:
    """At equal distances, for the rows of a VTEP stand together; to walk past a million takes some milliseconds."""
    step = max(1, len(table) // SOME)
    return dict(islice(islice(table.items(), random.randrange(step), None, step), SOME))
