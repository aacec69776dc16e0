"""The agent's brain: facts in, wishes out. No sockets, no clock; `now` is monotonic seconds.

A fact changes one owner's state at once and leaves keys behind; `settle`, once a turn, turns the keys into rows that
the kernel should hold and routes that ExaBGP should announce. The loop pushes the differences.
"""

import logging
from collections.abc import Iterable

from evpn.agent.announcer import Announcer
from evpn.agent.instances import Instances
from evpn.agent.peers import Peer, Peers
from evpn.config.settings import Settings
from evpn.dataplane.dataplane import Dataplane, RowChange
from evpn.dataplane.entries import (
    AF_BRIDGE,
    RTM_DELNEIGH,
    RTM_GETNEIGH,
    Fact,
    Kind,
    LocalGone,
    LocalSeen,
    Reserved,
    ReservedFlood,
    ReservedNeighbor,
    Taken,
)
from evpn.dataplane.segment import Segment
from evpn.evi.bridge_domain import BridgeDomain
from evpn.evi.fabric import Fabric
from evpn.netlink import events
from evpn.netlink.neighbor import NeighborMessage
from evpn.rib.path import Path, Speaker, rejection
from evpn.rib.table import Rib
from evpn.text import format_mac
from evpn.values import Vni
from evpn.wire import attributes as path_attributes
from evpn.wire import update
from evpn.wire.errors import WireError
from evpn.wire.routes import MacIpRoute, decode_routes

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
        self.instances = Instances(settings, self.rib, self.fabric, self.dataplane, self.announcer)
        self.drift = 0
        """Rows that a level check found other than we believed."""

    # Configuration

    def add_peer(self, peer: Peer) -> None:
        self.peers.peers[peer.address] = peer

    def drop_peer(self, address: str, now: float) -> None:
        """A neighbor that is no longer configured takes its routes along."""
        self.fabric.apply(self.rib.mark_stale(address))
        self.fabric.apply(self.rib.sweep(address))
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
        if peer is None or not peer.up:
            return
        self.peers.went_down(peer, reason, now)
        log.warning("session down peer=%s reason=%s", address, reason or "unknown")
        self.fabric.apply(self.rib.mark_stale(address))

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
        changes = self.rib.withdraw(address, message.withdrawn) if message.withdrawn else []
        if message.announced and message.attributes:
            why = rejection(self.speaker, message.next_hop, message.attributes)
            next_hop, attributes = message.next_hop, message.attributes
            paths = [Path(address, next_hop, attributes, route, why) for route in message.announced]
            changes += self.rib.announce(address, paths)
        self.fabric.apply(changes)

    def recall(self, attributes: bytes, nlri: bytes) -> None:
        """Routes of ours from before a restart: their sequence numbers count on."""
        try:
            shared, routes = path_attributes.decode(attributes)[0], decode_routes(nlri)[0]
        except WireError as error:
            log.error("exabgp tells routes that cannot be read error=%s", error)
            return
        for route in routes:
            domain = self.fabric.domains.get(Vni(route.vni)) if isinstance(route, MacIpRoute) else None
            if isinstance(route, MacIpRoute) and domain is not None:
                domain.recall(route.mac, shared.mobility.sequence)

    def end_of_rib(self, peer: Peer) -> None:
        if not peer.end_of_rib:
            log.info("end of rib peer=%s routes=%d", peer.address, self.rib.paths_of.get(peer.address, 0))
        peer.end_of_rib = True

    # Facts from the kernel

    def link_event(self, event: events.Event) -> None:
        links = self.dataplane.links
        if isinstance(event, events.LinkChanged):
            if links.get(event.link.ifindex) == event.link:
                return
            links[event.link.ifindex] = event.link
        elif isinstance(event, events.LinkRemoved):
            links.pop(event.ifindex, None)
        elif isinstance(event, events.PortChanged | events.PortLeft) and event.ifindex in links:
            links[event.ifindex] = events.with_port(links[event.ifindex], event)
        else:
            if isinstance(event, events.AddressChanged) and event.ip == self.speaker.vtep:
                log.warning("vtep address %s ifindex=%d", "added" if event.present else "removed", event.ifindex)
            return
        self.instances.links_changed = True

    def row_event(self, row: NeighborMessage) -> None:
        if row.type == RTM_GETNEIGH:
            return
        present = row.type != RTM_DELNEIGH
        if row.family == AF_BRIDGE:
            segment = self.dataplane.segment_of(row.ifindex, row.master)
            if segment is not None:
                self._fact(segment, segment.observe(row, present))
                self.dataplane.touch(segment.vni)
            return
        segment = self.dataplane.by_bridge.get(row.ifindex)
        if segment is not None:
            self._fact(segment, segment.observe_neighbor(row, present))
            self.dataplane.touch(segment.vni)

    def observed(self, vni: Vni, rows: Iterable[NeighborMessage], neighbors: Iterable[NeighborMessage]) -> None:
        """A dump of one bridge domain: all that the kernel holds there."""
        segment, domain = self.dataplane.segments[vni], self.fabric.domains[vni]
        before = segment.pending
        kept = segment.all_reserved, segment.foreign_neighbors, segment.foreign_flood
        local = segment.observe_all(rows, neighbors)
        domain.touch(
            kept[0] ^ segment.all_reserved,
            kept[1] ^ segment.foreign_neighbors,
            kept[2] ^ segment.foreign_flood,
        )
        domain.observe_local(local)
        if self.dataplane.unobserved.pop(vni, "known") == "known":
            self.drift += max(0, segment.pending - before)
        self.dataplane.touch(vni)

    def pushed(self, changes: list[RowChange], refused: dict[int, int], now: float) -> None:
        """A batch went to the kernel; `refused`: index in it -> errno."""
        self.dataplane.settle(changes, refused, now)
        for index, (segment, kind, change) in enumerate(changes):
            domain = self.fabric.domains.get(segment.vni)
            if kind is Kind.MAC and domain is not None and domain.local and change.new and index not in refused:
                domain.forget(change.key)  # the bridge's row is on the VXLAN port now, so on no local one

    def lost_track(self) -> None:
        """Notifications were lost: every bridge domain has to be observed again."""
        for vni, segment in self.dataplane.segments.items():
            if segment.attachment is not None:
                self.dataplane.unobserved[vni] = None
        self.instances.links_changed = True

    # The turn

    def settle(self, now: float) -> None:
        """Timers, then desired rows and routes for every key that was touched."""
        self.peers.tick(now)
        for peer in self.peers.due(now):
            peer.stale_until = None
            self.fabric.apply(self.rib.sweep(peer.address))
        self.dataplane.retry_due(now)
        self.instances.settle()

    def _fact(self, segment: Segment, fact: Fact | None) -> None:
        domain = self.fabric.domains[segment.vni]
        if isinstance(fact, LocalSeen):
            self._learn(domain, fact)
        elif isinstance(fact, LocalGone):
            domain.forget(fact.mac, fact.port)
        elif isinstance(fact, Taken):
            domain.forget(fact.mac)
        elif isinstance(fact, Reserved):
            if fact.taken:
                domain.forget(fact.mac)
            domain.touch([fact.mac])
        elif isinstance(fact, ReservedFlood):
            domain.touch(vteps=[fact.vtep])
        elif isinstance(fact, ReservedNeighbor):
            domain.touch(ips=[fact.ip])

    def _learn(self, domain: BridgeDomain, fact: LocalSeen) -> None:
        """A refusal is told: RFC 7432 section 15.2 wants an alert for a sticky MAC of a peer that turns up here."""
        refused, over = domain.refused_moves, domain.over_limit
        domain.learn(fact.mac, fact.port, fact.static)
        if domain.refused_moves != refused and _rarely(domain.refused_moves):
            log.warning(
                "mac is another's and does not move vni=%d mac=%s port=%s count=%d",
                domain.vni,
                format_mac(fact.mac),
                self._port_name(fact.port),
                domain.refused_moves,
            )
        if domain.over_limit != over and _rarely(domain.over_limit):
            log.warning(
                "max-macs reached vni=%d mac=%s port=%s count=%d",
                domain.vni,
                format_mac(fact.mac),
                self._port_name(fact.port),
                domain.over_limit,
            )

    def _port_name(self, ifindex: int) -> str:
        link = self.dataplane.links.get(ifindex)
        return link.name if link else str(ifindex)

    def _fault(self, peer: Peer, error: WireError) -> None:
        peer.faults += 1
        if _rarely(peer.faults):
            log.warning(
                "bad update peer=%s disposition=%s faults=%d error=%s",
                peer.address,
                error.disposition.value,
                peer.faults,
                error,
            )


def _rarely(count: int) -> bool:
    """The 1st, 2nd, 4th, 8th ... time: who is hostile must not fill the log."""
    return count & (count - 1) == 0
