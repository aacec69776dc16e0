"""The RIB: every path of every route, the best one first, and what changed (RFC 4271 section 9.1, RFC 4724)."""

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from evpn.rib.best import Reason, rank, reason
from evpn.rib.loss import Loss
from evpn.rib.path import Path
from evpn.values import RouteKey
from evpn.wire.routes import Route, keys_of

BestPathChange: TypeAlias = tuple[RouteKey, Path | None, Path | None]
"""The usable best path of a route changed: key, before, now; None is absence."""

SLICE = 500
"""Routes looked at in a turn when a session was lost: some milliseconds, with all that follows from it."""
FORGOTTEN = 20 * SLICE
"""Keys forgotten in a turn: a millisecond or two."""


class Rib:
    """Owner of all paths. A tuple per route, best first: nearly every route has one or two."""

    def __init__(self) -> None:
        self.routes: dict[RouteKey, tuple[Path, ...]] = {}
        self.paths_of: dict[str, int] = {}
        self._losses: dict[str, list[Loss]] = {}
        """Per peer: the one that is being swept, if any, before the one that is not yet, if any."""
        self._over: list[set[RouteKey]] = []
        """What was said since losses that matter no more."""

    def add_new(self, peer: str, paths: Sequence[Path]) -> bool:
        """All announcements of one UPDATE, if nobody has said any of these routes before, as nearly always.

        False, and nothing done, if somebody has: that is for `announce`.
        """
        keys = keys_of([path.route for path in paths])
        if not self.routes.keys().isdisjoint(keys) or len(set(keys)) != len(keys):
            return False
        for loss in self._losses.get(peer, ()):
            loss.said.update(keys)
        self.routes.update(zip(keys, zip(paths, strict=True), strict=True))
        self.paths_of[peer] = self.paths_of.get(peer, 0) + len(keys)
        return True

    def announce(self, peer: str, paths: Sequence[Path]) -> list[BestPathChange]:
        """All announcements of one UPDATE."""
        routes = self.routes
        keys = keys_of([path.route for path in paths])
        for loss in self._losses.get(peer, ()):
            loss.said.update(keys)
        changes: list[BestPathChange] = []
        added = 0
        for key, path in zip(keys, paths, strict=True):
            known = routes.get(key)
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
        keys = [route.key for route in routes]
        for loss in self._losses.get(peer, ()):
            loss.said.difference_update(keys)
        return self._drop(peer, keys)

    def mark_stale(self, peer: str) -> None:
        """The session is lost: its paths stay, and lose to any fresh one; `settle` tells what changes by that."""
        self._end(peer, [loss for loss in self._losses.get(peer, ()) if not loss.is_swept])
        if self.paths_of.get(peer):
            self._losses.setdefault(peer, []).append(Loss())

    def sweep(self, peer: str) -> None:
        """What a lost peer has not said again goes, slice by slice of `settle`."""
        losses = self._losses.get(peer)
        if losses:
            losses[-1].sweep()
            self._end(peer, losses[:-1])  # what is stale by these is so by the last one, too

    def settle(self) -> list[BestPathChange]:
        """A slice of what lost sessions have left to do."""
        changes: list[BestPathChange] = []
        room = SLICE
        for peer, loss in [(peer, loss) for peer, losses in self._losses.items() for loss in losses]:
            if loss.is_swept and (loss.is_through or len(loss.said) == self.paths_of[peer]):
                self._end(peer, [loss])
            elif room and not loss.is_through:
                keys = loss.take(self.routes, room)
                room -= len(keys)
                drop = (key for key in keys if key not in loss.said)
                changes += self._drop(peer, drop) if loss.is_swept else self._rearrange(peer, keys)
        self._forget()
        return changes

    @property
    def is_settled(self) -> bool:
        losses = (loss for losses in self._losses.values() for loss in losses)
        return not self._over and all(loss.is_through and not loss.is_swept for loss in losses)

    def stale(self, peer: str) -> int:
        """How many of its paths are."""
        losses = self._losses.get(peer)
        return self.paths_of.get(peer, 0) - len(losses[-1].said) if losses else 0

    def kept(self, peer: str) -> int:
        """How many paths of it there are, but for those that are being swept."""
        losses = self._losses.get(peer)
        return len(losses[0].said) if losses and losses[0].is_swept else self.paths_of.get(peer, 0)

    def keeps(self, peer: str, key: RouteKey) -> bool:
        """Whether it is one of those that are `kept`."""
        losses = self._losses.get(peer)
        if losses and losses[0].is_swept:
            return key in losses[0].said
        return any(path.peer == peer for path in self.routes.get(key, ()))

    def best(self, key: RouteKey) -> tuple[Path | None, Reason]:
        """The usable best path and the rule that decided."""
        usable = [path for path in self.routes.get(key, ()) if path.rejection is None]
        if not usable:
            return None, Reason.ONLY
        if len(usable) == 1:
            return usable[0], Reason.ONLY
        return usable[0], reason(self._rank(key, usable[0]), self._rank(key, usable[1]))

    def usable(self, key: RouteKey) -> Path | None:
        """`best` without the rule that decided."""
        return _usable(self.routes.get(key, ()))

    def is_stale(self, key: RouteKey, path: Path) -> bool:
        losses = self._losses.get(path.peer)
        return losses is not None and key not in losses[-1].said

    def _rearrange(self, peer: str, keys: Iterable[RouteKey]) -> list[BestPathChange]:
        """Paths of a lost peer behind the fresh ones."""
        changes: list[BestPathChange] = []
        for key in keys:
            known = self.routes.get(key, ())
            if len(known) > 1 and any(path.peer == peer for path in known):
                changes += self._replace(key, known, known)
        return changes

    def _end(self, peer: str, ended: Iterable[Loss]) -> None:
        for loss in ended:
            self._losses[peer].remove(loss)
            self._over.append(loss.said)
        if self._losses.get(peer) == []:
            del self._losses[peer]

    def _forget(self) -> None:
        """Bit by bit, for a million keys at once take their time."""
        if self._over:
            for _ in range(min(FORGOTTEN, len(self._over[-1]))):
                self._over[-1].pop()
            if not self._over[-1]:
                self._over.pop()

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
