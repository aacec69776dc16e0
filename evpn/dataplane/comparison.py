"""What a look at a bridge domain has found, against what is believed, while the kernel and the routes go on.

A dump takes seconds where there are very many rows, and nobody waits for it. So the segment keeps a log from before the
dump begins: the last word on each row, of the kernel and of ours that it took. What was dumped is the state of a
segment of its own, the shadow; told the log, it is as new as the belief, however old a row of the dump is: the last
word on a row is its state, and a row without a word has not changed. Then the two are compared by slices, and what is
told between two of them, is told to both.

A dump resumes by counting, so it misses a row for each that is deleted meanwhile. What seems to be other than believed
is therefore asked for by its key. So is every remote MAC, where there are too many for a dump: then what is believed,
or wanted, is looked at row by row, and what nobody knows of is not found. An answer is like a dump of these rows: it
may be older than what was told since it was asked for, and newer than all before.
"""

from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from itertools import chain
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
from evpn.delta import Changes
from evpn.values import IpAddress, MacAddress

SLICE = 512
"""Keys or rows at a time: a millisecond or two."""
ASKED = 2048
"""The same, where each is asked for: some milliseconds of the kernel."""

T = TypeVar("T")


class Found(NamedTuple):
    """Rows of a bridge domain; the many that are simply ours as such."""

    macs: dict[MacAddress, MacRow]
    bound: dict[IpAddress, NeighborRow]
    rows: list[KernelRow]
    neighbors: list[KernelRow]
    flood: bool = True
    """Whether all flood rows are among them; else what is believed of these stays."""
    remote: bool = True
    """Whether all rows of remote MACs are; else those that are believed, or wanted, are asked for."""


class Question(NamedTuple):
    """For the rows that the kernel has of these MACs, in both FDBs, and the neighbors that have these addresses."""

    macs: list[MacAddress]
    ips: list[IpAddress]


class Sample(NamedTuple):
    """Some rows as they are believed to be."""

    macs: dict[MacAddress, MacRow]
    neighbors: dict[IpAddress, NeighborRow]


Steps = Generator[Question | None, Found | None, None]
"""None: a slice is done. None for an answer: there is nobody to ask, what was dumped is what is there."""


class Comparison:
    """`steps` one after the other, then `finish`."""

    def __init__(self, segment: Segment, found: Found) -> None:
        self.local: dict[MacAddress, tuple[int, bool]] = {}
        """MAC -> (port, static), once it is finished."""
        self.corrected = 0
        """Keys on which we were wrong without knowing that they differ from what is wanted."""
        self._segment = segment
        self._found = found
        self._shadow = segment.shadow()
        self._shadow.macs.actual, self._shadow.neighbors.actual = found.macs, found.bound

    def steps(self, hosts: Callable[[], Collection[MacAddress]]) -> Steps:
        """`hosts`: those believed to be on local ports."""
        for part in slices(_bridge_first(self._found.rows)):
            for row in part:
                self._observe(row, True)
            yield None
        for part in slices(self._found.neighbors):
            for row in part:
                self._shadow.observe_neighbor(row, True)
            yield None
        for absent in slices(hosts()):
            self.catch_up()
            yield from self._look_for([mac for mac in absent if mac not in self.local], [])
            yield None
        for kind in (Kind.FLOOD, Kind.HOST, Kind.MAC, Kind.NEIGHBOR):
            for keys in self._slices(kind):
                self.catch_up()
                yield from self._confirm(kind, keys)
                self._correct(kind, keys)
                yield None

    def confirms(self, sample: Sample, answer: Found) -> bool:
        """Whether there is what the sample says, of all in it that is still believed to be so."""
        self._answered(sample.macs, sample.neighbors, answer)
        for kind, rows in ((Kind.MAC, sample.macs), (Kind.NEIGHBOR, sample.neighbors)):
            believed, found = self._segment.table(kind).actual, self._shadow.table(kind).actual
            if any(found.get(key) != row == believed.get(key) for key, row in rows.items()):
                return False
        return True

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
        if self._found.flood:
            self._correct(Kind.FLOOD, self._claim_flood())
            segment.foreign_flood = shadow.foreign_flood
        segment.own, segment.foreign = shadow.own, shadow.foreign
        segment.foreign_bridge, segment.foreign_hosts = shadow.foreign_bridge, shadow.foreign_hosts
        segment.foreign_neighbors = shadow.foreign_neighbors

    def _slices(self, kind: Kind) -> Iterator[list[Any]]:
        """All keys there are to compare: those of the belief, then what it does not have."""
        segment, table = self._segment, self._segment.table(kind)
        if kind is Kind.FLOOD and not self._found.flood:
            return
        asked = kind is Kind.MAC and not self._found.remote
        if asked:
            bound = (row.mac for row in self._shadow.neighbors.actual.values())  # left of an earlier life, perhaps
            others = chain(table.desired, segment.foreign, segment.foreign_bridge, bound)
            yield from slices([*table.actual, *{mac for mac in others if mac not in table.actual}], ASKED)
        else:
            yield from slices(table.actual)
        yield from slices(self._shadow.table(kind).actual.keys() - table.actual.keys())

    def _confirm(self, kind: Kind, keys: Collection[Any]) -> Steps:
        """Of a flood row there is no asking; one that was missed is appended again, which changes nothing."""
        if kind is Kind.FLOOD:
            self._claim_flood()
            return
        believed, found = self._segment.table(kind).actual, self._shadow.table(kind).actual
        if kind is Kind.MAC and not self._found.remote:
            other = [key for key in keys if key not in found or found[key] != believed.get(key, found[key])]
        else:
            other = [key for key in keys if key in believed and believed[key] != found.get(key)]
        yield from self._look_for(*([], other) if kind is Kind.NEIGHBOR else (other, []))

    def _look_for(self, macs: list[MacAddress], ips: list[IpAddress]) -> Steps:
        if macs or ips:
            answer = yield Question(macs, ips)
            if answer is not None:
                self._answered(macs, ips, answer)
                self.catch_up()

    def _answered(self, macs: Iterable[MacAddress], ips: Iterable[IpAddress], answer: Found) -> None:
        """What was found before of these keys does not count."""
        shadow = self._shadow
        for mac in macs:
            shadow.macs.actual.pop(mac, None)
        shadow.foreign.difference_update(macs)
        shadow.foreign_bridge.difference_update(macs)
        for ip in ips:
            shadow.neighbors.actual.pop(ip, None)
        shadow.foreign_neighbors.difference_update(ips)
        shadow.macs.actual.update(answer.macs)
        shadow.neighbors.actual.update(answer.bound)
        for mac in answer.macs.keys() & self.local.keys():
            shadow.displace(Kind.MAC, mac)
            del self.local[mac]
        for row in _bridge_first(answer.rows):
            self._observe(row, True)
        for row in answer.neighbors:
            shadow.observe_neighbor(row, True)

    def _claim_flood(self) -> set[IpAddress]:
        """Those without a mark that a route has asked for meanwhile, or that wait to be removed."""
        flood = self._segment.flood
        ours = {vtep for vtep in self._shadow.foreign_flood if vtep in flood.desired or vtep in flood.actual}
        self._shadow.foreign_flood -= ours
        self._shadow.flood.actual.update(dict.fromkeys(ours, True))
        return ours

    def _correct(self, kind: Kind, keys: Collection[Any]) -> None:
        """What is as wanted is the wish itself from then on: there is one object of each, and comparing is quick."""
        table, shadow = self._segment.table(kind), self._shadow.table(kind)
        believed, found = list(map(table.actual.get, keys)), list(map(shadow.actual.get, keys))
        if found == believed:
            return
        wanted = list(map(table.desired.get, keys))
        if found == wanted:
            table.observe_batch(Changes(list(keys), believed, wanted))
            return
        changes = []
        for key, old, value, wish in zip(keys, believed, found, wanted, strict=True):
            if value == old:
                continue
            self.corrected += value != wish and not table.differs(key)
            changes.append((key, old, wish if value == wish else value))
        table.observe_batch(Changes.of(changes))

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


def slices(every: Iterable[T], size: int = SLICE) -> Iterator[list[T]]:
    keys = list(every)
    for start in range(0, len(keys), size):
        yield keys[start : start + size]


def _bridge_first(rows: Iterable[KernelRow]) -> list[KernelRow]:
    """They carry the mark by which a sticky row of the VXLAN device is ours."""
    return sorted(rows, key=lambda row: bool(row.dst))
