"""One notification at a time: what we then believe that the kernel holds, and what the EVPN side is told."""

import pytest

from evpn.dataplane.comparison import observe_all
from evpn.dataplane.entries import (
    NTF_EXT_LEARNED,
    NTF_SELF,
    NTF_STICKY,
    NUD_NOARP,
    NUD_PERMANENT,
    NUD_REACHABLE,
    NUD_STALE,
    LocalGone,
    LocalSeen,
    Reserved,
    Taken,
    mac_row,
)
from evpn.dataplane.segment import Segment
from evpn.values import NO_IP
from tests.builders import M1, VTEP2, VTEP3, a_segment
from tests.kernel_rows import BRIDGE, DEVICE, PORT, bridge_row, tunnel_row

MARK, STICKY = NTF_EXT_LEARNED, NTF_STICKY
BOTH = mac_row(VTEP2)
TUNNEL_ONLY = mac_row(VTEP2, bridge=False)
BRIDGE_ONLY = mac_row(NO_IP, tunnel=False)


def holding(segment: Segment):
    return segment.macs.actual.get(M1)


@pytest.fixture
def written() -> Segment:
    """A remote MAC wanted, written, and both echoes heard."""
    segment = a_segment()
    segment.macs.want(M1, BOTH)
    segment.observe(bridge_row(M1, DEVICE, flags=MARK), True)
    segment.observe(tunnel_row(M1, VTEP2), True)
    assert segment.pending == 0
    return segment


# Our own rows


def test_a_remote_mac_is_two_rows_and_two_echoes() -> None:
    segment = a_segment()

    assert segment.observe(bridge_row(M1, DEVICE, flags=MARK), True) == Taken(M1)
    assert holding(segment) == BRIDGE_ONLY

    assert segment.observe(tunnel_row(M1, VTEP2), True) is None
    assert holding(segment) == BOTH


def test_an_echo_is_no_difference(written: Segment) -> None:
    written.observe(bridge_row(M1, DEVICE, flags=MARK), True)
    written.observe(tunnel_row(M1, VTEP2), True)

    assert written.pending == 0


def test_another_destination_is_a_difference(written: Segment) -> None:
    written.observe(tunnel_row(M1, VTEP3), True)

    assert written.macs.batch(9).old[0] == mac_row(VTEP3)


def test_the_deletion_of_each_half_leaves_the_other(written: Segment) -> None:
    written.observe(tunnel_row(M1, VTEP2, gone=True), False)
    assert holding(written) == BRIDGE_ONLY

    written.observe(tunnel_row(M1, VTEP2), True)
    written.observe(bridge_row(M1, DEVICE, flags=MARK, gone=True), False)
    assert holding(written) == TUNNEL_ONLY

    written.observe(tunnel_row(M1, VTEP2, gone=True), False)
    assert holding(written) is None


def test_what_is_ours_by_its_mark_and_not_wanted_is_removed() -> None:
    segment = a_segment()
    segment.observe(tunnel_row(M1, VTEP2), True)

    assert segment.macs.batch(9, removals=True).keys == [M1]


def test_a_row_learnt_from_the_tunnel_is_removed_as_well() -> None:
    """Learning was on once; it ages out or goes, but is nobody's wish."""
    segment = a_segment()
    segment.observe(tunnel_row(M1, VTEP2, NUD_REACHABLE, NTF_SELF), True)
    segment.observe(bridge_row(M1, DEVICE), True)

    assert holding(segment) == BOTH._replace(marked=False)
    assert segment.macs.removals


@pytest.mark.parametrize("dumped", [False, True])
@pytest.mark.parametrize("learnt", ["both", "tunnel", "bridge"])
def test_a_row_learnt_from_the_tunnel_is_written_over_where_a_route_has_it(learnt: str, dumped: bool) -> None:
    """It would age like any other that was learnt."""
    segment = a_segment()
    segment.macs.want(M1, BOTH)
    flags = 0 if learnt in ("both", "bridge") else NTF_EXT_LEARNED
    mark = NTF_EXT_LEARNED if learnt == "bridge" else 0
    rows = [bridge_row(M1, DEVICE, flags=flags), tunnel_row(M1, VTEP2, NUD_REACHABLE, NTF_SELF | mark)]
    if dumped:
        observe_all(segment, rows, [])
    else:
        for row in rows:
            segment.observe(row, True)
    assert list(segment.macs.writes) == [M1]

    segment.macs.observe(M1, BOTH)  # our write took
    segment.observe(bridge_row(M1, DEVICE, flags=NTF_EXT_LEARNED), True)
    segment.observe(tunnel_row(M1, VTEP2), True)
    assert segment.pending == 0


# Sticky rows: the mark is on the bridge's half only


def test_a_sticky_row_is_known_by_the_bridge_and_by_our_wish() -> None:
    segment = a_segment()
    segment.macs.want(M1, mac_row(VTEP2, sticky=True))
    for row in (
        bridge_row(M1, DEVICE, flags=MARK),
        tunnel_row(M1, VTEP2),
        bridge_row(M1, DEVICE, NUD_NOARP, MARK | STICKY),
        tunnel_row(M1, VTEP2, NUD_REACHABLE | NUD_NOARP, NTF_SELF | STICKY),
    ):
        segment.observe(row, True)

    assert holding(segment) == mac_row(VTEP2, sticky=True)
    assert segment.pending == 0
    assert segment.reserved(M1) is None


def test_each_half_of_a_sticky_row_is_sticky_without_the_other() -> None:
    """A write over it does not undo that: it takes a deletion, of which both halves have to be known."""
    segment = a_segment()
    segment.macs.want(M1, mac_row(VTEP2, sticky=True))
    bridge = bridge_row(M1, DEVICE, NUD_NOARP, MARK | STICKY)
    tunnel = tunnel_row(M1, VTEP2, NUD_REACHABLE | NUD_NOARP, NTF_SELF | STICKY)

    segment.observe(tunnel, True)
    assert holding(segment) == mac_row(VTEP2, sticky=True, bridge=False)

    segment.observe(bridge, True)
    segment.observe(tunnel, False)
    assert holding(segment) == mac_row(NO_IP, sticky=True, tunnel=False)

    segment.observe(tunnel, True)
    segment.observe(bridge, False)
    assert holding(segment) == mac_row(VTEP2, sticky=True, bridge=False)


def test_a_dump_knows_a_sticky_row_of_an_earlier_life() -> None:
    segment = a_segment()
    rows = [
        tunnel_row(M1, VTEP2, NUD_REACHABLE | NUD_NOARP, NTF_SELF | STICKY),
        bridge_row(M1, DEVICE, NUD_NOARP, MARK | STICKY),
    ]

    observe_all(segment, rows, [])

    assert holding(segment) == mac_row(VTEP2, sticky=True)
    assert segment.reserved(M1) is None


# Local hosts


def test_a_host_on_a_port_is_seen_and_gone() -> None:
    segment = a_segment()

    assert segment.observe(bridge_row(M1, PORT), True) == LocalSeen(M1, PORT, static=False)
    assert segment.observe(bridge_row(M1, PORT, gone=True), False) == LocalGone(M1, PORT)
    assert segment.pending == 0


def test_a_host_that_was_silent_for_the_ageing_time_is_told_as_that() -> None:
    segment = a_segment()
    segment.observe(bridge_row(M1, PORT), True)

    assert segment.observe(bridge_row(M1, PORT, NUD_STALE, gone=True), False) == LocalGone(M1, PORT, aged=True)


def test_a_static_host_is_static() -> None:
    assert a_segment().observe(bridge_row(M1, PORT, NUD_NOARP), True) == LocalSeen(M1, PORT, static=True)


def test_a_local_takeover_leaves_the_tunnels_half_and_no_deletion_is_told(written: Segment) -> None:
    assert written.observe(bridge_row(M1, PORT), True) == LocalSeen(M1, PORT, static=False)
    assert holding(written) == TUNNEL_ONLY

    written.macs.want(M1, None)

    assert written.macs.batch(9, removals=True).old[0] == TUNNEL_ONLY


def test_a_local_takeover_of_the_bridges_half_alone_leaves_nothing() -> None:
    segment = a_segment()
    segment.observe(bridge_row(M1, DEVICE, flags=MARK), True)

    segment.observe(bridge_row(M1, PORT), True)

    assert holding(segment) is None


# The MACs of our interfaces


@pytest.mark.parametrize("row", [bridge_row(M1, PORT, NUD_PERMANENT), bridge_row(M1, DEVICE, NUD_PERMANENT, MARK)])
def test_an_interfaces_own_mac_is_reserved_as_long_as_it_is_there(row) -> None:
    segment = a_segment()

    assert segment.observe(row, True) == Reserved(M1)
    assert segment.reserved(M1) == "MAC of an interface of this host"
    assert segment.pending == 0

    assert segment.observe(row, False) == Reserved(M1)
    assert segment.reserved(M1) is None


def test_a_mac_of_two_interfaces_is_reserved_until_both_are_gone() -> None:
    segment = a_segment()
    for port in (BRIDGE, PORT):
        segment.observe(bridge_row(M1, port, NUD_PERMANENT), True)

    segment.observe(bridge_row(M1, PORT, NUD_PERMANENT), False)

    assert segment.reserved(M1)


# Rows of others


@pytest.mark.parametrize("state", [NUD_PERMANENT, NUD_NOARP | NUD_REACHABLE])
def test_a_static_row_of_others_in_the_tunnels_fdb_is_never_ours_to_delete(state: int) -> None:
    segment = a_segment()
    row = tunnel_row(M1, VTEP2, state, NTF_SELF)

    assert segment.observe(row, True) == Reserved(M1)
    assert segment.reserved(M1) == "static entry of somebody else"
    assert segment.pending == 0

    assert segment.observe(row, False) == Reserved(M1)
    assert segment.reserved(M1) is None


def test_a_static_row_of_others_in_the_bridges_fdb_is_never_ours_to_delete() -> None:
    segment = a_segment()
    row = bridge_row(M1, DEVICE, NUD_NOARP)

    assert segment.observe(row, True) == Reserved(M1, taken=True)
    assert segment.reserved(M1)
    assert segment.pending == 0

    assert segment.observe(row, False) == Reserved(M1)
    assert segment.reserved(M1) is None


def test_one_half_of_others_that_goes_leaves_the_other_reserved() -> None:
    segment = a_segment()
    segment.observe(bridge_row(M1, DEVICE, NUD_NOARP), True)
    segment.observe(tunnel_row(M1, VTEP2, NUD_PERMANENT, NTF_SELF), True)

    segment.observe(tunnel_row(M1, VTEP2, NUD_PERMANENT, NTF_SELF), False)

    assert segment.reserved(M1)


def test_a_row_of_others_over_ours_leaves_us_the_bridges_half_only(written: Segment) -> None:
    written.observe(tunnel_row(M1, VTEP3, NUD_PERMANENT, NTF_SELF), True)

    assert holding(written) == BRIDGE_ONLY


def test_a_row_of_others_over_a_sticky_one_of_ours_is_not_sticky_and_so_not_ours() -> None:
    segment = a_segment()
    segment.macs.want(M1, mac_row(VTEP2, sticky=True))

    assert segment.observe(tunnel_row(M1, VTEP3, NUD_NOARP | NUD_REACHABLE, NTF_SELF), True) == Reserved(M1)


def test_a_local_row_beside_a_row_of_others_stays_local() -> None:
    assert a_segment().observe(tunnel_row(M1, VTEP2, NUD_PERMANENT, NTF_SELF), True) == Reserved(M1)
