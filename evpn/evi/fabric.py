"""Route targets to bridge domains: which best paths belong where (RFC 7432 section 7.10, RFC 8365 section 5.1.2.1)."""

from collections.abc import Iterable

from evpn.evi.bridge_domain import BridgeDomain
from evpn.rib.path import Path
from evpn.rib.table import BestPathChange
from evpn.values import RouteTargetPattern, Vni

_CACHE_LIMIT = 65536
"""Sets of route targets remembered: a peer may invent as many as it likes."""


class Fabric:
    """Owner of VNI -> BridgeDomain and of the import patterns; both change by configuration only."""

    def __init__(self) -> None:
        self.domains: dict[Vni, BridgeDomain] = {}
        self._imports: dict[RouteTargetPattern, list[BridgeDomain]] = {}
        self._cache: dict[frozenset[RouteTargetPattern], tuple[BridgeDomain, ...]] = {}

    def add(self, domain: BridgeDomain, patterns: Iterable[RouteTargetPattern], paths: Iterable[Path]) -> None:
        """Serve a VNI; `paths` are the best paths known so far."""
        self.domains[domain.vni] = domain
        for pattern in patterns:
            self._imports.setdefault(pattern, []).append(domain)
        self._cache.clear()
        for path in paths:
            if domain in self.importers(path):
                domain.import_path(path)

    def remove(self, vni: Vni) -> None:
        domain = self.domains.pop(vni)
        for pattern in list(self._imports):
            self._imports[pattern] = [other for other in self._imports[pattern] if other is not domain]
            if not self._imports[pattern]:
                del self._imports[pattern]
        self._cache.clear()

    def retarget(self, domain: BridgeDomain, patterns: Iterable[RouteTargetPattern], paths: Iterable[Path]) -> None:
        """Other imports for a VNI that is served: only what they add or take away is touched."""
        known = list(paths)
        before = {id(path) for path in known if domain in self.importers(path)}
        self.remove(domain.vni)
        self.add(domain, patterns, ())
        for path in known:
            imported = domain in self.importers(path)
            if imported and id(path) not in before:
                domain.import_path(path)
            elif not imported and id(path) in before:
                domain.withdraw_path(path)

    def apply(self, changes: Iterable[BestPathChange]) -> None:
        """Best-path changes of one UPDATE into every bridge domain that imports them."""
        for _, old, new in changes:
            after = self.importers(new) if new else ()
            if old:
                for domain in self.importers(old):
                    if domain not in after or new is None or _moved(old, new):
                        domain.withdraw_path(old)
            if new:
                for domain in after:
                    domain.import_path(new)

    def importers(self, path: Path) -> tuple[BridgeDomain, ...]:
        """The bridge domains that import a path; remembered per set of route targets, which many paths share."""
        patterns = path.attributes.import_patterns
        found = self._cache.get(patterns)
        if found is None:
            if len(self._cache) >= _CACHE_LIMIT:
                self._cache.clear()
            domains = {domain.vni: domain for pattern in patterns for domain in self._imports.get(pattern, ())}
            found = self._cache[patterns] = tuple(domains.values())
        return found


def _moved(old: Path, new: Path) -> bool:
    """The same route under another flood endpoint: it would stay in the list under the old one."""
    return old.attributes.pmsi != new.attributes.pmsi
