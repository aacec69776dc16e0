"""The EVPN routes announced to one neighbour: what they are, and which of them it has not heard of yet.

The last word on a route key wins whatever the order and the batching: a key is either in `routes`, and then its present
state is what is sent, or it is not, and then it is withdrawn. ExaBGP's own Adj-RIB-Out files changes by attribute set
and can send an older state after a newer one (a MAC that moves there and back within one batch shows it).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple
from weakref import WeakValueDictionary

from evpn.values import RouteKey
from evpn.wire.routes import key_of, split

Keyed = tuple[RouteKey, bytes]
"""A route key and the NLRI it was taken from."""


@dataclass(frozen=True, slots=True, weakref_slot=True)
class AttributeSet:
    """What many routes of one helper have in common; two equal ones are the same object (`share`)."""

    attributes: bytes  # packed, without MP_REACH_NLRI
    next_hop: bytes
    owner: str  # the helper that announced; empty for the configuration file


_shared: WeakValueDictionary[tuple[bytes, bytes, str], AttributeSet] = WeakValueDictionary()


def share(attributes: bytes, next_hop: bytes, owner: str) -> AttributeSet:
    """One object for all routes with these attributes: they are grouped, and compared, by identity."""
    identity = (attributes, next_hop, owner)
    known = _shared.get(identity)
    if known is None:
        known = _shared[identity] = AttributeSet(*identity)
    return known


class Batch(NamedTuple):
    """What a neighbour has to be told, in this order."""

    withdrawn: list[bytes]
    announced: list[tuple[AttributeSet, list[bytes]]]
    refresh: bool  # the announcements are the whole table, and go between BoRR and EoRR (RFC 7313)


@dataclass(slots=True)
class Sync:
    """A helper says everything again: what it has not said by the end is withdrawn."""

    id: str
    unseen: set[RouteKey]
    seen: int = 0


@dataclass(slots=True)
class Table:
    """Adj-RIB-Out of one neighbour, for EVPN.

    Nothing is dirty while the session is down: all of it is sent when the session comes up, so remembering changes
    meanwhile would only grow with them.
    """

    routes: dict[RouteKey, tuple[AttributeSet, bytes]] = field(default_factory=dict)
    dirty: dict[RouteKey, bytes | None] = field(default_factory=dict)  # the NLRI to withdraw, or None to announce
    live: bool = False
    refresh: bool = False
    syncs: dict[str, Sync] = field(default_factory=dict)

    def announce(self, shared: AttributeSet, routes: Iterable[Keyed]) -> int:
        """How many of them the neighbour did not have like this."""
        table, dirty, live = self.routes, self.dirty, self.live
        sync = self.syncs.get(shared.owner)
        changed = 0
        for key, nlri in routes:
            entry = (shared, nlri)
            if sync is not None:
                sync.unseen.discard(key)
                sync.seen += 1
            if table.get(key) == entry:
                continue
            table[key] = entry
            changed += 1
            if live:
                dirty[key] = None
        return changed

    def withdraw(self, keys: Iterable[RouteKey], owner: str | None = None) -> int:
        """How many of them were there, and of that owner where it is one's routes only that may go.

        The octets once announced are repeated, whatever else was said of the route.
        """
        table, dirty, live = self.routes, self.dirty, self.live
        removed = 0
        for key in keys:
            entry = table.get(key)
            if entry is None or owner not in (None, entry[0].owner):
                continue
            del table[key]
            removed += 1
            if live:
                dirty[key] = entry[1]
        return removed

    def withdraw_all(self) -> None:
        self.withdraw(list(self.routes))

    def begin_sync(self, owner: str, identity: str) -> None:
        """A second begin starts over: the first helper may have died in between."""
        unseen = {key for key, (shared, _) in self.routes.items() if shared.owner == owner}
        self.syncs[owner] = Sync(identity, unseen)

    def end_sync(self, owner: str) -> tuple[int, int]:
        """Routes said again since the begin, and routes withdrawn because they were not."""
        sync = self.syncs.pop(owner)
        # another helper may have taken a route over in the meantime
        return sync.seen, self.withdraw(sync.unseen, owner)

    def up(self) -> None:
        """The session is established: the neighbour knows nothing."""
        self.live = True
        self.dirty = dict.fromkeys(self.routes)
        self.refresh = False

    def down(self) -> None:
        self.live = False
        self.dirty = {}
        self.refresh = False

    def resend(self, framed: bool) -> None:
        """The neighbour asked for everything; what was withdrawn since stays withdrawn."""
        self.dirty.update(dict.fromkeys(self.routes))
        self.refresh = self.refresh or framed

    def drain(self) -> Batch:
        """Take what is dirty."""
        dirty, self.dirty = self.dirty, {}
        refresh, self.refresh = self.refresh, False
        withdrawn = []
        groups: dict[int, tuple[AttributeSet, list[bytes]]] = {}
        routes = self.routes
        for key, nlri in dirty.items():
            if nlri is not None:
                withdrawn.append(nlri)
                continue
            shared, route = routes[key]
            group = groups.get(id(shared))
            if group is None:
                group = groups[id(shared)] = (shared, [])
            group[1].append(route)
        return Batch(withdrawn, list(groups.values()), refresh)

    def clear(self) -> None:
        self.routes, self.dirty, self.refresh, self.syncs = {}, {}, False, {}

    def __iter__(self) -> Iterator[tuple[AttributeSet, bytes]]:
        return iter(list(self.routes.values()))


def keyed(nlri: bytes) -> list[Keyed]:
    """The routes of a field of NLRI, each with its key; a `WireError` if one of them is malformed."""
    return [(key_of(route), route) for route in split(nlri)]
