"""Row changes that go to the kernel together: in which order, and who is who among them.

Rows are written in the order in which they need each other (flood, host, MAC, neighbor) and removed in reverse;
removals come first: a MAC that comes to a port of ours, or leaves it, has no row in between.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from evpn.dataplane.entries import Kind
from evpn.dataplane.plan import Plan
from evpn.dataplane.segment import Segment
from evpn.delta import Changes
from evpn.values import MacAddress

_WRITE_ORDER = (Kind.FLOOD, Kind.HOST, Kind.MAC, Kind.NEIGHBOR)


class RowChanges(NamedTuple):
    """Of one kind, in one bridge domain."""

    segment: Segment
    kind: Kind
    changes: Changes[Any, Any]
    """Of what `Segment`'s table of that kind holds; of rows that are taught, the VTEPs."""


def size_of(batch: Iterable[RowChanges]) -> int:
    return sum(len(one.changes) for one in batch)


def placed(batch: Iterable[RowChanges], place: int) -> tuple[Segment, Kind, bytes]:
    """Whose change is at this place of a batch."""
    for segment, kind, changes in batch:
        if place < len(changes):
            return segment, kind, changes.keys[place]
        place -= len(changes)
    raise IndexError(place)


def _has(plan: Plan, kind: Kind) -> bool:
    """Whether routes decide about rows of this kind; else there are none, whatever is announced."""
    return {Kind.FLOOD: plan.flood, Kind.MAC: plan.macs, Kind.NEIGHBOR: plan.neighbors}.get(kind, True)


def take(segment: Segment, limit: int, removals: bool) -> list[RowChanges]:
    found: list[RowChanges] = []
    queues = [(kind, True) for kind in reversed(_WRITE_ORDER) if removals or not _has(segment.plan, kind)]
    for kind, removing in (*queues, *((kind, False) for kind in _WRITE_ORDER)):
        table = segment.table(kind)
        if limit > 0 and (table.removals if removing else table.writes):
            changes = table.batch(limit, removing)
            if changes:
                found.append(RowChanges(segment, kind, changes))
                limit -= len(changes)
    if segment.taught:
        going = [key for one in found if one.kind is Kind.MAC for key in one.changes.keys]
        found += _lessons(segment, going, limit)
    return found


def _lessons(segment: Segment, going: list[bytes], limit: int) -> Iterator[RowChanges]:
    """With the removal of our row, for a frame in between would be flooded; the others when none is left to remove."""
    taught, gone = segment.taught, set(going)
    macs = [mac for mac in map(MacAddress, going) if mac in taught]
    if len(going) == segment.macs.pending and limit > 0:
        macs += islice((mac for mac in taught if mac not in gone), limit)
    if macs:
        yield RowChanges(segment, Kind.TAUGHT, Changes(macs, [None] * len(macs), [taught[mac] for mac in macs]))
