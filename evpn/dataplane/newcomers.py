"""Hosts that have come up on our ports, of whom the kernel has no other row and nobody has wished for one. Pure."""

from collections.abc import Iterable

from evpn.dataplane.segment import Segment
from evpn.values import MacAddress


def are_newcomers(segment: Segment, macs: Iterable[MacAddress]) -> bool:
    """Whether the rows of these hosts on a port change nothing: of none of them there was any, or is wanted."""
    known = (segment.macs.actual, segment.macs.desired, segment.hosts.actual, segment.hosts.desired)
    if segment.log is not None or not all(table.keys().isdisjoint(macs) for table in known):
        return False
    return segment.foreign_bridge.isdisjoint(macs) and segment.foreign_hosts.isdisjoint(macs)
