"""Row changes -> netlink messages (docs/kernel.md has the measurements behind the choices).

A remote MAC is written by one message for both FDBs and deleted by one each: a combined deletion stops at the first row
that is not there. Flags of a row cannot be changed in place: stickiness, the R flag, and our mark where none is take
a deletion first; so does a row of ours on the other side, VXLAN device or local port.
"""

from collections.abc import Iterable, Sequence
from errno import ENODEV, ENOENT, EOPNOTSUPP
from typing import NamedTuple

from evpn.dataplane.dataplane import RowChange
from evpn.dataplane.entries import HostRow, Kind, MacRow
from evpn.dataplane.segment import Segment
from evpn.delta import Change
from evpn.netlink import neighbor
from evpn.netlink.messages import Refusal
from evpn.values import MacAddress

_GONE = (ENOENT, ENODEV, EOPNOTSUPP)
"""The row is not there, nor its device, or that is no port of a bridge any more."""


class Batch(NamedTuple):
    messages: list[bytes]
    """Each with its place in the list as its sequence number; a sticky MAC's two count as one."""
    owners: list[int]
    """Message -> index of its change."""
    deletions: set[int]
    """Messages that succeed as well if there is nothing to delete."""


def encode(changes: Sequence[RowChange]) -> Batch:
    batch = Batch([], [], set())
    for index, (segment, kind, change) in enumerate(changes):
        if segment.attachment is None:
            continue
        device, home = segment.attachment.device.ifindex, segment.neighbor_device
        key, _, new = change
        if kind is Kind.MAC:
            if segment.hosts.actual:
                _evict_host(batch, index, segment, change)
            _encode_mac(batch, index, device, change)
        elif kind is Kind.HOST:
            _encode_host(batch, index, segment, device, change)
        elif kind is Kind.TAUGHT and new is not None:
            batch.messages.append(neighbor.taught_mac(_take(batch, index), device, key, new))
        elif kind is Kind.FLOOD:
            sequence = _take(batch, index, deletion=new is None)
            make = neighbor.delete_flood if new is None else neighbor.flood
            batch.messages.append(make(sequence, device, key))
        elif new is None:
            batch.messages.append(neighbor.delete_neighbor(_take(batch, index, deletion=True), home, key))
        else:
            batch.messages.append(neighbor.neighbor(_take(batch, index), home, key, new.mac, new.router))
    return batch


def refused(batch: Batch, refusals: Iterable[Refusal]) -> dict[int, int]:
    """Index of a change -> errno, for the changes that did not take."""
    return {
        batch.owners[sequence]: errno
        for sequence, errno in refusals
        if not (sequence in batch.deletions and errno in _GONE)
    }


def _encode_mac(batch: Batch, index: int, device: int, change: Change[MacAddress, MacRow]) -> None:
    mac, old, new = change
    if old is not None and (new is None or _has_other_flags(old, new)):
        if old.tunnel:
            sequence = _take(batch, index, deletion=True)
            batch.messages.append(neighbor.delete_tunnel_row(sequence, device, mac, old.vtep))
        if old.bridge:
            sequence = _take(batch, index, deletion=True)
            batch.messages.append(neighbor.delete_bridge_row(sequence, device, mac))
    if new is not None:
        make = neighbor.sticky_mac if new.sticky else neighbor.remote_mac
        batch.messages.append(make(_take(batch, index), device, mac, new.vtep, new.router))


def _has_other_flags(old: MacRow, new: MacRow) -> bool:
    """A row without our mark may be one that a device was taught, or of another program: the kernel adds no mark."""
    return new.sticky != old.sticky or (old.tunnel and new.router != old.router) or not old.marked


def _encode_host(batch: Batch, index: int, segment: Segment, device: int, change: Change[MacAddress, HostRow]) -> None:
    mac, old, new = change
    remote = segment.macs.actual.get(mac)
    if old is not None and (new is None or (old.sticky and not new.sticky)):
        batch.messages.append(neighbor.delete_bridge_row(_take(batch, index, deletion=True), old.port, mac))
    if new is not None and not new.sticky and remote is not None and remote.bridge and remote.sticky:
        batch.messages.append(neighbor.delete_bridge_row(_take(batch, index, deletion=True), device, mac))
    if new is not None:
        batch.messages.append(neighbor.host(_take(batch, index), new.port, mac, new.sticky))


def _evict_host(batch: Batch, index: int, segment: Segment, change: Change[MacAddress, MacRow]) -> None:
    mac, _, new = change
    host = segment.hosts.actual.get(mac)
    if host is not None and host.sticky and new is not None and not new.sticky:
        batch.messages.append(neighbor.delete_bridge_row(_take(batch, index, deletion=True), host.port, mac))


def _take(batch: Batch, index: int, deletion: bool = False) -> int:
    """The next sequence number."""
    sequence = len(batch.owners)
    batch.owners.append(index)
    if deletion:
        batch.deletions.add(sequence)
    return sequence
