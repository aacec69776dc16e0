"""One bridge domain in the kernel: its devices, and desired against actual for each kind of row.

The only writer of these tables. `observe` takes one notification, `observe_all` a dump; both answer with what the
EVPN side has to know: local hosts, and MACs that may not be written.
"""

from collections.abc import Iterable
from typing import NamedTuple

from evpn.dataplane.entries import (
    BRIDGE_ONLY,
    NTF_EXT_LEARNED,
    NTF_ROUTER,
    NTF_STICKY,
    NUD_FAILED,
    NUD_INCOMPLETE,
    NUD_PERMANENT,
    Fact,
    LocalGone,
    LocalSeen,
    MacRow,
    NeighborRow,
    Reserved,
    Taken,
    mac_row,
)
from evpn.dataplane.link import Link
from evpn.dataplane.ownership import KernelRow, Owner, classify, is_our_neighbor, is_static
from evpn.delta import DeltaTable
from evpn.values import NO_IP, IpAddress, MacAddress, Vni


class Attachment(NamedTuple):
    """The two devices of a bridge domain."""

    device: Link
    bridge: Link


class Segment:
    """`flood`: VTEP -> True; `macs`: MAC -> MacRow; `neighbors`: IP -> NeighborRow."""

    def __init__(self, vni: Vni) -> None:
        self.vni = vni
        self.attachment: Attachment | None = None
        self.flood: DeltaTable[IpAddress, bool] = DeltaTable()
        self.macs: DeltaTable[MacAddress, MacRow] = DeltaTable()
        self.neighbors: DeltaTable[IpAddress, NeighborRow] = DeltaTable()
        self.own: dict[MacAddress, set[int]] = {}
        """MACs of the host's interfaces in this bridge, and the ports that have them."""
        self.foreign: set[MacAddress] = set()
        """MACs that somebody else has put on the VXLAN device for good."""
        self.foreign_flood: set[IpAddress] = set()
        self.foreign_neighbors: set[IpAddress] = set()

    @property
    def pending(self) -> int:
        return self.flood.pending + self.macs.pending + self.neighbors.pending

    @property
    def writable(self) -> int:
        """Pending rows that are not postponed."""
        postponed = len(self.flood.postponed) + len(self.macs.postponed) + len(self.neighbors.postponed)
        return self.pending - postponed

    def reserved(self, mac: MacAddress) -> str | None:
        """Why a MAC is not ours to write; None when it is."""
        if mac in self.own:
            return "MAC of an interface of this host"
        return "static entry of somebody else" if mac in self.foreign else None

    def detach(self) -> None:
        """The devices are gone or down: what the kernel holds is unknown, and does not matter until they are back."""
        self.attachment = None
        for table in (self.flood, self.macs, self.neighbors):
            table.observe_all({})
            table.retry()
        self.own.clear()
        self.foreign.clear()
        self.foreign_flood.clear()
        self.foreign_neighbors.clear()

    def abandon(self) -> None:
        """Nothing is wanted any more."""
        for key in list(self.flood.desired):
            self.flood.want(key, None)
        for mac in list(self.macs.desired):
            self.macs.want(mac, None)
        for ip in list(self.neighbors.desired):
            self.neighbors.want(ip, None)

    # One notification

    def observe(self, row: KernelRow, present: bool) -> Fact | None:
        """An AF_BRIDGE row of one of our ports was written or deleted."""
        if self.attachment is None:
            return None
        owner = classify(row, self.attachment.device.ifindex, self.attachment.bridge.ifindex)
        mac = row.lladdr
        if owner is Owner.LOCAL:
            return self._observe_local(row, present)
        if owner is Owner.FLOOD:
            self._observe_flood(row, present)
        elif owner is Owner.OWN:
            return self._observe_own(mac, row.ifindex, present)
        elif owner in (Owner.TUNNEL, Owner.FOREIGN_TUNNEL):
            return self._observe_tunnel(row, present, owner is Owner.TUNNEL)
        elif owner in (Owner.BRIDGE, Owner.FOREIGN_BRIDGE):
            self._observe_bridge(mac, row, present)
            return Taken(mac) if present else None
        return None

    def observe_neighbor(self, row: KernelRow, present: bool) -> None:
        """An AF_INET or AF_INET6 row on the bridge."""
        if not row.dst:
            return
        present = present and not row.state & (NUD_FAILED | NUD_INCOMPLETE)
        ours = present and is_our_neighbor(row)
        self.neighbors.observe(row.dst, NeighborRow(row.lladdr, bool(row.flags & NTF_ROUTER)) if ours else None)
        if present and not ours and row.state & NUD_PERMANENT:
            self.foreign_neighbors.add(row.dst)
        else:
            self.foreign_neighbors.discard(row.dst)

    def _observe_local(self, row: KernelRow, present: bool) -> Fact:
        if not present:
            return LocalGone(row.lladdr, row.ifindex)
        known = self.macs.actual.get(row.lladdr)
        if known is not None and known.bridge:
            # the bridge's row moved to the local port: one notification, no deletion for our port
            self.macs.observe(row.lladdr, mac_row(known.vtep, False, True, False) if known.tunnel else None)
        return LocalSeen(row.lladdr, row.ifindex, is_static(row))

    def _observe_flood(self, row: KernelRow, present: bool) -> None:
        """A flood row has no mark that lasts; one that we never wanted is somebody else's unless it bears ours."""
        ours = bool(row.flags & NTF_EXT_LEARNED) or row.dst in self.flood.desired or row.dst in self.flood.actual
        if ours:
            self.flood.observe(row.dst, True if present else None)
        elif present:
            self.foreign_flood.add(row.dst)
        else:
            self.foreign_flood.discard(row.dst)

    def _observe_own(self, mac: MacAddress, port: int, present: bool) -> Fact:
        ports = self.own.setdefault(mac, set())
        if present:
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
        ours = marked or (wanted is not None and wanted.sticky) or (known is not None and known.sticky)
        if not present:
            rest = BRIDGE_ONLY if known is not None and known.bridge else None
            self.macs.observe(mac, rest)
            if mac in self.foreign:
                self.foreign.discard(mac)
                return Reserved(mac)
            return None
        if ours or not is_static(row):
            bridge, sticky = (known.bridge, known.sticky) if known else (False, False)
            self.macs.observe(mac, mac_row(row.dst, sticky, True, bridge))
            return None
        self.foreign.add(mac)
        return Reserved(mac)

    def _observe_bridge(self, mac: MacAddress, row: KernelRow, present: bool) -> None:
        known = self.macs.actual.get(mac)
        vtep, tunnel = (known.vtep, known.tunnel) if known else (NO_IP, False)
        if present or tunnel:
            sticky = present and bool(row.flags & NTF_STICKY)
            self.macs.observe(mac, mac_row(vtep, sticky, tunnel, present))
        else:
            self.macs.observe(mac, None)

    # A dump

    def observe_all(
        self, rows: Iterable[KernelRow], neighbors: Iterable[KernelRow]
    ) -> dict[MacAddress, tuple[int, bool]]:
        """Everything the kernel holds in this bridge domain; returns local MAC -> (port, static)."""
        shadow = Segment(self.vni)
        shadow.attachment = self.attachment
        shadow.macs.desired, shadow.flood.desired = self.macs.desired, self.flood.desired
        local: dict[MacAddress, tuple[int, bool]] = {}
        # the bridge's rows first: they carry the mark by which a sticky row of the VXLAN device is ours
        for row in sorted(rows, key=lambda row: bool(row.dst)):
            fact = shadow.observe(row, True)
            if isinstance(fact, LocalSeen):
                local[fact.mac] = (fact.port, fact.static)
        for row in neighbors:
            shadow.observe_neighbor(row, True)
        self.own, self.foreign = shadow.own, shadow.foreign
        self.foreign_flood, self.foreign_neighbors = shadow.foreign_flood, shadow.foreign_neighbors
        self.flood.observe_all(shadow.flood.actual)
        self.macs.observe_all(shadow.macs.actual)
        self.neighbors.observe_all(shadow.neighbors.actual)
        return local
