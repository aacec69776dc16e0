"""Hears what the kernel notifies, and looks at what it holds: what was missed, and once in a while everything.

Subscribe first, then dump. A lost notification, a device that is new and a level check are the same: a dump is due.
"""

import logging
import time
from collections.abc import Callable, Iterable
from errno import EINTR

from evpn.agent.core import Core
from evpn.agent.looking import Looking, ask_for
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

LEVEL_CHECK, LEVEL_CHECK_SHARE = 60.0, 100
"""Seconds between level checks, and the least multiple of the time that the last one took: at most 1 % of a core."""
STRANGERS_SHARE, PER_PAIR = 500, 1.5e-10
"""The same of a dump that looks for rows that nobody knows of, where they are very many: at most 0.2 % of a core; and
the seconds that it takes, divided by the square of the rows: it is not made to find out."""
SOON, SOON_SHARE = 5.0, 2
"""The same after a time in which not everything was heard."""
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
        self._next_check = self._latest_check = 0.0
        self._strangers_since = 0.0
        """From when on there may be strangers."""
        self._strangers_wanted = False
        """Whether they are looked for at the next opportunity."""
        self._dump_at = 0.0
        self._looking = Looking(core, Looker())
        self._began = self._took = 0.0
        self._links_known = self._level_check = self._strangers = False
        self._heard = (False, False)
        self._writer = 0

    def open(self, writer: int) -> None:
        """`writer`: the port id of whom our own rows are written by."""
        self.monitor.open()
        self._looking.open()
        self._writer = writer
        self.listen()
        while not self._links_known:  # without them all that was announced before would be withdrawn
            try:
                self._read_links()
            except NetlinkError as error:
                if error.errno != EINTR:
                    raise
                self._failed(error, time.monotonic())
        self._check_at(time.monotonic() + LEVEL_CHECK)

    def listen(self, additions: bool = True, deletions: bool = True) -> None:
        """While very many rows are written, or removed, do not hear of each: it takes longer than to write them.

        What others write over rows of ours meanwhile is found by the next level check. What they remove while we
        remove is not heard either: soon after, everything is looked at.
        """
        before, self._heard = self._heard, (additions, deletions)
        if before == self._heard:
            return
        self.core.kernel.deaf = not additions
        self.monitor.ignore(self._writer, additions, deletions)
        if not (additions and deletions):
            self._looking.give_way()
        if deletions and not before[1]:
            self._check_soon(self._took)

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
            self._check_at(now)
            self._strangers_wanted = True
        if not self._links_known and now >= self._dump_at:
            try:
                self._read_links()
            except NetlinkError as error:
                self._failed(error, now)
        self.core.instances.attach_devices()
        if self.core.kernel.flown and not self.monitor.has_more():
            self.core.kernel.flown.clear()
        if self._looking.under_way:
            self._go_on()
            return
        due = list(self.core.dataplane.unobserved) if now >= self._dump_at else []
        self._level_check = not due and self._is_check_due(now)
        self._strangers = self._level_check and self._are_strangers_due(now)
        if self._level_check:
            due = [vni for vni, segment in self.core.dataplane.segments.items() if segment.attachment is not None]
            self._check_at(now + LEVEL_CHECK)
        if due:
            self._began = now
            self._looking.start(due, self._strangers)

    def _is_check_due(self, now: float) -> bool:
        """It waits until rows are written, for a while at least: they are unheard, and the kernel is busy with them."""
        if now < self._next_check:
            return False
        if all(self._heard) or now >= self._latest_check:
            return True
        self._next_check = now + DUMP_RETRY
        return False

    def _are_strangers_due(self, now: float) -> bool:
        """Never while rows are written: each would have to wait for a part of the dump."""
        due = self._strangers_since + STRANGERS_SHARE * self._dump_takes()
        return all(self._heard) and (self._strangers_wanted or now >= due)

    def _dump_takes(self) -> float:
        """Seconds, of all rows."""
        return PER_PAIR * sum(len(segment.macs.actual) ** 2 for segment in self.core.dataplane.segments.values())

    def _check_at(self, moment: float) -> None:
        self._next_check, self._latest_check = moment, moment + LEVEL_CHECK

    def _check_soon(self, took: float) -> None:
        """`took`: seconds of the last such check. One that waits already does not wait longer for that."""
        latest = self._latest_check
        self._check_at(min(self._next_check, time.monotonic() + max(SOON, SOON_SHARE * took)))
        self._latest_check = min(latest, self._latest_check)

    def take_look(self) -> None:
        """The kernel has been dumped: what was told by then is no drift."""
        for _ in range(_READS):
            if not self.take_events():
                break
        try:
            self._looking.take()
        except NetlinkError as error:
            self._failed(error, time.monotonic())

    def _go_on(self) -> None:
        """With comparing, if the kernel has been dumped."""
        if self._looking.waiting:
            return
        try:
            self._looking.step()
        except NetlinkError as error:
            self._failed(error, time.monotonic())
        if not self._looking.under_way:
            self._looked(time.monotonic())

    def _looked(self, now: float) -> None:
        """When the next look is due, by what this one took."""
        if self._level_check:
            dumping = self._looking.dumping if self._strangers else 0.0
            self._took = now - self._began - dumping
            self._check_at(now - self._took + max(LEVEL_CHECK, LEVEL_CHECK_SHARE * self._took))
        if not self._looking.strangers_left:
            self._strangers_since, self._strangers_wanted = now, False
        elif not self._level_check:
            self._strangers_wanted = True
            self._check_soon(self._dump_takes())
        elif self._strangers:  # it has given way, and may have to again
            due = now + LEVEL_CHECK_SHARE * self._looking.dumping
            self._strangers_since, self._strangers_wanted = due - STRANGERS_SHARE * self._dump_takes(), False

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
            return time.monotonic() + LEVEL_CHECK if self._looking.waiting else 0.0
        if self.core.dataplane.unobserved or not self._links_known:
            return min(self._next_check, self._dump_at)
        return self._next_check

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

    def _failed(self, error: NetlinkError, now: float) -> None:
        self.core.kernel.failed_dumps += 1
        log.warning("dump failed error=%s count=%d", error, self.core.kernel.failed_dumps)
        self._dump_at = now + DUMP_RETRY

    def _read_links(self) -> None:
        self.core.dataplane.links = {link.ifindex: link for link in dump_links()}
        self.core.instances.links_changed = self._links_known = True
