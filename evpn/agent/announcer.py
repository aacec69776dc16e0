"""Our routes at ExaBGP: desired against told, and the command lines that make the difference.

ExaBGP keeps them through flaps of a session and through a restart of the agent; `begin_sync` and `end_sync` around a
whole telling make it forget what we no longer say.
"""

from collections.abc import Iterator
from functools import lru_cache

from evpn.delta import Changes, DeltaTable
from evpn.evi.originate import Announcement
from evpn.exabgp import commands
from evpn.values import IpAddress, RouteKey
from evpn.wire import attributes
from evpn.wire.attributes import PathAttributes

_UNTOLD = PathAttributes()
"""Nothing of ours is without a route target: not what any route should have."""


class Announcer:
    """Owner of RouteKey -> Announcement and of the command ids."""

    def __init__(self, vtep: IpAddress) -> None:
        self.vtep = vtep
        self.routes: DeltaTable[RouteKey, Announcement] = DeltaTable()
        self.sent = 0
        self.failures = 0
        self._id = 0
        self._sync = 0

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

    def failed(self) -> None:
        self.failures += 1

    def _withdraw(self, changes: Changes[RouteKey, Announcement]) -> Iterator[bytes]:
        yield from commands.withdraw(self.next_id(), [old.nlri for old in changes.old if old])
        self._told(changes)

    def _announce(self, changes: Changes[RouteKey, Announcement]) -> Iterator[bytes]:
        groups: dict[PathAttributes, list[bytes]] = {}
        last: PathAttributes | None = None
        group: list[bytes] = []
        for new in changes.new:
            if new:
                nlri, shared = new
                if shared is not last:  # nearly all of a burst have the same ones
                    last, group = shared, groups.setdefault(shared, [])
                group.append(nlri)
        for shared, group in groups.items():
            yield from commands.announce(self.next_id(), _packed(shared), self.vtep, group)
        self._told(changes)

    def _told(self, changes: Changes[RouteKey, Announcement]) -> None:
        self.routes.observe_batch(changes)
        self.sent += len(changes)


@lru_cache(maxsize=4096)
def _packed(shared: PathAttributes) -> bytes:
    """ExaBGP adds what depends on the session: LOCAL_PREF in iBGP, our AS in eBGP."""
    return attributes.encode(shared)
