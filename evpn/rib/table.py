"""The RIB: every path of every route, the best one first, and what changed (RFC 4271 section 9.1, RFC 4724)."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from evpn.rib.best import Reason, rank, reason
from evpn.rib.path import Path
from evpn.values import RouteKey
from evpn.wire.routes import Route


class BestPathChange(NamedTuple):
    """The usable best path of a route changed; None is absence."""

    key: RouteKey
    old: Path | None
    new: Path | None


_new = tuple.__new__  # half the time of the constructor of a NamedTuple


class Rib:
    """Owner of all paths. A tuple per route, best first: nearly every route has one or two."""

    def __init__(self) -> None:
        self.routes: dict[RouteKey, tuple[Path, ...]] = {}
        self.stale: dict[str, set[RouteKey]] = {}
        """Per peer that was lost: what it has not said again."""
        self.paths_of: dict[str, int] = {}

    def announce(self, peer: str, paths: Iterable[Path]) -> list[BestPathChange]:
        """All announcements of one UPDATE."""
        routes, stale, changes = self.routes, self.stale.get(peer), []
        added = 0
        for path in paths:
            key = path.route.key
            known = routes.get(key)
            if stale:
                stale.discard(key)
            if known is None:
                added += 1
                routes[key] = (path,)
                if path.rejection is None:
                    changes.append(_new(BestPathChange, (key, None, path)))
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
                    changes.append(_new(BestPathChange, (key, path, None)))
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
        return [] if old == new else [BestPathChange(key, old, new)]

    def _rank(self, key: RouteKey, path: Path) -> tuple[object, ...]:
        return rank(path, self.is_stale(key, path))


def _usable(paths: tuple[Path, ...]) -> Path | None:
    return paths[0] if paths and paths[0].rejection is None else None
