"""Paths filed under what they name, and what they claim: the tables of a bridge domain's remote side. Pure."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import reduce
from typing import TypeVar

from evpn.evi.mobility import LAST_QUARTER, Claim, Reason, prefer
from evpn.rib.path import Path, is_martian
from evpn.values import IpAddress, MacAddress
from evpn.wire.communities import IMMUTABLE
from evpn.wire.pmsi import INGRESS_REPLICATION
from evpn.wire.routes import MacIpRoute

K = TypeVar("K", MacAddress, IpAddress)

FEW = 16
"""Paths of one key that are simply looked through."""


class Crowd:
    """Many paths of one key: filed by route, their claims counted, the best of these known; at least one.

    A router may have thousands of addresses, and a default gateway is behind every VTEP: to look through all of them
    for each would take seconds for every UPDATE.
    """

    __slots__ = ("_claims", "_paths", "best")

    def __init__(self, paths: Iterable[Path]) -> None:
        self._paths = {path.route.key: path for path in paths}
        self._claims = Counter(map(claim, self))
        self.best = _best_of(self._claims)

    def __len__(self) -> int:
        return len(self._paths)

    def __iter__(self) -> Iterator[Path]:
        return iter(self._paths.values())

    def put(self, path: Path) -> bool:
        """True when the best claim is another one by that."""
        old = self._paths.pop(path.route.key, None)
        self._paths[path.route.key] = path
        return self._count(None if old is None else claim(old), claim(path))

    def remove(self, path: Path) -> bool:
        old = self._paths.pop(path.route.key, None)
        return old is not None and self._count(claim(old), None)

    def _count(self, gone: Claim | None, new: Claim | None) -> bool:
        if gone == new:
            return False
        if gone is not None:
            self._claims[gone] -= 1
            if not self._claims[gone]:
                del self._claims[gone]
        if new is not None:
            self._claims[new] += 1
        before = self.best
        if self._claims:
            self.best = _best_of(self._claims)
        return self.best != before


Paths = tuple[Path, ...] | Crowd


def put(table: dict[K, Paths], key: K, path: Path) -> bool:
    """Add `path`, or replace the one of the same route. False when the best claim is the same for certain."""
    known = table.get(key)
    if known is None:  # most are alone, and need no comparison
        table[key] = (path,)
        return True
    if isinstance(known, Crowd):
        return known.put(path)
    found = _without(known, path, path)
    table[key] = found if len(found) <= FEW else Crowd(found)
    return True


def remove(table: dict[K, Paths], key: K, path: Path) -> bool:
    known: Paths = table.get(key, ())
    if isinstance(known, Crowd):
        changed = known.remove(path)
        if len(known) <= FEW:
            table[key] = tuple(known)
        return changed
    rest = _without(known, path)
    if rest:
        table[key] = rest
    else:
        table.pop(key, None)
    return True


def claim(path: Path) -> Claim:
    """What a MAC/IP path claims."""
    return Claim(path.next_hop, path.attributes.mobility.sequence, path.attributes.immovable)


def best_claim(paths: Paths) -> tuple[Claim, Reason] | None:
    """The owner among the remote claims to one MAC, and the rule that decided; None without any."""
    if isinstance(paths, Crowd):
        return paths.best
    if len(paths) == 1:
        return claim(paths[0]), Reason.ONLY
    return _best_of(set(map(claim, paths))) if paths else None


def binding_claim(path: Path) -> Claim:
    """What a MAC/IP path claims of its IP: one that does not move beats one that does, whatever their numbers."""
    return claim(path)._replace(sticky=is_immovable(path))


def best_binding(paths: Sequence[Path]) -> Path | None:
    """Of several of one IP; between equal claims the lower MAC, so that the order of arrival decides nothing."""
    if len(paths) < 2:
        return paths[0] if paths else None
    in_line = sorted(paths, key=lambda path: (binding_claim(path), mac_of(path), path.route.key))
    return reduce(lambda a, b: a if prefer(binding_claim(a), binding_claim(b))[0] == binding_claim(a) else b, in_line)


def flood_endpoint(path: Path, vtep: IpAddress) -> IpAddress | None:
    """Where BUM frames for a VTEP other than ours go (RFC 6514 section 5): nowhere without ingress replication."""
    pmsi = path.attributes.pmsi
    if pmsi is None or pmsi.kind != INGRESS_REPLICATION or not pmsi.vni:
        return None
    endpoint = IpAddress(pmsi.endpoint)
    usable = len(endpoint) == len(vtep) and endpoint != vtep and not is_martian(endpoint)
    return endpoint if usable else None


def mac_of(path: Path) -> MacAddress:
    assert isinstance(path.route, MacIpRoute)
    return path.route.mac


def is_immovable(path: Path) -> bool:
    """A binding that does not move: a sticky MAC, or the I flag of RFC 9047 section 3.1."""
    return claim(path).sticky or bool((path.attributes.arp_nd or 0) & IMMUTABLE)


def _best_of(claims: Collection[Claim]) -> tuple[Claim, Reason]:
    best = _preferred(claims)
    # MAC-only and MAC/IP routes of one VTEP are one claim; the later sequence speaks for both
    others = [one for one in claims if one.vtep != best.vtep]
    return best, prefer(best, _preferred(others))[1] if others else Reason.ONLY


def _preferred(claims: Iterable[Claim]) -> Claim:
    """The same one whatever the order: near the wrap "later" is no order among three, so they are lined up first."""
    found = list(claims)
    if any(one.sequence >= LAST_QUARTER for one in found):
        found.sort()
    return reduce(lambda a, b: prefer(a, b)[0], found)


def _without(paths: tuple[Path, ...], gone: Path, *instead: Path) -> tuple[Path, ...]:
    key = gone.route.key
    return (*(path for path in paths if path.route.key != key), *instead)
