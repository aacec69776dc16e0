"""The loop: takes facts in, lets the core settle, pushes differences. Owns every file descriptor and the clock.

One turn: lines from ExaBGP, notifications from the kernel, requests; dumps that are due; `Core.settle`; one slice of
rows to the kernel; one slice of routes to ExaBGP. Receiving is cheap and applying is batched: nothing writes while a
fact is being taken in.
"""

import gc
import logging
import select
import selectors
import time
from collections.abc import Callable, Iterable

from evpn.agent.control import Client, Control
from evpn.agent.core import Core
from evpn.agent.session import Session
from evpn.dataplane.entries import AF_BRIDGE
from evpn.dataplane.link import Link
from evpn.exabgp import commands, messages
from evpn.exabgp.pipe import Pipe
from evpn.netlink import rows
from evpn.netlink.constants import AF_INET, AF_INET6
from evpn.netlink.dump import dump_bridge_domain, dump_links, dump_neighbors
from evpn.netlink.errors import NetlinkError
from evpn.netlink.events import Event, LinkChanged, Overrun
from evpn.netlink.neighbor import NeighborMessage
from evpn.netlink.socket import Monitor, Writer
from evpn.values import Vni

log = logging.getLogger(__name__)

ROWS_PER_TURN, ROWS_PER_BATCH = 4096, 512
BULK = 4096
"""Pending rows from which on echoes of our own writes are not listened to."""
LEVEL_CHECK, LEVEL_CHECK_SHARE = 60.0, 50
"""Seconds between level checks, and the least multiple of the time that the last one took: at most 2 % of a core."""
DUMP_RETRY = 1.0
RECALL_DEADLINE = 5.0
_WHOLE_DUMP = 8
"""From so many bridge domains on one dump of everything is cheaper than one for each."""


class Loop:
    """`open`, then `run` until ExaBGP closes the pipe."""

    def __init__(self, core: Core, pipe: Pipe, control: Control, plug: Callable[[Link], None]) -> None:
        """`plug` is told of every device that appears: it may be one of the configured ports."""
        self.core = core
        self.session = Session(core)
        self.pipe = pipe
        self.control = control
        self.monitor = Monitor()
        self.writer = Writer()
        self.overruns = 0
        self._selector = selectors.DefaultSelector()
        self._next_check = 0.0
        self._dump_at = 0.0
        self._listening = self._links_known = False
        self._plug = plug

    def open(self) -> None:
        """Subscribe first, then look at everything; then tell ExaBGP all of it, once."""
        self.monitor.open()
        self.writer.open()
        self.pipe.open()
        self.control.open()
        self._selector.register(self.pipe.fileno(), selectors.EVENT_READ, self._take_lines)
        self._selector.register(self.monitor.fileno(), selectors.EVENT_READ, self._take_events)
        self._selector.register(self.control.fileno(), selectors.EVENT_READ, self._accept)
        self._listen(everything=True)
        self._read_links()
        self.core.instances.attach_devices()
        self._recall()
        now = time.monotonic()
        self._look(now)
        self.core.settle(now)
        self.pipe.write(self.core.announcer.begin_sync())
        self._say(self.core.announcer.lines(1 << 30))
        self.pipe.write(self.core.announcer.end_sync())
        self.pipe.write(commands.list_peers(self.core.announcer.next_id()))
        self.pipe.flush()
        self._next_check = now + LEVEL_CHECK
        gc.collect()
        gc.freeze()  # what lives as long as the agent need not be walked again and again
        gc.set_threshold(50_000, 20, 100)

    def _recall(self) -> None:
        """Ask ExaBGP what an earlier agent has announced: a sequence number must never fall back."""
        question = self.core.announcer.next_id()
        self.pipe.write(commands.list_routes(question))
        self.pipe.flush()
        deadline = time.monotonic() + RECALL_DEADLINE
        while self.session.answered < question and not self.pipe.closed:
            if time.monotonic() > deadline:
                log.warning("exabgp does not tell what was announced before, sequence numbers may start again")
                return
            if select.select([self.pipe.fileno()], [], [], 0.1)[0]:
                self._take_lines()

    def run(self) -> None:
        while not self.pipe.closed:
            self.turn()

    def turn(self) -> None:
        for key, _ in self._selector.select(self._timeout(time.monotonic())):
            if isinstance(key.data, Client):
                self._serve(key.data)
            else:
                key.data()
        now = time.monotonic()
        self._look(now)
        self.core.settle(now)
        self._push_rows(now)
        self._say(self.core.announcer.lines())
        self._greet()
        self.pipe.flush()
        self._watch_pipe()

    # In

    def _take_lines(self) -> None:
        now = time.monotonic()
        for line in self.pipe.read():
            fact = messages.decode(line)
            if fact is not None:
                self._say(self.session.hear(fact, now))

    def _take_events(self) -> None:
        for event in self.monitor.read():
            if isinstance(event, NeighborMessage):
                self.core.row_event(event)
            elif isinstance(event, Overrun):
                self._overrun()
            else:
                self._link_event(event)

    def _link_event(self, event: Event) -> None:
        """Devices are attached once the queue is read; what was told of their rows before is in the dump then due."""
        if isinstance(event, LinkChanged) and event.link.ifindex not in self.core.dataplane.links:
            self._plug(event.link)
        self.core.link_event(event)

    def _overrun(self) -> None:
        self.overruns += 1
        log.warning("notifications lost, everything is observed again count=%d", self.overruns)
        self._links_known = False
        self.core.lost_track()

    def _read_links(self) -> None:
        self.core.dataplane.links = {link.ifindex: link for link in dump_links()}
        self.core.instances.links_changed = self._links_known = True

    def _look(self, now: float) -> None:
        """Observe what is unknown, and once in a while what is believed known."""
        if not self._links_known and now >= self._dump_at:
            try:
                self._read_links()
            except NetlinkError as error:
                log.warning("links not listed error=%s", error)
                self._dump_at = now + DUMP_RETRY
        self.core.instances.attach_devices()
        due = list(self.core.dataplane.unobserved) if now >= self._dump_at else []
        level_check = not due and now >= self._next_check
        if level_check:
            due = [vni for vni, segment in self.core.dataplane.segments.items() if segment.attachment is not None]
        if not due:
            if level_check:
                self._next_check = now + LEVEL_CHECK
            return
        if level_check:
            self._take_events()  # what was told already is no drift
        try:
            self._observe(due)
        except NetlinkError as error:
            log.warning("dump failed error=%s", error)
            self._dump_at = now + DUMP_RETRY
        if level_check:
            took = time.monotonic() - now
            self._next_check = now + max(LEVEL_CHECK, LEVEL_CHECK_SHARE * took)

    def _observe(self, due: list[Vni]) -> None:
        everything = self._everything() if len(due) >= _WHOLE_DUMP else None
        for vni in due:
            attached = self.core.dataplane.segments[vni].attachment
            if attached is None:
                continue
            if everything is None:
                self.core.observed(vni, *dump_bridge_domain(attached.bridge.ifindex))
            else:
                self.core.observed(vni, *everything.get(vni, ([], [])))

    def _everything(self) -> dict[Vni, tuple[list[NeighborMessage], list[NeighborMessage]]]:
        """FDB rows and neighbors of every bridge domain, by three dumps."""
        segment_of = self.core.dataplane.segment_of
        found: dict[Vni, tuple[list[NeighborMessage], list[NeighborMessage]]] = {}
        for family in (AF_BRIDGE, AF_INET, AF_INET6):
            for row in dump_neighbors(family):
                segment = segment_of(row.ifindex, row.master) if family == AF_BRIDGE else segment_of(0, row.ifindex)
                if segment is not None:
                    found.setdefault(segment.vni, ([], []))[family != AF_BRIDGE].append(row)
        return found

    # Out

    def _push_rows(self, now: float) -> None:
        """A slice of what differs; the rest next turn, after whatever has come in meanwhile."""
        dataplane, pushed = self.core.dataplane, 0
        self._listen(everything=dataplane.backlog < BULK)
        while pushed < ROWS_PER_TURN:
            changes = dataplane.batch(ROWS_PER_BATCH, self.core.peers.synced)
            if not changes:
                return
            batch = rows.encode(changes)
            refused = rows.refused(batch, self.writer.apply(batch.messages))
            self.core.pushed(changes, refused, now)
            for index, errno in refused.items():
                segment, kind, change = changes[index]
                log.debug("refused vni=%d kind=%s key=%s errno=%d", segment.vni, kind.value, change.key.hex(), errno)
            pushed += len(changes)

    def _listen(self, everything: bool) -> None:
        """While very many rows are written, do not hear of each: it takes longer than to write them.

        What a second owner does meanwhile is found by the next level check.
        """
        if everything != self._listening:
            self._listening = everything
            self.monitor.ignore(self.writer.port_id, marked_rows=not everything)

    def _greet(self) -> None:
        """End-of-RIB, once the kernel was looked at and everything of ours is on its way."""
        core = self.core
        if core.dataplane.unobserved or core.announcer.routes.pending:
            return
        for peer in core.peers.up():
            if not peer.greeted:
                peer.greeted = True
                self.pipe.write(commands.end_of_rib(core.announcer.next_id(), peer.address))

    def _say(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            self.pipe.write(line)

    def _watch_pipe(self) -> None:
        """Wake up when ExaBGP takes more, but only while there is more."""
        fd, watched = self.pipe.write_fileno, self._selector.get_map()
        if self.pipe.unwritten and fd not in watched:
            self._selector.register(fd, selectors.EVENT_WRITE, self.pipe.flush)
        elif not self.pipe.unwritten and fd in watched:
            self._selector.unregister(fd)

    def _timeout(self, now: float) -> float:
        core = self.core
        if core.dataplane.has_work(core.peers.synced) or core.announcer.routes.pending:
            return 0.0
        moments = [self._next_check, core.peers.next_deadline(now)]
        if core.dataplane.unobserved or not self._links_known:
            moments.append(self._dump_at)
        retry = core.dataplane.next_retry()
        if retry is not None:
            moments.append(retry)
        return max(0.0, min(moments) - now)

    # Requests

    def _accept(self) -> None:
        silent = self.control.superfluous()
        if silent is not None:
            self._drop(silent)
        client = self.control.accept()
        if client is not None:
            self._selector.register(client.connection, selectors.EVENT_READ, client)

    def _drop(self, client: Client) -> None:
        self._selector.unregister(client.connection)
        self.control.drop(client)

    def _serve(self, client: Client) -> None:
        if not self.control.serve(client):
            self._drop(client)
        elif client.rows is not None:
            self._selector.modify(client.connection, selectors.EVENT_WRITE, client)
