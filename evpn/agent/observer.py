"""Hears what the kernel notifies, and looks at what it holds: what was missed, and once in a while everything.

Subscribe first, then dump. A lost notification, a device that is new and a level check are the same: a dump is due.
"""

import logging
import time
from collections.abc import Callable, Iterable
from errno import EINTR

from evpn.agent.checks import EACH, Checks
from evpn.agent.core import Core
from evpn.agent.looking import Looking, ask_for
from evpn.agent.spot import Spot
from evpn.dataplane.entries import AF_BRIDGE, RTM_DELNEIGH
from evpn.dataplane.link import Link
from evpn.netlink.dump import dump_links, dump_neighbors
from evpn.netlink.errors import NetlinkError
from evpn.netlink.events import Event, LinkChanged, Overrun, PortChanged
from evpn.netlink.look import Looker
from evpn.netlink.neighbor import NeighborMessage
from evpn.netlink.newcomers import HostsSeen
from evpn.netlink.socket import Monitor

log = logging.getLogger(__name__)

DUMP_RETRY = 1.0
_READS = 64
"""Reads, of a thousand notifications each, before a comparison; whoever makes more than that never comes to rest."""


class Observer:
    """`open`, then `take_events` and `take_look` when there is something to read, and `look` once a turn."""

    def __init__(self, core: Core, plug: Callable[[Link], None]) -> None:
        """`plug` is told of devices that appear, which may be configured ports, and of ports that change."""
        self.core = core
        self.monitor = Monitor()
        self._plug = plug
        self.spot = Spot(core, Looker())
        self._checks = Checks()
        self._dump_at = 0.0
        self._looking = Looking(core, Looker())
        self._links_known = self._level_check = self._strangers = False
        self._heard = (False, False)
        self._writer = 0
        self._devices: set[int] = set()
        self._followed = -1
        """Changes of instances by which these are known."""

    def open(self, writer: int) -> None:
        """`writer`: the port id of whom our own rows are written by."""
        self.monitor.open()
        self._looking.open()
        self.spot.open()
        self._writer = writer
        self.listen()
        while not self._links_known:  # without them all that was announced before would be withdrawn
            try:
                self._read_links()
            except NetlinkError as error:
                if error.errno != EINTR:
                    raise
                self._failed(error, time.monotonic())
        self._checks.begin(time.monotonic())

    def listen(self, additions: bool = True, deletions: bool = True) -> None:
        """While very many rows are written, or removed, do not hear of each: it takes longer than to write them.

        What others write over rows of ours meanwhile is found by a spot check soon after, if it is much, else by the
        next level check. What they remove while we remove is not heard either: soon after, everything is looked at.
        """
        before, self._heard = self._heard, (additions, deletions)
        if before == self._heard:
            return
        self.core.kernel.deaf = not additions
        self.monitor.ignore(self._writer, additions, deletions, self._devices)
        if not (additions and deletions):
            self._looking.give_way()
        if deletions and not before[1]:
            self._checks.missed_removals(time.monotonic(), self._rows)
        if additions and not before[0]:
            self._checks.missed_additions(time.monotonic())

    def _follow_devices(self) -> None:
        """Before they are looked at for the first time: neighbors of others are not told of."""
        devices = {*self.core.dataplane.by_device, *self.core.dataplane.by_bridge}
        if devices != self._devices:
            self._devices = devices
            self.monitor.ignore(self._writer, *self._heard, devices)

    def listen_less(self, additions: bool, deletions: bool) -> None:
        """What is not listened to already, is not for the time being."""
        self.listen(additions and self._heard[0], deletions and self._heard[1])

    @property
    def looker(self) -> int:
        """Descriptor that is readable when `take_look` has something to take."""
        return self._looking.fileno()

    def take_events(self) -> bool:
        """Some of what waits; False when nothing did."""
        now, events = time.monotonic(), self.monitor.read()
        for event in events:
            if isinstance(event, NeighborMessage):
                self._row(event, now)
            elif isinstance(event, HostsSeen) and self.core.kernel.flown.isdisjoint(event.macs):
                self.core.kernel.hosts_seen(event, now)
            elif isinstance(event, HostsSeen):
                for row in event.rows():
                    self._row(row, now)
            elif isinstance(event, Overrun):
                self._overrun()
            else:
                self._link_event(event)
        if not self.monitor.has_more():  # else the echo that makes it right may still wait
            self.core.kernel.disturbances.all_heard()
        return bool(events)

    def _row(self, row: NeighborMessage, now: float) -> None:
        for each in self._now(row) if self.core.kernel.is_doubtful(row) else (row,):
            self.core.kernel.row_event(each, now)

    def _now(self, event: NeighborMessage) -> Iterable[NeighborMessage]:
        """What the kernel has of this MAC or IP by now, and before that, what is told to be gone."""
        segment = self.core.dataplane.segment_of(event.ifindex, event.master)
        try:
            found = ask_for(segment, event)
        except NetlinkError as error:
            log.warning("row not asked for error=%s", error)
            found = []
        return (event, *found) if event.type == RTM_DELNEIGH else found or (event,)

    def look(self, now: float) -> None:
        """Observe what is unknown, and once in a while what is believed known; never for longer than a moment."""
        if self.core.kernel.look_again and not self._looking.under_way:
            self.core.kernel.look_again = self._links_known = False
            self._checks.want(now)
        if not self._links_known and now >= self._dump_at:
            try:
                self._read_links()
            except NetlinkError as error:
                self._failed(error, now)
        self.core.instances.attach_devices()
        if self._followed != self.core.instances.changes:
            self._followed = self.core.instances.changes
            self._follow_devices()
        if self.core.kernel.flown and not self.monitor.has_more():
            self.core.kernel.flown.clear()
        if self._looking.under_way:
            self._go_on()
            return
        due = list(self.core.dataplane.unobserved) if now >= self._dump_at else []
        calm, checks = all(self._heard), self._checks
        self._level_check = not due and now >= checks.level and checks.take_level(now, self._rows, calm)
        self._strangers = self._level_check and checks.are_strangers_due(now, self._pairs, calm)
        if self._level_check:
            due = [vni for vni, segment in self.core.dataplane.segments.items() if segment.attachment is not None]
            checks.begin(now, self._strangers)
        if due:
            self._looking.start(due, self._strangers)
        elif checks.take_spot(now, calm):
            self.spot.start()

    @property
    def _rows(self) -> int:
        return sum(len(one.macs.actual) + len(one.neighbors.actual) for one in self.core.dataplane.segments.values())

    @property
    def _pairs(self) -> int:
        return sum(len(segment.macs.actual) ** 2 for segment in self.core.dataplane.segments.values())

    def take_look(self) -> None:
        """The kernel has been dumped: what was told by then is no drift."""
        self._catch_up()
        try:
            self._looking.take()
        except NetlinkError as error:
            self._look_failed(error)

    def _catch_up(self) -> None:
        for _ in range(_READS):
            if not self.take_events():
                break

    def _go_on(self) -> None:
        """With comparing, if the kernel has been dumped."""
        if self._looking.waiting:
            return
        try:
            self._looking.step()
        except NetlinkError as error:
            self._look_failed(error)
            return
        if not self._looking.under_way:
            self._looked(time.monotonic())

    def _looked(self, now: float) -> None:
        """What is still to be looked for."""
        if not self._looking.strangers_left:
            self._checks.found_strangers(now)
        elif not self._level_check:
            self._checks.left_strangers(now, self._pairs, None)
        elif self._strangers:
            self._checks.left_strangers(now, self._pairs, self._looking.dumping)

    def take_spot(self) -> None:
        """Some rows have been asked for: what was told by then is no surprise."""
        self._catch_up()
        try:
            if not self.spot.take():
                self._checks.doubt(time.monotonic(), self._rows)
        except NetlinkError as error:
            log.warning("rows not asked for error=%s", error)

    def look_at_use(self, now: float) -> None:
        """Which of the rows that were asked for are still used."""
        for vni in self.core.on_demand.due(now):
            attached = self.core.dataplane.segments[vni].attachment
            if attached is not None:
                rows: list[NeighborMessage] | None
                try:
                    rows = dump_neighbors(AF_BRIDGE, ifindex=attached.device.ifindex)
                except NetlinkError as error:
                    log.warning("dump failed error=%s", error)
                    rows = None
                self.core.on_demand.used(vni, rows, now)

    def next_moment(self) -> float:
        """Monotonic seconds of the next look, or of the next step of this one."""
        if self._looking.under_way and self._links_known:
            return time.monotonic() + EACH if self._looking.waiting else 0.0
        moments = [self._checks.level, self._checks.spot]
        if self.core.dataplane.unobserved or not self._links_known:
            moments.append(self._dump_at)
        return min(moments)

    def _link_event(self, event: Event) -> None:
        """Devices are attached once the queue is read; what was told of their rows before is in the dump then due."""
        if isinstance(event, LinkChanged) and event.link.ifindex not in self.core.dataplane.links:
            self._plug(event.link)
        self.core.kernel.link_event(event)
        if isinstance(event, PortChanged) and event.ifindex in self.core.dataplane.links:
            self._plug(self.core.dataplane.links[event.ifindex])

    def _overrun(self) -> None:
        self._links_known = False
        self.core.kernel.lost_track()

    def _look_failed(self, error: NetlinkError) -> None:
        now = time.monotonic()
        self._failed(error, now)
        if self._level_check:
            self._checks.retry(now)

    def _failed(self, error: NetlinkError, now: float) -> None:
        self.core.kernel.failed_dumps += 1
        log.warning("dump failed error=%s count=%d", error, self.core.kernel.failed_dumps)
        self._dump_at = now + DUMP_RETRY

    def _read_links(self) -> None:
        self.core.dataplane.links = {link.ifindex: link for link in dump_links()}
        self.core.instances.links_changed = self._links_known = True
