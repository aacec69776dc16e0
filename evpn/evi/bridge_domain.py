"""One bridge domain: MAC -> claims, local MACs, flood list (RFC 7432 sections 6.1, 9, 11, 15; RFC 8365 section 5.1).

The only owner of this state, and of `addresses`, its IPs. Facts come in; what they touched is kept as keys until the
next turn takes them, and what there is to tell of them as `events`.
"""

from collections.abc import Iterable, Mapping

from evpn.evi.addresses import Addresses
from evpn.evi.claims import Case, claim_over, new_claim, surviving_claim
from evpn.evi.dirty import Dirty
from evpn.evi.entries import Expected, LocalMac, Remote
from evpn.evi.journal import Event, News, What
from evpn.evi.mobility import Claim, is_later
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
        self.overflow = Overflow(max_remote_macs)
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
            overflow = self.overflow
            if (overflow.waiting or len(self.remote) >= overflow.most) and self._waits(mac, path, present):
                return
            ours = mac in self.local
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

    def _waits(self, mac: MacAddress, path: Path, present: bool) -> bool:
        """Whether there is no room for it, or was none when it came. A rival of a host of ours is always heard."""
        waited = self.overflow.remove(mac, path)
        if not present:
            return waited
        if mac in self.remote or mac in self.local or len(self.remote) < self.overflow.most:
            return False
        if self.overflow.put(mac, path) and not waited:
            self.events.append(Event(What.REMOTE_OVER_LIMIT, mac, vtep=path.next_hop))
        return True

    def _let_in(self) -> None:
        while self.overflow.waiting and len(self.remote) < self.overflow.most:
            for path in self.overflow.take():
                self._file(path, True)

    # Facts from the kernel

    def learn(self, mac: MacAddress, port: int, static: bool = False) -> bool:
        """A host spoke: the bridge has (again) put `mac` on a local port. False when the claim is refused."""
        known, case = self.local.get(mac), self._case(mac)
        if known is None and len(self.local) >= self.max_macs:
            self.over_limit += 1
            self.events.append(Event(What.OVER_LIMIT, mac, port=port))
            return False
        self.quiet.pop(mac, None)
        entry = LocalMac(port, static, known.claim if known and known.claim else new_claim(case))
        claimed = surviving_claim(case, entry)
        if claimed != entry.claim:
            entry = entry._replace(claim=claimed)
        if claimed is None:
            self.refused_moves += 1
            self._tell(What.REFUSED, mac, entry)
        elif known is None or known.claim is None:
            moved = What.STICKY_ELSEWHERE if case.is_between_sticky_ones else What.MOVED_HERE
            self._tell(moved if case.best else What.LEARNT, mac, entry)
        elif known.port not in (0, port):
            self._tell(What.MOVED_PORT, mac, entry)
        if entry != known:
            self._set_local(mac, entry)
        return claimed is not None

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
            self._set_local(mac, known._replace(port=0, static=False))
            return
        if known.claim is not None:
            self._tell(What.LEFT, mac, known)
        self._set_local(mac, None)
        if self.frozen.get(mac, known) is None:
            self.thaw(mac)  # held here, and no longer here

    def age(self, mac: MacAddress, port: int) -> None:
        """The bridge has heard nothing for long: before the host is given up, it is asked for its addresses."""
        known = self.local.get(mac)
        if known is None or known.port != port or known.claim is None or mac in self.expected:
            self.forget(mac, port)
        elif self.addresses.suspect_all(mac):
            self.quiet[mac] = port
            self._tell(What.QUIET, mac, known)
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

    # Facts from the operator

    def expect(self, mac: MacAddress, port: int, sticky: bool) -> None:
        """A host of ours, known beforehand: it is announced, seen or not."""
        before = self.expected.get(mac)
        self.expected[mac] = Expected(port, sticky)
        self.quiet.pop(mac, None)
        self.frozen.pop(mac, None)
        known, case = self.local.get(mac) or LocalMac(0, False, None), self._case(mac)
        # once it has moved away, another port is no reason to call it back
        claimed = known.claim or (new_claim(case) if before is None else None)
        # only our own row may tell that it is where it was to be
        elsewhere = before is not None and port and known.port == before.port != port
        self._become(mac, known._replace(claim=claimed, port=0 if elsewhere else known.port), sticky)
        if before is None:
            self._tell(What.EXPECTED, mac, self.local[mac])
        if sticky and case.is_between_sticky_ones:
            self._tell(What.STICKY_ELSEWHERE, mac, self.local[mac])

    def unexpect(self, mac: MacAddress, seen: bool) -> None:
        """No longer known beforehand. `seen`: the bridge has a row of it that is not ours; else it is asked."""
        if self.expected.pop(mac, None) is None:
            return
        known = self.local[mac]
        self._tell(What.NOT_EXPECTED, mac, known)
        asked = not seen and known.port and known.claim and self.addresses.suspect_all(mac)
        if asked:
            self.quiet[mac] = known.port
        if seen or asked:
            self._become(mac, known, sticky=False)
        else:
            self.forget(mac)

    def _become(self, mac: MacAddress, entry: LocalMac, sticky: bool) -> None:
        """Sticky or not from now on, if the other claims let it."""
        entry = entry._replace(claim=entry.claim._replace(sticky=sticky) if entry.claim else None)
        self._set_local(mac, entry._replace(claim=surviving_claim(self._case(mac), entry)))

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
        known = self.local.get(mac)
        if known is not None and known.claim is not None:
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
        if known is not None and known.claim is not None and not is_later(known.claim.sequence, rival.sequence):
            case = self._case(mac)
            entry = known._replace(claim=claim_over(case, rival._replace(sticky=False)))
            if surviving_claim(case, entry) == entry.claim:  # around the circle it may be below the MAC's own rival
                self._set_local(mac, entry, defend=False)

    def _case(self, mac: MacAddress) -> Case:
        best = best_claim(self.remote.get(mac, ()))
        seen = self.highest_seen.get(mac, 0 if best else None)
        return Case(self.vtep, best[0] if best else None, seen, self.expected.get(mac), mac in self.frozen)

    def _settle(self, mac: MacAddress, before: Claim | None) -> None:
        """The remote claims changed: give ours up when it lost, raise it when it may not, take it back when free.

        `before`: the best of them, as it was.
        """
        known = self.local.get(mac)
        if known is None:
            return
        case = self._case(mac)
        entry = known._replace(claim=surviving_claim(case, known))
        if case.best not in (None, before) and case.is_fixed(known):
            self._tell(What.STICKY_ELSEWHERE if entry == known else What.DEFENDED, mac, entry)
        elif known.claim is not None and entry.claim is None:
            self._tell(What.MOVED_AWAY, mac, known)
        elif known.claim is None and entry.claim is not None:
            self._tell(What.TAKEN_BACK, mac, entry)
        if entry != known:
            self._set_local(mac, entry)

    def _set_local(self, mac: MacAddress, entry: LocalMac | None, defend: bool = True) -> None:
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

    def _tell(self, what: What, mac: MacAddress, entry: LocalMac) -> None:
        best = best_claim(self.remote.get(mac, ()))
        sequence = entry.claim.sequence if entry.claim else None
        self.events.append(Event(what, mac, NO_IP, entry.port, best[0].vtep if best else NO_IP, sequence))

    def _touch(self, mac: MacAddress) -> None:
        self.dirty.macs[mac] = None
        for path in self.remote.get(mac, ()):
            ip = path.route.ip if isinstance(path.route, MacIpRoute) else b""
            if ip:
                self.addresses.reconsider(IpAddress(ip))
