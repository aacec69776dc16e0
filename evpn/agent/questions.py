"""Hosts are asked before they are given up, and announced when they have moved here (RFC 9161 sections 3.5 and 3.6).

Owner of the frames that wait to be sent. A host that was not heard for most of the bridge's ageing time is asked for
its addresses, on its port and by its MAC; its answer keeps the bridge's row alive as well.
"""

from collections.abc import Iterator

from evpn.agent.instances import Instances
from evpn.dataplane.dataplane import Dataplane
from evpn.dataplane.segment import Attachment
from evpn.evi.bridge_domain import BridgeDomain
from evpn.evi.fabric import Fabric
from evpn.evi.journal import Event, What
from evpn.packet.frames import announcement, probe
from evpn.values import MacAddress, Vni
from evpn.wire.communities import ROUTER

_SHARE = 0.8
"""Of the bridge's ageing time, without a word from the host."""
_NO_AGEING = 300.0
"""Seconds taken for the ageing time of a bridge that does not say, or never ages."""
MOST_FRAMES = 1024
"""Sent per turn, of all bridge domains; the rest waits for the next one."""

Frame = tuple[int, bytes]
"""ifindex of the port, octets."""


class Questions:
    def __init__(self, fabric: Fabric, dataplane: Dataplane, instances: Instances) -> None:
        self.asked = self.announced = 0
        self._frames: list[Frame] = []
        self._due: dict[Vni, float] = {}
        """When a bridge domain has to be looked at again, at the earliest."""
        self._changes = -1
        self._fabric = fabric
        self._dataplane = dataplane
        self._instances = instances

    def take(self) -> list[Frame]:
        """What is to be sent now."""
        frames, self._frames = self._frames[:MOST_FRAMES], self._frames[MOST_FRAMES:]
        return frames

    def settle(self, now: float) -> None:
        for domain in self._stirred(now):
            self._due.pop(domain.vni, None)
            attached = self._dataplane.segments[domain.vni].attachment
            if attached is None:
                continue
            if domain.events and self._instances.served[domain.vni].announce_moves:
                self._frames += self._moved(domain, attached)
            self._frames += self._ask(domain, attached, now)
            self._give_up(domain, attached)
            due = domain.addresses.bindings.next_due(patience(attached))
            if due is not None:
                self._due[domain.vni] = due

    def next_due(self) -> float | None:
        """Monotonic seconds of the next question."""
        return min(self._due.values(), default=None) if not self._frames else float("-inf")

    def _stirred(self, now: float) -> list[BridgeDomain]:
        """Those with news of their hosts, and those with a question to ask: of a thousand others there is no need.

        A binding that was confirmed meanwhile is due later than believed, never earlier.
        """
        domains = self._fabric.domains
        if self._changes != self._instances.changes:  # VNIs, their devices, ageing times
            self._changes = self._instances.changes
            self._due.clear()
            return list(domains.values())
        due = {vni for vni, moment in self._due.items() if moment <= now}
        return [domain for domain in domains.values() if domain.events or domain.dirty.bindings or domain.vni in due]

    def _ask(self, domain: BridgeDomain, attached: Attachment, now: float) -> Iterator[Frame]:
        room = MOST_FRAMES - len(self._frames)
        for mac, ip in domain.addresses.ask(now, patience(attached), room):
            port = domain.port_of(mac)
            if port:
                self.asked += 1
                yield port, probe(mac, ip, attached.bridge.mac)

    def _give_up(self, domain: BridgeDomain, attached: Attachment) -> None:
        """Aged out, and nothing is left to ask for, or nobody to ask."""
        for mac, port in list(domain.quiet.items()):
            link = self._dataplane.links.get(port)
            there = link is not None and link.up and link.master == attached.bridge.ifindex
            if not there or mac not in domain.addresses.bindings.of_mac:
                domain.forget(mac)

    def _moved(self, domain: BridgeDomain, attached: Attachment) -> Iterator[Frame]:
        """To the other hosts here: who has an address now that it came to a host of ours, or left one."""
        ports = [
            link.ifindex
            for link in self._dataplane.links.values()
            if link.master == attached.bridge.ifindex and link.ifindex != attached.device.ifindex and link.up
        ]
        for event in domain.events:
            if not isinstance(event, Event):
                continue
            mac, router = _holder(domain, event)
            if mac is not None:
                self.announced += 1
                frame = announcement(mac, event.ip, router)
                yield from ((port, frame) for port in ports if port != domain.port_of(mac))


def patience(attached: Attachment | None) -> float:
    """Seconds without a word from a host after which it is asked."""
    return _SHARE * ((attached.bridge.ageing if attached else 0) or _NO_AGEING)


def _holder(domain: BridgeDomain, event: Event) -> tuple[MacAddress | None, bool]:
    """Whose address it is after an event that gave it to somebody else, and whether that is a router; or nobody."""
    if event.what is What.IP_MOVED_AWAY:
        found = domain.addresses.neighbor(event.ip)
        return (found[0], bool((found[1].attributes.arp_nd or 0) & ROUTER)) if found else (None, False)
    if event.what is What.IP_MOVED_HERE or (event.what is What.BOUND and event.ip in domain.addresses.remote):
        holder = domain.addresses.holder(event.ip)
        return (holder.mac, holder.router) if holder and holder.mac == event.mac else (None, False)
    return None, False
