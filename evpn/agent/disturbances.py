"""Rows of ours that somebody else changed: found as it is told, counted once they are right again, and said by whom.

Who wrote an FDB row the kernel does not tell; of a neighbor it tells the netlink port of the writer, and the protocol.
Echoes of our own writes may differ for a moment from what is there: only what still differs once all of them are read
was somebody else.
"""

import logging
from collections import Counter
from collections.abc import Iterable

from evpn.agent.culprit import process_of
from evpn.agent.moves import rarely
from evpn.dataplane.batches import RowChanges
from evpn.dataplane.dataplane import Dataplane
from evpn.dataplane.entries import AF_BRIDGE, RTPROT_BGP, Kind
from evpn.dataplane.ownership import KernelRow
from evpn.dataplane.segment import Segment
from evpn.netlink.neighbor import NeighborMessage
from evpn.values import ZERO_MAC, Vni

log = logging.getLogger(__name__)

_PROTOCOLS = {0: "nobody", 2: "the kernel", 11: "zebra", 12: "bird", 16: "dhcp", RTPROT_BGP: "bgp"}
"""Who speaks of neighbors (linux/rtnetlink.h)."""
_MOST = 1000
"""Culprits remembered, for the log not to be filled by one."""

Key = tuple[Vni, Kind, bytes]


class Disturbances:
    def __init__(self, dataplane: Dataplane) -> None:
        self.repaired = 0
        """Rows that were right, were changed by somebody else, and were written again."""
        self._dataplane = dataplane
        self._suspected: dict[Key, NeighborMessage] = {}
        self._times: Counter[str] = Counter()
        self._processes: dict[int, str | None] = {}
        """Port id -> process: looked for once, for that takes a walk through all of /proc."""

    def right(self, segment: Segment, row: NeighborMessage) -> Key | None:
        """The row of ours that this one is about, if it is now as it should be."""
        if row.family != AF_BRIDGE:
            kinds: tuple[Kind, ...] = (Kind.NEIGHBOR,)
        else:
            kinds = (Kind.FLOOD,) if row.lladdr == ZERO_MAC else (Kind.MAC, Kind.HOST)
        for kind in kinds:
            table, key = segment.table(kind), row.lladdr if kind in (Kind.MAC, Kind.HOST) else row.dst
            wanted = table.desired.get(key)
            if wanted is not None and wanted == table.actual.get(key):
                return segment.vni, kind, key
        return None

    def observed(self, segment: Segment, key: Key, row: NeighborMessage) -> None:
        """A row that was right, after `row` was told of it."""
        if self._differs(segment, key):
            self._suspected.setdefault(key, row)

    def all_heard(self) -> None:
        """What was the echo of our own is right by now."""
        for key in list(self._suspected):
            segment = self._dataplane.segments.get(key[0])
            if segment is None or segment.attachment is None or not self._differs(segment, key):
                del self._suspected[key]

    def pushed(self, batch: Iterable[RowChanges], refused: dict[int, int]) -> None:
        if not self._suspected:
            return
        every = ((segment.vni, kind, change) for segment, kind, changes in batch for change in changes)
        for place, (vni, kind, (key, _, new)) in enumerate(every):
            row = self._suspected.pop((vni, kind, key), None) if place not in refused else None
            if row is not None and new is not None:
                self._repaired((vni, kind, key), self._who(row))

    def _repaired(self, key: Key, who: str) -> None:
        self.repaired += 1
        if max(len(self._times), len(self._processes)) > _MOST:
            self._times.clear()
            self._processes.clear()
        self._times[who] += 1
        if rarely(self._times[who]):
            vni, kind, identity = key
            log.warning(
                "row of ours was changed and is written again vni=%d kind=%s key=%s by=%s times=%d",
                *(vni, kind.value, identity.hex(), who, self._times[who]),
            )

    def _differs(self, segment: Segment, key: Key) -> bool:
        table = segment.table(key[1])
        return key[2] in table.writes or key[2] in table.postponed

    def _who(self, row: NeighborMessage) -> str:
        """As far as it can be known."""
        if row.family == AF_BRIDGE:
            known = self._dataplane.by_device.get(row.ifindex)
            on_port = known is None and row.ifindex not in self._dataplane.by_bridge
            return f"host on {self._dataplane.port_name(row.ifindex)}" if on_port else "unknown"
        if row.port_id not in self._processes:
            self._processes[row.port_id] = process_of(row.port_id) if row.port_id else None
        return self._processes[row.port_id] or ("unknown" if row.protocol == RTPROT_BGP else protocol(row))


def protocol(row: KernelRow) -> str:
    """Whose a neighbor is, as it says of itself."""
    return _PROTOCOLS.get(row.protocol, f"protocol {row.protocol}")
