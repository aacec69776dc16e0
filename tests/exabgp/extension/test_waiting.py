"""How long ExaBGP sleeps, and what wakes it up; with descriptors of this machine, and a clock in the test's hands."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from weakref import ref

import pytest
from exabgp.bgp import timer
from exabgp.bgp.neighbor import Neighbor
from exabgp.reactor import delay

from evpn.exabgp.extension import waiting
from evpn.exabgp.extension.outbox import Outbox, outboxes
from evpn.exabgp.extension.waiting import LONGEST, QUIET_TURNS, Rest, timeout, wait_for_io

from .made import route, with_mobility

STOCK = 10
"""Milliseconds."""
NOW = 1000.25


@pytest.fixture(autouse=True)
def now(installed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = SimpleNamespace(time=lambda: NOW)
    monkeypatch.setattr(timer, "time", stopped)
    monkeypatch.setattr(delay, "time", stopped)


@pytest.fixture
def link() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Ours and the peer's end of a session."""
    ours, peers = socket.socketpair()
    ours.setblocking(False)
    with ours, peers:
        yield ours, peers


@pytest.fixture
def peer(link: tuple[socket.socket, socket.socket], outgoing: Any) -> Any:
    """In a session in which nothing is due for a long time."""
    neighbor = Neighbor()
    neighbor.rib = SimpleNamespace(outgoing=outgoing)
    return SimpleNamespace(
        neighbor=neighbor,
        generator=iter(()),
        proto=SimpleNamespace(
            _evpn_keepalive=SimpleNamespace(send_timer=SimpleNamespace(last_sent=1000, keepalive=60))
        ),
        recv_timer=SimpleNamespace(last_read=1000, holdtime=180),
        socket=link[0].fileno,
        _teardown=None,
        _neighbor=None,
        _delay=SimpleNamespace(_time=0.0),
    )


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGALRM, signal.SIGUSR1, signal.SIGUSR2)


@pytest.fixture
def reactor(peer: Any, listening: socket.socket) -> Iterator[Any]:
    """ExaBGP's own, with one peer."""
    from exabgp.configuration.configuration import Configuration
    from exabgp.reactor.api.processes import Processes
    from exabgp.reactor.loop import Reactor

    handlers = [(number, signal.getsignal(number)) for number in SIGNALS]
    made = Reactor(Configuration([]))
    made.processes = Processes()
    made._peers = {"peer": peer}
    made.listener._sockets, made.listener.serving = {listening: ()}, True
    yield made
    for number, handler in handlers:
        signal.signal(number, handler)


@pytest.fixture
def rest(reactor: Any) -> Iterator[Rest]:
    """After some turns in which nothing happened, so that a sleep may be long."""
    wakeup = signal.set_wakeup_fd(-1)
    found = waiting._rest(reactor)
    found.quiet = QUIET_TURNS
    yield found
    os.close(signal.set_wakeup_fd(wakeup))
    os.close(found.wakeup)


def test_nothing_is_due(reactor: Any, rest: Rest) -> None:
    assert timeout(reactor, rest, STOCK) == 1000 * LONGEST


@pytest.mark.parametrize(
    ("sent", "read", "expected"),
    [
        ((998, 3), (1000, 9), 750),  # the keepalive at 1001
        ((1000, 3), (998, 3), 1750),  # three seconds are over only at 1002
        ((997, 3), (1000, 9), 1),  # overdue
        ((1000, 3), (0, 0), 2750),  # both are 0 or none
        ((0, 0), (0, 0), 1000 * LONGEST),
    ],
)
def test_in_a_session_timers_are_due(
    reactor: Any, rest: Rest, peer: Any, sent: tuple[int, int], read: tuple[int, int], expected: float
) -> None:
    sending = peer.proto._evpn_keepalive.send_timer
    sending.last_sent, sending.keepalive = sent
    peer.recv_timer.last_read, peer.recv_timer.holdtime = read

    assert timeout(reactor, rest, STOCK) == expected


@pytest.mark.parametrize(
    ("attempt", "passive", "expected"),
    [(1002.5, False, 2250), (1090.0, False, 1000 * LONGEST), (NOW, False, 1), (1002.5, True, 1000 * LONGEST)],
)
def test_between_sessions_the_next_attempt_is_due(
    reactor: Any, rest: Rest, peer: Any, attempt: float, passive: bool, expected: float
) -> None:
    peer.generator, peer.proto, peer.socket = None, None, lambda: -1
    peer._delay._time, peer.neighbor["passive"] = attempt, passive

    assert timeout(reactor, rest, STOCK) == expected


def test_the_first_of_several_peers_counts(reactor: Any, rest: Rest, peer: Any) -> None:
    tried = SimpleNamespace(**{**vars(peer), "generator": None, "proto": None, "socket": lambda: -1})
    tried._delay = SimpleNamespace(_time=1001.0)
    reactor._peers["another"] = tried

    assert timeout(reactor, rest, STOCK) == 750


def test_without_peers_signals_and_helpers_are_waited_for(reactor: Any, rest: Rest) -> None:
    reactor._peers = {}

    assert timeout(reactor, rest, STOCK) == 1000 * LONGEST


def refused(peer: Any) -> None:
    """Nothing is there that could be listened to."""
    calling(peer, lambda: -1)


def answered(peer: Any) -> None:
    calling(peer, peer.socket)


class Attempt:
    """ExaBGP's `Protocol`, which a peer without a session keeps in its generator's frame."""

    def __init__(self, fd: Callable[[], int]) -> None:
        self.fd = fd


def calling(peer: Any, descriptor: Callable[[], int]) -> None:
    peer.attempt = Attempt(descriptor)
    peer.__dict__["_evpn_attempt"] = ref(peer.attempt)
    peer.proto, peer.socket = None, lambda: -1


@pytest.fixture
def crowded() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A server that answers no SYN as long as it has not accepted whom it has answered before; and the next caller."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, socket.socket() as first, socket.socket() as next:
        first.connect(server.getsockname())
        next.setblocking(False)
        next.connect_ex(server.getsockname())
        yield server, next


def test_a_peer_that_does_not_answer_is_waited_for(
    reactor: Any, rest: Rest, long: None, peer: Any, crowded: tuple[socket.socket, socket.socket]
) -> None:
    server, caller = crowded
    calling(peer, caller.fileno)
    assert timeout(reactor, rest, STOCK) == 60_000
    server.accept()[0].close()  # the SYN is repeated, within a second

    wait_for_io(reactor, STOCK)

    assert rest.quiet == 0
    assert timeout(reactor, rest, STOCK) == STOCK


def test_an_attempt_that_is_over_is_not_held(reactor: Any, rest: Rest, peer: Any) -> None:
    calling(peer, lambda: -1)
    del peer.attempt

    assert timeout(reactor, rest, STOCK) == STOCK


def accepted(peer: Any) -> None:
    """The peer has called; the next turn begins with it."""
    peer.generator = None


def filled(peer: Any) -> None:
    """The peer does not read: who knows what of ours is stuck in the middle."""
    with socket.socket(fileno=os.dup(peer.socket())) as ours:
        while True:
            try:
                ours.send(bytes(1 << 16))
            except BlockingIOError:
                return


HALF_DONE: dict[str, Callable[[Any], Any]] = {
    "routes of EVPN wait": lambda peer: peer.neighbor.rib.outgoing.evpn.announce(with_mobility(1), route("A")),
    "a refresh of other routes waits": lambda peer: peer.neighbor.rib.outgoing._refresh_changes.append(1),
    "an End-of-RIB waits": lambda peer: peer.neighbor.eor.append(1),
    "a route refresh waits": lambda peer: peer.neighbor.refresh.append(1),
    "an operational message waits": lambda peer: peer.neighbor.messages.append(1),
    "a reload has changed the neighbor": lambda peer: setattr(peer, "_neighbor", peer.neighbor),
    "the session is to end": lambda peer: setattr(peer, "_teardown", 3),
    "a rate limit": lambda peer: peer.neighbor.__setitem__("rate-limit", 100),
    "the OPENs": lambda peer: delattr(peer.proto, "_evpn_keepalive"),
    "no attempt is under way": lambda peer: setattr(peer, "proto", None),
    "a connection is refused": refused,
    "a connection is made": answered,
    "a connection was accepted": accepted,
    "the socket is full": filled,
}


@pytest.mark.parametrize("what", HALF_DONE)
def test_exabgp_looks_around_as_ever_where_something_is_half_done(
    reactor: Any, rest: Rest, peer: Any, what: str
) -> None:
    HALF_DONE[what](peer)

    assert timeout(reactor, rest, STOCK) == STOCK
    assert rest.quiet == 0


def test_so_it_does_with_callbacks(reactor: Any, rest: Rest) -> None:
    reactor.asynchronous.schedule("", "", iter(()))

    assert timeout(reactor, rest, STOCK) == STOCK


def test_and_with_a_helper_to_be_started_again(reactor: Any, rest: Rest) -> None:
    box = outboxes(reactor.processes)["helper"] = Outbox(SimpleNamespace(stdin=None))  # type: ignore[arg-type]
    box.overflowed = True

    assert timeout(reactor, rest, STOCK) == STOCK


def test_the_first_turns_after_anything_are_as_ever(reactor: Any, rest: Rest) -> None:
    assert list(wait_for_io(reactor, 0)) == []  # the turn had work, and the next one follows at once

    found = []
    for _ in range(QUIET_TURNS + 1):
        found.append(timeout(reactor, rest, STOCK))
        rest.quiet += 1
    assert found == [STOCK] * QUIET_TURNS + [1000 * LONGEST]


# What ends a sleep. One that lasted would be a minute, and leave a quiet turn behind.


@pytest.fixture
def long(monkeypatch: pytest.MonkeyPatch, peer: Any) -> None:
    monkeypatch.setattr(waiting, "LONGEST", 60.0)
    peer.recv_timer.holdtime = peer.proto._evpn_keepalive.send_timer.keepalive = 0


def helper(reactor: Any, reads: int, writes: int) -> Outbox:
    """One with these ends of its pipes."""
    process: Any = SimpleNamespace(stdin=os.fdopen(writes, "wb", 0))
    reactor.processes.fds = [reads]
    box = outboxes(reactor.processes)["helper"] = Outbox(process)
    return box


def test_octets_of_a_peer(reactor: Any, rest: Rest, long: None, link: tuple[socket.socket, socket.socket]) -> None:
    threading.Timer(0.1, link[1].send, (b"\xff",)).start()

    assert list(wait_for_io(reactor, STOCK)) == []

    assert rest.quiet == 0


def test_a_command(reactor: Any, rest: Rest, long: None) -> None:
    reads, says = os.pipe()
    _, writes = os.pipe()
    helper(reactor, reads, writes)
    threading.Timer(0.1, os.write, (says, b"evpn peers 1\n")).start()

    wait_for_io(reactor, STOCK)

    assert rest.quiet == 0


def test_a_connection(reactor: Any, rest: Rest, long: None, listening: socket.socket) -> None:
    calls: list[socket.socket] = []
    threading.Timer(0.1, lambda: calls.append(socket.create_connection(listening.getsockname()))).start()

    wait_for_io(reactor, STOCK)

    assert rest.quiet == 0 and reactor.listener.incoming()


def test_a_connection_that_nobody_takes_wakes_it_up_at_every_second_turn_only(
    reactor: Any, rest: Rest, long: None, listening: socket.socket
) -> None:
    """As where there are no descriptors left."""
    with socket.create_connection(listening.getsockname()):
        found = []
        for _ in range(4):
            wait_for_io(reactor, STOCK)
            found.append(rest.quiet)

    assert found == [0, 1, 0, 1]


def test_a_helper_that_reads_again(reactor: Any, rest: Rest, long: None) -> None:
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    box = helper(reactor, os.pipe()[0], writes)
    box.add(bytes(1 << 20), 1 << 30)
    box.flush()
    assert box.size
    threading.Timer(0.1, os.read, (reads, 1 << 20)).start()

    wait_for_io(reactor, STOCK)

    assert rest.quiet == 0


def test_a_signal(reactor: Any, rest: Rest, long: None) -> None:
    reactor.signal.mark_ready()
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1)).start()

    wait_for_io(reactor, STOCK)

    assert rest.quiet == 0
    assert reactor.signal.received == reactor.signal.RELOAD


def test_a_signal_that_came_before(reactor: Any, rest: Rest, long: None) -> None:
    reactor.signal.mark_ready()
    os.kill(os.getpid(), signal.SIGTERM)

    wait_for_io(reactor, STOCK)

    assert rest.quiet == 0


def test_a_peer_that_hangs_up(reactor: Any, rest: Rest, long: None, link: tuple[socket.socket, socket.socket]) -> None:
    threading.Timer(0.1, link[1].close).start()

    wait_for_io(reactor, STOCK)

    assert rest.quiet == 0


def test_a_descriptor_that_is_gone_is_no_end_of_exabgp(reactor: Any, rest: Rest, peer: Any) -> None:
    peer.socket = lambda: -2

    assert list(wait_for_io(reactor, STOCK)) == []
