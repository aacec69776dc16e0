"""The RIB: every path of every route, the best one first, and what changed (RFC 4271 section 9.1, RFC 4724)."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from evpn.rib.best import Reason, rank, reason
from evpn.rib.path import Path
from evpn.values import RouteKey
from evpn.wire.routes import Route

BestPathChange: TypeAlias = tuple[RouteKey, Path | None, Path | None]
"""The usable best path of a route changed: key, before, now; None is absence."""


class Rib:
    """Owner of all paths. A tuple per route, best first: nearly every route has one or two."""

    def __init__(self) -> None:
        self.routes: dict[RouteKey, tuple[Path, ...]] = {}
        self.stale: dict[str, set[RouteKey]] = {}
        """Per peer that was lost: what it has not said again."""
        self.paths_of: dict[str, int] = {}

    def announce(self, peer: str, paths: Sequence[Path]) -> list[BestPathChange]:
        """All announcements of one UPDATE."""
        routes, stale = self.routes, self.stale.get(peer)
        keys = [path.route.key for path in paths]
        if not stale and routes.keys().isdisjoint(keys) and len(set(keys)) == len(keys):  # all new, as nearly always
            routes.update(zip(keys, zip(paths, strict=True), strict=True))
            self.paths_of[peer] = self.paths_of.get(peer, 0) + len(keys)
            return [(key, None, path) for key, path in zip(keys, paths, strict=True) if path.rejection is None]
        changes: list[BestPathChange] = []
        added = 0
        for key, path in zip(keys, paths, strict=True):
            known = routes.get(key)
            if stale:
                stale.discard(key)
            if known is None:
                added += 1
                routes[key] = (path,)
                if path.rejection is None:
                    changes.append((key, None, path))
                continue
            rest = tuple(other for other in known if other.peer != peer)
            added += len(rest) == len(known)
            changes += self._replace(key, known, (path, *rest))
        self.paths_of[peer] = self.paths_of.get(peer, 0) + added
        return changes

    def withdraw(self, peer: str, routes: Iterable[Route]) -> list[BestPathChange]:
        """All withdrawals of one UPDATE; what the peer never announced is no error."""
        return self._drop(peer, (route.key for route in routes))

    def mark_stale(self, peer: str) -> list[BestPathChange]:
        """The session is lost: its paths stay, and lose to any fresh one."""
        self.stale[peer] = {key for key, paths in self.routes.items() if any(path.peer == peer for path in paths)}
        changes = []
        for key in self.stale[peer]:
            known = self.routes[key]
            if len(known) > 1:
                changes += self._replace(key, known, known)
        return changes

    def sweep(self, peer: str) -> list[BestPathChange]:
        """Drop what a lost peer has not said again."""
        return self._drop(peer, self.stale.pop(peer, set()))

    def has(self, peer: str, key: RouteKey) -> bool:
        return any(path.peer == peer for path in self.routes.get(key, ()))

    def best(self, key: RouteKey) -> tuple[Path | None, Reason]:
        """The usable best path and the rule that decided."""
        usable = [path for path in self.routes.get(key, ()) if path.rejection is None]
        if not usable:
            return None, Reason.ONLY
        if len(usable) == 1:
            return usable[0], Reason.ONLY
        return usable[0], reason(self._rank(key, usable[0]), self._rank(key, usable[1]))

    def best_paths(self) -> Iterator[tuple[RouteKey, Path]]:
        for key, paths in self.routes.items():
            if paths[0].rejection is None:
                yield key, paths[0]

    def is_stale(self, key: RouteKey, path: Path) -> bool:
        return key in self.stale.get(path.peer, ())

    def _drop(self, peer: str, keys: Iterable[RouteKey]) -> list[BestPathChange]:
        changes: list[BestPathChange] = []
        dropped = 0
        for key in keys:
            known = self.routes.get(key, ())
            if len(known) == 1 and known[0].peer == peer:
                dropped += 1
                path = self.routes.pop(key)[0]
                if path.rejection is None:
                    changes.append((key, path, None))
                continue
            rest = tuple(path for path in known if path.peer != peer)
            if len(rest) != len(known):
                dropped += 1
                changes += self._replace(key, known, rest)
        if dropped:
            self.paths_of[peer] -= dropped
        return changes

    def _replace(self, key: RouteKey, known: tuple[Path, ...], paths: tuple[Path, ...]) -> list[BestPathChange]:
        """Store `paths` in order; rejected ones last."""
        if len(paths) > 1:
            paths = tuple(sorted(paths, key=lambda path: (path.rejection is not None, self._rank(key, path))))
        if paths:
            self.routes[key] = paths
        else:
            del self.routes[key]
        old, new = _usable(known), _usable(paths)
        return [] if old == new else [(key, old, new)]

    def _rank(self, key: RouteKey, path: Path) -> tuple[object, ...]:
        return rank(path, self.is_stale(key, path))


def _usable(paths: tuple[Path, ...]) -> Path | None:
    return paths[0] if paths and paths[0].rejection is None else None
