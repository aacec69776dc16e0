"""What bridge domains have to tell: into the journal, into the log, and to the detection of duplicates."""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from evpn.config.settings import DuplicateAction, DuplicateDetection
from evpn.dataplane.dataplane import Dataplane
from evpn.evi.bridge_domain import BridgeDomain
from evpn.evi.duplicates import Duplicate, Duplicates
from evpn.evi.journal import Event, Journal, Learnt, What
from evpn.text import format_ip, format_mac
from evpn.values import IpAddress, MacAddress, Vni

log = logging.getLogger(__name__)

_ALERTS = {
    What.REFUSED: "mac is another's and does not move",
    What.STICKY_ELSEWHERE: "mac that does not move is claimed elsewhere",
    What.DEFENDED: "mac that does not move is claimed elsewhere",
    What.OVER_LIMIT: "max-macs reached",
    What.REMOTE_OVER_LIMIT: "max-remote-macs reached",
    What.DUPLICATE: "duplicate mac",
    What.IP_REFUSED: "ip is another's and does not move",
    What.IP_ELSEWHERE: "ip that does not move is claimed elsewhere",
    What.IP_DEFENDED: "ip that does not move is claimed elsewhere",
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
        self._troubled: dict[Vni, BridgeDomain] = {}
        """Those that have duplicates: the others need no look in each turn."""

    def configure(self, domain: BridgeDomain, settings: DuplicateDetection) -> None:
        """Also other settings: what was held is let go of when duplicates are no longer to be."""
        numbers = settings.moves, settings.seconds, settings.recovery
        freeze = settings.action is DuplicateAction.FREEZE
        known = self.detectors.get(domain.vni)
        if known is None:
            self.detectors[domain.vni] = Detectors(Duplicates(*numbers), Duplicates(*numbers), freeze)
            return
        known.macs.tune(*numbers)
        known.ips.tune(*numbers)
        self.detectors[domain.vni] = known._replace(freeze=freeze)
        if known.freeze and not freeze:
            for mac in list(domain.frozen):
                domain.thaw(mac)
            for ip in list(domain.addresses.frozen):
                domain.addresses.thaw(ip)

    def forget(self, vni: Vni) -> None:
        del self.detectors[vni]
        self._troubled.pop(vni, None)
        self.journal.forget(vni)
        for key in [key for key in self.counts if key[0] == vni]:
            del self.counts[key]

    def settle(self, domains: Iterable[BridgeDomain], now: float) -> None:
        """What bridge domains have to tell, and what has recovered in them."""
        for domain in domains:
            while domain.events:
                self._take(domain, now)
        for vni, domain in list(self._troubled.items()):
            macs, ips, _ = self.detectors[vni]
            self._release(domain, list(macs.recovered(now)), list(ips.recovered(now)), now)
            while domain.events:
                self._take(domain, now)
            if not macs.found and not ips.found:
                del self._troubled[vni]

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
        moments = [table.next_recovery() for vni in self._troubled for table in self.detectors[vni][:2]]
        return min((moment for moment in moments if moment is not None), default=None)

    def _take(self, domain: BridgeDomain, now: float) -> None:
        events = list(domain.events)
        domain.events.clear()
        for event in events:
            if isinstance(event, Learnt):
                self.journal.note_learnt(now, domain.vni, event)
                self.counts[domain.vni, What.LEARNT] += len(event.macs)
                continue
            self._note(domain, event, now)
            if event.what.is_move:
                self._moved(domain, event, now)
            elif event.what.is_ip_move:
                self._ip_moved(domain, event, now)

    def _moved(self, domain: BridgeDomain, event: Event, now: float) -> None:
        """A duplicate is held where it is now, also one that was let go of since; a defence ends in any case."""
        macs, _, freeze = self.detectors[domain.vni]
        if macs.moved(event.mac, now):
            self._troubled[domain.vni] = domain
            self._note(domain, event._replace(what=What.DUPLICATE), now)
        if event.mac in macs.found and (freeze or event.what.is_defence):
            domain.freeze(event.mac)

    def _ip_moved(self, domain: BridgeDomain, event: Event, now: float) -> None:
        _, ips, freeze = self.detectors[domain.vni]
        if ips.moved(event.ip, now):
            self._troubled[domain.vni] = domain
            self._note(domain, event._replace(what=What.IP_DUPLICATE), now)
        if event.ip in ips.found and (freeze or event.what.is_defence):
            domain.addresses.freeze(event.ip)

    def _release(self, domain: BridgeDomain, macs: list[MacAddress], ips: list[IpAddress], now: float) -> None:
        for mac in macs:
            self._note(domain, Event(What.RECOVERED, mac), now)
            domain.thaw(mac)
        for ip in ips:
            binding = domain.addresses.bindings.of_ip.get(ip)
            if binding is not None:
                self._note(domain, Event(What.RECOVERED, binding.mac, ip), now)
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
