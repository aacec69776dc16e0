"""Hosts known beforehand: rows of ours on local ports, and what others make of them."""

import pytest

from evpn.dataplane.comparison import observe_all
from evpn.dataplane.entries import (
    NTF_EXT_LEARNED,
    NTF_SELF,
    NTF_STICKY,
    NUD_NOARP,
    NUD_PERMANENT,
    HostRow,
    Kind,
    LocalGone,
    LocalSeen,
    Reserved,
    Taken,
    mac_row,
)
from evpn.dataplane.handover import abandon
from evpn.dataplane.segment import Segment
from evpn.values import NO_IP
from tests.builders import M1, M2, VTEP2, a_segment
from tests.kernel_rows import DEVICE, OTHER_PORT, PORT, bridge_row, host_row, tunnel_row

MARK, STICKY = NTF_EXT_LEARNED, NTF_STICKY
HOST = HostRow(PORT, sticky=False)
OPERATORS = bridge_row(M1, OTHER_PORT, NUD_NOARP)


@pytest.fixture
def written() -> Segment:
    """A host wanted on a port, and there."""
    segment = a_segment()
    segment.hosts.want(M1, HOST)
    segment.observe(host_row(M1, PORT), True)
    assert segment.pending == 0
    return segment


@pytest.mark.parametrize("sticky", [False, True])
def test_a_row_of_ours_is_known_and_its_host_is_here_for_good(sticky: bool) -> None:
    segment = a_segment()

    assert segment.observe(host_row(M1, PORT, sticky), True) == LocalSeen(M1, PORT, static=True)
    assert segment.hosts.actual == {M1: HostRow(PORT, sticky)}


def test_the_echo_of_the_first_of_two_messages_is_a_row_that_is_not_yet_sticky() -> None:
    segment = a_segment()
    segment.hosts.want(M1, HostRow(PORT, sticky=True))

    segment.observe(host_row(M1, PORT), True)
    assert list(segment.hosts.writes) == [M1]

    segment.observe(host_row(M1, PORT, sticky=True), True)
    assert segment.pending == 0


def test_a_row_that_nobody_wants_is_removed() -> None:
    segment = a_segment()
    segment.observe(host_row(M1, PORT), True)

    assert segment.hosts.batch(9, removals=True).old[0] == HOST


def test_a_deleted_row_is_written_again(written: Segment) -> None:
    assert written.observe(host_row(M1, PORT, gone=True), False) == LocalGone(M1, PORT)

    assert list(written.hosts.writes) == [M1]


def test_a_row_that_an_operator_moved_is_written_where_it_was(written: Segment) -> None:
    assert written.observe(host_row(M1, OTHER_PORT), True) == LocalSeen(M1, OTHER_PORT, static=True)

    ((_, old, new),) = written.hosts.batch(9)
    assert (old, new) == (HostRow(OTHER_PORT, sticky=False), HOST)


def test_a_host_that_speaks_on_another_port_has_taken_its_row_along(written: Segment) -> None:
    assert written.observe(bridge_row(M1, OTHER_PORT), True) == LocalSeen(M1, OTHER_PORT, static=False)
    assert written.hosts.actual == {}

    written.hosts.want(M1, HostRow(OTHER_PORT, sticky=False))
    written.observe(host_row(M1, OTHER_PORT), True)
    assert written.pending == 0


def test_the_late_end_of_a_row_that_was_moved_is_not_the_end_of_the_row(written: Segment) -> None:
    written.hosts.want(M1, HostRow(OTHER_PORT, sticky=False))
    written.observe(host_row(M1, OTHER_PORT), True)

    assert written.observe(host_row(M1, PORT, gone=True), False) == LocalGone(M1, PORT)
    assert written.hosts.actual == {M1: HostRow(OTHER_PORT, sticky=False)}


# The other side: one MAC has one row of the bridge


def test_a_remote_mac_that_becomes_a_host_of_ours_has_lost_its_bridge_half() -> None:
    segment = a_segment()
    segment.observe(bridge_row(M1, DEVICE, flags=MARK), True)
    segment.observe(tunnel_row(M1, VTEP2), True)

    segment.observe(host_row(M1, PORT), True)

    assert segment.macs.actual == {M1: mac_row(VTEP2, bridge=False)}


def test_a_host_that_becomes_a_remote_mac_has_no_row_on_a_port(written: Segment) -> None:
    assert written.observe(bridge_row(M1, DEVICE, flags=MARK), True) == Taken(M1)

    assert written.hosts.actual == {}
    assert written.macs.actual == {M1: mac_row(NO_IP, tunnel=False)}


def test_what_was_written_on_one_side_is_gone_from_the_other_before_any_echo(written: Segment) -> None:
    written.macs.observe(M1, mac_row(VTEP2))
    written.displace(Kind.MAC, M1)
    assert written.hosts.actual == {}

    written.hosts.observe(M1, HOST)
    written.displace(Kind.HOST, M1)
    assert written.macs.actual == {M1: mac_row(VTEP2, bridge=False)}


def test_a_neighbor_or_flood_row_displaces_nothing(written: Segment) -> None:
    written.displace(Kind.NEIGHBOR, M1)
    written.displace(Kind.FLOOD, M1)

    assert written.hosts.actual == {M1: HOST}


# Rows of others


def test_an_operators_static_row_is_a_host_that_we_may_not_write() -> None:
    segment = a_segment()

    assert segment.observe(OPERATORS, True) == LocalSeen(M1, OTHER_PORT, static=True)
    assert segment.reserved_host(M1) == "static entry of somebody else"
    assert segment.all_reserved == {M1}
    assert segment.pending == 0

    assert segment.observe(OPERATORS, False) == LocalGone(M1, OTHER_PORT)
    assert segment.reserved_host(M1) is None


@pytest.mark.parametrize("port", [PORT, OTHER_PORT])
def test_an_operators_static_row_over_ours_keeps_the_mark_and_is_not_ours(written: Segment, port: int) -> None:
    assert written.observe(bridge_row(M1, port, NUD_NOARP, MARK), True) == LocalSeen(M1, port, static=True)

    assert written.hosts.actual == {}
    assert written.reserved_host(M1)
    written.hosts.want(M1, None)
    assert written.pending == 0


@pytest.mark.parametrize("next_row", [bridge_row(M1, PORT), host_row(M1, PORT), bridge_row(M1, DEVICE, flags=MARK)])
def test_an_operators_row_that_was_taken_over_reserves_nothing(next_row) -> None:
    segment = a_segment()
    segment.observe(OPERATORS, True)

    segment.observe(next_row, True)

    assert segment.all_reserved == set()


def test_a_static_row_on_the_vxlan_port_is_reserved_until_its_host_speaks_here() -> None:
    segment = a_segment()
    segment.observe(bridge_row(M1, DEVICE, NUD_NOARP), True)
    assert segment.reserved_host(M1) == "static entry of somebody else"

    segment.observe(bridge_row(M1, PORT), True)

    assert segment.reserved_host(M1) is None


def test_a_static_row_of_the_vxlan_device_itself_is_in_nobodys_way() -> None:
    segment = a_segment()
    segment.observe(tunnel_row(M1, VTEP2, NUD_PERMANENT, NTF_SELF), True)

    assert segment.reserved_host(M1) is None


def test_an_interfaces_own_mac_is_no_host(written: Segment) -> None:
    assert written.observe(bridge_row(M1, PORT, NUD_PERMANENT, MARK), True) == Reserved(M1)

    assert written.reserved_host(M1) == "MAC of an interface of this host"
    assert written.hosts.actual == {}


# Everything at once


def test_a_dump_shows_rows_of_an_earlier_life_as_ours() -> None:
    segment = a_segment()
    segment.hosts.want(M1, HOST)

    local = observe_all(segment, [host_row(M1, PORT), host_row(M2, PORT, sticky=True)], [])

    assert local == {M1: (PORT, True), M2: (PORT, True)}
    assert segment.hosts.actual == {M1: HOST, M2: HostRow(PORT, sticky=True)}
    assert list(segment.hosts.removals) == [M2]


def test_a_dump_without_the_row_is_a_difference(written: Segment) -> None:
    assert observe_all(written, [OPERATORS], []) == {M1: (OTHER_PORT, True)}

    assert list(written.hosts.writes) == [M1]
    assert written.foreign_hosts == {M1}


def test_hosts_are_pending_like_the_rest_and_abandoned_with_it(written: Segment) -> None:
    written.hosts.want(M2, HOST)
    assert (written.pending, written.writable) == (1, 1)

    written.hosts.postpone(M2)
    assert (written.pending, written.writable) == (1, 0)

    written.detach()
    assert (written.pending, written.writable) == (2, 2)

    abandon(written)
    assert written.pending == 0
