"""How the kernel tells of rows that are alike but for MAC, address and age (RTM_NEWNEIGH): to be read by the column.

Of each kind of row: what must be the same and what need not, in turns. The age (NDA_CACHEINFO) is left out.
"""

from functools import cache
from struct import Struct

from evpn.netlink.constants import NDA_DST, NDA_MASTER

_FDB = {
    (76, NDA_MASTER): "32s6s22s16x",  # NDA_LLADDR; NDA_MASTER, NDA_FLAGS_EXT
    (68, NDA_MASTER): "32s6s14s16x",  # an older kernel has no NDA_FLAGS_EXT
    (68, NDA_DST): "32s6s6s4s4s16x",  # NDA_LLADDR, NDA_DST
    (80, NDA_DST): "32s6s6s16s4s16x",
}
_NEIGHBORS = {
    84: "32s4s4s6s14s16x8s",  # NDA_DST, NDA_LLADDR; NDA_PROBES; NDA_PROTOCOL
    96: "32s16s4s6s14s16x8s",
}
AGE = 16
"""Octets of it; the last ones of an FDB row."""
SECOND = Struct("=42xH")
"""The type of the attribute behind NDA_LLADDR."""


@cache
def fdb_row(size: int, second: int, stride: int) -> Struct | None:
    """A row of so many octets, whose second attribute is this one; the next one begins `stride` octets after it."""
    return _padded(_FDB.get((size, second)), size, stride)


@cache
def neighbor(size: int, stride: int) -> Struct | None:
    return _padded(_NEIGHBORS.get(size), size, stride)


def _padded(fields: str | None, size: int, stride: int) -> Struct | None:
    return Struct(f"={fields}{stride - size}x") if fields and size <= stride else None
