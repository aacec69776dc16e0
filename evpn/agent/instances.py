"""The VNIs that we serve: which settings, on which devices, with which routes of ours.

Owner of `served`, `discovered` and `problems`. Bridge domains live in the fabric, their rows in the dataplane, their
routes with the announcer; here it is decided that there be one.
"""

import logging
from collections.abc import Mapping

from evpn.agent.announcer import Announcer
from evpn.agent.arrivals import Arrivals
from evpn.agent.moves import Moves
from evpn.agent.strategies import plan_of
from evpn.config.derive import vni_settings
from evpn.config.settings import Settings, VniSettings
from evpn.dataplane.attach import attachment, choose, vxlan_by_vni
from evpn.dataplane.dataplane import Dataplane
from evpn.dataplane.link import Link
from evpn.dataplane.plan import advice, unfit
from evpn.dataplane.project import project
from evpn.dataplane.segment import Attachment
from evpn.evi import originate
from evpn.evi.bindings import Source
from evpn.evi.bridge_domain import BridgeDomain
from evpn.evi.dirty import Dirty
from evpn.evi.fabric import Fabric
from evpn.evi.originate import Instance
from evpn.rib.table import Rib
from evpn.values import IpAddress, MacAddress, Vni

log = logging.getLogger(__name__)


class Instances:
    def __init__(
        self,
        settings: Settings,
        rib: Rib,
        fabric: Fabric,
        dataplane: Dataplane,
        announcer: Announcer,
        moves: Moves,
    ) -> None:
        self.settings = settings
        self.served: dict[Vni, VniSettings] = {}
        self.discovered: set[Vni] = set()
        self.problems: dict[Vni, str] = {}
        """Why a VNI cannot be served now."""
        self.links_changed = True
        self.changes = 0
        """Grows whenever devices or settings have become others."""
        self.arrivals = Arrivals(rib, fabric)
        self._fabric = fabric
        self._dataplane = dataplane
        self._announcer = announcer
        self._moves = moves
        self._reported: dict[Vni, str] = {}

    def become(self, wanted: Mapping[Vni, VniSettings]) -> None:
        """Serve exactly these; all that goes is withdrawn before anything is announced, for an RD may change hands."""
        for vni, old in list(self.served.items()):
            if vni not in wanted:
                self.cease(vni)
            elif (old.rd, old.export_targets) != (wanted[vni].rd, wanted[vni].export_targets):
                self._withdraw_all(vni)
        for vni, new in wanted.items():
            if vni not in self.served:
                self.serve(new)
            elif new != self.served[vni]:
                self._amend(new)
        self.arrivals.settle()
        self.links_changed = True  # what is discovered may be another thing now

    def serve(self, vni: VniSettings) -> None:
        self.served[vni.vni] = vni
        self._dataplane.add(vni.vni, plan_of(vni))
        domain = BridgeDomain(vni.vni, self.settings.vtep, vni.max_macs, vni.max_remote_macs)
        self._moves.configure(domain, vni.duplicate_detection)
        self._fabric.add(domain, vni.import_targets)
        self.arrivals.begin(domain)
        self.links_changed = True

    def cease(self, vni: Vni) -> None:
        """Withdraw what we announced, and remove what we wrote."""
        log.info("no longer serving vni=%d", vni)
        self._withdraw_all(vni)
        self._fabric.remove(vni)
        self.arrivals.forget(vni)
        self._dataplane.retire(vni)
        self._moves.forget(vni)
        del self.served[vni]
        self.problems.pop(vni, None)
        self.discovered.discard(vni)

    def instance(self, vni: Vni) -> Instance:
        settings = self.served[vni]
        return Instance(vni, self.settings.vtep, settings.rd, settings.export_targets)

    def attach_devices(self) -> None:
        """After changes of links: which VNI is carried by which devices now."""
        if not self.links_changed:
            return
        self.links_changed = False
        self.changes += 1
        by_vni = vxlan_by_vni(self._dataplane.links)
        self._discover(by_vni)
        homes = {settings.bridge: vni for vni, settings in self.served.items() if vni not in self.discovered}
        carried: dict[int, Vni] = {}  # bridge -> VNI: two of them in one bridge would be one segment
        for vni, settings in list(self.served.items()):
            device = choose(by_vni.get(vni, []), settings.device, self.settings.vtep)
            found = attachment(device, self._dataplane.links, self.settings.vtep)
            if not isinstance(found, str) and (of := homes.get(found.bridge.name, vni)) != vni:
                found = f"{found.device.name} is in {found.bridge.name}, the bridge of VNI {of}"
            if not isinstance(found, str) and carried.setdefault(found.bridge.ifindex, vni) != vni:
                found = f"{found.bridge.name} carries VNI {carried[found.bridge.ifindex]} already"
            if not isinstance(found, str):
                found = unfit(found.device, plan_of(settings)) or found
            if isinstance(found, str):
                self._detached(vni, found)
            elif not self.is_arriving(vni):
                self._attached(vni, found)

    def is_arriving(self, vni: Vni) -> bool:
        """Not all that is known of it has been imported yet: until then its devices, and hosts on them, wait.

        Else rows that are right would be removed, and hosts be claimed as if nobody had ever claimed them.
        """
        return vni in self.arrivals and self._dataplane.segments[vni].attachment is None

    def snooped_ports(self) -> set[int]:
        """ifindexes of the local ports whose hosts' addresses are wanted, whoever tells them, or whose questions."""
        bridges = {
            attached.bridge.ifindex: attached.device.ifindex
            for vni, settings in self.served.items()
            # also the kernel's words are asked about, and hosts answer here
            if (settings.learn_neighbors or self._dataplane.segments[vni].plan.misses)
            and (attached := self._dataplane.segments[vni].attachment) is not None
        }
        links = self._dataplane.links.values()
        return {link.ifindex for link in links if link.master in bridges and link.ifindex != bridges[link.master]}

    def arrive(self) -> None:
        """Go on with what VNIs import that are new, or import others than before."""
        if self.arrivals.settle():
            self.links_changed = True

    @property
    def is_settled(self) -> bool:
        return self.arrivals.is_settled and not self.links_changed

    def settle(self) -> None:
        """Desired rows and routes for every key that was touched."""
        self._report()
        for vni, domain in self._fabric.domains.items():
            if domain.dirty:
                dirty = domain.dirty.take()
                project(domain, self._dataplane.segments[vni], dirty)
                self._originate(vni, dirty)
                self._dataplane.touch(vni)

    def _discover(self, by_vni: dict[int, list[Link]]) -> None:
        if not self.settings.discover:
            return
        for number, candidates in sorted(by_vni.items()):
            device = choose(candidates, "", self.settings.vtep)
            bridge = self._dataplane.links.get(device.master) if device else None
            if device is None or bridge is None or number in self.served:
                continue
            taken = [settings.rd for settings in self.served.values()]
            self.serve(vni_settings(self.settings, Vni(number), device.name, bridge.name, taken))
            self.discovered.add(Vni(number))
        self.arrivals.settle()
        for vni in [vni for vni in self.discovered if vni not in by_vni]:
            self.cease(vni)

    def _amend(self, new: VniSettings) -> None:
        """Other settings for a VNI that is served, its old routes withdrawn: what is not concerned goes on."""
        vni, old = new.vni, self.served[new.vni]
        domain = self._fabric.domains[vni]
        self.served[vni] = new
        domain.limit(new.max_macs, new.max_remote_macs)
        if old.duplicate_detection != new.duplicate_detection:
            self._moves.configure(domain, new.duplicate_detection)
        if old.import_targets != new.import_targets:
            self._fabric.retarget(domain, new.import_targets)
            self.arrivals.begin(domain, sift=True)
        self._dataplane.replan(vni, plan_of(new))
        if not new.learn_neighbors:
            domain.addresses.release_all()
        if plan_of(new) != plan_of(old):  # nothing else in it decides on rows of what others say
            domain.touch(domain.remote, domain.addresses.remote, domain.flood)
        if self._dataplane.segments[vni].attachment is not None:
            self._announce_all(vni)

    def _attached(self, vni: Vni, found: Attachment) -> None:
        self.problems.pop(vni, None)
        if self._dataplane.attach(vni, *found):
            log.info("serving vni=%d device=%s bridge=%s", vni, found.device.name, found.bridge.name)
            for line in advice(found.device, plan_of(self.served[vni])):
                log.warning("%s", line)
            self._announce_all(vni)

    def _detached(self, vni: Vni, why: str) -> None:
        self.problems[vni] = why
        if self._dataplane.detach(vni):
            key, _ = originate.inclusive_multicast(self.instance(vni))
            self._announcer.routes.want(key, None)
            self._fabric.domains[vni].detach()

    def _report(self) -> None:
        """Problems that have outlasted a turn: while devices are being made there is one after the other."""
        for vni, why in self.problems.items():
            self._dataplane.segments[vni].taught.clear()  # when the devices are back it may be wrong
            if self._reported.get(vni) != why:
                log.warning("not serving vni=%d reason=%s", vni, why)
        self._reported = dict(self.problems)

    def _announce_all(self, vni: Vni) -> None:
        self._announcer.routes.want(*originate.inclusive_multicast(self.instance(vni)))
        self._fabric.domains[vni].touch_claims()

    def _withdraw_all(self, vni: Vni) -> None:
        instance, domain = self.instance(vni), self._fabric.domains[vni]
        self._announcer.routes.want(originate.inclusive_multicast(instance)[0], None)
        for mac in domain.claimed:
            self._announcer.routes.want(originate.mac_ip_key(instance, mac), None)
        for mac, ip in domain.addresses.bound:
            self._announcer.routes.want(originate.mac_ip_key(instance, mac, ip), None)

    def _originate(self, vni: Vni, dirty: Dirty) -> None:
        """A MAC-only route for each local MAC, and one beside it for each of its IPs (RFC 7432 section 10).

        The MAC's comes first and goes last. There is none while nothing can be received here, not even for hosts known
        beforehand.
        """
        instance, domain, routes = self.instance(vni), self._fabric.domains[vni], self._announcer.routes
        attached = self._dataplane.segments[vni].attachment is not None
        bound = {key: self._mac_ip(instance, domain, *key) if attached else None for key in dirty.bindings}
        for key, route in bound.items():
            if route is None:
                routes.want(originate.mac_ip_key(instance, *key), None)
        local = domain.local if attached else {}
        claims = {mac: known.claim if (known := local.get(mac)) else None for mac in dirty.claims}
        routes.want_batch(*originate.macs_alone(instance, claims))
        for key, route in bound.items():
            if route is not None:
                routes.want(originate.mac_ip_key(instance, *key), route)

    def _mac_ip(
        self, instance: Instance, domain: BridgeDomain, mac: MacAddress, ip: IpAddress
    ) -> originate.Announcement | None:
        holder, claim = domain.addresses.holder(ip), domain.local_claim(mac)
        if holder is None or holder.mac != mac or claim is None:
            return None
        flags = originate.arp_nd_flags(ip, holder.router, holder.source is Source.CONFIGURATION)
        return originate.mac_ip(instance, mac, claim, ip, flags)
