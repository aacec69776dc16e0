"""Kernel rows: as the kernel tells them, and as we want them.

A remote MAC is two rows of the kernel: one in the VXLAN device's FDB (which VTEP), one in the bridge's (which port).
They are written by one message and deleted by two, so one `MacRow` stands for both and says which halves exist.
"""

from collections.abc import Iterable, Iterator
from enum import Enum
from functools import lru_cache
from itertools import repeat
from typing import NamedTuple

from evpn.values import IpAddress, MacAddress

AF_BRIDGE = 7
RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH = 28, 29, 30
NTF_SELF, NTF_MASTER, NTF_EXT_LEARNED, NTF_OFFLOADED, NTF_STICKY, NTF_ROUTER = 0x02, 0x04, 0x10, 0x20, 0x40, 0x80
NUD_REACHABLE, NUD_STALE, NUD_FAILED, NUD_NOARP, NUD_PERMANENT = 0x02, 0x04, 0x20, 0x40, 0x80
NUD_INCOMPLETE = 0x01
RTPROT_BGP = 186


class Kind(Enum):
    """Which table a row lives in."""

    FLOOD = "flood"
    HOST = "host"
    MAC = "mac"
    NEIGHBOR = "neighbor"
    TAUGHT = "taught"
    """In no table: written once, and the device's own from then on."""


class MacRow(NamedTuple):
    """A remote MAC in both FDBs."""

    vtep: IpAddress
    """Empty when only the bridge half is there."""
    sticky: bool
    """Of the bridge half while there is one; the VXLAN device has no use for it, but is not rid of it by a write."""
    tunnel: bool
    bridge: bool
    router: bool = False
    """The R flag of what `proxy` answers for this MAC; of the VXLAN device's half, and only a new row can have it."""
    marked: bool = True
    """Else a half of it was learnt from a frame, when the device did that: it is to be written, or to be removed."""


class HostRow(NamedTuple):
    """A host known beforehand, on a port of ours: a row of the bridge's FDB."""

    port: int
    """ifindex"""
    sticky: bool


class NeighborRow(NamedTuple):
    """A remote IP on the bridge, for ARP and ND suppression."""

    mac: MacAddress
    router: bool


class LocalSeen(NamedTuple):
    """The bridge has put a MAC on a local port."""

    mac: MacAddress
    port: int
    static: bool
    """Not learnt from a frame: an operator's row, or ours for a host known beforehand."""


class LocalGone(NamedTuple):
    mac: MacAddress
    port: int
    aged: bool = False
    """The host was silent for the bridge's ageing time; else the row was deleted, or flushed with its port."""


class Taken(NamedTuple):
    """The MAC's bridge row is on the VXLAN port now, so on no local one."""

    mac: MacAddress


class Reserved(NamedTuple):
    """A MAC became, or ceased to be, one that we may not write: an interface's own, or somebody's static row."""

    mac: MacAddress
    taken: bool = False
    """Its bridge row is on the VXLAN port now."""


class ReservedFlood(NamedTuple):
    """A VTEP became, or ceased to be, one that somebody else floods to."""

    vtep: IpAddress


class ReservedNeighbor(NamedTuple):
    """An IP became, or ceased to be, one that somebody else has bound for good."""

    ip: IpAddress


Fact = LocalSeen | LocalGone | Taken | Reserved | ReservedFlood | ReservedNeighbor


@lru_cache(maxsize=16384)
def mac_row(
    vtep: IpAddress,
    sticky: bool = False,
    tunnel: bool = True,
    bridge: bool = True,
    router: bool = False,
    marked: bool = True,
) -> MacRow:
    """Shared instances: a fabric has few VTEPs and very many MACs."""
    return MacRow(vtep, sticky, tunnel, bridge, router, marked)


def neighbor_row(mac: MacAddress, router: bool) -> NeighborRow:
    """Half the time of the constructor of a NamedTuple."""
    return tuple.__new__(NeighborRow, (mac, router))


def neighbor_rows(macs: Iterable[MacAddress]) -> Iterator[NeighborRow]:
    """Of hosts."""
    return map(tuple.__new__, repeat(NeighborRow), zip(macs, repeat(False)))
