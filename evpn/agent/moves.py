"""What bridge domains have to tell: into the journal, into the log, and to the detection of duplicates."""

import logging
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from evpn.config.settings import DuplicateAction, DuplicateDetection
from evpn.dataplane.dataplane import Dataplane
from evpn.evi.bridge_domain import BridgeDomain
from evpn.evi.duplicates import Duplicate, Duplicates
from evpn.evi.journal import Event, Journal, What
from evpn.text import format_ip, format_mac
from evpn.values import IpAddress, MacAddress, Vni

log = logging.getLogger(__name__)

_ALERTS = {
    What.REFUSED: "mac is another's and does not move",
    What.STICKY_ELSEWHERE: "mac that does not move is claimed elsewhere",
    What.OVER_LIMIT: "max-macs reached",
    What.DUPLICATE: "duplicate mac",
    What.IP_REFUSED: "ip is another's and does not move",
    What.IP_DUPLICATE: "duplicate ip",
    What.IP_OVER_LIMIT: "too many addresses",
}


class Detectors(NamedTuple):
    """Of one VNI."""

    macs: Duplicates[MacAddress]
    ips: Duplicates[IpAddress]
    freeze: bool


class Moves:
    """Owner of the journal, and of the duplicates of each VNI."""

    def __init__(self, dataplane: Dataplane) -> None:
        self._dataplane = dataplane
        self.journal = Journal()
        self.counts: Counter[tuple[Vni, What]] = Counter()
        self.detectors: dict[Vni, Detectors] = {}

    def configure(self, vni: Vni, settings: DuplicateDetection) -> None:
        """Other numbers begin to count anew; what is a duplicate already stays one."""
        numbers = settings.moves, settings.seconds, settings.recovery
        known = self.detectors.get(vni)
        macs: Duplicates[MacAddress] = Duplicates(*numbers)
        ips: Duplicates[IpAddress] = Duplicates(*numbers)
        if known is not None:
            macs.found, ips.found = known.macs.found, known.ips.found
        self.detectors[vni] = Detectors(macs, ips, settings.action is DuplicateAction.FREEZE)

    def forget(self, vni: Vni) -> None:
        del self.detectors[vni]
        self.journal.forget(vni)

    def take(self, domain: BridgeDomain, now: float) -> None:
        """What a bridge domain has to tell, and what has recovered."""
        while domain.events:
            events = list(domain.events)
            domain.events.clear()
            for event in events:
                self._note(domain, event, now)
                if event.what.is_move:
                    self._moved(domain, event, now)
                elif event.what.is_ip_move:
                    self._ip_moved(domain, event, now)
        detectors = self.detectors[domain.vni]
        if detectors.macs.found or detectors.ips.found:
            self._release(domain, list(detectors.macs.recovered(now)), list(detectors.ips.recovered(now)), now)

    def clear(self, domain: BridgeDomain, now: float, key: MacAddress | IpAddress | None = None) -> int:
        """An operator says that these are duplicates no longer; how many there were."""
        detectors = self.detectors[domain.vni]
        macs = [] if key and len(key) != 6 else detectors.macs.clear(MacAddress(key) if key else None)
        ips = [] if key and len(key) == 6 else detectors.ips.clear(IpAddress(key) if key else None)
        self._release(domain, macs, ips, now)
        return len(macs) + len(ips)

    def duplicates(self, domain: BridgeDomain) -> Iterator[tuple[MacAddress | None, IpAddress | None, Duplicate]]:
        detectors = self.detectors[domain.vni]
        for mac, found in list(detectors.macs.found.items()):
            yield mac, None, found
        for ip, found in list(detectors.ips.found.items()):
            yield None, ip, found

    def next_recovery(self) -> float | None:
        moments = [table.next_recovery() for of in self.detectors.values() for table in (of.macs, of.ips)]
        return min((moment for moment in moments if moment is not None), default=None)

    def _moved(self, domain: BridgeDomain, event: Event, now: float) -> None:
        detectors = self.detectors[domain.vni]
        if detectors.macs.moved(event.mac, now):
            self._note(domain, event._replace(what=What.DUPLICATE), now)
            if detectors.freeze:
                domain.freeze(event.mac)

    def _ip_moved(self, domain: BridgeDomain, event: Event, now: float) -> None:
        detectors = self.detectors[domain.vni]
        if detectors.ips.moved(event.ip, now):
            self._note(domain, event._replace(what=What.IP_DUPLICATE), now)
            if detectors.freeze:
                domain.addresses.frozen.add(event.ip)

    def _release(self, domain: BridgeDomain, macs: list[MacAddress], ips: list[IpAddress], now: float) -> None:
        for mac in macs:
            self._note(domain, Event(What.RECOVERED, mac), now)
            domain.thaw(mac)
        for ip in ips:
            domain.addresses.thaw(ip)

    def _note(self, domain: BridgeDomain, event: Event, now: float) -> None:
        self.journal.note(now, domain.vni, event)
        self.counts[domain.vni, event.what] += 1
        count = self.counts[domain.vni, event.what]
        if event.what in _ALERTS and rarely(count):
            more = f" ip={format_ip(event.ip)}" if event.ip else ""
            more += f" port={self._dataplane.port_name(event.port)}" if event.port else ""
            more += f" vtep={format_ip(event.vtep)}" if event.vtep else ""
            mac = format_mac(event.mac)
            log.warning("%s vni=%d mac=%s%s count=%d", _ALERTS[event.what], domain.vni, mac, more, count)


def rarely(count: int) -> bool:
    """The 1st, 2nd, 4th, 8th ... time: who is hostile must not fill the log."""
    return count & (count - 1) == 0
