"""What a look at a bridge domain has found, against what is believed, while the kernel and the routes go on.

A dump takes seconds where there are very many rows, and nobody waits for it. So the segment keeps a log from before the
dump begins: the last word on each row, of the kernel and of ours that it took. What was dumped is the state of a
segment of its own, the shadow; told the log, it is as new as the belief, however old a row of the dump is: the last
word on a row is its state, and a row without a word has not changed. Then the two are compared by slices, and what is
told between two of them, is told to both.

A dump resumes by counting, so it misses a row for each that is deleted meanwhile. What seems to be other than believed
is therefore asked for by its key.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, NamedTuple, TypeVar

from evpn.dataplane.entries import (
    AF_BRIDGE,
    Fact,
    Kind,
    LocalGone,
    LocalSeen,
    MacRow,
    NeighborRow,
    Reserved,
    Taken,
)
from evpn.dataplane.log import Written
from evpn.dataplane.ownership import KernelRow
from evpn.dataplane.segment import Segment
from evpn.values import IpAddress, MacAddress

SLICE = 512
"""Keys or rows at a time: a millisecond or two."""

T = TypeVar("T")
Ask = Callable[[Segment, Collection[MacAddress], Collection[IpAddress]], Iterable[KernelRow]]
"""The rows that the kernel has of these MACs, the bridge's first, and the neighbors that have these addresses."""


class Found(NamedTuple):
    """All rows of a bridge domain; the many that are simply ours as such."""

    macs: dict[MacAddress, MacRow]
    bound: dict[IpAddress, NeighborRow]
    rows: list[KernelRow]
    neighbors: list[KernelRow]


def nothing_more(segment: Segment, macs: Collection[MacAddress], ips: Collection[IpAddress]) -> Iterable[KernelRow]:
    """Where nothing goes on meanwhile, what a dump did not bring is not there."""
    return ()


class Comparison:
    """`steps` one after the other, then `finish`."""

    def __init__(self, segment: Segment, found: Found, ask: Ask = nothing_more) -> None:
        self.local: dict[MacAddress, tuple[int, bool]] = {}
        """MAC -> (port, static), once it is finished."""
        self.corrected = 0
        """Keys on which we were wrong without knowing that they differ from what is wanted."""
        self._segment = segment
        self._found = found
        self._ask = ask
        self._shadow = segment.shadow()
        self._shadow.macs.actual, self._shadow.neighbors.actual = found.macs, found.bound

    def steps(self, hosts: Callable[[], Collection[MacAddress]]) -> Iterator[None]:
        """`hosts`: those believed to be on local ports."""
        # the bridge's rows first: they carry the mark by which a sticky row of the VXLAN device is ours
        rows = self._found.rows
        for part in slices([row for row in rows if not row.dst] + [row for row in rows if row.dst]):
            for row in part:
                self._observe(row, True)
            yield
        for part in slices(self._found.neighbors):
            for row in part:
                self._shadow.observe_neighbor(row, True)
            yield
        for absent in slices(hosts()):
            self.catch_up()
            self._look_for([mac for mac in absent if mac not in self.local], [])
            yield
        for kind in (Kind.FLOOD, Kind.HOST, Kind.MAC, Kind.NEIGHBOR):
            believed = self._segment.table(kind).actual
            for keys in slices(believed.keys() | self._shadow.table(kind).actual.keys()):
                self.catch_up()
                self._confirm(kind, keys)
                self._correct(kind, keys)
                yield

    def catch_up(self) -> None:
        """What was told since the dump began, or since this was called."""
        log = self._segment.log
        words = log.take() if log is not None else ()
        for word in words:
            if isinstance(word, Written):
                self._wrote(*word)
            elif word.row.family == AF_BRIDGE:
                self._observe(*word)
            else:
                self._shadow.observe_neighbor(*word)

    def finish(self) -> None:
        """At last, whose the rest is."""
        self.catch_up()
        segment, shadow = self._segment, self._shadow
        self._correct(Kind.FLOOD, self._claim_flood())
        segment.own, segment.foreign = shadow.own, shadow.foreign
        segment.foreign_bridge, segment.foreign_hosts = shadow.foreign_bridge, shadow.foreign_hosts
        segment.foreign_flood, segment.foreign_neighbors = shadow.foreign_flood, shadow.foreign_neighbors

    def _confirm(self, kind: Kind, keys: Iterable[Any]) -> None:
        """Of a flood row there is no asking; one that was missed is appended again, which changes nothing."""
        if kind is Kind.FLOOD:
            self._claim_flood()
            return
        believed, found = self._segment.table(kind).actual, self._shadow.table(kind).actual
        other = [key for key in keys if key in believed and believed[key] != found.get(key)]
        self._look_for(*([], other) if kind is Kind.NEIGHBOR else (other, []))

    def _look_for(self, macs: list[MacAddress], ips: list[IpAddress]) -> None:
        for row in self._ask(self._segment, macs, ips) if macs or ips else ():
            if row.family == AF_BRIDGE:
                self._observe(row, True)
            else:
                self._shadow.observe_neighbor(row, True)

    def _claim_flood(self) -> set[IpAddress]:
        """Those without a mark that a route has asked for meanwhile, or that wait to be removed."""
        flood = self._segment.flood
        ours = {vtep for vtep in self._shadow.foreign_flood if vtep in flood.desired or vtep in flood.actual}
        self._shadow.foreign_flood -= ours
        self._shadow.flood.actual.update(dict.fromkeys(ours, True))
        return ours

    def _correct(self, kind: Kind, keys: Iterable[Any]) -> None:
        table, found = self._segment.table(kind), self._shadow.table(kind).actual
        for key in keys:
            value = found.get(key)
            if value != table.actual.get(key):
                differed = table.differs(key)
                table.observe(key, value)
                self.corrected += not differed and table.differs(key)

    def _observe(self, row: KernelRow, present: bool) -> None:
        self._place(self._shadow.observe(row, present))

    def _wrote(self, kind: Kind, key: Any, value: Any) -> None:
        self._shadow.table(kind).observe(key, value)
        if value is not None:
            self._shadow.displace(kind, key)
        if kind is Kind.HOST and value is not None:
            self.local[key] = (value.port, True)
        elif kind is Kind.HOST or (kind is Kind.MAC and value is not None):
            self.local.pop(key, None)

    def _place(self, fact: Fact | None) -> None:
        if isinstance(fact, LocalSeen):
            self.local[fact.mac] = (fact.port, fact.static)
        elif isinstance(fact, LocalGone | Taken) or (
            isinstance(fact, Reserved) and (fact.taken or fact.mac in self._shadow.own)
        ):
            self.local.pop(fact.mac, None)


def observe_all(
    segment: Segment, rows: Iterable[KernelRow], neighbors: Iterable[KernelRow]
) -> dict[MacAddress, tuple[int, bool]]:
    """Everything the kernel holds in this bridge domain, at once; returns local MAC -> (port, static)."""
    comparison = Comparison(segment, Found({}, {}, list(rows), list(neighbors)))
    for _ in comparison.steps(tuple):
        pass
    comparison.finish()
    return comparison.local


def slices(every: Iterable[T]) -> Iterator[list[T]]:
    keys = list(every)
    for start in range(0, len(keys), SLICE):
        yield keys[start : start + SLICE]
