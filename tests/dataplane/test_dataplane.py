from errno import EBUSY, ENOSPC

import pytest

from evpn.dataplane.batches import RowChanges
from evpn.dataplane.dataplane import RETRY_FIRST, RETRY_LONGEST, Dataplane
from evpn.dataplane.entries import Fact, HostRow, Kind, LocalGone, LocalSeen, NeighborRow, mac_row
from evpn.dataplane.segment import Segment
from evpn.values import Vni
from tests.builders import BRIDGE_LINK, DEVICE_LINK, IP1, M1, M2, VTEP2, a_link
from tests.kernel_rows import BRIDGE, DEVICE, PORT

V100, V200 = Vni(100), Vni(200)
DEVICE_200, BRIDGE_200 = a_link(32, "vxlan200", "vxlan", master=31, vni=200), a_link(31, "br200", "bridge")


def a_dataplane() -> Dataplane:
    """VNI 100 on its devices, and the kernel has been looked at."""
    dataplane = Dataplane()
    dataplane.add(V100)
    dataplane.attach(V100, DEVICE_LINK, BRIDGE_LINK)
    observed(dataplane, V100)
    return dataplane


def observed(dataplane: Dataplane, vni: Vni) -> None:
    del dataplane.unobserved[vni]
    dataplane.touch(vni)


@pytest.fixture
def dataplane() -> Dataplane:
    return a_dataplane()


@pytest.fixture
def segment(dataplane: Dataplane) -> Segment:
    return dataplane.segments[V100]


def want_all_kinds(segment: Segment) -> None:
    segment.neighbors.want(IP1, NeighborRow(M1, False))
    segment.macs.want(M1, mac_row(VTEP2))
    segment.flood.want(VTEP2, True)


def want_host(segment: Segment) -> None:
    segment.hosts.want(M2, HostRow(PORT, sticky=False))


def words(batch: list[RowChanges]) -> list[str]:
    return [f"{'-' if new is None else '+'}{kind.value}" for _, kind, changes in batch for new in changes.new]


def push(dataplane: Dataplane, now: float = 0.0, refused: dict[int, int] | None = None) -> list[RowChanges]:
    batch = dataplane.batch(512, removals=True)
    dataplane.settle(batch, refused or {}, now)
    return batch


# Order and gate


def test_rows_are_written_in_the_order_in_which_they_need_each_other(dataplane, segment) -> None:
    want_all_kinds(segment)
    want_host(segment)

    assert words(dataplane.batch(512, removals=True)) == ["+flood", "+host", "+mac", "+neighbor"]


def test_rows_are_removed_in_reverse_and_before_others_are_written(dataplane, segment) -> None:
    want_all_kinds(segment)
    want_host(segment)
    push(dataplane)
    segment.flood.want(VTEP2, None)
    segment.macs.want(M1, None)
    segment.hosts.want(M2, None)
    segment.neighbors.want(IP1, None)
    segment.macs.want(M2, mac_row(VTEP2))
    dataplane.touch(V100)

    assert words(dataplane.batch(512, removals=True)) == ["-neighbor", "-mac", "-host", "-flood", "+mac"]


def test_nothing_is_removed_before_the_routes_are_complete(dataplane, segment) -> None:
    segment.macs.observe(M1, mac_row(VTEP2))
    segment.macs.want(M2, mac_row(VTEP2))

    assert words(dataplane.batch(512, removals=False)) == ["+mac"]
    assert words(dataplane.batch(512, removals=True)) == ["-mac", "+mac"]


def test_nothing_is_written_before_the_kernel_was_looked_at() -> None:
    dataplane = Dataplane()
    dataplane.add(V100)
    want_all_kinds(dataplane.segments[V100])
    dataplane.touch(V100)
    assert not dataplane.has_work(removals=True)

    dataplane.attach(V100, DEVICE_LINK, BRIDGE_LINK)
    assert not dataplane.has_work(removals=True)

    observed(dataplane, V100)
    assert dataplane.has_work(removals=True)


def test_a_batch_is_no_larger_than_asked_for_and_goes_over_all_vnis(dataplane, segment) -> None:
    dataplane.add(V200)
    dataplane.attach(V200, DEVICE_200, BRIDGE_200)
    observed(dataplane, V200)
    for each in (segment, dataplane.segments[V200]):
        want_all_kinds(each)

    assert [one.segment.vni for one in dataplane.batch(4, removals=True)] == [100, 100, 100, 200]


def test_what_was_written_is_counted_and_no_longer_pending(dataplane, segment) -> None:
    want_all_kinds(segment)
    push(dataplane)
    assert (dataplane.written, dataplane.removed, dataplane.pending) == (3, 0, 0)

    segment.macs.want(M1, None)
    dataplane.touch(V100)
    push(dataplane)
    assert (dataplane.written, dataplane.removed, dataplane.pending) == (3, 1, 0)


# Hosts known beforehand


def settled(dataplane: Dataplane, removals: bool = True, refused: dict[int, int] | None = None) -> list[Fact]:
    dataplane.touch(V100)
    told = dataplane.settle(dataplane.batch(512, removals), refused or {}, 0.0)
    return [fact for _, fact in told]


def test_what_was_written_for_hosts_is_told_whether_or_not_its_echo_is_heard(dataplane, segment) -> None:
    want_all_kinds(segment)
    want_host(segment)
    assert settled(dataplane) == [LocalSeen(M2, PORT, static=True)]

    segment.hosts.want(M2, None)
    assert settled(dataplane) == [LocalGone(M2, PORT)]


def test_a_host_that_was_refused_is_not_here(dataplane, segment) -> None:
    want_host(segment)

    assert settled(dataplane, refused={0: EBUSY}) == []
    assert dataplane.refusals[V100, Kind.HOST, M2].errno == EBUSY

    dataplane.retry_due(RETRY_FIRST)
    assert settled(dataplane) == [LocalSeen(M2, PORT, static=True)]


@pytest.mark.parametrize("removals", [True, False])
def test_a_host_that_becomes_remote_has_no_row_on_its_port(dataplane, segment, removals: bool) -> None:
    want_host(segment)
    settled(dataplane)

    segment.hosts.want(M2, None)
    segment.macs.want(M2, mac_row(VTEP2))
    settled(dataplane, removals)

    assert (segment.hosts.actual, segment.macs.actual) == ({}, {M2: mac_row(VTEP2)})
    assert segment.pending == 0


@pytest.mark.parametrize(("removals", "left"), [(True, {}), (False, {M2: mac_row(VTEP2, bridge=False)})])
def test_a_remote_mac_that_becomes_a_host_has_no_row_on_the_vxlan_port(dataplane, segment, removals, left) -> None:
    segment.macs.want(M2, mac_row(VTEP2))
    settled(dataplane)

    segment.macs.want(M2, None)
    want_host(segment)
    settled(dataplane, removals)

    assert segment.hosts.actual == {M2: HostRow(PORT, sticky=False)}
    assert segment.macs.actual == left


# Refusals


def test_a_refused_row_waits_and_the_rest_goes_on(dataplane, segment) -> None:
    want_all_kinds(segment)

    push(dataplane, refused={1: ENOSPC})

    assert list(segment.flood.actual) == [VTEP2]
    assert segment.macs.actual == {}
    assert dataplane.refusals[V100, Kind.MAC, M1].errno == ENOSPC
    assert (dataplane.refused, dataplane.pending) == (1, 1)
    assert not dataplane.has_work(removals=True)


def test_a_refused_row_is_tried_again_after_ever_longer_times(dataplane, segment) -> None:
    segment.macs.want(M1, mac_row(VTEP2))
    now, waits = 0.0, []

    for _ in range(8):
        push(dataplane, now, refused={0: EBUSY})
        due = dataplane.next_retry()
        waits.append(due - now)
        dataplane.retry_due(due - 0.01)
        assert not dataplane.has_work(removals=True)
        now = due
        dataplane.retry_due(now)

    assert waits == [RETRY_FIRST, 2, 4, 8, 16, 32, RETRY_LONGEST, RETRY_LONGEST]


def test_a_row_that_waits_in_vain_to_be_removed_is_looked_at_again_only_after_the_longest_time(
    dataplane, segment
) -> None:
    """Removals may not be allowed any more: that must not make every turn look at all that was ever refused."""
    segment.macs.observe(M1, mac_row(VTEP2))
    changes = dataplane.batch(10, True)
    dataplane.settle(changes, {0: EBUSY}, 0.0)
    dataplane.retry_due(RETRY_FIRST)
    assert not dataplane.has_work(removals=False)

    assert dataplane.next_retry() == RETRY_FIRST + RETRY_LONGEST
    dataplane.retry_due(RETRY_FIRST + RETRY_LONGEST)
    assert dataplane.refusals == {}
    assert dataplane.has_work(removals=True)


def test_the_next_one_is_the_earliest(dataplane, segment) -> None:
    segment.macs.want(M1, mac_row(VTEP2))
    push(dataplane, 10.0, refused={0: EBUSY})
    segment.macs.want(M2, mac_row(VTEP2))
    push(dataplane, 10.5, refused={0: EBUSY})

    assert dataplane.next_retry() == 10.0 + RETRY_FIRST
    dataplane.retry_due(10.0 + RETRY_FIRST)
    push(dataplane, 10.0 + RETRY_FIRST, refused={0: EBUSY})
    assert dataplane.next_retry() == 10.5 + RETRY_FIRST


def test_a_row_that_takes_at_last_is_no_refusal_any_more(dataplane, segment) -> None:
    segment.macs.want(M1, mac_row(VTEP2))
    push(dataplane, refused={0: EBUSY})
    dataplane.retry_due(RETRY_FIRST)

    push(dataplane, RETRY_FIRST)

    assert dataplane.refusals == {}
    assert dataplane.next_retry() is None
    assert dataplane.pending == 0


def test_a_row_that_nobody_wants_any_more_is_no_refusal_any_more(dataplane, segment) -> None:
    segment.macs.want(M1, mac_row(VTEP2))
    push(dataplane, refused={0: EBUSY})
    segment.macs.want(M1, None)

    dataplane.retry_due(RETRY_FIRST)

    assert dataplane.refusals == {}
    assert not dataplane.has_work(removals=True)


# Devices


def test_the_same_devices_again_need_no_new_look(dataplane) -> None:
    assert not dataplane.attach(V100, DEVICE_LINK._replace(mtu=9000), BRIDGE_LINK)
    assert dataplane.unobserved == {}


@pytest.mark.parametrize("other", [a_link(42, "vxlan100"), DEVICE_LINK])
def test_other_devices_are_looked_at_and_written_anew(dataplane, segment, other) -> None:
    want_all_kinds(segment)
    push(dataplane)
    bridge = BRIDGE_LINK if other is not DEVICE_LINK else a_link(41, "br100", "bridge")

    assert dataplane.attach(V100, other, bridge)

    assert list(dataplane.unobserved) == [V100]
    assert not dataplane.has_work(removals=True)
    observed(dataplane, V100)
    assert words(dataplane.batch(512, removals=True)) == ["+flood", "+mac", "+neighbor"]


def test_rows_belong_to_the_bridge_domain_of_their_device_or_bridge(dataplane, segment) -> None:
    assert dataplane.segment_of(DEVICE, 0) is segment
    assert dataplane.segment_of(77, BRIDGE) is segment
    assert dataplane.segment_of(77, 78) is None


def test_without_devices_nothing_is_written_and_nothing_refused(dataplane, segment) -> None:
    want_all_kinds(segment)
    push(dataplane, refused={1: EBUSY})

    assert dataplane.detach(V100)

    assert dataplane.segment_of(DEVICE, BRIDGE) is None
    assert dataplane.refusals == {}
    assert not dataplane.has_work(removals=True)
    assert not dataplane.detach(V100)


def test_a_vni_that_is_retired_leaves_no_rows(dataplane, segment) -> None:
    want_all_kinds(segment)
    want_host(segment)
    push(dataplane)

    dataplane.retire(V100)

    assert dataplane.batch(512, removals=False) == []
    assert words(push(dataplane)) == ["-neighbor", "-mac", "-host", "-flood"]
    assert not dataplane.has_work(removals=True)


def test_a_vni_that_is_served_again_at_once_keeps_what_a_look_finds(dataplane, segment) -> None:
    want_all_kinds(segment)
    push(dataplane)
    dataplane.retire(V100)

    dataplane.add(V100)

    assert not dataplane.has_work(removals=True)
