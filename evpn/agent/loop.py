"""The loop: takes facts in, lets the core settle, pushes differences. Owns every file descriptor and the clock.

One turn: lines from ExaBGP, notifications from the kernel, requests; dumps that are due; `Core.settle`; one slice of
rows to the kernel; one slice of routes to ExaBGP. Receiving is cheap and applying is batched: nothing writes while a
fact is being taken in.
"""

import gc
import logging
import select
import selectors
import sys
import time
from collections.abc import Callable, Iterable

from evpn.agent.control import Client, Control
from evpn.agent.core import Core
from evpn.agent.firewall import Firewall
from evpn.agent.host import HostError
from evpn.agent.isolation import Isolation
from evpn.agent.observer import Observer
from evpn.agent.session import Session
from evpn.agent.snapshot_file import SnapshotFile
from evpn.agent.timers import until
from evpn.agent.writing import BATCH, Writing
from evpn.dataplane.link import Link
from evpn.exabgp import commands, messages
from evpn.exabgp.pipe import Pipe
from evpn.netlink.errors import SCARCE, NetlinkError
from evpn.netlink.snoop import Snooper
from evpn.netlink.socket import Writer
from evpn.packet.sighting import decode

log = logging.getLogger(__name__)

BULK = 128
"""Pending rows from which on echoes of our own writes are not listened to; a full UPDATE of MAC/IP routes has more."""
OCTETS_PER_TURN = 1 << 16
"""Of lines, some 700 routes: in between, the kernel gets what they come to."""
SWITCH_INTERVAL = 0.0002
"""Seconds that a thread may keep the interpreter while another one wants it: the kernel waits as long for more rows."""
FRAMES_PER_TURN = 1024
CONTROL_CHECK = 60.0
"""Seconds between two looks at whether the control socket is there."""
RECALL_DEADLINE, FOLLOW_RETRY = 5.0, 1.0


class Loop:
    """`open`, then `run` until ExaBGP closes the pipe."""

    def __init__(self, core: Core, pipe: Pipe, control: Control, plug: Callable[[Link], None]) -> None:
        """`plug` is told of devices that appear, which may be configured ports, and of ports that change."""
        self.core = core
        self.session = Session(core)
        self.pipe = pipe
        self.control = control
        self.observer = Observer(core, plug)
        self.snooper = Snooper()
        self.writing = Writing(core, pipe, self._take_lines, Writer(), lambda: self.observer.listen_less(*self._few()))
        self.firewall = Firewall(core)
        self.isolation = Isolation(core)
        self.snapshot = SnapshotFile(core)
        self._selector = selectors.DefaultSelector()
        self._followed = -1
        self._control_due = 0.0
        self._listening: int | None = None
        self._follow_at = 0.0
        """When ports are followed that there were no descriptors for; 0: all are."""
        self._put_off = False
        """Lines wait, and have not been taken in this turn."""
        self._told = False
        """ExaBGP knows what there is to announce."""

    def open(self) -> None:
        """Subscribe first, then look at everything, and take routes in while the kernel tells."""
        self.writing.open()
        sys.setswitchinterval(SWITCH_INTERVAL)
        self.observer.open(self.writing.port_id)
        self.snooper.open()
        self.pipe.open()
        self._keep_control(time.monotonic())
        self._selector.register(self.pipe.fileno(), selectors.EVENT_READ, self._lines_wait)
        self._selector.register(self.observer.monitor.fileno(), selectors.EVENT_READ, self.observer.take_events)
        self._selector.register(self.observer.looker, selectors.EVENT_READ, self.observer.take_look)
        self._selector.register(self.observer.spot, selectors.EVENT_READ, self.observer.take_spot)
        self._selector.register(self.snooper.fileno(), selectors.EVENT_READ, self._take_frames)
        self.core.instances.attach_devices()
        self._recall()
        if not self.session.recalled:
            self.snapshot.recall()
        now = time.monotonic()
        self.observer.look(now)
        self._follow_ports()
        self.core.settle(now)
        self._announce()
        self.pipe.write(commands.list_peers(self.core.announcer.next_id()))
        self.pipe.flush()
        gc.set_threshold(50_000, 20, 100)

    def _announce(self) -> None:
        """What differs; at first all of it, once all of the kernel was looked at, for the rest is withdrawn by that."""
        announcer = self.core.announcer
        if self._told:
            self._say(announcer.lines())
        elif not self.core.dataplane.unobserved:
            self._told = True
            self.pipe.write(announcer.begin_sync())
            self._say(announcer.lines(1 << 30))
            self.pipe.write(announcer.end_sync())
            gc.collect()
            gc.freeze()  # what lives as long as the agent need not be walked again and again

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
        try:
            while not self.pipe.closed:
                self.turn()
        finally:  # ExaBGP is gone, or a signal ends us
            self.snapshot.close()

    def turn(self) -> None:
        for key, _ in self._selector.select(self._timeout(time.monotonic())):
            if isinstance(key.data, Client):
                self._serve(key.data)
            else:
                key.data()
        now = time.monotonic()
        self.observer.look(now)
        self.observer.look_at_use(now)
        self._follow_ports()
        self.core.settle(now)
        self.isolation.settle(now)
        self.firewall.settle(now)
        self._push_rows(now)
        self._send_frames(now)
        self._announce()
        self._say(self.session.refreshes())
        self._greet()
        self.pipe.flush()
        self._watch_pipe()
        self._keep_control(now)
        self.snapshot.settle(now)

    # In

    def _lines_wait(self) -> None:
        """Where a whole batch of rows waits, too, lines are taken while the kernel takes that."""
        self._put_off = self.core.dataplane.backlog >= BATCH
        if not self._put_off:
            self._take_lines()

    def _take_lines(self) -> None:
        now = time.monotonic()
        for line in self.pipe.read(OCTETS_PER_TURN):
            if (fact := messages.decode(line)) is not None:
                self._say(self.session.hear(fact, now))

    def _take_frames(self) -> None:
        """What hosts say of their addresses; the rest of a storm waits for the next turn.

        The bridge has the last word on where a host is, and it has learnt it from these very frames: that comes first.
        """
        now, frames = time.monotonic(), self.snooper.read(FRAMES_PER_TURN)
        self.observer.take_events()
        self.core.kernel.frames_lost = self.snooper.lost
        for port, frame in frames:
            if (sighting := decode(frame)) is not None:
                self.core.kernel.sighted(port, sighting, now)
            self.core.on_demand.heard(port, frame, now)

    # Out

    def _push_rows(self, now: float) -> None:
        self.observer.listen(*self._few())
        if not self.writing.push(now) and self._put_off:
            self._take_lines()
            self.core.settle(now)
        self._put_off = False
        self.observer.listen(*self._few())  # or nobody would, until something happens

    def _few(self) -> tuple[bool, bool]:
        """Whether there are but few rows to write, and to remove, of those that may go by now."""
        core, removals = self.core, self.core.dataplane.backlog_of_removals
        few = core.dataplane.backlog - removals < BULK, not core.peers.synced or removals < BULK
        return few if all(few) or core.dataplane.has_work(core.peers.synced) else (True, True)

    def _send_frames(self, now: float) -> None:
        """After the rows: who is answered may send to whom it has asked for at once."""
        for port, frame in self.core.questions.take() + self.core.on_demand.answers(now):
            self.snooper.send(port, frame)

    def _follow_ports(self) -> None:
        """Snoop on the local ports of the bridges whose hosts' addresses are wanted."""
        instances, now = self.core.instances, time.monotonic()
        if self._followed == instances.changes or now < self._follow_at:
            return
        try:
            self.snooper.follow(instances.snooped_ports())
        except NetlinkError as error:
            if error.errno not in SCARCE:
                raise
            if not self._follow_at:
                log.warning("hosts not listened to, to be tried again error=%s", error)
            self._follow_at = now + FOLLOW_RETRY
            return
        self._followed, self._follow_at = instances.changes, 0.0

    def _greet(self) -> None:
        """End-of-RIB, once the kernel was looked at and everything of ours is on its way."""
        core = self.core
        if core.dataplane.unobserved or core.announcer.routes.pending or not self._told:
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
        unsaid = self._told and core.announcer.routes.pending
        if unsaid or not core.is_settled or core.dataplane.has_work(core.peers.synced):
            return 0.0
        moments = (
            self.observer.next_moment(),
            core.peers.next_deadline(now),
            self.isolation.next_due(),
            self.snapshot.next_due(),
            core.dataplane.next_retry(),
            core.questions.next_due(),
            core.moves.next_recovery(),
            core.on_demand.next_due(),
            self.firewall.next_due(),
            self._follow_at or None,
        )
        return until(moments, now)

    # Requests

    def _keep_control(self, now: float) -> None:
        """Somebody may have removed it, or there is no place for it: that is no reason to end any session."""
        if now < self._control_due:
            return
        first, self._control_due = not self._control_due, now + CONTROL_CHECK
        if self.control.is_there:
            return
        if self._listening is not None:
            self._selector.unregister(self._listening)
            self._listening = None
        try:
            self.control.open()
        except (OSError, HostError) as error:
            if first and isinstance(error, HostError):
                raise
            log.warning("nobody can ask or reload, tried again later error=%s", error)
            self.control.close()
            return
        self._listening = self.control.fileno()
        self._selector.register(self._listening, selectors.EVENT_READ, self._accept)

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
