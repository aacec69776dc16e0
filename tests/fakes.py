"""A kernel that keeps FDB rows, flood rows and neighbors as Linux does (docs/kernel.md has the measurements).

It takes encoded messages and answers with refusals, as the writing socket does; what changed waits in `events` as the
listening socket would tell it. Faults on demand: `refuse`, `deaf`, `filtered`.
"""

import errno
from typing import Any, NamedTuple

from evpn.dataplane.entries import (
    AF_BRIDGE,
    NTF_EXT_LEARNED,
    NTF_MASTER,
    NTF_ROUTER,
    NTF_SELF,
    NTF_STICKY,
    NUD_FAILED,
    NUD_NOARP,
    NUD_PERMANENT,
    NUD_REACHABLE,
    NUD_STALE,
    RTM_DELNEIGH,
    RTM_NEWNEIGH,
)
from evpn.dataplane.link import Link
from evpn.netlink import neighbor
from evpn.netlink.constants import NLM_F_APPEND, NLM_F_EXCL
from evpn.netlink.events import Event, LinkChanged, LinkRemoved, Overrun, PortLeft
from evpn.netlink.messages import Refusal, split
from evpn.netlink.neighbor import NeighborMessage
from evpn.values import NO_IP, ZERO_MAC, IpAddress, MacAddress
from tests.kernel_rows import BRIDGE, DEVICE, bridge_row, flood_row, miss_row, neighbor_row, tunnel_row

OUR_PORT_ID = 4711
_STATIC = NUD_NOARP | NUD_PERMANENT


class Row(NamedTuple):
    """What the kernel keeps of a row; `where` is a port, a VTEP, or the MAC of a neighbor."""

    where: Any
    state: int = NUD_REACHABLE
    flags: int = 0
    protocol: int = 0


class FakeKernel:
    """Devices, rows, and what was not yet read of their changes."""

    def __init__(self, *links: Link) -> None:
        self.links: dict[int, Link] = {}
        self.bridge: dict[tuple[int, MacAddress], Row] = {}
        self.tunnel: dict[tuple[int, MacAddress], Row] = {}
        self.flood: dict[tuple[int, IpAddress], None] = {}
        self.flood_marked: set[int] = set()
        self.neighbors: dict[tuple[int, IpAddress], Row] = {}
        self.refuse: dict[bytes, int] = {}
        """MAC or IP -> errno."""
        self.deaf = False
        """Whether notifications are lost."""
        self.filtered = False
        """Whether echoes are not listened to: new rows with our mark, neighbors that we wrote."""
        self.idle: dict[MacAddress, int] = {}
        """MAC -> hundredths of a second since a frame went to it; 0 for others."""
        self.writes = 0
        self.refusals = 0
        self._events: list[Event] = []
        for link in links:
            self.add_link(link)
        self._events.clear()

    # The two sockets

    def apply(self, messages: list[bytes]) -> list[Refusal]:
        refusals = []
        for octets in messages:
            for message, row in zip(split(octets), neighbor.decode(octets), strict=True):
                error = self._execute(message.type, message.flags, row)
                self.writes += 1
                if error:
                    refusals.append(Refusal(message.sequence, error))
        self.refusals += len(refusals)
        return refusals

    def events(self) -> list[Event]:
        """What happened since the last time; an overrun at the end of it when some was lost."""
        events, self._events = self._events, []
        return events

    def dump(self, device: int, bridge: int) -> tuple[list[NeighborMessage], list[NeighborMessage]]:
        """FDB rows and neighbors of a bridge domain."""
        fdb = [bridge_row(mac, *row[:3], bridge=of) for (of, mac), row in self.bridge.items() if of == bridge]
        fdb += [tunnel_row(mac, *row[:3], of) for (of, mac), row in self.tunnel.items() if of == device]
        fdb += [flood_row(vtep, of in self.flood_marked, device=of) for of, vtep in self.flood if of == device]
        homes = (bridge, device)
        rows = [neighbor_row(ip, *row, of) for (of, ip), row in self.neighbors.items() if of in homes]
        return fdb, rows

    def use(self, device: int = DEVICE) -> list[NeighborMessage]:
        """The FDB of a VXLAN device, with the time since a frame went by each row."""
        rows = [tunnel_row(mac, *row[:3], of) for (of, mac), row in self.tunnel.items() if of == device]
        return [row._replace(used=self.idle.get(row.lladdr, 0)) for row in rows]

    def _notify(self, event: Event) -> None:
        if self.filtered and isinstance(event, NeighborMessage) and event.type == RTM_NEWNEIGH:
            marked = event.family == AF_BRIDGE and event.flags & NTF_EXT_LEARNED
            if marked or event.port_id == OUR_PORT_ID:
                return
        if not self.deaf:
            self._events.append(event)
        elif not self._events or not isinstance(self._events[-1], Overrun):
            self._events.append(Overrun())

    # What others do

    def add_link(self, link: Link) -> None:
        self.links[link.ifindex] = link
        self._notify(LinkChanged(link))
        if link.master:  # the bridge takes frames to the MAC of its port for itself
            self.put_bridge(link.mac, link.ifindex, NUD_PERMANENT)

    def change_link(self, ifindex: int, **changes: object) -> None:
        """Down, another address, into another bridge or out of any."""
        old = self.links[ifindex]
        new = self.links[ifindex] = old._replace(**changes)  # type: ignore[arg-type]
        if old.up and not new.up and old.kind == "vxlan":
            self._drop_tunnel_rows(ifindex, (NUD_REACHABLE,))
        if old.master and old.master != new.master:
            self._drop_bridge_rows(ifindex, everything=True)
            self._notify(PortLeft(ifindex, old.master))
        elif old.up and not new.up and old.kind != "vxlan":
            self._drop_bridge_rows(ifindex, everything=False)
        self._notify(LinkChanged(new))

    def remove_link(self, ifindex: int) -> None:
        link = self.links.pop(ifindex)
        self._drop_bridge_rows(ifindex, everything=True)
        self._drop_tunnel_rows(ifindex, ())
        for of, vtep in [key for key in self.flood if key[0] == ifindex]:
            del self.flood[of, vtep]
            self._notify(flood_row(vtep, device=of, gone=True))
        self.flood_marked.discard(ifindex)
        for of, ip in [key for key in self.neighbors if key[0] == ifindex]:
            self.drop_neighbor(ip, device=of)
        self._notify(LinkRemoved(ifindex, link.name))

    def frame(self, mac: MacAddress, port: int) -> None:
        """A host speaks on a port: the bridge learns, unless the row is sticky."""
        bridge = self.links[port].master
        known = self.bridge.get((bridge, mac))
        if known and (known.where == port or known.flags & NTF_STICKY or known.state & NUD_PERMANENT):
            return
        self.put_bridge(mac, port, known.state & NUD_NOARP or NUD_REACHABLE if known else NUD_REACHABLE)

    def miss(self, key: MacAddress | IpAddress, device: int = DEVICE) -> None:
        """A VXLAN device with `l2miss` and `l3miss` does not know a MAC, or an IP that a host has asked for."""
        if len(key) == len(ZERO_MAC):
            self._notify(miss_row(MacAddress(key), NO_IP, device))
        elif (device, key) not in self.neighbors:
            self._notify(miss_row(MacAddress(b""), IpAddress(key), device))

    def age_out(self, mac: MacAddress, bridge: int = BRIDGE) -> None:
        row = self.bridge.get((bridge, mac))
        if row and not row.flags & NTF_EXT_LEARNED and not row.state & _STATIC:
            del self.bridge[bridge, mac]
            self._notify(bridge_row(mac, row.where, NUD_STALE, 0, bridge, gone=True))

    def put_bridge(self, mac: MacAddress, port: int, state: int, flags: int = 0) -> None:
        bridge = self.links[port].master
        if self.bridge.get((bridge, mac)) != Row(port, state, flags):
            self.bridge[bridge, mac] = Row(port, state, flags)
            self._notify(bridge_row(mac, port, state, flags, bridge))

    def put_tunnel(self, mac: MacAddress, vtep: IpAddress, state: int, flags: int, device: int = DEVICE) -> None:
        if self.tunnel.get((device, mac)) != Row(vtep, state, flags):
            self.tunnel[device, mac] = Row(vtep, state, flags)
            self._notify(tunnel_row(mac, vtep, state, flags, device))

    def put_neighbor(
        self,
        ip: IpAddress,
        mac: MacAddress,
        state: int,
        flags: int,
        protocol: int,
        port_id: int = 0,
        device: int = BRIDGE,
    ) -> None:
        if self.neighbors.get((device, ip)) != Row(mac, state, flags, protocol):
            self.neighbors[device, ip] = Row(mac, state, flags, protocol)
            self._notify(neighbor_row(ip, mac, state, flags, protocol, device, port_id=port_id))

    def drop_neighbor(self, ip: IpAddress, port_id: int = 0, device: int = BRIDGE) -> None:
        row = self.neighbors.pop((device, ip))
        self._notify(neighbor_row(ip, row.where, NUD_FAILED, row.flags, row.protocol, device, port_id=port_id))
        self._notify(neighbor_row(ip, row.where, NUD_FAILED, row.flags, row.protocol, device, gone=True))

    def drop_bridge(self, mac: MacAddress, bridge: int = BRIDGE) -> None:
        row = self.bridge.pop((bridge, mac))
        self._notify(bridge_row(mac, *row[:3], bridge=bridge, gone=True))

    def drop_tunnel(self, mac: MacAddress, device: int = DEVICE) -> None:
        row = self.tunnel.pop((device, mac))
        self._notify(tunnel_row(mac, *row[:3], device, gone=True))

    def _drop_bridge_rows(self, port: int, everything: bool) -> None:
        for (bridge, mac), row in list(self.bridge.items()):
            if row.where == port and (everything or not (row.state & _STATIC or row.flags & NTF_EXT_LEARNED)):
                self.drop_bridge(mac, bridge)

    def _drop_tunnel_rows(self, device: int, states: tuple[int, ...]) -> None:
        for (of, mac), row in list(self.tunnel.items()):
            if of == device and (not states or row.state in states):
                self.drop_tunnel(mac, device)

    # What is written

    def _execute(self, kind: int, how: int, row: NeighborMessage) -> int:
        """0 or an errno; the bridge's half comes first, and an error ends the message."""
        link = self.links.get(row.ifindex)
        if link is None:
            return errno.ENODEV
        if row.family != AF_BRIDGE:
            return self._neighbor(kind, row)
        if row.flags & NTF_MASTER and (link.master or not row.flags & NTF_SELF):
            known = (row.ifindex, row.lladdr) in self.tunnel or (link.master, row.lladdr) in self.bridge
            error = errno.EEXIST if known and how & NLM_F_EXCL else self._bridge(kind, row, link)
            if error:
                return error
        if not row.flags & NTF_SELF:
            return 0
        if row.lladdr == ZERO_MAC:
            return self._flood(kind, how, row)
        return self._tunnel(kind, row, link)

    def _bridge(self, kind: int, row: NeighborMessage, port: Link) -> int:
        bridge = port.master
        if not bridge:
            return errno.EOPNOTSUPP
        known = self.bridge.get((bridge, row.lladdr))
        if kind == RTM_DELNEIGH:
            if known is None or known.where != row.ifindex:
                return errno.ENOENT
            self.drop_bridge(row.lladdr, bridge)
            return 0
        state, flags = (known.state, known.flags) if known else (NUD_REACHABLE, 0)
        if row.flags & NTF_EXT_LEARNED:  # the port changes, and the mark is set; STICKY beside it is ignored
            flags |= NTF_EXT_LEARNED
        elif not (port.up and self.links[bridge].up) and not row.state & _STATIC:
            return errno.EPERM
        else:  # all but the mark changes
            state, flags = row.state & _STATIC or NUD_REACHABLE, flags & NTF_EXT_LEARNED | row.flags & NTF_STICKY
        if row.lladdr in self.refuse and not row.flags & NTF_SELF:
            return self.refuse[row.lladdr]
        self.put_bridge(row.lladdr, row.ifindex, state, flags)
        return 0

    def _tunnel(self, kind: int, row: NeighborMessage, link: Link) -> int:
        known = self.tunnel.get((row.ifindex, row.lladdr))
        if kind == RTM_DELNEIGH:
            if known is None:
                return errno.ENOENT
            if row.dst in (NO_IP, known.where):
                self.drop_tunnel(row.lladdr, row.ifindex)
            return 0
        if row.lladdr in self.refuse:
            return self.refuse[row.lladdr]
        if not row.dst or not row.state & (NUD_REACHABLE | NUD_PERMANENT):
            return errno.EINVAL
        if len(row.dst) != len(link.local or bytes(4)):
            return errno.EAFNOSUPPORT
        state, flags = row.state, row.flags & (NTF_SELF | NTF_EXT_LEARNED | NTF_STICKY | NTF_ROUTER)
        if known and row.flags & NTF_EXT_LEARNED:  # changes the destination only
            state, flags = known.state, known.flags
        self.put_tunnel(row.lladdr, row.dst, state, flags, row.ifindex)
        return 0

    def _flood(self, kind: int, how: int, row: NeighborMessage) -> int:
        key, marked = (row.ifindex, row.dst), row.ifindex in self.flood_marked
        if kind == RTM_DELNEIGH:
            gone = [key] if row.dst else [one for one in self.flood if one[0] == row.ifindex]
            for device, vtep in gone:
                if (device, vtep) in self.flood:
                    del self.flood[device, vtep]
                    self._notify(flood_row(vtep, marked, gone=True, device=device))
            return 0
        if row.dst in self.refuse:
            return self.refuse[row.dst]
        if not how & NLM_F_APPEND:
            return errno.EOPNOTSUPP
        first = all(device != row.ifindex for device, _ in self.flood)
        if not row.flags & NTF_EXT_LEARNED:
            self.flood_marked.discard(row.ifindex)
        elif first:
            self.flood_marked.add(row.ifindex)
        if key not in self.flood:
            self.flood[key] = None
            self._notify(flood_row(row.dst, row.ifindex in self.flood_marked, device=row.ifindex))
        return 0

    def _neighbor(self, kind: int, row: NeighborMessage) -> int:
        if kind == RTM_DELNEIGH:
            if (row.ifindex, row.dst) not in self.neighbors:
                return errno.ENOENT
            self.drop_neighbor(row.dst, OUR_PORT_ID, row.ifindex)
            return 0
        if row.dst in self.refuse:
            return self.refuse[row.dst]
        self.put_neighbor(row.dst, row.lladdr, row.state, row.flags, row.protocol, OUR_PORT_ID, row.ifindex)
        return 0
