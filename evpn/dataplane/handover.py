"""A bridge domain that is fed otherwise from now on, or no longer served: what it leaves, and what it takes along."""

from collections.abc import Iterable

from evpn.dataplane.entries import NeighborRow
from evpn.dataplane.ownership import KernelRow, is_our_neighbor
from evpn.dataplane.plan import Plan
from evpn.dataplane.segment import Segment
from evpn.delta import DeltaTable
from evpn.values import IpAddress, MacAddress


def abandon(segment: Segment) -> None:
    """Nothing is wanted any more."""
    for vtep in list(segment.flood.desired):
        segment.flood.want(vtep, None)
    for mac in list(segment.hosts.desired):
        segment.hosts.want(mac, None)
    for mac in list(segment.macs.desired):
        segment.macs.want(mac, None)
    for ip in list(segment.neighbors.desired):
        segment.neighbors.want(ip, None)


def give_up_neighbors(segment: Segment) -> Segment:
    """What was written to the device of neighbors until now, as a segment of its own that wants none of it."""
    left = Segment(segment.vni)
    left.attachment, left.plan, left.neighbors = segment.attachment, segment.plan, segment.neighbors
    abandon(left)
    segment.neighbors, segment.foreign_neighbors = DeltaTable(), set()
    return left


def neighbors_on_the_bridge(segment: Segment, rows: Iterable[KernelRow]) -> Segment | None:
    """Those of ours that an earlier life has left there, as a segment of its own; None: there are none."""
    ours = {row.dst: NeighborRow(row.lladdr, False) for row in rows if is_our_neighbor(row)}
    if not ours:
        return None
    left = Segment(segment.vni)
    left.attachment = segment.attachment
    left.neighbors.observe_all(ours)
    return left


def lesson(segment: Segment, plan: Plan) -> dict[MacAddress, IpAddress]:
    """What a device that learns from now on may as well begin with: where it sends frames today.

    Such a row is as if it had been learnt from a frame: the next one changes it, and silence ends it. Without, frames
    would be flooded until then, and be lost where the others do not take part in that yet.
    """
    if not (plan.learning and segment.plan.macs and not plan.macs):
        return {}
    return {mac: row.vtep for mac, row in segment.macs.actual.items() if row.tunnel and row.bridge}
