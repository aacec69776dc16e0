"""Whose row is it? The kernel does not say who wrote one, so the rule is ours and stated here.

- Ours: marked EXT_LEARNED (a neighbor: and protocol BGP) on a device that we serve. A sticky row loses the mark; it is
  ours when our own table knows it. All flood rows of a device share one mark, which anybody's append without it clears:
  one is ours as well once a route has asked for its VTEP, and until it is removed.
- Ours as well: marked on a port that is not the VXLAN device, a host known beforehand. But not if it is static and not
  sticky, which we never write: an operator has put that over a row of ours, and it keeps the mark; nor if it is
  offloaded: so hardware marks what it has learnt.
- Own: PERMANENT on a bridge or its ports: the MAC of one of the host's interfaces. Never written, never deleted.
- Local: any other row on a port that is not the VXLAN device: a host of ours.
- Foreign: the rest, that is, what somebody else put on the VXLAN device. A fact, never a target.
"""

from enum import Enum
from typing import Protocol

from evpn.dataplane.entries import (
    NTF_EXT_LEARNED,
    NTF_OFFLOADED,
    NTF_STICKY,
    NUD_NOARP,
    NUD_PERMANENT,
    RTPROT_BGP,
)
from evpn.values import ZERO_MAC, IpAddress, MacAddress


class KernelRow(Protocol):
    """What a notification or a dump says of one row."""

    @property
    def family(self) -> int: ...
    @property
    def ifindex(self) -> int: ...
    @property
    def state(self) -> int: ...
    @property
    def flags(self) -> int: ...
    @property
    def lladdr(self) -> MacAddress: ...
    @property
    def dst(self) -> IpAddress: ...
    @property
    def master(self) -> int: ...
    @property
    def protocol(self) -> int: ...
    @property
    def nexthop_id(self) -> int: ...


class Owner(Enum):
    FLOOD = "flood row of the VXLAN device"
    TUNNEL = "ours, in the VXLAN device's FDB"
    BRIDGE = "ours, in the bridge's FDB"
    HOST = "ours, in the bridge's FDB on a local port"
    OWN = "an interface's own MAC"
    LOCAL = "a local host"
    FOREIGN_TUNNEL = "somebody else's, in the VXLAN device's FDB"
    FOREIGN_BRIDGE = "somebody else's, in the bridge's FDB on the VXLAN port"
    NONE = "no concern of ours"


def classify(row: KernelRow, device: int, bridge: int) -> Owner:
    """An AF_BRIDGE row; `device` and `bridge` are the ifindexes of a bridge domain."""
    if row.ifindex == device and (row.dst or row.nexthop_id):
        if row.lladdr == ZERO_MAC:
            return Owner.FLOOD
        return Owner.TUNNEL if row.flags & NTF_EXT_LEARNED else Owner.FOREIGN_TUNNEL
    if row.master != bridge or not row.lladdr or row.lladdr[0] & 1:
        return Owner.NONE
    if row.state & NUD_PERMANENT:  # first: also when a mark of ours got on it, its deletion would silence the host
        return Owner.OWN
    if row.ifindex == device:
        return Owner.BRIDGE if row.flags & NTF_EXT_LEARNED else Owner.FOREIGN_BRIDGE
    return Owner.HOST if row.flags & NTF_EXT_LEARNED and _is_our_host(row) else Owner.LOCAL


def is_static(row: KernelRow) -> bool:
    """Put there by an operator or an orchestrator, not learnt from a frame."""
    return bool(row.state & (NUD_NOARP | NUD_PERMANENT))


def _is_our_host(marked: KernelRow) -> bool:
    return not marked.flags & NTF_OFFLOADED and (bool(marked.flags & NTF_STICKY) or not is_static(marked))


def is_our_neighbor(row: KernelRow) -> bool:
    """The protocol alone survives a foreign overwrite, the mark alone is used by others."""
    return bool(row.flags & NTF_EXT_LEARNED) and row.protocol == RTPROT_BGP
