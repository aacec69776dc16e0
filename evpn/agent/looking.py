"""A look at the kernel that nobody waits for: a thread dumps, then the loop compares, a little in each turn.

What is told meanwhile is in the log of each bridge domain (`evpn.dataplane.comparison`). What the comparison asks for,
the thread asks the kernel, thousands of rows at a time. A look is given up where its log has holes, or the bridge
domain is no longer the one that was dumped; the next look is due at once then, for it is still unobserved.

What is looked at, where there are few remote MACs: everything. Where there are very many (`evpn.netlink.look`):

- What is believed, or wanted, of remote MACs is asked for by key; what is on local ports, and neighbors, is dumped.
  That finds rows that are gone or other than they should be, and what others have in their place.
- Where nothing is believed yet, as after a start, the bridge's rows are dumped, and those of the VXLAN device asked for
  by their MACs. That finds what is left of an earlier life. Where they are too many even for that, the routes are
  waited for, and what they want is asked for, and the MACs of our neighbors.
- A look for strangers besides dumps the rest: flood rows, and rows of MACs that nobody has told us of. It gives way to
  rows that are to be written, for each of these would have to wait for a part of the dump.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable
from functools import partial
from typing import NamedTuple, TypeVar

from evpn.agent.core import Core
from evpn.dataplane.comparison import Found
from evpn.dataplane.entries import AF_BRIDGE
from evpn.dataplane.log import Log
from evpn.dataplane.plan import Plan
from evpn.dataplane.segment import Segment
from evpn.netlink.background import Background
from evpn.netlink.columns import Place
from evpn.netlink.dump import ask
from evpn.netlink.look import MANY, Domain, Looker, Reach
from evpn.netlink.neighbor import NeighborMessage, get_bridge_row, get_neighbor, get_tunnel_row
from evpn.values import Vni

T = TypeVar("T")

STEP = 0.005
"""Seconds of comparing a turn."""
LONG_PART, LONGEST_PAUSE = 0.01, 1.0
"""Seconds of a part of a dump after which there is a pause, from half a million rows on; and of the pause."""


class Subject(NamedTuple):
    """A bridge domain as it was when the look began."""

    segment: Segment
    domain: Domain
    plan: Plan


class Looking:
    """`start`; `take` once `fileno()` is readable; `step` in each turn while it is `under_way`, but not `waiting`."""

    def __init__(self, core: Core, looker: Looker) -> None:
        self.dumping = 0.0
        """Seconds that the dump took."""
        self.strangers_left = False
        """Whether there may be rows of strangers that this look has not found."""
        self._core = core
        self._background: Background[partial[dict[Vni, Found]], dict[Vni, Found]] = Background("looker", do)
        self._looker = looker
        self._subjects: list[Subject] = []
        self._overruns = 0
        self._steps: Generator[None, dict[Vni, Found] | None, None] | None = None
        self._answer: dict[Vni, Found] | None = None
        self._began = 0.0
        self._gives_way = self._asks = self._needs_routes = False

    def open(self) -> None:
        self._background.open()

    def fileno(self) -> int:
        return self._background.fileno()

    @property
    def under_way(self) -> bool:
        return bool(self._subjects)

    @property
    def waiting(self) -> bool:
        """For the kernel, or for routes."""
        return self._asks or (self._needs_routes and not self._core.peers.synced)

    def start(self, due: Iterable[Vni], strangers: bool = False) -> None:
        """The log begins before the dump does."""
        ports = defaultdict(list)
        for link in self._core.dataplane.links.values():
            ports[link.master].append(link.ifindex)
        for vni in due:
            segment = self._core.dataplane.segments[vni]
            attached = segment.attachment
            if attached is not None:
                segment.log = Log()
                domain = _domain(segment, attached.device.ifindex, ports[attached.bridge.ifindex], strangers)
                self._subjects.append(Subject(segment, domain, segment.plan))
        self._overruns = self._core.kernel.overruns
        self._began, self._gives_way, self.strangers_left = time.monotonic(), False, False
        if self._subjects:
            domains = [subject.domain for subject in self._subjects]
            self._ask_kernel(partial(self._looker.look, domains, Pauses(lambda: self._gives_way)))

    def give_way(self) -> None:
        """Rows are to be written."""
        self._gives_way = True

    def take(self) -> None:
        """What the kernel says; all that was told by now has to be read before. Raises a `NetlinkError`."""
        self._asks = False
        try:
            found = self._background.result()
        except BaseException:
            self._end()
            raise
        if self._steps is None:
            self.dumping = time.monotonic() - self._began
            self.strangers_left = not all(one.flood for one in found.values()) or len(found) < len(self._subjects)
            self._steps = self._compare(found)
        else:
            self._answer = found

    def step(self) -> None:
        """A little of comparing. Raises a `NetlinkError`."""
        until = time.monotonic() + STEP
        try:
            while self._steps is not None and not self.waiting:
                answer, self._answer = self._answer, None
                self._steps.send(answer)
                if time.monotonic() >= until:
                    return
        except StopIteration:
            self._end()
        except BaseException:
            self._end()
            raise

    def _end(self) -> None:
        for subject in self._subjects:
            subject.segment.log = None
        self._subjects, self._steps, self._needs_routes = [], None, False

    def _ask_kernel(self, work: "partial[dict[Vni, Found]]") -> None:
        self._asks = True
        self._background.start(work)

    def _compare(self, found: dict[Vni, Found]) -> Generator[None, dict[Vni, Found] | None, None]:
        for subject in self._subjects:
            segment, vni = subject.segment, subject.domain.place.vni
            if vni in found and self._holds(subject):
                one = found.pop(vni)
                self._needs_routes = not (one.remote or one.macs or segment.macs.actual)
                if self._needs_routes:
                    yield
                    self._needs_routes = False  # what they said stays, whatever becomes of the sessions
                yield from self._compare_one(subject, one)
            segment.log = None

    def _compare_one(self, subject: Subject, found: Found) -> Generator[None, dict[Vni, Found] | None, None]:
        place, answer = subject.domain.place, None
        steps = self._core.kernel.compare(place.vni, found, time.monotonic)
        while self._holds(subject):
            try:
                question = steps.send(answer)
            except StopIteration:
                return
            if question is not None:
                self._ask_kernel(partial(self._looker.answer, place, question))
            told = yield
            answer = told[place.vni] if told is not None else None

    def _holds(self, subject: Subject) -> bool:
        segment, place, plan = subject.segment, subject.domain.place, subject.plan
        attached = segment.attachment
        return (
            attached is not None
            and segment.log is not None
            and self._core.dataplane.segments.get(place.vni) is segment
            and segment.plan == plan
            and place_of(segment) == place
            and self._core.kernel.overruns == self._overruns
        )


class Pauses:
    """Between the parts of a look for strangers: others have RTNL for as long as a long part took."""

    def __init__(self, gives_way: Callable[[], bool]) -> None:
        self._gives_way = gives_way
        self._last = 0.0

    def __call__(self) -> bool:
        took = time.monotonic() - self._last
        if LONG_PART < took < LONGEST_PAUSE:
            time.sleep(took)
        self._last = time.monotonic()
        return self._gives_way()


def ask_for(segment: Segment | None, told: NeighborMessage) -> list[NeighborMessage]:
    """What the kernel has by now of what was told: a neighbor, or both rows of a MAC, the bridge's first."""
    if told.family != AF_BRIDGE:
        return ask([get_neighbor(told.ifindex, told.dst)])
    if segment is None or segment.attachment is None:
        return []
    device = segment.attachment.device.ifindex
    return ask([get_bridge_row(device, told.lladdr), get_tunnel_row(device, told.lladdr)])


def do(work: partial[T]) -> T:
    """What a thread does that is given its work."""
    return work()


def place_of(segment: Segment) -> Place:
    """Where it is by now; it has devices."""
    assert segment.attachment is not None
    device, bridge = segment.attachment
    return Place(segment.vni, device.ifindex, bridge.ifindex, segment.neighbor_device)


def _domain(segment: Segment, device: int, ports: Iterable[int], strangers: bool) -> Domain:
    others = tuple(port for port in ports if port != device)
    reach = Reach.USUAL
    if len(segment.macs.actual) > MANY:
        reach = Reach.STRANGERS if strangers else Reach.PORTS
    return Domain(place_of(segment), others, reach, segment.macs.actual)
