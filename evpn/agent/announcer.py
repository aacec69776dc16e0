"""Our routes at ExaBGP: desired against told, and the command lines that make the difference.

ExaBGP keeps them through flaps of a session and through a restart of the agent; `begin_sync` and `end_sync` around a
whole telling make it forget what we no longer say.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from evpn.delta import Change, DeltaTable
from evpn.evi.originate import Announcement
from evpn.exabgp import commands
from evpn.values import IpAddress, RouteKey
from evpn.wire import attributes
from evpn.wire.as_path import AS_SEQUENCE, AsPathSegment
from evpn.wire.attributes import PathAttributes

_LOCAL_PREFERENCE = 100
_UNTOLD = PathAttributes()
"""Nothing of ours is without a route target: not what any route should have."""


class Announcer:
    """Owner of RouteKey -> Announcement and of the command ids."""

    def __init__(self, vtep: IpAddress, local_as: int) -> None:
        self.vtep = vtep
        self.local_as = local_as
        self.routes: DeltaTable[RouteKey, Announcement] = DeltaTable()
        self.sent = 0
        self.failures = 0
        self.last_failure = ""
        self._internal: tuple[str, ...] = ()
        self._external: tuple[str, ...] = ()
        self._id = 0
        self._sync = 0

    def set_neighbors(self, internal: Sequence[str], external: Sequence[str]) -> None:
        """Addresses of the neighbors by the kind of their sessions; to a new one everything is told."""
        if (tuple(internal), tuple(external)) != (self._internal, self._external):
            self._internal, self._external = tuple(internal), tuple(external)
            self.retell()

    def retell(self) -> None:
        """Say everything again; what ExaBGP has already, it does not send, and what is withdrawn meanwhile, it had."""
        for key, told in list(self.routes.actual.items()):
            self.routes.observe(key, told._replace(attributes=_UNTOLD))

    def lines(self, limit: int = 10_000) -> Iterator[bytes]:
        """Commands for what differs: withdrawals first, then announcements by their attributes."""
        gone = self.routes.batch(limit, removals=True)
        if gone:
            yield from self._withdraw(gone)
        new = self.routes.batch(limit)
        if new:
            yield from self._announce(new)

    def begin_sync(self) -> bytes:
        """Everything will be told again: nothing is known to be there."""
        self.routes.observe_all({})
        self._sync = self.next_id()
        return commands.sync_begin(self._sync)

    def end_sync(self) -> bytes:
        """What was not told since `begin_sync` is withdrawn."""
        return commands.sync_end(self._sync)

    def next_id(self) -> int:
        self._id += 1
        return self._id

    def failed(self, error: str) -> None:
        self.failures += 1
        self.last_failure = error

    def _withdraw(self, changes: list[Change[RouteKey, Announcement]]) -> Iterator[bytes]:
        yield from commands.withdraw(self.next_id(), [change.old.nlri for change in changes if change.old])
        self._told(changes)

    def _announce(self, changes: list[Change[RouteKey, Announcement]]) -> Iterator[bytes]:
        groups: dict[PathAttributes, list[bytes]] = {}
        for change in changes:
            if change.new:
                groups.setdefault(change.new.attributes, []).append(change.new.nlri)
        for shared, nlri in groups.items():
            for packed, neighbors in self._variants(shared):
                yield from commands.announce(self.next_id(), packed, self.vtep, nlri, neighbors)
        self._told(changes)

    def _told(self, changes: list[Change[RouteKey, Announcement]]) -> None:
        for change in changes:
            self.routes.observe(change.key, change.new)
        self.sent += len(changes)

    def _variants(self, shared: PathAttributes) -> Iterator[tuple[bytes, tuple[str, ...]]]:
        """Packed attributes and the neighbors they are for; no neighbors means all."""
        if self._internal or not self._external:
            yield _internal(shared), self._internal if self._external else ()
        if self._external:
            yield _external(shared, self.local_as), self._external if self._internal else ()


@lru_cache(maxsize=4096)
def _internal(shared: PathAttributes) -> bytes:
    return attributes.encode(replace(shared, local_preference=_LOCAL_PREFERENCE))


@lru_cache(maxsize=4096)
def _external(shared: PathAttributes, local_as: int) -> bytes:
    """Our AS in front, and no LOCAL_PREF (RFC 4271 section 5.1.5)."""
    return attributes.encode(replace(shared, as_path=(AsPathSegment(AS_SEQUENCE, (local_as,)),)))
