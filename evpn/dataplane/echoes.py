"""Notifications that say what is believed anyway: the echoes of our own writes, for the most part."""

from evpn.dataplane.entries import (
    AF_BRIDGE,
    NTF_EXT_LEARNED,
    NTF_ROUTER,
    NTF_STICKY,
    NUD_FAILED,
    NUD_INCOMPLETE,
    NUD_PERMANENT,
    MacRow,
)
from evpn.dataplane.ownership import KernelRow, is_our_neighbor
from evpn.dataplane.segment import Segment


def is_believed(segment: Segment, row: KernelRow, present: bool) -> bool:
    """A row that we write is there just so, or is gone, and nothing else is believed of it.

    Of a sticky row that can not be told: it has lost its mark.
    """
    if segment.attachment is None:
        return False
    if row.family != AF_BRIDGE:
        return row.ifindex == segment.neighbor_device and _is_neighbor_believed(segment, row, present)
    if row.ifindex != segment.attachment.device.ifindex:
        return False
    known = segment.macs.actual.get(row.lladdr)
    if known is None or not present:
        return known is None and not present and segment.reserved(row.lladdr) is None
    is_usual = bool(row.flags & NTF_EXT_LEARNED) and not (row.flags & NTF_STICKY or known.sticky)
    return is_usual and _is_half_of(known, row)


def _is_half_of(known: MacRow, row: KernelRow) -> bool:
    """The VXLAN device's half names a VTEP, the bridge's none."""
    if row.dst or row.nexthop_id:
        return known.tunnel and known.vtep == row.dst and known.router == bool(row.flags & NTF_ROUTER)
    return known.bridge and not row.state & NUD_PERMANENT


def _is_neighbor_believed(segment: Segment, row: KernelRow, present: bool) -> bool:
    """One that is deleted is told to have failed first."""
    known = segment.neighbors.actual.get(row.dst)
    there = present and not row.state & (NUD_FAILED | NUD_INCOMPLETE)
    if known is None or not there:
        return known is None and not there and row.dst not in segment.foreign_neighbors
    return is_our_neighbor(row) and known == (row.lladdr, bool(row.flags & NTF_ROUTER))
