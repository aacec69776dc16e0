"""Row changes -> netlink messages (docs/kernel.md has the measurements behind the choices).

A remote MAC is written by one message for both FDBs and deleted by one each: a combined deletion stops at the first row
that is not there. Flags of a row cannot be changed in place: stickiness, the R flag, or our mark where there is none
take a deletion first; so does a row of ours on the other side, VXLAN device or local port.

The sequence number of a message is twice the place of its change in the batch, and one more if it succeeds as well when
there is nothing to delete. Changes that take the usual messages, nearly all, are packed together.
"""

from collections.abc import Iterable, Iterator
from errno import ENODEV, ENOENT, EOPNOTSUPP

from evpn.dataplane.batches import RowChanges
from evpn.dataplane.entries import HostRow, Kind, MacRow, NeighborRow
from evpn.dataplane.segment import Segment
from evpn.delta import Change, Changes
from evpn.netlink import bulk, neighbor
from evpn.netlink.messages import Refusal
from evpn.values import IpAddress, MacAddress

_GONE = (ENOENT, ENODEV, EOPNOTSUPP)
"""The row is not there, nor its device, or that is no port of a bridge any more."""

_DELETION = 1
_TOGETHER = 256
"""Changes that are packed together at most, and sent as one datagram: `evpn.netlink.outbox` says why not more."""


def encode(batch: Iterable[RowChanges]) -> list[bytes]:
    """What is to be sent, in order; messages that were packed together are one item."""
    items: list[bytes] = []
    place = 0
    for segment, kind, changes in batch:
        device = segment.attachment.device.ifindex if segment.attachment is not None else 0
        for start in range(0, len(changes) if device else 0, _TOGETHER):
            some, number = changes.part(start, start + _TOGETHER), 2 * (place + start)
            if kind is Kind.MAC:
                items += _macs(number, device, segment, some)
            elif kind is Kind.NEIGHBOR:
                items += _neighbors(number, segment.neighbor_device, some)
            elif kind is Kind.HOST:
                items += _hosts(number, device, segment, some)
            elif kind is Kind.TAUGHT:
                items += _taught(number, device, some)
            else:
                items += _floods(number, device, some)
        place += len(changes)
    return items


def refused(refusals: Iterable[Refusal]) -> dict[int, int]:
    """Place of a change in the batch -> errno, for the changes that did not take."""
    return {number >> 1: errno for number, errno in refusals if not (number & _DELETION and errno in _GONE)}


def _floods(number: int, device: int, changes: Changes[IpAddress, bool]) -> Iterator[bytes]:
    for vtep, _, new in changes:
        if new is None:
            yield neighbor.delete_flood(number + _DELETION, device, vtep)
        else:
            yield neighbor.flood(number, device, vtep)
        number += 2


def _taught(number: int, device: int, changes: Changes[MacAddress, IpAddress]) -> Iterator[bytes]:
    for mac, _, vtep in changes:
        if vtep is not None:
            yield neighbor.taught_mac(number, device, mac, vtep)
        number += 2


def _macs(number: int, device: int, segment: Segment, changes: Changes[MacAddress, MacRow]) -> Iterator[bytes]:
    """Whole columns if all are new and usual, or all go that are whole."""
    count, end = len(changes), number + 2 * len(changes)
    if changes.old.count(None) == count and not segment.hosts.actual and all(map(_is_usual, _distinct(changes.new))):
        yield bulk.remote_macs(device, range(number, end, 2), changes.keys, _vteps(changes.new))
    elif changes.new.count(None) == count and all(map(_is_whole, _distinct(changes.old))):
        yield bulk.delete_remote_macs(device, range(number + _DELETION, end, 2), changes.keys, _vteps(changes.old))
    else:
        yield from _mixed_macs(number, device, segment, changes)


def _mixed_macs(number: int, device: int, segment: Segment, changes: Changes[MacAddress, MacRow]) -> Iterator[bytes]:
    hosts = segment.hosts.actual
    written: list[tuple[int, MacAddress, IpAddress]] = []
    deleted: list[tuple[int, MacAddress, IpAddress]] = []
    for change in changes:
        mac, old, new = change
        if new is None:
            usual = _is_whole(old)
        else:
            usual = _is_usual(new) and mac not in hosts and (old is None or not _has_other_flags(old, new))
        if not usual:
            yield from _mac(number, device, segment, change)
        elif new is not None:
            written.append((number, mac, new.vtep))
        elif old is not None:
            deleted.append((number + _DELETION, mac, old.vtep))
        number += 2
    if written:
        yield bulk.remote_macs(device, *zip(*written, strict=True))
    if deleted:
        yield bulk.delete_remote_macs(device, *zip(*deleted, strict=True))


def _distinct(rows: Iterable[MacRow | None]) -> Iterable[MacRow | None]:
    """A few, for `mac_row` shares them."""
    return {id(row): row for row in rows}.values()


def _is_usual(row: MacRow | None) -> bool:
    return row is not None and not row.sticky and not row.router


def _is_whole(row: MacRow | None) -> bool:
    return row is not None and row.tunnel and row.bridge


def _vteps(rows: Iterable[MacRow | None]) -> list[IpAddress]:
    return [row.vtep for row in rows if row is not None]


def _mac(number: int, device: int, segment: Segment, change: Change[MacAddress, MacRow]) -> Iterator[bytes]:
    """One that is not like the others: sticky, a router's, half a row, or a host's of ours until now."""
    mac, old, new = change
    host = segment.hosts.actual.get(mac)
    if host is not None and host.sticky and new is not None and not new.sticky:
        yield neighbor.delete_bridge_row(number + _DELETION, host.port, mac)
    if old is not None and (new is None or _has_other_flags(old, new)):
        if old.tunnel:
            yield neighbor.delete_tunnel_row(number + _DELETION, device, mac, old.vtep)
        if old.bridge:
            yield neighbor.delete_bridge_row(number + _DELETION, device, mac)
    if new is not None:
        make = neighbor.sticky_mac if new.sticky else neighbor.remote_mac
        yield make(number, device, mac, new.vtep, new.router)


def _has_other_flags(old: MacRow, new: MacRow) -> bool:
    """A row without our mark may be one that a device was taught, or of another program: the kernel adds no mark."""
    return new.sticky != old.sticky or (old.tunnel and new.router != old.router) or not old.marked


def _hosts(number: int, device: int, segment: Segment, changes: Changes[MacAddress, HostRow]) -> Iterator[bytes]:
    for mac, old, new in changes:
        remote = segment.macs.actual.get(mac)
        if old is not None and (new is None or (old.sticky and not new.sticky)):
            yield neighbor.delete_bridge_row(number + _DELETION, old.port, mac)
        if new is not None and not new.sticky and remote is not None and remote.bridge and remote.sticky:
            yield neighbor.delete_bridge_row(number + _DELETION, device, mac)
        if new is not None:
            yield neighbor.host(number, new.port, mac, new.sticky)
        number += 2


def _neighbors(number: int, home: int, changes: Changes[IpAddress, NeighborRow]) -> Iterator[bytes]:
    """Those of hosts and those of routers, of IPv4 and of IPv6: a block of each."""
    rows, count = [row for row in changes.new if row is not None], len(changes)
    alike, numbers = len(set(map(len, changes.keys))) == 1, range(number, number + 2 * count, 2)
    if alike and len(rows) == count and not any(row.router for row in rows):
        yield bulk.neighbors(home, False, numbers, changes.keys, [row.mac for row in rows])
        return
    if alike and not rows:
        yield bulk.delete_neighbors(home, range(number + _DELETION, numbers.stop, 2), changes.keys)
        return
    blocks: dict[tuple[int, bool], list[tuple[int, IpAddress, MacAddress]]] = {}
    deleted: dict[int, list[tuple[int, IpAddress]]] = {}
    for ip, _, new in changes:
        if new is None:
            deleted.setdefault(len(ip), []).append((number + _DELETION, ip))
        else:
            blocks.setdefault((len(ip), new.router), []).append((number, ip, new.mac))
        number += 2
    for (_, router), written in blocks.items():
        yield bulk.neighbors(home, router, *zip(*written, strict=True))
    for gone in deleted.values():
        yield bulk.delete_neighbors(home, *zip(*gone, strict=True))
