"""Facts from ExaBGP into the core, and what they make us say at once."""

import logging
from collections.abc import Iterator

from evpn.agent.core import Core
from evpn.exabgp import commands, messages
from evpn.wire import open as bgp_open
from evpn.wire.errors import WireError

log = logging.getLogger(__name__)

_END = 2
"""Subtype of a ROUTE-REFRESH after all routes that were asked for (RFC 7313)."""


class Session:
    """Counters of the pipe, and the one decision that belongs to no other room: whom to ask for a refresh."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.unreadable = 0
        self.shutdown = False
        self.answered = 0
        """The last command that ExaBGP has answered; it answers in order."""
        self.recalled = False
        """Whether ExaBGP knows of an agent before us."""

    def hear(self, fact: messages.Fact, now: float) -> Iterator[bytes]:
        """Command lines in answer to one fact."""
        core = self.core
        match fact:
            case messages.UpdateReceived(peer, body):
                core.update_received(peer, body)
            case messages.PeerUp(peer):
                core.peer_up(peer, now)
            case messages.PeerDown(peer, reason):
                core.peer_down(peer, reason, now)
            case messages.OpenReceived(peer, body):
                self._opened(peer, body)
            case messages.RefreshReceived(peer, subtype):
                if subtype == _END and peer in core.peers.peers:
                    core.end_of_rib(core.peers.peers[peer])
            case messages.PeersListed(_, states):
                yield from self._listed(states, now)
            case messages.RoutesTold(attributes, nlri):
                self.recalled = True
                core.recall(attributes, nlri)
            case messages.Acknowledged() | messages.CommandFailed():
                self._answered(fact)
            case messages.NotificationReceived(peer, code, subcode):
                log.warning("notification peer=%s code=%d subcode=%d", peer, code, subcode)
            case messages.Unreadable(line):
                self.unreadable += 1
                log.warning("unreadable line from exabgp octets=%d count=%d", len(line), self.unreadable)
            case messages.ShutdownAnnounced():
                self.shutdown = True

    def refreshes(self) -> Iterator[bytes]:
        """What an operator wants to hear again."""
        for peer in self.core.peers.up():
            if peer.refresh_wanted:
                peer.refresh_wanted = False
                yield commands.route_refresh(peer.address)

    def _answered(self, fact: messages.Acknowledged | messages.CommandFailed) -> None:
        self.answered = fact.id or self.answered
        if isinstance(fact, messages.CommandFailed):
            self.core.announcer.failed()
            log.error("exabgp refused command=%s error=%s", fact.id, fact.error)

    def _opened(self, address: str, body: bytes) -> None:
        peer = self.core.peers.peers.get(address)
        if peer is None:
            return
        try:
            self.core.peers.opened(peer, bgp_open.decode(body))
        except WireError as error:  # ExaBGP judges the OPEN and ends the session; we only do not believe it
            log.warning("bad open peer=%s error=%s", address, error)

    def _listed(self, states: tuple[messages.PeerState, ...], now: float) -> Iterator[bytes]:
        """Sessions that came up before we did: their routes have to be said again."""
        for state in states:
            peer = self.core.peers.peers.get(state.address)
            if peer is None or not state.up or peer.up:
                continue
            peer.asn4, peer.restart_time = state.asn4, state.graceful_restart
            self.core.peer_up(state.address, now)
            yield commands.route_refresh(state.address)
