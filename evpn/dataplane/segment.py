"""One bridge domain in the kernel: its devices, and desired against actual for each kind of row.

The only writer of these tables. `observe` takes one notification and answers with what the EVPN side has to know:
local hosts, and MACs that may not be written. A dump is taken in by `evpn.dataplane.comparison`.
"""

from collections.abc import Set
from typing import Any, NamedTuple

from evpn.dataplane.demand import Demand
from evpn.dataplane.entries import (
    NTF_EXT_LEARNED,
    NTF_ROUTER,
    NTF_STICKY,
    NUD_FAILED,
    NUD_INCOMPLETE,
    NUD_PERMANENT,
    NUD_STALE,
    Fact,
    HostRow,
    Kind,
    LocalGone,
    LocalSeen,
    MacRow,
    NeighborRow,
    Reserved,
    ReservedFlood,
    ReservedNeighbor,
    Taken,
    mac_row,
)
from evpn.dataplane.link import Link
from evpn.dataplane.log import Log
from evpn.dataplane.marks import mark
from evpn.dataplane.ownership import KernelRow, Owner, classify, is_our_neighbor, is_static
from evpn.dataplane.plan import STATIC_L2
from evpn.delta import DeltaTable
from evpn.values import NO_IP, IpAddress, MacAddress, Vni

_OWN, STATIC = "MAC of an interface of this host", "static entry of somebody else"


class Attachment(NamedTuple):
    """The two devices of a bridge domain."""

    device: Link
    bridge: Link


class Segment:
    """`flood`: VTEP -> True; `hosts`: MAC -> HostRow; `macs`: MAC -> MacRow; `neighbors`: IP -> NeighborRow.

    The bridge has one row of a MAC, so nobody wants the same one in `hosts` and in `macs`.
    """

    def __init__(self, vni: Vni) -> None:
        self.vni = vni
        self.attachment: Attachment | None = None
        self.plan = STATIC_L2
        self.demand = Demand()
        """What has rows where `plan.misses`."""
        self.flood: DeltaTable[IpAddress, bool] = DeltaTable()
        self.hosts: DeltaTable[MacAddress, HostRow] = DeltaTable()
        self.macs: DeltaTable[MacAddress, MacRow] = DeltaTable()
        self.neighbors: DeltaTable[IpAddress, NeighborRow] = DeltaTable()
        self.taught: dict[MacAddress, IpAddress] = {}
        """MAC -> VTEP: what a device that learns from now on is to begin with (`evpn.dataplane.handover`)."""
        self.own: dict[MacAddress, set[int]] = {}
        """MACs of the host's interfaces in this bridge, and the ports that have them."""
        self.foreign: set[MacAddress] = set()
        """MACs that somebody else has put into the VXLAN device's FDB for good."""
        self.foreign_bridge: set[MacAddress] = set()
        """The same in the bridge's FDB, on the VXLAN port."""
        self.foreign_hosts: set[MacAddress] = set()
        """The same on a local port: an operator's static rows."""
        self.foreign_flood: set[IpAddress] = set()
        """VTEPs that somebody floods to, and no route has asked for."""
        self.foreign_neighbors: set[IpAddress] = set()
        self.log: Log | None = None
        """While a look at the kernel is under way."""

    def table(self, kind: Kind) -> DeltaTable[Any, Any]:
        if kind is Kind.MAC:
            return self.macs
        if kind is Kind.HOST:
            return self.hosts
        if kind is Kind.TAUGHT:
            return DeltaTable()
        return self.flood if kind is Kind.FLOOD else self.neighbors

    @property
    def neighbor_device(self) -> int:
        """ifindex of the device that neighbors are written to; 0 without devices."""
        if self.attachment is None:
            return 0
        return (self.attachment.device if self.plan.proxy else self.attachment.bridge).ifindex

    @property
    def pending(self) -> int:
        return self.flood.pending + self.hosts.pending + self.macs.pending + self.neighbors.pending

    @property
    def removals(self) -> int:
        return (
            len(self.flood.removals) + len(self.hosts.removals) + len(self.macs.removals) + len(self.neighbors.removals)
        )

    @property
    def writable(self) -> int:
        """Pending rows that are not postponed, and what the device is taught once the others are gone."""
        postponed = len(self.flood.postponed) + len(self.hosts.postponed)
        taught = 0 if self.macs.pending else len(self.taught)
        return self.pending + taught - postponed - len(self.macs.postponed) - len(self.neighbors.postponed)

    def reserved(self, mac: MacAddress) -> str | None:
        """Why a MAC is not ours to write as a remote one; None when it is."""
        if mac in self.own:
            return _OWN
        return STATIC if mac in self.foreign or mac in self.foreign_bridge or mac in self.foreign_hosts else None

    def reserved_host(self, mac: MacAddress) -> str | None:
        """Why a MAC is not ours to write on a local port; None when it is."""
        if mac in self.own:
            return _OWN
        return STATIC if mac in self.foreign_hosts or mac in self.foreign_bridge else None

    @property
    def all_reserved(self) -> Set[MacAddress]:
        """In either way."""
        others = self.foreign | self.foreign_bridge | self.foreign_hosts
        return self.own.keys() | others if others else self.own.keys()

    def detach(self) -> None:
        """The devices are gone or down: what the kernel holds is unknown, and does not matter until they are back.

        What is reserved stays so: only the next look tells for which keys that has changed.
        """
        self.attachment = None
        self.log = None  # what is told from now on is not in it
        for table in (self.flood, self.hosts, self.macs, self.neighbors):
            table.observe_all({})
            table.retry()

    def adopt_flood(self, vtep: IpAddress) -> None:
        """A route asks for this VTEP: the row that is there already is ours, to keep and to remove."""
        if vtep in self.foreign_flood:
            self.foreign_flood.discard(vtep)
            if self.attachment is not None:
                self.flood.observe(vtep, True)

    def displace(self, kind: Kind, mac: MacAddress) -> None:
        """A row of this kind was written: the bridge has one row of a MAC, which is where it was no more."""
        if kind is Kind.HOST:
            self._leave_device(mac)
        elif kind is Kind.MAC:
            self._leave_ports(mac)

    # One notification

    def observe(self, row: KernelRow, present: bool) -> Fact | None:
        """An AF_BRIDGE row of one of our ports was written or deleted."""
        if self.attachment is None:
            return None
        if self.log is not None:
            self.log.heard(row, present)
        owner = classify(row, self.attachment.device.ifindex, self.attachment.bridge.ifindex)
        fact: Fact | None = None
        if owner is Owner.BRIDGE or owner is Owner.FOREIGN_BRIDGE:
            fact = self._observe_bridge(row, present, owner is Owner.BRIDGE)
        elif owner is Owner.TUNNEL or owner is Owner.FOREIGN_TUNNEL:
            fact = self._observe_tunnel(row, present, owner is Owner.TUNNEL)
        elif owner is Owner.LOCAL or owner is Owner.HOST:
            fact = self._observe_local(row, present, owner is Owner.HOST)
        elif owner is Owner.FLOOD:
            fact = self._observe_flood(row, present)
        elif owner is Owner.OWN:
            fact = self._observe_own(row.lladdr, row.ifindex, present)
        return fact

    def observe_neighbor(self, row: KernelRow, present: bool) -> Fact | None:
        """An AF_INET or AF_INET6 row on the device that neighbors are written to."""
        if not row.dst:
            return None
        if self.log is not None:
            self.log.heard(row, present)
        present = present and not row.state & (NUD_FAILED | NUD_INCOMPLETE)
        ours = present and is_our_neighbor(row)
        self.neighbors.observe(row.dst, NeighborRow(row.lladdr, bool(row.flags & NTF_ROUTER)) if ours else None)
        foreign = present and not ours and bool(row.state & NUD_PERMANENT)
        return ReservedNeighbor(row.dst) if mark(self.foreign_neighbors, row.dst, foreign) else None

    def _observe_local(self, row: KernelRow, present: bool, ours: bool) -> Fact:
        """A frame that moves a row to another port takes the mark from it: then it is the host's, no longer ours."""
        mac, port = row.lladdr, row.ifindex
        known = self.hosts.actual.get(mac)
        if not present:
            if known is not None and known.port == port:  # else it is the end of a row that we have moved meanwhile
                self.hosts.observe(mac, None)
            self.foreign_hosts.discard(mac)
            return LocalGone(mac, port, bool(row.state & NUD_STALE))
        self._leave_device(mac)
        if ours or known is not None:
            self.hosts.observe(mac, HostRow(port, bool(row.flags & NTF_STICKY)) if ours else None)
        static = is_static(row)
        if static and not ours:
            self.foreign_hosts.add(mac)
        else:
            self.foreign_hosts.discard(mac)
        return LocalSeen(mac, port, static or ours)

    def _leave_device(self, mac: MacAddress) -> None:
        """The bridge's row moved to a local port: one notification, no deletion for the VXLAN device's port."""
        self.foreign_bridge.discard(mac)
        known = self.macs.actual.get(mac)
        if known is not None and known.bridge:
            left = mac_row(known.vtep, known.sticky, True, False, known.router, known.marked) if known.tunnel else None
            self.macs.observe(mac, left)

    def _leave_ports(self, mac: MacAddress) -> None:
        self.foreign_hosts.discard(mac)
        if mac in self.hosts.actual:
            self.hosts.observe(mac, None)

    def _observe_flood(self, row: KernelRow, present: bool) -> Fact | None:
        """A flood row has no mark that lasts; one that no route asked for is somebody else's unless it bears ours."""
        vtep = row.dst
        ours = bool(row.flags & NTF_EXT_LEARNED) or vtep in self.flood.desired or vtep in self.flood.actual
        if ours:
            self.flood.observe(vtep, True if present else None)
        foreign = present and not ours
        return ReservedFlood(vtep) if mark(self.foreign_flood, vtep, foreign) else None

    def _observe_own(self, mac: MacAddress, port: int, present: bool) -> Fact:
        ports = self.own.setdefault(mac, set())
        if present:
            self._leave_ports(mac)
            ports.add(port)
        else:
            ports.discard(port)
        if not ports:
            del self.own[mac]
        return Reserved(mac)

    def _observe_tunnel(self, row: KernelRow, present: bool, marked: bool) -> Fact | None:
        mac = row.lladdr
        known = self.macs.actual.get(mac)
        wanted = self.macs.desired.get(mac)
        ours = marked
        if row.flags & NTF_STICKY:  # a sticky row has lost its mark
            ours = marked or (wanted is not None and wanted.sticky) or (known is not None and known.sticky)
        foreign = present and not ours and is_static(row)
        if self.plan.learning and not ours and not foreign:
            present = False  # the device's own; a frame may have taken a row of ours over
        _, sticky, _, bridge, _, rest = known if known is not None else mac_row(NO_IP, False, False, False)
        if present and not foreign:
            sticky, router = sticky if bridge else bool(row.flags & NTF_STICKY), bool(row.flags & NTF_ROUTER)
            self.macs.observe(mac, mac_row(row.dst, sticky, True, bridge, router, ours and rest))
        else:
            self.macs.observe(mac, mac_row(NO_IP, sticky, False, True, False, rest) if bridge else None)
        return Reserved(mac) if mark(self.foreign, mac, foreign) else None

    def _observe_bridge(self, row: KernelRow, present: bool, marked: bool) -> Fact | None:
        """The bridge's row on the VXLAN port; a static one without a mark is nobody's but its maker's."""
        mac = row.lladdr
        known = self.macs.actual.get(mac)
        foreign = present and not marked and is_static(row)
        learnt = self.plan.learning and not marked and not foreign
        vtep, sticky, tunnel, _, router, rest = known if known is not None else mac_row(NO_IP, False, False, False)
        if present and (self.hosts.actual or self.foreign_hosts):
            self._leave_ports(mac)
        if present and not foreign and not learnt:
            self.macs.observe(mac, mac_row(vtep, bool(row.flags & NTF_STICKY), tunnel, True, router, marked and rest))
        else:
            self.macs.observe(mac, mac_row(vtep, sticky, True, False, router, rest) if tunnel else None)
        if mark(self.foreign_bridge, mac, foreign):
            return Reserved(mac, taken=present)
        return Taken(mac) if present else None

    def shadow(self) -> "Segment":
        """One without rows, that judges by our wishes whose those are that it observes."""
        shadow = Segment(self.vni)
        shadow.attachment, shadow.plan = self.attachment, self.plan
        shadow.macs.desired, shadow.flood.desired = self.macs.desired, self.flood.desired
        return shadow
