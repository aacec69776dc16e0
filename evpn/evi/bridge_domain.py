"""One bridge domain: MAC -> claims, local MACs, flood list (RFC 7432 sections 6.1, 9, 11, 15; RFC 8365 section 5.1).

The only owner of this state, and of `addresses`, its IPs. Facts come in; what they touched is kept as keys until the
next turn takes them, and what there is to tell of them as `events`.
"""

from collections.abc import Iterable, Mapping

from evpn.evi.addresses import Addresses
from evpn.evi.claims import Case, beside, raised_above, seen_here
from evpn.evi.dirty import Dirty
from evpn.evi.entries import Expected, LocalMac, Remote
from evpn.evi.journal import Event, News, What
from evpn.evi.mobility import Claim
from evpn.evi.overflow import Overflow
from evpn.evi.paths import Paths, best_claim, flood_endpoint, put, remove
from evpn.evi.sequences import Sequences
from evpn.rib.path import Path
from evpn.values import NO_IP, IpAddress, MacAddress, Vni
from evpn.wire.routes import InclusiveMulticastRoute, MacIpRoute

_IPS_PER_MAC = 4
"""On average, of `max-macs` MACs."""


class BridgeDomain:
    """`local`: MAC -> LocalMac; `remote` and `flood`: MAC and VTEP -> the paths that name it."""

    def __init__(self, vni: Vni, vtep: IpAddress, max_macs: int, max_remote_macs: int = 1 << 24) -> None:
        self.vni = vni
        self.vtep = vtep
        self.max_macs = max_macs
        self.local: dict[MacAddress, LocalMac] = {}
        self.remote: dict[MacAddress, Paths] = {}
        self.flood: dict[IpAddress, Paths] = {}
        self.expected: dict[MacAddress, Expected] = {}
        self.quiet: dict[MacAddress, int] = {}
        """MACs that the bridge has no row of any more, and their ports: still claimed until they do not answer."""
        self.frozen: dict[MacAddress, Remote | None] = {}
        """Duplicates that stay where they are: behind a VTEP, or here (None)."""
        self.events: list[News] = []
        self.dirty = Dirty()
        self.addresses = Addresses(self, self.dirty, self.events, _IPS_PER_MAC * max_macs)
        self.overflow = Overflow(max_remote_macs, self.events)
        self.refused_moves = 0
        self.over_limit = 0
        self._sequences = Sequences(max_macs)
        self.highest_seen = self._sequences.highest

    @property
    def claimed(self) -> set[MacAddress]:
        """MACs that a route of ours may be out for: the local ones, and those lost since the last turn."""
        return self.local.keys() | self.dirty.claims.keys()

    def touch(
        self, macs: Iterable[MacAddress] = (), ips: Iterable[IpAddress] = (), vteps: Iterable[IpAddress] = ()
    ) -> None:
        """What may be written to the kernel for these keys has changed, whatever the claims."""
        for mac in macs:
            self._touch(mac)
        self.dirty.touch(ips, vteps)

    def touch_claims(self) -> None:
        """Every route of ours has to be looked at again."""
        self.dirty.claims.update(dict.fromkeys(self.local))
        self.dirty.bindings.update(dict.fromkeys(self.addresses.bound))

    def limit(self, max_macs: int, max_remote_macs: int = 1 << 24) -> None:
        """Other limits; what there is already stays."""
        self.overflow.most = max_remote_macs
        self._let_in()
        self.max_macs = self._sequences.max_macs = max_macs
        self.addresses.bindings.most = _IPS_PER_MAC * max_macs

    # Facts from BGP

    def import_path(self, path: Path) -> None:
        """A best path of a route that our route targets import; it replaces the one of the same route."""
        self._file(path, True)

    def withdraw_path(self, path: Path) -> None:
        """What `import_path` brought is gone."""
        self._file(path, False)

    def _file(self, path: Path, present: bool) -> None:
        route = path.route
        if isinstance(route, MacIpRoute):
            mac, ip = route.mac, route.ip
            overflow, ours = self.overflow, mac in self.local
            if overflow.waiting or len(self.remote) >= overflow.most:
                # a rival of a host of ours is always heard
                has_room = ours or mac in self.remote or len(self.remote) < overflow.most
                if overflow.keeps_out(mac, path, present, has_room):
                    return
            before = best_claim(self.remote.get(mac, ())) if ours else None
            changed = (put if present else remove)(self.remote, mac, path)
            if present and path.attributes.mobility.sequence:
                self._sequences.saw(mac, path.attributes.mobility.sequence)
            if ip:
                (self.addresses.import_path if present else self.addresses.withdraw_path)(ip, path)
            self._note(mac)
            if ours:
                self._settle(mac, before[0] if before else None)
            if self.frozen:
                self._thaw_deserted(mac)
            if changed:
                self._touch(mac)
            if ip and not (present and changed):  # else the MAC's paths have led there
                self.addresses.reconsider(ip)
            if overflow.waiting and not present:
                self._let_in()
        elif isinstance(route, InclusiveMulticastRoute):
            endpoint = flood_endpoint(path, self.vtep)
            if endpoint:
                (put if present else remove)(self.flood, endpoint, path)
                self.dirty.vteps[endpoint] = None

    def _let_in(self) -> None:
        for path in self.overflow.let_in(self.remote):
            self._file(path, True)

    # Facts from the kernel

    def learn(self, mac: MacAddress, port: int, static: bool = False) -> bool:
        """A host spoke: the bridge has (again) put `mac` on a local port. False when the claim is refused."""
        known, case = self.local.get(mac), self.case(mac)
        if known is None and len(self.local) >= self.max_macs:
            self.over_limit += 1
            self.events.append(Event(What.OVER_LIMIT, mac, port=port))
            return False
        self.quiet.pop(mac, None)
        entry, what = seen_here(case, known, port, static)
        if what is What.REFUSED:
            self.refused_moves += 1
        if what is not None:
            self.tell(what, mac, entry)
        if entry != known:
            self.set_local(mac, entry)
        return entry.claim is not None

    def recall(self, mac: MacAddress, sequence: int) -> None:
        """Before we forgot all, we claimed `mac` with `sequence`: so another VTEP had used the one below it."""
        if sequence:
            self._sequences.saw(mac, sequence - 1)
            self._note(mac)

    def forget(self, mac: MacAddress, port: int | None = None) -> None:
        """The row on `port` is gone; a host that moved to another port meanwhile stays. None: whatever port."""
        known = self.local.get(mac)
        if known is None or port not in (None, known.port):
            return
        self._leave(mac, known)
        self.addresses.release_all(mac)

    def _leave(self, mac: MacAddress, known: LocalMac) -> None:
        self.quiet.pop(mac, None)
        if mac in self.expected:
            self.set_local(mac, known._replace(port=0, static=False))
            return
        if known.claim is not None:
            self.tell(What.LEFT, mac, known)
        self.set_local(mac, None)
        if self.frozen.get(mac, known) is None:
            self.thaw(mac)  # held here, and no longer here

    def age(self, mac: MacAddress, port: int) -> None:
        """The bridge has heard nothing for long: before the host is given up, it is asked for its addresses."""
        known = self.local.get(mac)
        if known is None or known.port != port or known.claim is None or mac in self.expected:
            self.forget(mac, port)
        elif self.addresses.suspect_all(mac):
            self.quiet[mac] = port
            self.tell(What.QUIET, mac, known)
        else:
            self.forget(mac, port)

    def observe_local(self, rows: Mapping[MacAddress, tuple[int, bool]]) -> None:
        """A dump: MAC -> (port, static), all of them. A row that was known is no news from its host."""
        for mac in [mac for mac, entry in self.local.items() if entry.port and mac not in rows]:
            if mac not in self.quiet:
                self.forget(mac)
        for mac, (port, static) in rows.items():
            self.quiet.pop(mac, None)
            known = self.local.get(mac)
            if known is None or (known.port, known.static) != (port, static):
                self.learn(mac, port, static)

    def detach(self) -> None:
        """The devices are gone, and every host with them; once they are back, it is asked for its addresses."""
        for mac, known in list(self.local.items()):
            self.addresses.suspect_all(mac)
            self._leave(mac, known)
        self.touch_claims()

    # Duplicates

    def freeze(self, mac: MacAddress) -> None:
        """A duplicate stays where it is until it is thawed, or leaves there; what is heard of it meanwhile waits."""
        owner = self.owner(mac)
        if owner is not None or self.local_claim(mac) is not None:
            self.frozen[mac] = owner
            self._touch(mac)

    def thaw(self, mac: MacAddress) -> None:
        if mac in self.frozen:
            del self.frozen[mac]
            self._settle(mac, None)
            self._touch(mac)

    def _thaw_deserted(self, mac: MacAddress) -> None:
        """Held behind a VTEP that claims it no longer."""
        held = self.frozen.get(mac)
        if held is not None and all(path.next_hop != held.vtep for path in self.remote.get(mac, ())):
            self.thaw(mac)

    # Decisions

    def owner(self, mac: MacAddress) -> Remote | None:
        """The VTEP that frames for `mac` go to; None when it is ours or nobody's."""
        known = self.local.get(mac)
        if known is not None and known.claim is not None:
            return None
        if self.frozen and (held := self.frozen.get(mac)) is not None:
            return held._replace(sticky=True)  # no frame may take it, or it would move with each
        best = best_claim(self.remote.get(mac, ()))
        return Remote(best[0].vtep, best[0].sticky, best[1]) if best else None

    def local_claim(self, mac: MacAddress) -> Claim | None:
        known = self.local.get(mac)
        return known.claim if known else None

    def port_of(self, mac: MacAddress) -> int:
        """ifindex of the port that a host of ours belongs to; 0: it was never seen, and nobody said."""
        known, expected = self.local.get(mac), self.expected.get(mac)
        seen = known.port if known else 0
        return expected.place(seen) if expected else seen

    def is_behind(self, mac: MacAddress, vtep: IpAddress) -> bool:
        if (known := self.local.get(mac)) is not None and known.claim is not None:
            return False
        if self.frozen and (held := self.frozen.get(mac)) is not None:
            return held.vtep == vtep
        paths = self.remote.get(mac, ())
        if len(paths) == 1 and isinstance(paths, tuple):  # as most are: no claim has to be made of it
            return paths[0].next_hop == vtep
        best = best_claim(paths)
        return best is not None and best[0].vtep == vtep

    def claim_above(self, mac: MacAddress, rival: Claim) -> None:
        """Also when nothing of it is local yet: the claim that is made then will be."""
        self._sequences.saw(mac, rival.sequence)
        self._note(mac)
        known = self.local.get(mac)
        raised = raised_above(self.case(mac), known, rival) if known else None
        if raised is not None:
            self.set_local(mac, raised, defend=False)

    def case(self, mac: MacAddress) -> Case:
        best = best_claim(self.remote.get(mac, ()))
        seen = self.highest_seen.get(mac, 0 if best else None)
        return Case(self.vtep, best[0] if best else None, seen, self.expected.get(mac), mac in self.frozen)

    def _settle(self, mac: MacAddress, before: Claim | None) -> None:
        """The remote claims changed; `before`: the best of them, as it was."""
        known = self.local.get(mac)
        if known is None:
            return
        entry, what = beside(self.case(mac), known, before)
        if what is not None:
            self.tell(what, mac, known if what is What.MOVED_AWAY else entry)
        if entry != known:
            self.set_local(mac, entry)

    def set_local(self, mac: MacAddress, entry: LocalMac | None, defend: bool = True) -> None:
        known = self.local.get(mac)
        if entry is None:
            del self.local[mac]
        else:
            self.local[mac] = entry
        self._note(mac)
        self.dirty.claims[mac] = None
        if (known.claim if known else None) != (entry.claim if entry else None):
            self.addresses.mac_changed(mac, defend)
        self._touch(mac)

    def _note(self, mac: MacAddress) -> None:
        self._sequences.note(mac, mac in self.remote or mac in self.local)

    def tell(self, what: What, mac: MacAddress, entry: LocalMac) -> None:
        best = best_claim(self.remote.get(mac, ()))
        sequence = entry.claim.sequence if entry.claim else None
        self.events.append(Event(what, mac, NO_IP, entry.port, best[0].vtep if best else NO_IP, sequence))

    def _touch(self, mac: MacAddress) -> None:
        self.dirty.macs[mac] = None
        for path in self.remote.get(mac, ()):
            ip = path.route.ip if isinstance(path.route, MacIpRoute) else b""
            if ip:
                self.addresses.reconsider(IpAddress(ip))
