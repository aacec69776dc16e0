from itertools import permutations

import pytest

from evpn.dataplane.comparison import observe_all
from evpn.dataplane.entries import NTF_EXT_LEARNED, NTF_SELF, NUD_NOARP, NUD_PERMANENT, HostRow, NeighborRow, mac_row
from evpn.dataplane.segment import Segment
from evpn.values import Vni
from tests.builders import IP1, IP2, M1, M2, M3, VTEP2, VTEP3, a_segment, mac
from tests.kernel_rows import (
    BRIDGE,
    DEVICE,
    OTHER_PORT,
    PORT,
    bridge_row,
    flood_row,
    host_row,
    neighbor_row,
    tunnel_row,
)

M4 = mac("02:00:00:00:00:04")
FDB = [
    bridge_row(M1, DEVICE, flags=NTF_EXT_LEARNED),
    tunnel_row(M1, VTEP2),
    bridge_row(M2, PORT),
    bridge_row(M3, BRIDGE, NUD_PERMANENT),
    tunnel_row(M4, VTEP3, NUD_PERMANENT, NTF_SELF),
    flood_row(VTEP2, marked=True),
    flood_row(VTEP3, marked=False),
]
NEIGHBORS = [neighbor_row(IP1, M1), neighbor_row(IP2, M2, NUD_PERMANENT, flags=0, protocol=0)]


def everything(segment: Segment):
    return (
        segment.macs.actual,
        segment.flood.actual,
        segment.neighbors.actual,
        segment.hosts.actual,
        segment.own,
        segment.foreign,
        segment.foreign_bridge,
        segment.foreign_hosts,
        segment.foreign_flood,
        segment.foreign_neighbors,
    )


def test_a_dump_is_sorted_by_owner() -> None:
    segment = a_segment()

    local = observe_all(segment, FDB, NEIGHBORS)

    assert local == {M2: (PORT, False)}
    assert segment.macs.actual == {M1: mac_row(VTEP2)}
    assert segment.flood.actual == {VTEP2: True}
    assert segment.neighbors.actual == {IP1: NeighborRow(M1, router=False)}
    assert segment.own == {M3: {BRIDGE}}
    assert segment.foreign == {M4}
    assert segment.foreign_flood == {VTEP3}
    assert segment.foreign_neighbors == {IP2}


def test_a_dump_says_the_same_as_notifications_in_any_order() -> None:
    by_dump = a_segment()
    observe_all(by_dump, FDB, NEIGHBORS)

    for order in permutations(FDB[:5]):
        segment = a_segment()
        for row in (*order, *FDB[5:]):
            segment.observe(row, True)
        for row in NEIGHBORS:
            segment.observe_neighbor(row, True)

        assert everything(segment) == everything(by_dump)


def test_a_dump_forgets_what_is_not_in_it() -> None:
    segment = a_segment()
    observe_all(segment, FDB, NEIGHBORS)

    assert observe_all(segment, [], []) == {}

    assert not any(everything(segment))


def test_rows_on_a_local_port_are_sorted_by_who_put_them_there() -> None:
    rows = [host_row(M1, PORT), bridge_row(M2, PORT, NUD_NOARP), bridge_row(M3, PORT)]
    by_dump, one_by_one = a_segment(), a_segment()
    for row in rows:
        one_by_one.observe(row, True)

    assert observe_all(by_dump, rows, []) == {M1: (PORT, True), M2: (PORT, True), M3: (PORT, False)}
    assert (by_dump.hosts.actual, by_dump.foreign_hosts) == ({M1: HostRow(PORT, sticky=False)}, {M2})
    assert everything(by_dump) == everything(one_by_one)


def test_a_static_local_row_is_told_as_static() -> None:
    assert observe_all(a_segment(), [bridge_row(M2, OTHER_PORT, NUD_NOARP)], []) == {M2: (OTHER_PORT, True)}


def test_after_detaching_no_row_is_known_and_everything_wanted_is_pending() -> None:
    segment = a_segment()
    segment.macs.want(M1, mac_row(VTEP2))
    observe_all(segment, FDB, NEIGHBORS)

    segment.detach()

    assert not any(everything(segment)[:4])
    assert list(segment.macs.writes) == [M1]


def test_what_was_reserved_before_detaching_is_so_until_the_next_look() -> None:
    segment = a_segment()
    observe_all(segment, FDB, NEIGHBORS)

    segment.detach()
    assert segment.all_reserved == {M3, M4}

    segment.attachment = a_segment().attachment
    observe_all(segment, [], [])
    assert segment.all_reserved == set()


def test_what_was_refused_is_tried_again_on_another_device() -> None:
    segment = a_segment()
    segment.macs.want(M1, mac_row(VTEP2))
    segment.macs.postpone(M1)

    segment.detach()

    assert list(segment.macs.writes) == [M1]


@pytest.mark.parametrize("row", FDB)
def test_without_devices_nothing_is_ours(row) -> None:
    segment = Segment(Vni(100))

    assert segment.observe(row, True) is None
    assert not any(everything(segment))
