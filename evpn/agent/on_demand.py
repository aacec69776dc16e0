"""Strategy `dynamic-l3`: rows for those whom local hosts talk to, answered from the routes in memory.

The VXLAN device tells which IP (l3miss) or MAC (l2miss) it does not know. The answer is the neighbor and the row of its
MAC at once, so that the first frame finds its way. The device has dropped the question meanwhile: we answer who asked
(RFC 9161 section 3.3) as soon as the rows are there. A row that no frame has used for `idle-timeout` is given up.
"""

from collections.abc import Iterable, Iterator

from evpn.agent.instances import Instances
from evpn.agent.questions import Frame
from evpn.dataplane.dataplane import Dataplane
from evpn.dataplane.segment import Segment
from evpn.evi.bridge_domain import BridgeDomain
from evpn.evi.fabric import Fabric
from evpn.netlink.neighbor import NeighborMessage
from evpn.packet.frames import answer
from evpn.packet.question import decode
from evpn.values import IpAddress, MacAddress, Vni
from evpn.wire.communities import ROUTER

_CHECKS = 4
"""How often within `idle-timeout` the use of rows is looked at."""
_TICKS = 100.0
"""USER_HZ, in which the kernel tells times."""


class OnDemand:
    def __init__(self, fabric: Fabric, dataplane: Dataplane, instances: Instances) -> None:
        self._fabric = fabric
        self._dataplane = dataplane
        self._instances = instances
        self.told = 0
        """Questions that we have answered."""
        self._looked: dict[Vni, float] = {}
        """When the use of rows was looked at last, or the first of them was asked for."""
        self._untold: dict[Vni, None] = {}
        """Where somebody may wait for an answer of ours."""

    def missed(self, segment: Segment, row: NeighborMessage, now: float) -> None:
        """A miss notification: an IP, or a MAC."""
        domain = self._fabric.domains[segment.vni]
        if not segment.plan.misses:
            return
        if row.dst:
            self._ip(domain, segment, row.dst, now, asked=True)
        elif row.lladdr:
            self._mac(domain, segment, row.lladdr, now)

    def heard(self, port: int, frame: bytes, now: float) -> None:
        """A frame on a port of ours: who asks for what the device may have missed."""
        link = self._dataplane.links.get(port)
        segment = self._dataplane.by_bridge.get(link.master) if link else None
        question = decode(frame) if segment is not None and segment.plan.misses else None
        if segment is not None and question is not None:
            segment.demand.askers.hear(port, question, now)

    def answers(self, now: float) -> list[Frame]:
        """To those whose question was dropped, now that the device would answer it; never what is not so any more."""
        frames: list[Frame] = []
        for vni in list(self._untold):
            segment = self._dataplane.segments.get(vni)
            if segment is not None:
                frames += _answers(self._fabric.domains[vni], segment, now)
            if segment is None or not segment.demand.askers.missed:
                del self._untold[vni]
        self.told += len(frames)
        return frames

    def settle(self, now: float) -> None:
        """Routes have come or changed for what is asked for."""
        for domain, segment in self._served():
            self._displaced(domain, segment, now)
            demand = segment.demand
            if not demand.has_missed(now) and not demand.ips:
                continue
            for ip in list(domain.dirty.ips):
                if demand.is_missed(ip, now):
                    self._ip(domain, segment, ip, now, asked=True)
                elif ip in demand.ips:
                    self._follow(domain, segment, ip, now)
            for mac in list(domain.dirty.macs):
                if demand.is_missed(mac, now):
                    self._mac(domain, segment, mac, now)

    def adopt(self, segment: Segment, now: float) -> None:
        """Rows that an earlier agent has put there were asked for."""
        for mac in segment.macs.actual:
            segment.demand.take(mac, now)
        for ip, row in segment.neighbors.actual.items():
            segment.demand.take(row.mac, now, ip)
        self._fabric.domains[segment.vni].touch(segment.macs.actual, segment.neighbors.actual)

    def due(self, now: float) -> list[Vni]:
        """VNIs whose rows are to be looked at for their use."""
        return [vni for vni, moment in self._moments() if moment <= now]

    def next_due(self) -> float | None:
        return min((moment for _, moment in self._moments()), default=None)

    def used(self, vni: Vni, rows: Iterable[NeighborMessage] | None, now: float) -> None:
        """The rows of a VXLAN device, with the time since a frame has used each; None: they could not be read."""
        segment, domain = self._dataplane.segments[vni], self._fabric.domains[vni]
        idle = self._instances.served[vni].idle_timeout
        self._looked[vni] = now
        if rows is None:
            return
        unused = {row.lladdr: row.used / _TICKS for row in rows if row.used is not None}
        for mac, since in list(segment.demand.macs.items()):
            # whoever has no row, for there is no route any more, is forgotten as well
            if now - since >= idle and unused.get(mac, idle) >= idle:
                domain.touch([mac], segment.demand.drop(mac))

    def _served(self) -> Iterator[tuple[BridgeDomain, Segment]]:
        for vni, domain in self._fabric.domains.items():
            segment = self._dataplane.segments[vni]
            if segment.plan.misses:
                yield domain, segment

    def _moments(self) -> Iterator[tuple[Vni, float]]:
        for domain, segment in self._served():
            if segment.demand.macs and segment.attachment is not None:
                if domain.vni not in self._looked:
                    self._looked[domain.vni] = min(segment.demand.macs.values())
                yield domain.vni, self._looked[domain.vni] + self._instances.served[domain.vni].idle_timeout / _CHECKS

    def _displaced(self, domain: BridgeDomain, segment: Segment, now: float) -> None:
        """Hosts that are elsewhere while the bridge still has them on a port of ours: nobody would ever miss them."""
        for mac in domain.dirty.macs.keys() & domain.local.keys():
            if domain.local[mac].port and domain.owner(mac) is not None:
                segment.demand.take(mac, now)

    def _follow(self, domain: BridgeDomain, segment: Segment, ip: IpAddress, now: float) -> None:
        """An address that has its rows has gone to another MAC, or is nobody's any more. One that is adopted waits."""
        if domain.addresses.neighbor(ip) is not None:
            self._ip(domain, segment, ip, now, asked=False)
        elif ip in segment.neighbors.desired:
            segment.demand.release(ip)
            segment.demand.miss(ip, now)

    def _ip(self, domain: BridgeDomain, segment: Segment, ip: IpAddress, now: float, asked: bool) -> None:
        """Never for an address that is ours, or nobody's: a local host's own question would look like a duplicate."""
        binding = domain.addresses.neighbor(ip)
        if binding is None:
            segment.demand.unanswered += 1
            segment.demand.miss(ip, now)
            return
        if asked:
            segment.demand.askers.miss(ip, now)
            self._untold[segment.vni] = None
        if segment.demand.ips.get(ip) != binding[0]:
            segment.demand.answered += 1
            segment.demand.take(binding[0], now, ip)
            domain.touch([binding[0]], [ip])

    def _mac(self, domain: BridgeDomain, segment: Segment, mac: MacAddress, now: float) -> None:
        if domain.owner(mac) is None:
            segment.demand.unanswered += 1
            segment.demand.miss(mac, now)
        elif mac not in segment.demand.macs:
            segment.demand.answered += 1
            segment.demand.take(mac, now)
            domain.touch([mac])


def _answers(domain: BridgeDomain, segment: Segment, now: float) -> Iterator[Frame]:
    askers, ready = segment.demand.askers, {}
    for ip in askers.missed:
        found = domain.addresses.neighbor(ip)
        if found is not None and _is_there(segment, found[0], ip):
            ready[ip] = found
    for port, question, _ in askers.take(ready.keys(), now):
        mac, path = ready[question.target]
        if mac == question.mac:
            continue  # it has come to us, and asks for itself
        router = bool((path.attributes.arp_nd or 0) & ROUTER)
        # an anycast address has no neighbor, for the device would override what hosts know (RFC 9047 section 2)
        yield port, answer(question, mac, router, override=question.target in segment.neighbors.actual)


def _is_there(segment: Segment, mac: MacAddress, ip: IpAddress) -> bool:
    """The kernel holds all that is wanted for an address: what is sent to it gets through."""
    macs, neighbors = segment.macs, segment.neighbors
    if mac not in macs.desired or macs.desired[mac] != macs.actual.get(mac):
        return False
    return neighbors.desired.get(ip) == neighbors.actual.get(ip)
