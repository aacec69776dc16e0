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

_SHARE = 0.8
"""Of the bridge's ageing time, without a word from the host."""
_NO_AGEING = 300.0
"""Seconds taken for the ageing time of a bridge that does not say, or never ages."""
_MOST_FRAMES = 1024
"""Questions per turn, of all bridge domains."""

Frame = tuple[int, bytes]
"""ifindex of the port, octets."""


class Questions:
    def __init__(self, fabric: Fabric, dataplane: Dataplane, instances: Instances) -> None:
        self.asked = self.announced = 0
        self._frames: list[Frame] = []
        self._fabric = fabric
        self._dataplane = dataplane
        self._instances = instances

    def take(self) -> list[Frame]:
        """What is to be sent now."""
        frames, self._frames = self._frames, []
        return frames

    def settle(self, now: float) -> None:
        for vni, domain in self._fabric.domains.items():
            attached = self._dataplane.segments[vni].attachment
            if attached is None:
                continue
            if domain.events and self._instances.served[vni].announce_moves:
                self._frames += self._moved(domain, attached)
            self._frames += self._ask(domain, attached, now)
            for mac in [mac for mac in domain.quiet if mac not in domain.addresses.bindings.of_mac]:
                domain.forget(mac, domain.quiet[mac])

    def next_due(self) -> float | None:
        """Monotonic seconds of the next question."""
        moments = [
            domain.addresses.bindings.next_due(patience(segment.attachment))
            for domain in self._fabric.domains.values()
            if (segment := self._dataplane.segments[domain.vni]).attachment is not None
        ]
        return min((moment for moment in moments if moment is not None), default=None)

    def _ask(self, domain: BridgeDomain, attached: Attachment, now: float) -> Iterator[Frame]:
        for mac, ip in domain.addresses.ask(now, patience(attached)):
            entry = domain.local.get(mac)
            if entry is not None and entry.port:
                self.asked += 1
                yield entry.port, probe(mac, ip, attached.bridge.mac)

    def _moved(self, domain: BridgeDomain, attached: Attachment) -> Iterator[Frame]:
        """To the other hosts here; those elsewhere are told by their own VTEPs."""
        ports = [
            link.ifindex
            for link in self._dataplane.links.values()
            if link.master == attached.bridge.ifindex and link.ifindex != attached.device.ifindex and link.up
        ]
        for event in domain.events:
            if event.what is What.IP_MOVED_HERE or _is_known_elsewhere(domain, event):
                binding = domain.addresses.bindings.of_ip.get(event.ip)
                entry = domain.local.get(event.mac)
                if binding is not None and entry is not None:
                    self.announced += 1
                    frame = announcement(event.mac, event.ip, binding.router)
                    yield from ((port, frame) for port in ports if port != entry.port)


def patience(attached: Attachment | None) -> float:
    """Seconds without a word from a host after which it is asked."""
    return _SHARE * ((attached.bridge.ageing if attached else 0) or _NO_AGEING)


def _is_known_elsewhere(domain: BridgeDomain, event: Event) -> bool:
    return event.what is What.BOUND and event.ip in domain.addresses.remote
