"""`evpn diff`: what the kernel holds against what it should hold, row by row; nothing is changed.

The kernel is asked anew, for what we believe of it is what is in doubt. Routes and rows change meanwhile: a difference
is one that two looks have found. A thread dumps, what it brings is compared in slices, and an empty row lets others
have their turn.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from errno import EINTR
from typing import Any, NamedTuple

from evpn.agent.core import Core
from evpn.agent.disturbances import protocol
from evpn.agent.status_rows import Row, Rows, in_slices
from evpn.agent.threaded import in_thread
from evpn.dataplane.entries import NTF_STICKY, HostRow, Kind, MacRow, NeighborRow
from evpn.dataplane.ownership import is_our_neighbor
from evpn.dataplane.segment import Attachment, Segment
from evpn.netlink.dump import walk_bridge_domain
from evpn.netlink.errors import NetlinkError, describe
from evpn.netlink.neighbor import NeighborMessage
from evpn.text import format_ip, format_mac
from evpn.values import MacAddress, Vni

Walk = Callable[[int, Iterable[int]], Iterator[tuple[list[NeighborMessage], list[NeighborMessage]]]]
"""A bridge and the devices of neighbors -> FDB rows and neighbors, some at a time."""

_KINDS = (Kind.FLOOD, Kind.HOST, Kind.MAC, Kind.NEIGHBOR)
_SLICE = 500
_ATTEMPTS = 8
_SIGN_OF_LIFE = 64
"""Slices without a difference after which a client is told that we are still at it."""


class Difference(NamedTuple):
    found: Any
    wanted: Any


Differences = dict[tuple[Kind, bytes], Difference]


class Stranger(NamedTuple):
    """A neighbor that is there instead of ours."""

    mac: MacAddress
    whose: str


class Look(NamedTuple):
    differences: Differences
    compared: int


def walk_in_thread(
    bridge: int, devices: Iterable[int]
) -> Iterator[tuple[list[NeighborMessage], list[NeighborMessage]]]:
    """Nothing while the kernel takes its time."""
    for part in in_thread(lambda: walk_bridge_domain(bridge, devices)):
        yield part or ([], [])


def rows(core: Core, vni: Vni | None, walk: Walk = walk_in_thread) -> Rows:
    """A row for each difference, and at last one that says how much was compared."""
    compared = silent = 0
    segments = [segment for segment in core.dataplane.all_segments if vni in (None, segment.vni)]
    for segment in segments:
        for row in _segment(core, segment, walk):
            compared += row.pop("compared", 0)
            silent = 0 if row else silent + 1
            yield row
            if silent == _SIGN_OF_LIFE:
                silent = 0
                yield {"ok": True}
    yield {"compared": compared, "vnis": len(segments)}


def _segment(core: Core, segment: Segment, walk: Walk) -> Rows:
    name, why = "", ""
    for _ in range(_ATTEMPTS):
        attached = segment.attachment
        if attached is None:
            yield _no_device(core, segment)
            return
        name = attached.device.name
        try:
            first = yield from _look(segment, attached, walk)
            second = (yield from _look(segment, attached, walk)) if first.differences else first
        except NetlinkError as error:
            why = str(error)
            if error.errno == EINTR:  # rows changed under the dump: forget it
                continue
            break
        if _is_same(segment.attachment, attached):
            yield {"compared": second.compared}
            yield from _confirmed(core, segment, first.differences, second.differences)
            return
        why = "its devices change all the time"
    yield _row(segment, "device", name, "not read", "", segment.plan.name, why)


def _no_device(core: Core, segment: Segment) -> Row:
    settings = core.instances.served.get(segment.vni)
    name, problem = settings.device if settings else "", core.instances.problems.get(segment.vni, "waiting")
    return _row(segment, "device", name, "missing", "", segment.plan.name, problem)


def _is_same(one: Attachment | None, other: Attachment) -> bool:
    """The same devices; their flags may have changed."""
    return one is not None and [link.ifindex for link in one] == [link.ifindex for link in other]


def _confirmed(core: Core, segment: Segment, first: Differences, second: Differences) -> Rows:
    """What both looks have found, unless another row is wanted now."""
    for (kind, key), (found, wanted) in second.items():
        if (kind, key) in first and first[kind, key].wanted == wanted:
            what = "missing" if found is None else "not wanted" if wanted is None else "differs"
            there, here = _words(core, kind, found), _words(core, kind, wanted)
            yield _row(segment, kind.value, _name(kind, key), what, there, here, _reason(core, segment, kind, key))


def _row(segment: Segment, kind: str, key: str, difference: str, found: str, wanted: str, reason: str) -> Row:
    return {
        "vni": segment.vni,
        "kind": kind,
        "key": key,
        "difference": difference,
        "found": found,
        "wanted": wanted,
        "reason": reason,
    }


# One look at the kernel


def _look(segment: Segment, attached: Attachment, walk: Walk) -> Generator[Row, None, Look]:
    """Raises a `NetlinkError`; EINTR: what was read is worthless."""
    shadow = segment.shadow()
    shadow.neighbors.desired = wanted = segment.neighbors.desired
    strays: Differences = {}
    strangers: dict[tuple[Kind, bytes], Stranger] = {}
    sticky: list[NeighborMessage] = []
    home = segment.neighbor_device
    for fdb, neighbors in walk(attached.bridge.ifindex, {attached.bridge.ifindex, home}):
        for row in fdb:
            # the bridge's rows first: they carry the mark by which a sticky row of the VXLAN device is ours
            sticky.append(row) if row.dst and row.flags & NTF_STICKY else shadow.observe(row, True)
        for row in neighbors:
            if row.ifindex == home:
                shadow.observe_neighbor(row, True)
                if shadow.neighbors.actual.get(row.dst) == wanted.get(row.dst) is not None:
                    shadow.neighbors.actual[row.dst] = wanted[row.dst]  # as nearly all: the same takes no memory
                elif row.dst in wanted and not is_our_neighbor(row):
                    strangers[Kind.NEIGHBOR, row.dst] = Stranger(row.lladdr, protocol(row))
            elif is_our_neighbor(row):
                strays[Kind.NEIGHBOR, row.dst] = Difference(NeighborRow(row.lladdr, False), None)
        yield {}
    for part in in_slices(sticky, _SLICE):
        for row in part:
            shadow.observe(row, True)
        yield {}
    for vtep in shadow.foreign_flood & segment.flood.actual.keys():
        shadow.flood.observe(vtep, True)  # it has lost the mark, and waits to be removed
    found = yield from _compare(segment, shadow)
    for key in found.differences.keys() & strangers.keys():
        found.differences[key] = found.differences[key]._replace(found=strangers[key])
    found.differences.update(strays)
    return found._replace(compared=found.compared + len(strays))


def _compare(segment: Segment, shadow: Segment) -> Generator[Row, None, Look]:
    """What was found is forgotten on the way: of a million rows at once that would take a tenth of a second."""
    differences: Differences = {}
    compared = 0
    for kind in _KINDS:
        wanted, found = segment.table(kind).desired, shadow.table(kind).actual
        for keys in in_slices(wanted, _SLICE):
            compared += len(keys)
            for key in keys:
                there, here = found.pop(key, None), wanted.get(key)
                if there != here:
                    differences[kind, key] = Difference(there, here)
            yield {}
        compared += len(found)
        while found:
            for _ in range(min(_SLICE, len(found))):
                key, there = found.popitem()
                if there != wanted.get(key):
                    differences[kind, key] = Difference(there, wanted.get(key))
            yield {}
    return Look(differences, compared)


# In words


def _reason(core: Core, segment: Segment, kind: Kind, key: bytes) -> str:
    """Why it is so, as far as we know it; what our own memory does not differ on has escaped us."""
    table = segment.table(kind)
    refusal = core.dataplane.refusals.get((segment.vni, kind, key))
    if refusal is not None:
        return f"refused {refusal.attempts}x: {describe(refusal.errno)}"
    if segment.vni in core.dataplane.unobserved:
        return "to be looked at"
    if key in table.removals and not core.peers.synced:
        return "removed once the routes are complete"
    if key in table.removals or key in table.writes:
        return "about to be written"
    return "not noticed before: evpn refresh, or the next level check, repairs it"


def _name(kind: Kind, key: bytes) -> str:
    return format_mac(key) if kind in (Kind.MAC, Kind.HOST) else format_ip(key)


def _words(core: Core, kind: Kind, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, HostRow):
        return core.dataplane.port_name(value.port) + " sticky" * value.sticky
    if isinstance(value, NeighborRow):
        return format_mac(value.mac) + " router" * value.router
    if isinstance(value, Stranger):
        return f"{format_mac(value.mac)} of {value.whose}"
    if isinstance(value, MacRow):
        vtep = format_ip(value.vtep) if value.tunnel else "in the bridge only"
        flags = " sticky" * value.sticky + " router" * value.router + " learnt" * (not value.marked)
        return vtep + " not in the bridge" * (not value.bridge) + flags
    return "flood row"
