"""Paths filed under what they name, and what they claim: the tables of a bridge domain's remote side. Pure."""

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import TypeVar

from evpn.evi.mobility import LAST_QUARTER, Claim, Reason, prefer
from evpn.rib.path import Path, is_martian
from evpn.values import IpAddress, MacAddress
from evpn.wire.communities import IMMUTABLE
from evpn.wire.pmsi import INGRESS_REPLICATION
from evpn.wire.routes import MacIpRoute

K = TypeVar("K", MacAddress, IpAddress)
Paths = tuple[Path, ...]


def put(table: dict[K, Paths], key: K, path: Path) -> None:
    """Add `path`, or replace the one of the same route; most are alone, and need no comparison."""
    table[key] = (*_without(table[key], path), path) if key in table else (path,)


def remove(table: dict[K, Paths], key: K, path: Path) -> None:
    rest = _without(table.get(key, ()), path)
    if rest:
        table[key] = rest
    else:
        table.pop(key, None)


def claim(path: Path) -> Claim:
    """What a MAC/IP path claims; the MAC of a default gateway stays where it is (RFC 7432 section 10.1)."""
    sequence, sticky = path.attributes.mobility
    return Claim(path.next_hop, sequence, sticky or path.attributes.default_gateway)


def best_claim(paths: Paths) -> tuple[Claim, Reason] | None:
    """The owner among the remote claims to one MAC, and the rule that decided; None without any."""
    if not paths:
        return None
    if len(paths) == 1:
        return claim(paths[0]), Reason.ONLY
    claims = set(map(claim, paths))
    best = _preferred(claims)
    # MAC-only and MAC/IP routes of one VTEP are one claim; the later sequence speaks for both
    others = [one for one in claims if one.vtep != best.vtep]
    return best, prefer(best, _preferred(others))[1] if others else Reason.ONLY


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
    if pmsi is None or pmsi.kind != INGRESS_REPLICATION:
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


def _preferred(claims: Iterable[Claim]) -> Claim:
    """The same one whatever the order: near the wrap "later" is no order among three, so they are lined up first."""
    found = list(claims)
    if any(one.sequence >= LAST_QUARTER for one in found):
        found.sort()
    return reduce(lambda a, b: prefer(a, b)[0], found)


def _without(paths: Paths, gone: Path) -> Paths:
    key = gone.route.key
    return tuple(path for path in paths if path.route.key != key)
