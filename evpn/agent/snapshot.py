"""What a fresh ExaBGP cannot tell of the time before: the IPs of our hosts, and sequence numbers that must not fall.

The kernel knows which MACs are here, but it knows neither of these. They are kept as routes of ours, in the lines in
which ExaBGP would tell them, so that they are recalled the same way: an IP is asked for at once, and announced only
while its MAC is on a port. Pure; `snapshot_file` keeps the octets.

    evpn-snapshot 1 1a2b3c4d                                      CRC-32 of all that follows
    {"boot":"...","vtep":"10.0.0.3","written":1234.5,"routes":2}
    {"type":"evpn-routes","attributes":"...","nlri":"..."}        as many as it takes
"""

from collections.abc import Iterable
from typing import NamedTuple
from zlib import crc32

import msgspec

from evpn.evi.originate import Announcement
from evpn.exabgp.messages import RoutesTold, decode
from evpn.wire import attributes
from evpn.wire.attributes import PathAttributes
from evpn.wire.communities import IMMUTABLE
from evpn.wire.routes.mac_ip import carries_ip

MOST_ROUTES = 1 << 17
MOST_OCTETS = 1 << 26
"""Of a file that is read: more than the routes of one can take."""
MOST_AGE = 3600.0
"""Seconds. Who has been away for longer than that knows better what the hosts say now."""
_TITLE = b"evpn-snapshot 1 "
_ROUTES_PER_LINE = 500
_MAC_IP = 2


class SnapshotError(Exception):
    """A snapshot that is not to be believed, and why."""


class Origin(NamedTuple):
    """Where and when: bridges, their hosts and the clock are those of one boot of one machine."""

    boot: str
    vtep: str
    now: float
    """Seconds since boot."""


class Snapshot(NamedTuple):
    age: float
    routes: int
    told: list[RoutesTold]


class _Head(msgspec.Struct):
    boot: str
    vtep: str
    written: float
    routes: int


def body(routes: Iterable[Announcement]) -> tuple[int, bytes]:
    """How many of our routes are worth keeping, and their lines: the same ones for the same routes."""
    count, lines = 0, []
    for shared, found in _worth_keeping(routes).items():
        group = sorted(found)[: MOST_ROUTES - count]
        count += len(group)
        packed = attributes.encode(shared).hex()
        for start in range(0, len(group), _ROUTES_PER_LINE):
            nlri = b"".join(group[start : start + _ROUTES_PER_LINE]).hex()
            lines.append(b'{"type":"evpn-routes","attributes":"%b","nlri":"%b"}\n' % (packed.encode(), nlri.encode()))
    return count, b"".join(sorted(lines))


def pack(origin: Origin, routes: int, lines: bytes) -> bytes:
    head = _Head(origin.boot, origin.vtep, origin.now, routes)
    rest = msgspec.json.encode(head) + b"\n" + lines
    return _title(rest) + rest


def unpack(octets: bytes, here: Origin) -> Snapshot:
    """`SnapshotError` for one that is damaged, or of another place or time."""
    title, _, rest = octets.partition(b"\n")
    if title + b"\n" != _title(rest):
        raise SnapshotError("damaged")
    first, *lines = rest.split(b"\n")
    try:
        head = msgspec.json.decode(first, type=_Head)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise SnapshotError("damaged") from None
    if head.boot != here.boot or not here.boot:
        raise SnapshotError("of an earlier boot")
    if head.vtep != here.vtep:
        raise SnapshotError(f"of vtep-address {head.vtep[:40]!r}")
    age = here.now - head.written
    if not 0 <= age <= MOST_AGE:
        raise SnapshotError("too old" if age > 0 else "of a later time")
    return Snapshot(age, head.routes, [fact for line in lines if isinstance(fact := decode(line), RoutesTold)])


def _title(rest: bytes) -> bytes:
    return _TITLE + b"%08x\n" % crc32(rest)


def _worth_keeping(routes: Iterable[Announcement]) -> dict[PathAttributes, list[bytes]]:
    """What is configured is known from there, and a MAC that never moved is known to the bridge."""
    groups: dict[PathAttributes, list[bytes]] = {}
    last: PathAttributes | None = None
    group: list[bytes] = []
    moved = bound = False
    for nlri, shared in routes:
        if shared is not last:  # nearly all have the same ones
            last, group = shared, groups.setdefault(shared, [])
            moved, bound = shared.mobility.sequence > 0, not (shared.arp_nd or 0) & IMMUTABLE
        if nlri[0] == _MAC_IP and (moved or (bound and carries_ip(nlri))):
            group.append(nlri)
    return groups
