"""Facts from the kernel into the owners of state: devices, rows, and what hosts say of their addresses."""

import logging
from collections.abc import Callable, Iterable

from evpn.agent.disturbances import Disturbances, protocol
from evpn.agent.instances import Instances
from evpn.agent.on_demand import OnDemand
from evpn.config.settings import LearnNeighbors
from evpn.dataplane.batches import RowChanges
from evpn.dataplane.comparison import Comparison, Found, Steps
from evpn.dataplane.dataplane import Dataplane
from evpn.dataplane.echoes import is_believed
from evpn.dataplane.entries import (
    AF_BRIDGE,
    NTF_ROUTER,
    NUD_FAILED,
    NUD_INCOMPLETE,
    NUD_NOARP,
    NUD_PERMANENT,
    NUD_REACHABLE,
    NUD_STALE,
    RTM_DELNEIGH,
    RTM_GETNEIGH,
    RTPROT_BGP,
    Fact,
    Kind,
    LocalGone,
    LocalSeen,
    Reserved,
    ReservedFlood,
    ReservedNeighbor,
    Taken,
)
from evpn.dataplane.link import Link
from evpn.dataplane.newcomers import are_newcomers
from evpn.dataplane.ownership import KernelRow, is_our_neighbor
from evpn.dataplane.segment import Segment
from evpn.evi.bindings import Source
from evpn.evi.bridge_domain import BridgeDomain
from evpn.evi.fabric import Fabric
from evpn.evi.uncontested import learn
from evpn.netlink import events
from evpn.netlink.neighbor import NeighborMessage
from evpn.netlink.newcomers import HostsSeen
from evpn.packet.sighting import Sighting
from evpn.values import IpAddress, MacAddress, Vni

log = logging.getLogger(__name__)

_EVIDENCE = NUD_REACHABLE | NUD_STALE | NUD_PERMANENT
"""States in which the kernel has heard of a neighbor, or was told."""


class Kernel:
    def __init__(
        self, vtep: IpAddress, fabric: Fabric, dataplane: Dataplane, instances: Instances, on_demand: OnDemand
    ) -> None:
        self.drift = 0
        """Rows that a level check found other than we believed."""
        self.look_again = False
        """A level check is wanted now."""
        self.overruns = 0
        """Times that notifications were lost."""
        self.failed_dumps = 0
        """Looks at the kernel that it interrupted again and again, or refused; each is made again a second later."""
        self.frames_lost = 0
        """Frames that hosts sent faster than they were read."""
        self.deaf = False
        """Whether echoes of our own rows are not heard now."""
        self.flown: set[bytes] = set()
        """MACs, and IPs of neighbors, written meanwhile, until all is read that was told by then."""
        self.disturbances = Disturbances(dataplane)
        self._vtep = vtep
        self._fabric = fabric
        self._dataplane = dataplane
        self._instances = instances
        self._on_demand = on_demand

    def link_event(self, event: events.Event) -> None:
        links = self._dataplane.links
        if isinstance(event, events.LinkChanged):
            if links.get(event.link.ifindex) == event.link:
                return
            links[event.link.ifindex] = event.link
            self._went_down(event.link)
        elif isinstance(event, events.LinkRemoved):
            links.pop(event.ifindex, None)
        elif isinstance(event, events.PortChanged | events.PortLeft) and event.ifindex in links:
            links[event.ifindex] = events.with_port(links[event.ifindex], event)
        else:
            if isinstance(event, events.AddressChanged) and event.ip == self._vtep:
                log.warning("vtep address %s ifindex=%d", "added" if event.present else "removed", event.ifindex)
            return
        self._instances.links_changed = True

    def _went_down(self, link: Link) -> None:
        """It has lost rows by that, and may be up again before anybody looks at it."""
        index = link.ifindex
        segment = self._dataplane.by_device.get(index) or self._dataplane.by_bridge.get(index)
        if segment is not None and not link.up:
            self._dataplane.unobserved[segment.vni] = None

    def is_doubtful(self, row: NeighborMessage) -> bool:
        """Told of a host whose row we have written at about that time, unheard: which came last is not known.

        It does not matter of a row that is believed to be so anyway, an echo of ours mostly: whatever has changed it
        is told as well, before or after, and differs.
        """
        key = row.lladdr if row.family == AF_BRIDGE else row.dst
        if not self.flown or row.type == RTM_GETNEIGH or key not in self.flown:
            return False
        segment = self._dataplane.segment_of(row.ifindex, row.master or row.ifindex)
        return segment is None or not is_believed(segment, row, row.type != RTM_DELNEIGH)

    def row_event(self, row: NeighborMessage, now: float) -> None:
        if row.type == RTM_GETNEIGH:
            segment = self._dataplane.by_device.get(row.ifindex)
            if segment is not None:
                self._on_demand.missed(segment, row, now)
            return
        present = row.type != RTM_DELNEIGH
        if row.family == AF_BRIDGE:
            segment = self._dataplane.segment_of(row.ifindex, row.master)
            if segment is not None:
                right = self.disturbances.right(segment, row)
                self._fact(segment, segment.observe(row, present))
                self._dataplane.touch(segment.vni)
                if right is not None:
                    self.disturbances.observed(segment, right, row)
            return
        segment = self._dataplane.segment_of(row.ifindex, row.ifindex)
        if segment is not None:
            if row.ifindex == segment.neighbor_device:
                right = self.disturbances.right(segment, row)
                self._fact(segment, segment.observe_neighbor(row, present))
                if right is not None:
                    self.disturbances.observed(segment, right, row)
            self._resolved(segment, row, present, now)
            self._dataplane.touch(segment.vni)

    def hosts_seen(self, seen: HostsSeen, now: float) -> None:
        """Hosts that came up on a port: those that nobody knew are learnt together."""
        segment = self._dataplane.segment_of(seen.port, seen.bridge)
        if segment is None:
            return
        domain, on_device = self._fabric.domains[segment.vni], seen.port in self._dataplane.by_device
        if not on_device and are_newcomers(segment, seen.macs) and learn(domain, seen.macs, seen.port):
            return
        for row in seen.rows():
            self.row_event(row, now)

    def sighted(self, port: int, sighting: Sighting, now: float) -> None:
        """A frame on one of our ports, in which a host says that it has an address."""
        link = self._dataplane.links.get(port)
        segment = self._dataplane.by_bridge.get(link.master) if link else None
        if segment is None:
            return
        domain = self._fabric.domains[segment.vni]
        if not self._instances.served[segment.vni].learn_neighbors:
            return
        bound = domain.addresses.bindings.of_ip.get(sighting.ip)
        if not self._learns(segment, LearnNeighbors.SNOOP) and (bound is None or bound.mac != sighting.mac):
            return  # an answer to a question of ours, at most
        place, is_known = domain.port_of(sighting.mac), sighting.mac in domain.local
        if place not in (0, port) if is_known else len(domain.local) >= domain.max_macs:
            return  # the bridge has the last word on where a MAC is, and how many there may be
        domain.addresses.saw(sighting.ip, sighting.mac, now, Source.SNOOP, sighting.router)

    def compare(self, vni: Vni, found: Found, clock: Callable[[], float]) -> Steps:
        """A dump of a bridge domain, a slice at a time; what goes on meanwhile is in the segment's log."""
        segment, domain = self._dataplane.segments[vni], self._fabric.domains[vni]
        neighbors, home = found.neighbors, segment.neighbor_device
        comparison = Comparison(segment, found._replace(neighbors=[row for row in neighbors if row.ifindex == home]))
        yield from comparison.steps(lambda: [mac for mac, entry in domain.local.items() if entry.port])
        kept = _reservations(segment), segment.foreign_neighbors, segment.foreign_flood
        comparison.finish()
        segment.log = None
        self._dataplane.leave_behind(vni, (row for row in neighbors if row.ifindex != home))
        domain.touch(
            {mac for mac, *_ in kept[0] ^ _reservations(segment)},
            kept[1] ^ segment.foreign_neighbors,
            kept[2] ^ segment.foreign_flood,
        )
        domain.observe_local(comparison.local)
        now = clock()
        first = self._dataplane.unobserved.pop(vni, "known") != "known"
        for row in neighbors:
            # an old one that is there still is no news: its host may have been asked in vain meanwhile
            if row.dst not in domain.addresses.bindings.of_ip and (first or row.state & NUD_REACHABLE):
                self._resolved(segment, row, True, now)
        if first:
            if segment.plan.misses:
                self._on_demand.adopt(segment, now)
        else:
            self._drifted(segment, comparison.corrected, neighbors)
        self._dataplane.touch(vni)

    def _drifted(self, segment: Segment, found: int, neighbors: Iterable[KernelRow]) -> None:
        """What nobody was told of. A neighbor says whose it is: one that is right but for that changes untold."""
        if found > 0:
            self.drift += found
            instead = {protocol(row) for row in neighbors if row.dst in segment.neighbors.writes}
            by = ",".join(sorted(instead)) or "unknown"
            log.warning("rows are not as believed vni=%d rows=%d by=%s count=%d", segment.vni, found, by, self.drift)

    def pushed(self, batch: list[RowChanges], refused: dict[int, int], now: float) -> None:
        """A batch went to the kernel; `refused`: place of a change in it -> errno."""
        self.disturbances.pushed(batch, refused)
        for segment, fact in self._dataplane.settle(batch, refused, now):
            if segment.vni in self._fabric.domains:
                self._fact(segment, fact)
        place = 0
        for segment, kind, changes in batch:
            domain = self._fabric.domains.get(segment.vni)
            if kind in (Kind.MAC, Kind.NEIGHBOR) and self.deaf:
                self.flown.update(changes.keys)
            if kind is Kind.MAC and domain is not None and domain.local:
                for index, (mac, _, new) in enumerate(changes, place):
                    if new and index not in refused:
                        domain.forget(mac)  # the bridge's row is on the VXLAN port now, so on no local one
            place += len(changes)

    def lost_track(self) -> None:
        """Notifications were lost: every bridge domain has to be observed again."""
        self.overruns += 1
        log.warning("notifications lost, everything is observed again count=%d", self.overruns)
        for vni, segment in self._dataplane.segments.items():
            if segment.attachment is not None:
                self._dataplane.unobserved[vni] = None
        self._instances.links_changed = True

    def _resolved(self, segment: Segment, row: KernelRow, present: bool, now: float) -> None:
        """The kernel's own ARP and ND on the bridge, if it has addresses: evidence for a host of ours."""
        on_bridge = row.ifindex in self._dataplane.by_bridge
        if not row.dst or not on_bridge or is_our_neighbor(row) or not self._learns(segment, LearnNeighbors.KERNEL):
            return
        domain = self._fabric.domains[segment.vni]
        if not present or row.state & (NUD_FAILED | NUD_INCOMPLETE):
            binding = domain.addresses.bindings.of_ip.get(row.dst)
            ours = row.protocol == RTPROT_BGP  # what we take away fails at last, and that says nothing of its host
            if binding is not None and not ours and not row.state & NUD_NOARP:
                domain.addresses.suspect(row.dst)
        elif row.state & _EVIDENCE and row.lladdr in domain.local:
            domain.addresses.saw(row.dst, row.lladdr, now, Source.KERNEL, bool(row.flags & NTF_ROUTER))

    def _learns(self, segment: Segment, source: LearnNeighbors) -> bool:
        served = self._instances.served.get(segment.vni)
        return served is not None and source in served.learn_neighbors

    def _fact(self, segment: Segment, fact: Fact | None) -> None:
        domain = self._fabric.domains[segment.vni]
        if isinstance(fact, LocalSeen):
            domain.learn(fact.mac, fact.port, fact.static)
            if fact.static:
                domain.touch([fact.mac])
        elif isinstance(fact, LocalGone):
            self._gone(domain, fact)
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

    def _gone(self, domain: BridgeDomain, fact: LocalGone) -> None:
        link = self._dataplane.links.get(fact.port)
        ours = fact.mac in domain.quiet  # the row of one that is no longer known beforehand: now it can be learnt
        if (fact.aged or ours) and link is not None and link.up:
            domain.age(fact.mac, fact.port)
        else:
            domain.forget(fact.mac, fact.port)
        domain.touch([fact.mac])


def _reservations(segment: Segment) -> set[tuple[MacAddress, str | None, str | None]]:
    """MACs that are not ours to write, and why, as remote ones and on local ports."""
    return {(mac, segment.reserved(mac), segment.reserved_host(mac)) for mac in segment.all_reserved}
