"""All bridge domains of the host in the kernel: devices, pending rows over all of them, refusals.

Removals wait until the routes are known to be complete (`removals=True`), so that a restart never deletes what is
about to come back; only what a strategy has no rows for goes at once. `batches` has the order of the rest.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from evpn.dataplane import batches
from evpn.dataplane.batches import RowChanges, size_of
from evpn.dataplane.demand import Demand
from evpn.dataplane.entries import Fact, HostRow, Kind, LocalGone, LocalSeen
from evpn.dataplane.handover import abandon, give_up_neighbors, lesson, neighbors_on_the_bridge
from evpn.dataplane.link import Link
from evpn.dataplane.ownership import KernelRow
from evpn.dataplane.plan import STATIC_L2, Plan
from evpn.dataplane.segment import Attachment, Segment
from evpn.delta import Change, Changes
from evpn.values import MacAddress, Vni

RETRY_FIRST, RETRY_LONGEST = 1.0, 60.0
"""Seconds before a refused row is tried again; doubled at each refusal up to the longest."""


class Refusal(NamedTuple):
    errno: int
    attempts: int
    retry_at: float
    """Monotonic seconds."""


class Dataplane:
    """Owner of links, segments and refusals."""

    def __init__(self) -> None:
        self.links: dict[int, Link] = {}
        self.segments: dict[Vni, Segment] = {}
        self.by_device: dict[int, Segment] = {}
        self.by_bridge: dict[int, Segment] = {}
        self.refusals: dict[tuple[Vni, Kind, bytes], Refusal] = {}
        self.unobserved: dict[Vni, None] = {}
        """Bridge domains whose actual rows are unknown: a dump is due."""
        self.written = self.removed = self.refused = 0
        self._busy: dict[Vni, None] = {}
        self._retry_at: float | None = None
        """No refused row is due before that; perhaps none is due then."""
        self._retired: dict[Vni, Segment] = {}
        """No longer served, with rows that are still to be removed."""

    @property
    def pending(self) -> int:
        return sum(segment.pending for segment in list(self.segments.values()))

    @property
    def all_segments(self) -> list[Segment]:
        """Those that are served, and those no longer served whose rows are still to be removed."""
        left = [segment for vni, segment in self._retired.items() if vni not in self.segments]
        return [*self.segments.values(), *left]

    @property
    def backlog(self) -> int:
        """Pending rows, told from the bridge domains that were touched: cheap where there are many."""
        return sum(self.segments[vni].pending for vni in self._busy if vni in self.segments)

    @property
    def backlog_of_removals(self) -> int:
        """How many of these are to be removed."""
        return sum(self.segments[vni].removals for vni in self._busy if vni in self.segments)

    def has_work(self, removals: bool) -> bool:
        """Whether `batch` has anything to give."""
        return bool(self.batch(1, removals))

    def touch(self, vni: Vni) -> None:
        """Something of this bridge domain may be pending now."""
        self._busy[vni] = None

    def segment_of(self, ifindex: int, master: int) -> Segment | None:
        """The bridge domain that a bridge FDB row belongs to."""
        return self.by_device.get(ifindex) or self.by_bridge.get(master)

    def port_name(self, ifindex: int) -> str:
        """Empty for no port; a device that is gone is its number."""
        link = self.links.get(ifindex)
        return link.name if link else str(ifindex or "")

    def attach(self, vni: Vni, device: Link, bridge: Link) -> bool:
        """The devices of a bridge domain, as they are now. True when rows must be observed anew."""
        segment = self.segments[vni]
        known = segment.attachment
        same = known is not None and (known.device.ifindex, known.bridge.ifindex) == (device.ifindex, bridge.ifindex)
        if not same:
            self.detach(vni)
        segment.attachment = Attachment(device, bridge)
        self.by_device[device.ifindex] = segment
        self.by_bridge[bridge.ifindex] = segment
        if not same:
            self.unobserved[vni] = None
        return not same

    def detach(self, vni: Vni) -> bool:
        """The devices are no longer usable. True when they were."""
        segment = self.segments[vni]
        if segment.attachment is None:
            return False
        self._release(segment.attachment, segment)
        self.unobserved.pop(vni, None)
        segment.detach()
        for key in [key for key in self.refusals if key[0] == vni]:
            del self.refusals[key]
        return True

    def add(self, vni: Vni, plan: Plan = STATIC_L2) -> None:
        """Serve a VNI; rows of an earlier life are observed like any others."""
        self._retired.pop(vni, None)
        self.segments[vni] = Segment(vni)
        self.segments[vni].plan = plan

    def replan(self, vni: Vni, plan: Plan) -> None:
        """Feed a device otherwise. Neighbors that are now on the wrong device are removed there."""
        segment = self.segments[vni]
        if segment.plan == plan:
            return
        if segment.plan.proxy != plan.proxy:
            self._retired.pop(vni, None)  # what waits there to be removed may be wanted again
        if segment.plan.proxy != plan.proxy and segment.attachment is not None and segment.neighbors.actual:
            self._retired[vni] = give_up_neighbors(segment)
        segment.taught = lesson(segment, plan)
        if segment.plan.misses != plan.misses:
            segment.demand = Demand()  # what is there then was asked for
        segment.plan = plan
        if segment.attachment is not None:
            self.unobserved[vni] = None

    def leave_behind(self, vni: Vni, neighbors: Iterable[KernelRow]) -> None:
        """Neighbors of ours on the bridge while the device answers: an earlier life has left them, and they go."""
        segment = self.segments[vni]
        if segment.plan.proxy and segment.attachment is not None:
            left = neighbors_on_the_bridge(segment, neighbors)
            if left is not None:
                self._retired[vni] = left

    def retire(self, vni: Vni) -> None:
        """Serve a VNI no longer: its rows are removed, the devices stay."""
        segment = self.segments.pop(vni)
        if segment.attachment is None:
            return
        self._release(segment.attachment, segment)
        self.unobserved.pop(vni, None)
        abandon(segment)
        self._retired[vni] = segment

    def _release(self, attachment: Attachment, segment: Segment) -> None:
        """Its devices may have been given to another bridge domain by now."""
        for table, ifindex in (
            (self.by_device, attachment.device.ifindex),
            (self.by_bridge, attachment.bridge.ifindex),
        ):
            if table.get(ifindex) is segment:
                del table[ifindex]

    # Reconciliation

    def batch(self, limit: int, removals: bool, under_way: bool = False) -> list[RowChanges]:
        """Up to `limit` row changes over all bridge domains that may be written now.

        `under_way`: another batch is. Where hosts are known beforehand its end is waited for: their rows and those of
        remote MACs take each other's place.
        """
        batch: list[RowChanges] = []
        for segment in self._writable(removals):
            if under_way and (segment.hosts.desired or segment.hosts.actual or segment.taught):
                continue
            found = batches.take(segment, limit, removals)
            batch += found
            limit -= size_of(found)
            if limit <= 0:
                break
        return batch

    def launch(self, batch: Iterable[RowChanges]) -> None:
        """It is under way from now on; `settle` is its end."""
        for segment, kind, changes in batch:
            segment.table(kind).launch(changes)

    def settle(self, batch: Iterable[RowChanges], refused: dict[int, int], now: float) -> list[tuple[Segment, Fact]]:
        """A batch was pushed; `refused`: index of a change in it -> errno. Returns what that means for local hosts.

        The echoes tell the same, but while very many rows are written nobody listens to them.
        """
        facts: list[tuple[Segment, Fact]] = []
        place = 0
        for one in batch:
            segment, kind, changes = one
            if kind is Kind.TAUGHT:  # refused: the device knows better by now
                for key in changes.keys:
                    segment.taught.pop(key, None)
            else:
                facts += self._settle(one, self._accepted(one, place, refused, now) if refused else changes)
            place += len(changes)
        return facts

    def _settle(self, one: RowChanges, accepted: Changes[Any, Any]) -> list[tuple[Segment, Fact]]:
        segment, kind, _ = one
        segment.table(kind).observe_batch(accepted)
        if segment.log is not None:
            segment.log.written(kind, accepted)
        if self.refusals:
            for key in accepted.keys:
                self.refusals.pop((segment.vni, kind, key), None)
        gone = accepted.new.count(None)
        self.written += len(accepted) - gone
        self.removed += gone
        if segment.hosts.actual:
            for key, _, new in accepted:
                if new is not None:
                    segment.displace(kind, key)
        return [(segment, _host_fact(change)) for change in accepted] if kind is Kind.HOST else []

    def _accepted(self, one: RowChanges, first: int, refused: dict[int, int], now: float) -> Changes[Any, Any]:
        """What was refused of these changes waits; the rest."""
        taken = [place not in refused for place in range(first, first + len(one.changes))]
        for place, (key, is_taken) in enumerate(zip(one.changes.keys, taken, strict=True), first):
            if not is_taken:
                self.refused += 1
                self._refuse(one.segment.vni, one.kind, key, refused[place], now)
                one.segment.table(one.kind).postpone(key)
        return one.changes.where(taken)

    def retry_due(self, now: float) -> None:
        """Refused rows whose time has come wait in the queues again."""
        if self._retry_at is None or now < self._retry_at:
            return
        for (vni, kind, key), refusal in list(self.refusals.items()):
            if refusal.retry_at > now:
                continue
            segment = self.segments.get(vni)
            table = segment.table(kind) if segment else None
            if table is None or key not in table.postponed:
                del self.refusals[vni, kind, key]
                continue
            table.retry([key])
            self.touch(vni)
            self.refusals[vni, kind, key] = refusal._replace(retry_at=now + RETRY_LONGEST)  # if it is not tried by then
        self._retry_at = min((refusal.retry_at for refusal in self.refusals.values()), default=None)

    def next_retry(self) -> float | None:
        return self._retry_at if self.refusals else None

    def _writable(self, removals: bool) -> Iterator[Segment]:
        for vni, retired in list(self._retired.items()):
            if not retired.writable:
                del self._retired[vni]
            elif removals:
                yield retired
        for vni in list(self._busy):
            segment = self.segments.get(vni)
            if segment is None or not segment.writable:
                del self._busy[vni]
            elif segment.attachment is not None and vni not in self.unobserved:
                yield segment

    def _refuse(self, vni: Vni, kind: Kind, key: bytes, errno: int, now: float) -> None:
        known = self.refusals.get((vni, kind, key))
        attempts = known.attempts + 1 if known else 1
        wait = min(RETRY_FIRST * 2 ** min(attempts - 1, 16), RETRY_LONGEST)
        self.refusals[vni, kind, key] = Refusal(errno, attempts, now + wait)
        self._retry_at = now + wait if self._retry_at is None else min(self._retry_at, now + wait)


def _host_fact(change: Change[MacAddress, HostRow]) -> Fact:
    mac, old, new = change
    if new is not None:
        return LocalSeen(mac, new.port, static=True)
    return LocalGone(mac, old.port if old is not None else 0)
