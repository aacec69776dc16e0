"""BGP sessions as the agent sees them, and the gate before anything is removed (RFC 4724; docs/failures.md).

Nothing is removed from the kernel before the routes are complete: every session that is up has sent End-of-RIB, or let
its deadline pass. When the last session is lost, all that was known is held for a configured time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from evpn.wire.open import EVPN, Open

END_OF_RIB_DEADLINE = 60.0
"""Seconds that a peer has to send End-of-RIB after its session came up."""

ASK_AGAIN = 60.0
"""Seconds between two questions to a peer that has more to say than is taken of it."""


@dataclass(slots=True)
class Peer:
    """One BGP neighbor; times in monotonic seconds."""

    address: str
    peer_as: int
    external: bool
    up: bool = False
    since: float = 0.0
    """Of the last change of `up`."""
    end_of_rib: bool = False
    asn4: bool = True
    restart_time: int = 0
    """Seconds that the peer asked us to hold its routes after a loss of the session; 0 without graceful restart."""
    stale_until: float | None = None
    """When what it said before the session was lost is dropped; None: nothing is stale."""
    updates: int = 0
    faults: int = 0
    resets: int = 0
    last_reason: str = ""
    known: bool = False
    """Its session has been up before."""
    greeted: bool = False
    """Our End-of-RIB has gone to it in this session."""
    refresh_wanted: bool = False
    """It is to be asked for all its routes again."""
    max_routes: int = 1 << 24
    over_limit: int = 0
    """Announcements that were not taken, there being `max_routes` of it already."""
    cut_short: bool = False
    """Some of what it has to say was not taken: once there is room it is asked again."""
    asked_again: float = -ASK_AGAIN


@dataclass(slots=True)
class Peers:
    """All neighbors, and whether the kernel may be swept."""

    hold: float
    """Seconds that everything is held once no session is up."""
    started: float
    peers: dict[str, Peer] = field(default_factory=dict)
    synced: bool = False
    """The gate: removals are allowed."""
    alone_since: float | None = None
    """Since when no session is up."""

    def __post_init__(self) -> None:
        self.alone_since = self.started

    def up(self) -> list[Peer]:
        return [peer for peer in self.peers.values() if peer.up]

    def opened(self, peer: Peer, message: Open) -> None:
        """The peer's OPEN, which comes before its session is up."""
        peer.asn4 = message.asn4
        restart = message.graceful_restart
        peer.restart_time = restart.time if restart and EVPN in restart.families else 0

    def came_up(self, peer: Peer, now: float) -> None:
        peer.up, peer.since, peer.end_of_rib, peer.greeted = True, now, False, False
        peer.last_reason, peer.known = "", True
        peer.cut_short = False
        self.alone_since = None
        if peer.stale_until is not None:
            peer.stale_until = now + END_OF_RIB_DEADLINE

    def went_down(self, peer: Peer, reason: str, now: float) -> None:
        """What it said is stale from now on; without graceful restart only until somebody else has said everything."""
        peer.up, peer.since, peer.last_reason = False, now, reason
        peer.resets += 1
        others = self.up()
        if not others:
            self.alone_since, self.synced = now, False
        wait = 0.0 if self._complete() else END_OF_RIB_DEADLINE if others else self.hold
        peer.stale_until = now + max(peer.restart_time, wait)

    def forget(self, peer: Peer, now: float) -> None:
        """No longer configured; when it was the last one up, its successor has the usual time to come up."""
        del self.peers[peer.address]
        if peer.up and not self.up():
            self.alone_since, self.synced = now, False

    def ask_again(self, routes: Mapping[str, int], now: float) -> None:
        """Peers that were cut short and have a tenth of their room free again, each once in a minute at most."""
        for peer in self.peers.values():
            waits = peer.cut_short and peer.up and now - peer.asked_again >= ASK_AGAIN
            if waits and routes.get(peer.address, 0) <= peer.max_routes * 0.9:
                peer.cut_short, peer.asked_again, peer.refresh_wanted = False, now, True

    def due(self, now: float) -> list[Peer]:
        """Peers whose stale paths are to be swept now."""
        return [peer for peer in self.peers.values() if peer.stale_until is not None and self._over(peer, now)]

    def tick(self, now: float) -> None:
        """Open the gate when the routes are complete, or have been missing for too long."""
        if self.synced:
            return
        up = self.up()
        if up:
            self.synced = all(peer.end_of_rib or now - peer.since >= END_OF_RIB_DEADLINE for peer in up)
        elif self.alone_since is not None:
            self.synced = now - self.alone_since >= self.hold

    def next_deadline(self, now: float) -> float:
        """Monotonic seconds of the next moment at which `tick` or `due` may answer otherwise."""
        moments = [peer.stale_until for peer in self.peers.values() if peer.stale_until is not None]
        if not self.synced:
            moments += [peer.since + END_OF_RIB_DEADLINE for peer in self.up() if not peer.end_of_rib]
            if self.alone_since is not None:
                moments.append(self.alone_since + self.hold)
        return min((moment for moment in moments if moment > now), default=now + END_OF_RIB_DEADLINE)

    def _over(self, peer: Peer, now: float) -> bool:
        if peer.up:
            return peer.end_of_rib or now >= (peer.stale_until or 0)
        held_for_want_of_others = not peer.restart_time and self.synced and self._complete()
        return held_for_want_of_others or now >= (peer.stale_until or 0)

    def _complete(self) -> bool:
        """Somebody who is up has said everything."""
        return any(peer.end_of_rib for peer in self.up())
