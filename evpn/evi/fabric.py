"""Route targets to bridge domains: which best paths belong where (RFC 7432 section 7.10, RFC 8365 section 5.1.2.1)."""

from collections.abc import Callable, Container, Iterable, Sequence
from itertools import groupby

from evpn.evi.bridge_domain import BridgeDomain
from evpn.evi.uncontested import import_paths, withdraw_paths
from evpn.rib.path import Path
from evpn.rib.table import BestPathChange
from evpn.values import MacAddress, RouteTargetPattern, Vni
from evpn.wire.attributes import PathAttributes

_CACHE_LIMIT = 65536
"""Sets of route targets remembered: a peer may invent as many as it likes."""


class Fabric:
    """Owner of VNI -> BridgeDomain and of the import patterns; both change by configuration only."""

    def __init__(self) -> None:
        self.domains: dict[Vni, BridgeDomain] = {}
        self._imports: dict[RouteTargetPattern, list[BridgeDomain]] = {}
        self._cache: dict[frozenset[RouteTargetPattern], tuple[BridgeDomain, ...]] = {}

    def add(self, domain: BridgeDomain, patterns: Iterable[RouteTargetPattern]) -> None:
        """Serve a VNI: it hears of every change from now on; what is known so far is for `import_known`."""
        self.domains[domain.vni] = domain
        for pattern in patterns:
            self._imports.setdefault(pattern, []).append(domain)
        self._cache.clear()

    def remove(self, vni: Vni) -> None:
        domain = self.domains.pop(vni)
        for pattern in list(self._imports):
            self._imports[pattern] = [other for other in self._imports[pattern] if other is not domain]
            if not self._imports[pattern]:
                del self._imports[pattern]
        self._cache.clear()

    def retarget(self, domain: BridgeDomain, patterns: Iterable[RouteTargetPattern]) -> None:
        """Other imports for a VNI that is served; what it has by the old ones is for `sift`."""
        self.remove(domain.vni)
        self.add(domain, patterns)

    def import_known(self, paths: Iterable[Path], into: Container[Vni]) -> None:
        """Best paths as they are, into some of the bridge domains that import them; those that have them keep them."""
        for attributes, found in groupby(paths, key=lambda path: path.attributes):
            run = list(found)
            for domain in self.importers(attributes):
                if domain.vni in into:
                    import_paths(domain, run)

    def sift(self, domain: BridgeDomain, macs: Iterable[MacAddress], is_best: Callable[[Path], bool]) -> None:
        """Of these MACs nothing is kept that is not to be imported, or is not best: of what was not, no change came."""
        waiting = domain.overflow.waiting
        for mac in macs:
            known = [*domain.remote.get(mac, ()), *waiting.get(mac, {}).values()]
            withdraw_paths(domain, [path for path in known if not (is_best(path) and self._is_import(domain, path))])

    def sift_floods(self, domain: BridgeDomain) -> None:
        for known in list(domain.flood.values()):
            withdraw_paths(domain, [path for path in known if not self._is_import(domain, path)])

    def _is_import(self, domain: BridgeDomain, path: Path) -> bool:
        return domain in self.importers(path.attributes)

    def take_new(self, paths: Sequence[Path]) -> None:
        """Best paths of routes that are new, and share their attributes, into every bridge domain that imports them."""
        self._take(import_paths, paths)

    def apply(self, changes: Sequence[BestPathChange]) -> None:
        """Best-path changes of one UPDATE into every bridge domain that imports them, in their order."""
        take, run = import_paths, list[Path]()  # paths that go the same way, and share their attributes
        for _, old, new in changes:
            if old is not None and new is not None:
                self._take(take, run)
                run = []
                self._replace(old, new)
                continue
            path, how = (old, withdraw_paths) if new is None else (new, import_paths)
            if path is None:
                continue
            if run and (how is not take or path.attributes is not run[0].attributes):
                self._take(take, run)
                run = []
            take = how
            run.append(path)
        self._take(take, run)

    def _take(self, how: Callable[[BridgeDomain, Sequence[Path]], None], paths: Sequence[Path]) -> None:
        for domain in self.importers(paths[0].attributes) if paths else ():
            how(domain, paths)

    def _replace(self, old: Path, new: Path) -> None:
        after = self.importers(new.attributes)
        for domain in self.importers(old.attributes):
            if domain not in after or _moved(old, new):
                domain.withdraw_path(old)
        for domain in after:
            domain.import_path(new)

    def importers(self, attributes: PathAttributes) -> tuple[BridgeDomain, ...]:
        """The bridge domains that import such paths; remembered per set of route targets, which many paths share."""
        patterns = attributes.import_patterns
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
