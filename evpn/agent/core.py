"""The agent's brain: facts in, wishes out. No sockets, no clock; `now` is monotonic seconds.

A fact changes one owner's state at once and leaves keys behind; `settle`, once a turn, turns the keys into rows that
the kernel should hold and routes that ExaBGP should announce. The loop pushes the differences.
"""

import logging

from evpn.agent.announcer import Announcer
from evpn.agent.hosts import Hosts
from evpn.agent.instances import Instances
from evpn.agent.kernel import Kernel
from evpn.agent.moves import Moves, rarely
from evpn.agent.on_demand import OnDemand
from evpn.agent.peers import Peer, Peers
from evpn.agent.questions import Questions
from evpn.config.settings import Settings
from evpn.dataplane.dataplane import Dataplane
from evpn.evi.fabric import Fabric
from evpn.rib.path import Speaker, paths_of, rejection
from evpn.rib.table import Rib
from evpn.values import RouteKey, Vni
from evpn.wire import attributes as path_attributes
from evpn.wire import update
from evpn.wire.communities import IMMUTABLE, ROUTER
from evpn.wire.errors import WireError
from evpn.wire.routes import MacIpRoute, Route, decode_routes

log = logging.getLogger(__name__)


class Core:
    """Brings the owners of state together: `rib`, `fabric`, `dataplane`, `peers`, `announcer`, `instances`."""

    def __init__(self, settings: Settings, now: float) -> None:
        self.settings = settings
        self.started = now
        self.speaker = Speaker(settings.vtep, settings.router_id, settings.local_as)
        self.rib = Rib()
        self.fabric = Fabric()
        self.dataplane = Dataplane()
        self.peers = Peers(settings.hold_on_session_loss, now)
        self.announcer = Announcer(settings.vtep)
        self.moves = Moves(self.dataplane)
        self.instances = Instances(settings, self.rib, self.fabric, self.dataplane, self.announcer, self.moves)
        self.on_demand = OnDemand(self.fabric, self.dataplane, self.instances)
        self.kernel = Kernel(settings.vtep, self.fabric, self.dataplane, self.instances, self.on_demand)
        self.hosts = Hosts(self.fabric, self.dataplane, self.instances)
        self.questions = Questions(self.fabric, self.dataplane, self.instances)

    # Configuration

    def add_peer(self, peer: Peer) -> None:
        self.peers.peers[peer.address] = peer

    def drop_peer(self, address: str, now: float) -> None:
        """A neighbor that is no longer configured takes its routes along."""
        self.rib.mark_stale(address)
        self.rib.sweep(address)
        self.peers.forget(self.peers.peers[address], now)

    # Facts from ExaBGP: sessions and routes

    def peer_up(self, address: str, now: float) -> None:
        peer = self.peers.peers.get(address)
        if peer is not None and not peer.up:
            if not peer.known:
                # one that a reload added has an empty Adj-RIB-Out; to the others it is no news
                self.announcer.retell()
            self.peers.came_up(peer, now)
            log.info("session up peer=%s", address)

    def peer_down(self, address: str, reason: str, now: float) -> None:
        peer = self.peers.peers.get(address)
        if peer is None or not (peer.up or self._is_heard(address)):
            return
        self.peers.went_down(peer, reason, now)
        log.warning("session down peer=%s reason=%s", address, reason or "unknown")
        self.rib.mark_stale(address)

    def _is_heard(self, address: str) -> bool:
        """Since it was last lost: UPDATEs reach an agent before it is told which sessions are up."""
        return self.rib.paths_of.get(address, 0) > self.rib.stale(address)

    def update_received(self, address: str, body: bytes) -> None:
        """One UPDATE; what is wrong with it is counted with the peer and never stops anything."""
        peer = self.peers.peers.get(address)
        if peer is None:
            return
        peer.updates += 1
        try:
            message = update.decode(body, peer.asn4, peer.external)
        except WireError as error:
            self._fault(peer, error)
            return
        for fault in message.faults:
            self._fault(peer, fault)
        if message.end_of_rib:
            self.end_of_rib(peer)
        if message.withdrawn:
            self.fabric.apply(self.rib.withdraw(address, message.withdrawn))
        if message.announced and message.attributes:
            why = rejection(self.speaker, message.next_hop, message.attributes)
            routes, room = message.announced, peer.max_routes - self.rib.kept(address)
            if len(routes) > room:
                routes = self._within_limit(peer, routes, room)
            paths = paths_of(address, message.next_hop, message.attributes, routes, why)
            if not self.rib.add_new(address, paths):
                self.fabric.apply(self.rib.announce(address, paths))
            elif why is None:
                self.fabric.take_new(paths)

    def _within_limit(self, peer: Peer, routes: list[Route], room: int) -> list[Route]:
        """What the peer has said before may be said anew, the rest as long as there is room."""
        taken: list[Route] = []
        seen: set[RouteKey] = set()
        for route in routes:
            key = route.key
            is_new = key not in seen and not self.rib.keeps(peer.address, key)
            if is_new and len(seen) >= room:
                peer.over_limit += 1
                peer.cut_short = True
                if rarely(peer.over_limit):
                    log.warning("max-routes reached peer=%s not-taken=%d", peer.address, peer.over_limit)
                continue
            if is_new:
                seen.add(key)
            taken.append(route)
        return taken

    def recall(self, attributes: bytes, nlri: bytes) -> int:
        """Routes of ours from before a restart: their sequence numbers count on. How many concern what we serve."""
        try:
            shared, routes = path_attributes.decode(attributes)[0], decode_routes(nlri)[0]
        except WireError as error:
            log.error("routes from before cannot be read error=%s", error)
            return 0
        taken = 0
        for route in routes:
            domain = self.fabric.domains.get(Vni(route.vni)) if isinstance(route, MacIpRoute) else None
            if isinstance(route, MacIpRoute) and domain is not None:
                taken += 1
                domain.recall(route.mac, shared.mobility.sequence)
                learns = self.instances.served[domain.vni].learn_neighbors
                if route.ip and learns and not (shared.arp_nd or 0) & IMMUTABLE:  # else configured, if it still is
                    router = bool((shared.arp_nd or 0) & ROUTER)
                    domain.addresses.recall(route.ip, route.mac, router)
        return taken

    def end_of_rib(self, peer: Peer) -> None:
        if not peer.end_of_rib:
            log.info("end of rib peer=%s routes=%d", peer.address, self.rib.paths_of.get(peer.address, 0))
        peer.end_of_rib = True

    # The turn

    def settle(self, now: float) -> None:
        """Timers, then desired rows and routes for every key that was touched."""
        self.peers.tick(now)
        self.peers.ask_again(self.rib.paths_of, now)
        for peer in self.peers.due(now):
            peer.stale_until = None
            self.rib.sweep(peer.address)
        self.fabric.apply(self.rib.settle())
        self.instances.arrive()
        self.dataplane.retry_due(now)
        self.hosts.settle()
        self.questions.settle(now)
        self.moves.settle(self.fabric.domains.values(), now)
        self.on_demand.settle(now)
        self.instances.settle()

    @property
    def is_settled(self) -> bool:
        """Nothing is left for the next turn of what concerns very many routes at once."""
        return self.rib.is_settled and self.instances.is_settled

    def _fault(self, peer: Peer, error: WireError) -> None:
        peer.faults += 1
        if rarely(peer.faults):
            log.warning(
                "bad update peer=%s disposition=%s faults=%d error=%s",
                peer.address,
                error.disposition.value,
                peer.faults,
                error,
            )
