"""Sleep until something happens or is due, where ExaBGP looks around a hundred times a second.

Surfaces: `Reactor._wait_for_io`, with which each turn of ExaBGP's loop ends; the name `KA` in `exabgp.reactor.peer`,
for the timer in it; and `Protocol.connect`, for the socket of a connection that is being made.

A turn that has left work is followed by the next one at once, as ever. After a turn without any, ExaBGP sleeps for
10 ms, and only peers and commands wake it up. Here connections to accept, a helper that reads again and signals do so,
too; and where it is certain that nothing else can happen, the sleep is longer.

It is where each peer is in a session, between two, or does not answer to a SYN: what comes next then is a keepalive,
the end of the hold time or of the back-off, or the answer. All else (a connection refused or negotiated, routes that
wait, callbacks half done, a socket that takes no more, the first turns after anything) has ExaBGP's 10 ms.
"""

import os
import signal
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import inf
from select import POLLIN, POLLOUT, POLLPRI, poll
from typing import Any
from weakref import ref

from exabgp.bgp import timer
from exabgp.reactor import delay
from exabgp.reactor import peer as reactor_peer
from exabgp.reactor.keepalive import KA
from exabgp.reactor.loop import Reactor
from exabgp.reactor.protocol import Protocol

from evpn.exabgp.extension.batches import is_held_back
from evpn.exabgp.extension.outbox import outboxes

LONGEST = 30.0
"""Seconds, whatever is due: should something be overlooked, it is late by that at most."""

QUIET_TURNS = 2
"""Turns without any event before a longer sleep: ExaBGP has steps that take a turn each and do not show from outside,
as the End-of-RIB behind the last routes."""

_KEEPALIVE, _ATTEMPT = "_evpn_keepalive", "_evpn_attempt"
_READABLE = POLLIN | POLLPRI


@dataclass(slots=True)
class Rest:
    wakeup: int
    """A signal writes to the other end."""
    quiet: int = 0
    ours: bool = False
    """The last sleep was ended by nothing that would end ExaBGP's own."""


class KnownKeepalive(KA):  # type: ignore[misc]  # ExaBGP has no types
    """ExaBGP keeps it in a place that nobody can look into; this one is found with the session."""

    def __init__(self, session: Any, proto: Any) -> None:
        super().__init__(session, proto)
        proto.__dict__[_KEEPALIVE] = self


_stock_connect = Protocol.connect


def connect(self: Any) -> Iterator[bool]:
    """What is connecting is known by a generator's frame alone, and ends with it: it must not be held here."""
    self.peer.__dict__[_ATTEMPT] = ref(self)
    yield from _stock_connect(self)


def install() -> None:
    Protocol.connect = connect
    reactor_peer.KA = KnownKeepalive
    Reactor._wait_for_io = wait_for_io


def wait_for_io(self: Any, sleeptime: int) -> Iterable[int]:
    """Milliseconds, of a turn without work; ExaBGP asks nobody whose descriptor it was, for all have their turn."""
    rest = _rest(self)
    if not sleeptime or self.signal.received or (self._stopping and not self._peers):
        rest.quiet = 0
        return ()
    try:
        _sleep(self, rest, timeout(self, rest, sleeptime))
    except (OSError, ValueError):
        self._prevent_spin()  # a descriptor of something that is just going away
    return ()


def timeout(reactor: Any, rest: Rest, sleeptime: int) -> float:
    if not _settled(reactor):
        rest.quiet = 0
    if rest.quiet < QUIET_TURNS or rest.ours:
        return sleeptime
    return max(1.0, 1000 * min(map(_until_due, reactor._peers.values()), default=LONGEST))


def _sleep(reactor: Any, rest: Rest, timeout: float) -> None:
    """What only we listen to is not listened to again at once: nobody may be able to do anything about it."""
    poller = poll()
    for descriptor in _heard_by_exabgp(reactor):
        poller.register(descriptor, _READABLE)
    poller.register(rest.wakeup, POLLIN)
    ours = {} if rest.ours else dict(_heard_here(reactor))
    if rest.quiet >= QUIET_TURNS:  # a peer that refuses is not called more often than by ExaBGP
        ours.update((peer, POLLOUT) for peer in map(_unanswered, reactor._peers.values()) if peer != -1)
    for descriptor, wanted in ours.items():
        poller.register(descriptor, wanted)
    events = poller.poll(timeout)
    rest.quiet = 0 if events else rest.quiet + 1
    rest.ours = bool(events) and all(descriptor in ours for descriptor, _ in events)
    for descriptor, event in events:
        if descriptor == rest.wakeup:
            os.read(rest.wakeup, 4096)
        elif not event & (_READABLE | POLLOUT):
            reactor._prevent_spin()
            return


def _heard_by_exabgp(reactor: Any) -> Iterator[int]:
    peers = [peer for peer in reactor._peers.values() if not is_held_back(peer)]
    yield from (peer.socket() for peer in peers if peer.socket() != -1)
    yield from reactor.processes.fds


def _heard_here(reactor: Any) -> Iterator[tuple[int, int]]:
    if listener := reactor.listener:
        yield from ((io.fileno(), POLLIN) for io in listener._sockets if io not in listener._accepted)
    for outbox in outboxes(reactor.processes).values():
        if outbox.size and outbox.process.stdin is not None and not outbox.process.stdin.closed:
            yield outbox.process.stdin.fileno(), POLLOUT


def _settled(reactor: Any) -> bool:
    """Nothing of what ExaBGP does in steps, turn by turn, is half done."""
    boxes = outboxes(reactor.processes).values()
    if not reactor.asynchronous.ready() or any(outbox.overflowed or outbox.is_high for outbox in boxes):
        return False
    return not any(_busy(peer) for peer in reactor._peers.values()) and _writable(reactor)


def _busy(peer: Any) -> bool:
    if peer._teardown is not None:
        return True
    if not peer.generator:
        return peer.generator is None and peer.proto is not None
    neighbor = peer.neighbor
    if neighbor["rate-limit"]:
        return True
    if peer.proto is None:
        return _unanswered(peer) == -1
    if _KEEPALIVE not in peer.proto.__dict__:
        return True  # not yet established
    waits = peer._neighbor or neighbor.messages or neighbor.refresh or neighbor.eor
    return bool(waits or neighbor.rib.outgoing.pending())


def _unanswered(peer: Any) -> int:
    """The socket of a connection that is being made, as long as nothing is known of it; else -1."""
    attempt = peer.__dict__.get(_ATTEMPT, lambda: None)()
    if not peer.generator or peer.proto is not None or attempt is None or attempt.fd() == -1:
        return -1
    poller = poll()
    poller.register(attempt.fd(), POLLOUT)
    return -1 if poller.poll(0) else int(attempt.fd())


def _writable(reactor: Any) -> bool:
    """A keepalive may be stuck in the middle otherwise, which shows nowhere."""
    sockets = [peer.socket() for peer in reactor._peers.values() if peer.socket() != -1]
    poller = poll()
    for descriptor in sockets:
        poller.register(descriptor, POLLOUT)
    return len(poller.poll(0)) == len(sockets)


def _until_due(peer: Any) -> float:
    """Seconds."""
    if peer.generator and peer.proto is not None:
        return min(LONGEST, *(moment - float(timer.time.time()) for moment in _moments(peer)))
    if peer.generator is None and not peer.neighbor["passive"]:
        return min(LONGEST, float(peer._delay._time) - float(delay.time.time()))
    return LONGEST


def _moments(peer: Any) -> Iterator[float]:
    """When a keepalive is due, and when the peer's is overdue: ExaBGP rounds the time down before it compares."""
    sending, receiving = peer.proto.__dict__[_KEEPALIVE].send_timer, peer.recv_timer
    yield sending.last_sent + sending.keepalive if sending.keepalive else inf
    yield receiving.last_read + receiving.holdtime + 1 if receiving.holdtime else inf


def _rest(reactor: Any) -> Rest:
    """Kept on the object itself, which ExaBGP makes before it could be wrapped."""
    found: Rest | None = reactor.__dict__.get("_evpn_rest")
    if found is None:
        wakeup, woken = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
        found = reactor.__dict__["_evpn_rest"] = Rest(wakeup)
    return found
