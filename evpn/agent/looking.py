"""A look at the kernel that nobody waits for: a thread dumps, then the loop compares, a little in each turn.

What is told meanwhile is in the log of each bridge domain (`evpn.dataplane.comparison`). A look is given up where its
log has holes, or the bridge domain is no longer the one that was dumped; the next look is due at once then, for it is
still unobserved.
"""

import time
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from evpn.agent.core import Core
from evpn.dataplane.comparison import Found
from evpn.dataplane.log import Log
from evpn.dataplane.plan import Plan
from evpn.dataplane.segment import Segment
from evpn.netlink.background import Background
from evpn.netlink.columns import Place
from evpn.netlink.dump import ask
from evpn.netlink.look import look
from evpn.netlink.neighbor import NeighborMessage, get_bridge_row, get_neighbor, get_tunnel_row
from evpn.values import IpAddress, MacAddress, Vni

STEP = 0.005
"""Seconds of comparing a turn."""


class Subject(NamedTuple):
    """A bridge domain as it was when the look began."""

    segment: Segment
    place: Place
    plan: Plan


class Looking:
    """`start`; `take` once `fileno()` is readable; `step` in each turn while it is `under_way`."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._background = Background("looker", look)
        self._subjects: list[Subject] = []
        self._overruns = 0
        self._steps: Iterator[None] | None = None

    def open(self) -> None:
        self._background.open()

    def fileno(self) -> int:
        return self._background.fileno()

    @property
    def under_way(self) -> bool:
        return bool(self._subjects)

    @property
    def is_dumping(self) -> bool:
        return self.under_way and self._steps is None

    def start(self, due: Iterable[Vni]) -> None:
        """The log begins before the dump does."""
        for vni in due:
            segment = self._core.dataplane.segments[vni]
            attached = segment.attachment
            if attached is not None:
                segment.log = Log()
                place = Place(vni, attached.device.ifindex, attached.bridge.ifindex, segment.neighbor_device)
                self._subjects.append(Subject(segment, place, segment.plan))
        self._overruns = self._core.kernel.overruns
        if self._subjects:
            self._background.start([subject.place for subject in self._subjects])

    def take(self) -> None:
        """What was dumped; all that was told by now has to be read before. Raises a `NetlinkError`."""
        try:
            self._steps = self._compare(self._background.result())
        except BaseException:
            self._end()
            raise

    def step(self) -> None:
        """A little of comparing. Raises a `NetlinkError`."""
        until = time.monotonic() + STEP
        try:
            for _ in self._steps or ():
                if time.monotonic() >= until:
                    return
        except BaseException:
            self._end()
            raise
        self._end()

    def _end(self) -> None:
        for subject in self._subjects:
            subject.segment.log = None
        self._subjects, self._steps = [], None

    def _compare(self, found: dict[Vni, Found]) -> Iterator[None]:
        for subject in self._subjects:
            vni = subject.place.vni
            if self._holds(subject):
                for _ in self._core.kernel.compare(vni, found.pop(vni), time.monotonic, ask_for):
                    yield
                    if not self._holds(subject):
                        break
            subject.segment.log = None

    def _holds(self, subject: Subject) -> bool:
        segment, place, plan = subject
        attached = segment.attachment
        if (
            attached is None
            or segment.log is None
            or self._core.dataplane.segments.get(place.vni) is not segment
            or segment.plan != plan
        ):
            return False
        devices = (attached.device.ifindex, attached.bridge.ifindex, segment.neighbor_device)
        return devices == place[1:] and self._core.kernel.overruns == self._overruns


def ask_for(segment: Segment, macs: Collection[MacAddress], ips: Collection[IpAddress]) -> Iterable[NeighborMessage]:
    """The rows that the kernel has of these MACs, the bridge's first, and the neighbors that have these addresses."""
    if segment.attachment is None:
        return ()
    device = segment.attachment.device.ifindex
    of_bridge, of_device = [get_bridge_row(device, mac) for mac in macs], [get_tunnel_row(device, mac) for mac in macs]
    return ask([*of_bridge, *of_device, *(get_neighbor(segment.neighbor_device, ip) for ip in ips)])
