"""One bridge domain: MAC -> claims, local MACs, flood list (RFC 7432 sections 6.1, 9, 11, 15; RFC 8365 section 5.1).

The only owner of this state. Facts come in through `import_path`, `withdraw_path`, `learn` and `forget`; what they
touched is kept as keys until the next turn takes it with `take_dirty`.
"""

from collections.abc import Iterable, Mapping
from functools import reduce
from typing import NamedTuple, TypeVar

from evpn.evi.mobility import Claim, Reason, claim_locally, prefer
from evpn.evi.sequences import Sequences
from evpn.rib.path import Path, is_martian
from evpn.values import IpAddress, MacAddress, Vni
from evpn.wire.pmsi import INGRESS_REPLICATION
from evpn.wire.routes import InclusiveMulticastRoute, MacIpRoute

K = TypeVar("K", MacAddress, IpAddress)


class LocalMac(NamedTuple):
    """A row of the bridge on one of our ports; `static` came from the operator and does not move away."""

    port: int
    """ifindex."""
    static: bool
    claim: Claim | None
    """None: the claim was lost to a peer's, or never allowed; the row awaits its replacement."""


class Remote(NamedTuple):
    """A remote MAC's owner and why it is the owner."""

    vtep: IpAddress
    sticky: bool
    reason: Reason


class Dirty(NamedTuple):
    """Keys touched since the last turn, in order."""

    macs: dict[MacAddress, None]
    claims: dict[MacAddress, None]
    """MACs whose local claim may have changed: what we announce."""
    ips: dict[IpAddress, None]
    vteps: dict[IpAddress, None]


class BridgeDomain:
    """`local`: MAC -> LocalMac; `remote`, `neighbors` and `flood`: MAC, IP and VTEP -> the paths that name it."""

    def __init__(self, vni: Vni, vtep: IpAddress, max_macs: int) -> None:
        self.vni = vni
        self.vtep = vtep
        self.max_macs = max_macs
        self.local: dict[MacAddress, LocalMac] = {}
        self.remote: dict[MacAddress, tuple[Path, ...]] = {}
        self.neighbors: dict[IpAddress, tuple[Path, ...]] = {}
        self.flood: dict[IpAddress, tuple[Path, ...]] = {}
        self._sequences = Sequences(max_macs)
        self.highest_seen = self._sequences.highest
        self.refused_moves = 0
        self.last_refused: MacAddress | None = None
        """For the alert of RFC 7432 section 15.2: `local` has the port, `owner` who keeps it."""
        self.over_limit = 0
        self._dirty = Dirty({}, {}, {}, {})

    def take_dirty(self) -> Dirty:
        dirty, self._dirty = self._dirty, Dirty({}, {}, {}, {})
        return dirty

    @property
    def dirty(self) -> bool:
        return any(self._dirty)

    @property
    def claimed(self) -> set[MacAddress]:
        """MACs that a route of ours may be out for: the local ones, and those lost since the last turn."""
        return self.local.keys() | self._dirty.claims.keys()

    def touch(
        self, macs: Iterable[MacAddress] = (), ips: Iterable[IpAddress] = (), vteps: Iterable[IpAddress] = ()
    ) -> None:
        """What may be written to the kernel for these keys has changed, whatever the claims."""
        for mac in macs:
            self._touch(mac)
        self._dirty.ips.update(dict.fromkeys(ips))
        self._dirty.vteps.update(dict.fromkeys(vteps))

    def touch_claims(self) -> None:
        """Every route of ours has to be looked at again."""
        self._dirty.claims.update(dict.fromkeys(self.local))

    # Facts from BGP

    def import_path(self, path: Path) -> None:
        """A best path of a route that our route targets import; it replaces the one of the same route."""
        route = path.route
        if isinstance(route, MacIpRoute):
            _put(self.remote, route.mac, path)
            if route.ip:
                _put(self.neighbors, route.ip, path)
                self._dirty.ips[route.ip] = None
            if path.attributes.mobility.sequence:
                self._sequences.saw(route.mac, path.attributes.mobility.sequence)
            self._note(route.mac)
            self._settle(route.mac)
            self._touch(route.mac)
        elif isinstance(route, InclusiveMulticastRoute):
            endpoint = self._flood_endpoint(path)
            if endpoint:
                _put(self.flood, endpoint, path)
                self._dirty.vteps[endpoint] = None

    def withdraw_path(self, path: Path) -> None:
        """What `import_path` brought is gone."""
        route = path.route
        if isinstance(route, MacIpRoute):
            _remove(self.remote, route.mac, path)
            if route.ip:
                _remove(self.neighbors, route.ip, path)
                self._dirty.ips[route.ip] = None
            self._note(route.mac)
            self._settle(route.mac)
            self._touch(route.mac)
        elif isinstance(route, InclusiveMulticastRoute):
            endpoint = self._flood_endpoint(path)
            if endpoint:
                _remove(self.flood, endpoint, path)
                self._dirty.vteps[endpoint] = None

    # Facts from the kernel

    def learn(self, mac: MacAddress, port: int, static: bool = False) -> bool:
        """A host spoke: the bridge has (again) put `mac` on a local port. False when the claim is refused."""
        known = self.local.get(mac)
        if known is None and len(self.local) >= self.max_macs:
            self.over_limit += 1
            return False
        entry = LocalMac(port, static, known.claim if known and known.claim else self._claim(mac))
        entry = entry._replace(claim=self._surviving(mac, entry))
        if entry.claim is None:
            self.refused_moves += 1
            self.last_refused = mac
        if entry != known:
            self._set_local(mac, entry)
        return entry.claim is not None

    def recall(self, mac: MacAddress, sequence: int) -> None:
        """Before we forgot all, we claimed `mac` with `sequence`: so another VTEP had used the one below it."""
        if sequence:
            self._sequences.saw(mac, sequence - 1)
            self._note(mac)

    def forget(self, mac: MacAddress, port: int | None = None) -> None:
        """The row on `port` is gone; a host that moved to another port meanwhile stays. None: whatever port."""
        known = self.local.get(mac)
        if known is not None and port in (None, known.port):
            self._set_local(mac, None)

    def observe_local(self, rows: Mapping[MacAddress, tuple[int, bool]]) -> None:
        """A dump: MAC -> (port, static), all of them. A row that was known is no news from its host."""
        for mac in [mac for mac in self.local if mac not in rows]:
            self.forget(mac)
        for mac, (port, static) in rows.items():
            known = self.local.get(mac)
            if known is None or (known.port, known.static) != (port, static):
                self.learn(mac, port, static)

    # Decisions

    def owner(self, mac: MacAddress) -> Remote | None:
        """The VTEP that frames for `mac` go to; None when it is ours or nobody's."""
        known = self.local.get(mac)
        if known is not None and known.claim is not None:
            return None
        best = self._best_remote(mac)
        return Remote(best[0].vtep, best[0].sticky, best[1]) if best else None

    def neighbor(self, ip: IpAddress) -> tuple[MacAddress, Path] | None:
        """The remote MAC that `ip` belongs to: the binding of the best claim whose MAC is owned by its own VTEP."""
        best: Path | None = None
        for path in self.neighbors.get(ip, ()):
            owner = self.owner(_mac(path))
            if owner is None or owner.vtep != path.next_hop:
                continue
            if best is None or _binds_better(path, best):
                best = path
        return (_mac(best), best) if best else None

    def _best_remote(self, mac: MacAddress) -> tuple[Claim, Reason] | None:
        paths = self.remote.get(mac)
        if not paths:
            return None
        if len(paths) == 1:
            return claim(paths[0]), Reason.ONLY
        claims: dict[IpAddress, Claim] = {}
        for path in paths:
            # MAC-only and MAC/IP routes of one VTEP are one claim; the later sequence speaks for both
            one = claim(path)
            claims[one.vtep] = max(claims.get(one.vtep, one), one, key=lambda claim: (claim.sticky, claim.sequence))
        best = _preferred(claims.values())
        del claims[best.vtep]
        return best, prefer(best, _preferred(claims.values()))[1] if claims else Reason.ONLY

    def _flood_endpoint(self, path: Path) -> IpAddress | None:
        """Where BUM frames for this VTEP go (RFC 6514 section 5): nowhere without ingress replication."""
        pmsi = path.attributes.pmsi
        if pmsi is None or pmsi.kind != INGRESS_REPLICATION:
            return None
        endpoint = IpAddress(pmsi.endpoint)
        usable = len(endpoint) == len(self.vtep) and endpoint != self.vtep and not is_martian(endpoint)
        return endpoint if usable else None

    def _claim(self, mac: MacAddress) -> Claim | None:
        owner = self._best_remote(mac)
        seen = None if owner is None and mac not in self.highest_seen else self.highest_seen.get(mac, 0)
        return claim_locally(owner[0] if owner else None, self.vtep, seen)

    def _settle(self, mac: MacAddress) -> None:
        """The remote claims changed: give ours up when it lost, raise it when it may not, take it back when free."""
        known = self.local.get(mac)
        if known is None:
            return
        claimed = self._surviving(mac, known)
        if claimed != known.claim:
            self._set_local(mac, known._replace(claim=claimed))

    def _surviving(self, mac: MacAddress, entry: LocalMac) -> Claim | None:
        """What the claim of a local MAC becomes beside the remote ones."""
        best = self._best_remote(mac)
        if best is None:
            return entry.claim or self._claim(mac)
        if entry.claim is not None and prefer(entry.claim, best[0])[0] == entry.claim:
            return entry.claim
        return claim_locally(None, self.vtep, self.highest_seen.get(mac, 0)) if entry.static else None

    def _set_local(self, mac: MacAddress, entry: LocalMac | None) -> None:
        if entry is None:
            del self.local[mac]
        else:
            self.local[mac] = entry
        self._note(mac)
        self._dirty.claims[mac] = None
        self._touch(mac)

    def _note(self, mac: MacAddress) -> None:
        self._sequences.note(mac, mac in self.remote or mac in self.local)

    def _touch(self, mac: MacAddress) -> None:
        self._dirty.macs[mac] = None
        for path in self.remote.get(mac, ()):
            ip = path.route.ip if isinstance(path.route, MacIpRoute) else b""
            if ip:
                self._dirty.ips[IpAddress(ip)] = None


def claim(path: Path) -> Claim:
    """What a MAC/IP path claims."""
    sequence, sticky = path.attributes.mobility
    return Claim(path.next_hop, sequence, sticky)


def _preferred(claims: Iterable[Claim]) -> Claim:
    return reduce(lambda a, b: prefer(a, b)[0], claims)


def _binds_better(path: Path, other: Path) -> bool:
    """Of two bindings of an IP; between equal claims the lower MAC, so that the order of arrival decides nothing."""
    a, b = claim(path), claim(other)
    if a == b:
        return (_mac(path), path.route.key) < (_mac(other), other.route.key)
    return prefer(a, b)[0] == a


def _mac(path: Path) -> MacAddress:
    assert isinstance(path.route, MacIpRoute)
    return path.route.mac


def _put(table: dict[K, tuple[Path, ...]], key: K, path: Path) -> None:
    """Add `path`, or replace the one of the same route; most are alone, and need no comparison."""
    table[key] = (*_without(table[key], path), path) if key in table else (path,)


def _remove(table: dict[K, tuple[Path, ...]], key: K, path: Path) -> None:
    rest = _without(table.get(key, ()), path)
    if rest:
        table[key] = rest
    else:
        table.pop(key, None)


def _without(paths: tuple[Path, ...], gone: Path) -> tuple[Path, ...]:
    key = gone.route.key
    return tuple(path for path in paths if path.route.key != key)
