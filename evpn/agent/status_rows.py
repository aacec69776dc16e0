"""What the tables of `evpn show` have in common."""

from collections.abc import Iterator
from typing import Any

from evpn.agent.core import Core
from evpn.dataplane.entries import Kind
from evpn.dataplane.segment import Segment
from evpn.delta import DeltaTable
from evpn.evi.bridge_domain import BridgeDomain
from evpn.netlink.errors import describe
from evpn.values import Vni

Row = dict[str, Any]
Rows = Iterator[Row]


def domains_of(core: Core, vni: Vni | None) -> Iterator[BridgeDomain]:
    """Those that are served still when their turn comes: a reload may come between two rows."""
    for number, domain in list(core.fabric.domains.items()):
        if vni in (None, number) and core.fabric.domains.get(number) is domain:
            yield domain


def kernel_state(core: Core, segment: Segment, kind: Kind, table: DeltaTable[Any, Any], key: bytes) -> str:
    """What has become of a row in the kernel, in a few words."""
    refusal = core.dataplane.refusals.get((segment.vni, kind, key))
    if refusal is not None:
        return f"refused: {describe(refusal.errno)}"
    if segment.attachment is None:
        return "no device"
    if key not in table.desired:
        return "not wanted"
    return "installed" if table.actual.get(key) == table.desired[key] else "pending"
