"""The gate before removals, and when stale paths go (RFC 4724)."""

import pytest

from evpn.agent.peers import END_OF_RIB_DEADLINE, Peer, Peers
from evpn.wire.open import EVPN, GracefulRestart, Open

HOLD = 300.0


class Sessions:
    """Two neighbors and a clock that is moved by hand."""

    def __init__(self) -> None:
        self.peers = Peers(HOLD, 0.0)
        self.a, self.b = (Peer(f"10.0.0.{n}", 65000, external=False) for n in (1, 2))
        self.peers.peers = {peer.address: peer for peer in (self.a, self.b)}

    def up(self, peer: Peer, now: float, end_of_rib: bool = False) -> None:
        self.peers.came_up(peer, now)
        peer.end_of_rib = end_of_rib

    def down(self, peer: Peer, now: float) -> None:
        self.peers.went_down(peer, "hold timer expired", now)

    def open_gate(self, now: float) -> bool:
        self.peers.tick(now)
        return self.peers.synced

    def swept(self, now: float) -> list[str]:
        return [peer.address for peer in self.peers.due(now)]


@pytest.fixture
def sessions() -> Sessions:
    return Sessions()


def an_open(graceful: GracefulRestart | None, asn4: bool = True) -> Open:
    return Open(4, 65000, 9, b"\n\0\0\1", frozenset((EVPN,)), asn4, graceful)


# The gate


def test_the_gate_opens_when_every_session_that_is_up_has_sent_end_of_rib(sessions: Sessions) -> None:
    sessions.up(sessions.a, 1, end_of_rib=True)
    sessions.up(sessions.b, 1)
    assert not sessions.open_gate(2)

    sessions.b.end_of_rib = True
    assert sessions.open_gate(2)


def test_a_session_that_never_comes_up_does_not_keep_it_shut(sessions: Sessions) -> None:
    sessions.up(sessions.a, 1, end_of_rib=True)

    assert sessions.open_gate(2)


def test_a_peer_without_end_of_rib_has_a_deadline(sessions: Sessions) -> None:
    sessions.up(sessions.a, 10)

    assert not sessions.open_gate(10 + END_OF_RIB_DEADLINE - 1)
    assert sessions.open_gate(10 + END_OF_RIB_DEADLINE)


def test_without_any_session_it_opens_after_the_hold(sessions: Sessions) -> None:
    assert not sessions.open_gate(HOLD - 1)
    assert sessions.open_gate(HOLD)


def test_it_stays_open_when_one_of_two_is_lost_and_shuts_when_both_are(sessions: Sessions) -> None:
    for peer in (sessions.a, sessions.b):
        sessions.up(peer, 1, end_of_rib=True)
    assert sessions.open_gate(2)

    sessions.down(sessions.a, 10)
    assert sessions.open_gate(11)

    sessions.down(sessions.b, 20)
    assert not sessions.open_gate(20 + HOLD - 1)
    assert sessions.open_gate(20 + HOLD)


def test_after_a_loss_of_all_it_waits_for_end_of_rib_again(sessions: Sessions) -> None:
    sessions.up(sessions.a, 1, end_of_rib=True)
    sessions.down(sessions.a, 10)
    sessions.up(sessions.a, 20)

    assert not sessions.open_gate(21)

    sessions.a.end_of_rib = True
    assert sessions.open_gate(22)


def test_a_neighbor_forgotten_shuts_it_only_when_it_was_the_last(sessions: Sessions) -> None:
    for peer in (sessions.a, sessions.b):
        sessions.up(peer, 1, end_of_rib=True)
    assert sessions.open_gate(2)

    sessions.peers.forget(sessions.a, 3)
    assert sessions.open_gate(3)

    sessions.peers.forget(sessions.b, 4)
    assert not sessions.open_gate(5)
    assert sessions.open_gate(4 + HOLD)


# Stale paths


def test_one_of_two_lost_is_swept_at_once_without_graceful_restart(sessions: Sessions) -> None:
    for peer in (sessions.a, sessions.b):
        sessions.up(peer, 1, end_of_rib=True)
    sessions.open_gate(2)

    sessions.down(sessions.a, 10)

    assert sessions.swept(10) == [sessions.a.address]


def test_one_lost_while_the_other_is_still_speaking_is_swept_at_the_end_of_rib_of_that(sessions: Sessions) -> None:
    sessions.up(sessions.a, 1.0, end_of_rib=True)
    assert sessions.open_gate(1.0)
    sessions.up(sessions.b, 2.0)

    sessions.down(sessions.a, 2.5)
    assert sessions.swept(3.0) == []
    assert sessions.swept(2.5 + END_OF_RIB_DEADLINE) == [sessions.a.address]

    sessions.b.end_of_rib = True
    assert sessions.swept(3.0) == [sessions.a.address]


def test_with_graceful_restart_it_is_swept_when_its_time_is_over(sessions: Sessions) -> None:
    sessions.peers.opened(sessions.a, an_open(GracefulRestart(120, {EVPN: True})))
    for peer in (sessions.a, sessions.b):
        sessions.up(peer, 1, end_of_rib=True)
    sessions.open_gate(2)

    sessions.down(sessions.a, 10)

    assert sessions.swept(129) == []
    assert sessions.swept(130) == [sessions.a.address]


@pytest.mark.parametrize(("restart_time", "held"), [(0, HOLD), (120, HOLD), (1000, 1000)])
def test_the_last_one_lost_is_held_for_the_longer_of_both_times(sessions: Sessions, restart_time, held) -> None:
    sessions.a.restart_time = restart_time
    sessions.up(sessions.a, 1, end_of_rib=True)

    sessions.down(sessions.a, 10)

    assert sessions.swept(10 + held - 1) == []
    assert sessions.swept(10 + held) == [sessions.a.address]


def test_one_that_is_back_is_swept_at_its_end_of_rib_or_deadline(sessions: Sessions) -> None:
    sessions.up(sessions.a, 1, end_of_rib=True)
    sessions.down(sessions.a, 10)
    sessions.up(sessions.a, 20)

    assert sessions.swept(20 + END_OF_RIB_DEADLINE - 1) == []
    assert sessions.swept(20 + END_OF_RIB_DEADLINE) == [sessions.a.address]

    sessions.a.end_of_rib = True
    assert sessions.swept(21) == [sessions.a.address]


def test_one_held_for_want_of_others_is_swept_once_another_is_complete(sessions: Sessions) -> None:
    for peer in (sessions.a, sessions.b):
        sessions.up(peer, 1, end_of_rib=True)
    sessions.down(sessions.a, 10)
    sessions.down(sessions.b, 11)
    sessions.peers.due(11)[0].stale_until = None  # the first was swept at once: the second had it all

    sessions.up(sessions.a, 20)
    sessions.open_gate(20)
    assert sessions.swept(20) == []

    sessions.a.end_of_rib = True
    sessions.open_gate(21)
    assert sessions.swept(21) == [sessions.b.address]


def test_nothing_is_stale_of_a_session_that_only_came_up(sessions: Sessions) -> None:
    sessions.up(sessions.a, 1, end_of_rib=True)

    assert sessions.swept(1_000_000) == []


# What is known of a peer


@pytest.mark.parametrize(
    ("graceful", "time"),
    [
        (None, 0),
        (GracefulRestart(120, {}), 0),
        (GracefulRestart(120, {(1, 1): True}), 0),
        (GracefulRestart(120, {(1, 1): True, EVPN: False}), 120),
    ],
)
def test_a_restart_time_counts_only_for_evpn(sessions: Sessions, graceful, time: int) -> None:
    sessions.peers.opened(sessions.a, an_open(graceful, asn4=False))

    assert (sessions.a.restart_time, sessions.a.asn4) == (time, False)


def test_a_session_that_comes_and_goes_is_told_with_its_reason(sessions: Sessions) -> None:
    sessions.up(sessions.a, 5, end_of_rib=True)
    sessions.down(sessions.a, 9)
    assert (sessions.a.up, sessions.a.since, sessions.a.last_reason) == (False, 9, "hold timer expired")

    sessions.up(sessions.a, 12)
    assert (sessions.a.up, sessions.a.end_of_rib, sessions.a.greeted, sessions.a.resets) == (True, False, False, 1)


# When to look next


def test_the_next_deadline_is_never_missed(sessions: Sessions) -> None:
    """Whatever the gate and the sweep would answer later, they answer at one of the deadlines."""
    sessions.up(sessions.a, 1)
    now = 1.0
    for _ in range(5):
        deadline = sessions.peers.next_deadline(now)
        assert deadline > now
        if sessions.open_gate(deadline):
            break
        now = deadline

    assert sessions.peers.synced
    assert deadline == 1 + END_OF_RIB_DEADLINE


def test_after_the_loss_of_all_the_next_deadline_is_the_end_of_the_hold(sessions: Sessions) -> None:
    sessions.up(sessions.a, 1, end_of_rib=True)
    sessions.down(sessions.a, 10)

    assert sessions.peers.next_deadline(11) == 10 + HOLD
