"""What the tables of `evpn show` have in common."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from evpn.agent.core import Core
from evpn.dataplane.entries import Kind
from evpn.dataplane.segment import Segment
from evpn.delta import DeltaTable
from evpn.evi.bridge_domain import BridgeDomain
from evpn.netlink.errors import describe
from evpn.values import Vni

Row = dict[str, Any]
Rows = Iterator[Row]
K = TypeVar("K")

SLICE = 1000
"""Keys looked at for nothing until an empty row lets others have a turn: a millisecond or two."""


def domains_of(core: Core, vni: Vni | None) -> Iterator[BridgeDomain]:
    """Those that are served still when their turn comes: a reload may come between two rows."""
    for number, domain in list(core.fabric.domains.items()):
        if vni in (None, number) and core.fabric.domains.get(number) is domain:
            yield domain


def in_slices(keys: Iterable[K], size: int = SLICE) -> Iterator[list[K]]:
    """Keys as they are now, in their order; each slice is forgotten once it was taken.

    To note a million keys takes 10 ms, and as long to forget them all at once.
    """
    left = list(keys)
    left.reverse()
    return _taken(left, size)


def _taken(left: list[K], size: int) -> Iterator[list[K]]:
    while left:
        part = left[: -size - 1 : -1]
        del left[-size:]
        yield part


def rows_of(parts: Iterable[Iterable[K]], rows: Callable[[K], Iterable[Row]]) -> Rows:
    """The rows of each key; an empty one for a part that has none, be it that all of it has gone meanwhile."""
    for part in parts:
        found = False
        for key in part:
            for row in rows(key):
                found = True
                yield row
        if not found:
            yield {}


def kernel_state(core: Core, segment: Segment, kind: Kind, table: DeltaTable[Any, Any], key: bytes) -> str:
    """What has become of a row in the kernel, in a few words."""
    refusal = core.dataplane.refusals.get((segment.vni, kind, key))
    if refusal is not None:
        return f"refused: {describe(refusal.errno)}"
    if segment.attachment is None:
        return "no device"
    if key not in table.desired:
        return "not wanted"
    return "installed" if table.actual.get(key) == table.desired[key] else "pending"
