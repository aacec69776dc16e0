"""Rows of ours that go over to the device that is made in the place of another one, and are there as soon as it is.

However many devices are made again by one reload, each has its rows at once. The agent finds them there as it finds
those of an agent before it, and writes what differs.
"""

from evpn.config.settings import VniSettings
from evpn.dataplane.comparison import observe_all
from evpn.dataplane.dataplane import Dataplane
from evpn.dataplane.entries import mac_row
from evpn.dataplane.handover import lesson
from evpn.dataplane.link import Link
from evpn.dataplane.plan import Plan
from evpn.dataplane.segment import Attachment, Segment
from evpn.netlink import rows
from evpn.netlink.dump import dump_bridge_domain
from evpn.netlink.neighbor import NeighborMessage
from evpn.netlink.socket import Writer

_BATCH = 4096
_TICKS = 100
"""USER_HZ, in which the kernel tells times."""


def pack(vni: VniSettings, plan: Plan, device: Link, bridge: Link) -> Segment:
    """Of the rows of a device that is about to go, those that `plan` has as well."""
    old, new = Segment(vni.vni), Segment(vni.vni)
    old.plan, new.plan = Plan(learning=device.learning, proxy=device.proxy), plan
    old.attachment = Attachment(device, bridge)
    found, neighbors = dump_bridge_domain(bridge.ifindex, (old.neighbor_device,))
    observe_all(old, found, neighbors)
    for vtep in old.flood.actual if plan.flood else ():
        new.flood.want(vtep, True)
    idle = _unused(found, vni.idle_timeout) if plan.misses else set()
    for mac, row in old.macs.actual.items() if plan.macs else ():
        if row.tunnel and row.bridge and row.marked and mac not in idle:
            new.macs.want(mac, mac_row(row.vtep, row.sticky, router=row.router and plan.proxy))
    for ip, neighbor in old.neighbors.actual.items() if plan.neighbors else ():
        if neighbor.mac in new.macs.desired:
            new.neighbors.want(ip, neighbor)
    new.taught = lesson(old, plan)
    return new


def unpack(packed: Segment, device: Link, bridge: Link) -> None:
    """What the kernel refuses, the agent will try again."""
    dataplane, writer = Dataplane(), Writer()
    dataplane.segments[packed.vni] = packed
    dataplane.attach(packed.vni, device, bridge)
    dataplane.unobserved.clear()
    dataplane.touch(packed.vni)
    writer.open()
    try:
        while batch := dataplane.batch(_BATCH, removals=False):
            dataplane.settle(batch, rows.refused(writer.apply(rows.encode(batch))), 0.0)
    finally:
        writer.close()


def _unused(found: list[NeighborMessage], seconds: int) -> set[bytes]:
    """MACs to which no frame went for so long: who talks to nobody needs no row on demand."""
    return {row.lladdr for row in found if row.dst and row.used is not None and row.used >= seconds * _TICKS}
