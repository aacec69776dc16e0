"""The whole agent between a kernel and an ExaBGP that behave as the real ones were measured to."""

import pytest

from evpn.dataplane.entries import NTF_STICKY, NUD_NOARP, NUD_PERMANENT, NUD_REACHABLE
from evpn.wire.routes import InclusiveMulticastRoute
from tests.agent.vtep import BRIDGE_ROW, MARK, TUNNEL_ROW, Vtep, a_mac, a_vtep, gone, our_macs, tell
from tests.builders import (
    IP1,
    M1,
    M2,
    OURS,
    RR1,
    RR2,
    VTEP2,
    VTEP3,
    a_mac_route,
    a_multicast_route,
)
from tests.fakes import Row
from tests.kernel_rows import BRIDGE, DEVICE, OTHER_PORT, PORT

# BGP to kernel


def test_a_vtep_and_its_macs_become_rows(vtep: Vtep) -> None:
    tell(vtep, a_vtep(), a_mac(M1, ip=IP1))

    assert vtep.kernel.flood == {(DEVICE, VTEP2): None}
    assert vtep.kernel.flood_marked == {DEVICE}
    assert vtep.kernel.bridge[BRIDGE, M1] == BRIDGE_ROW
    assert vtep.kernel.tunnel == {(DEVICE, M1): TUNNEL_ROW}
    assert vtep.kernel.neighbors == {(BRIDGE, IP1): Row(M1, NUD_NOARP, MARK, 186)}


def test_withdrawn_routes_leave_nothing(vtep: Vtep) -> None:
    before = dict(vtep.kernel.bridge)
    tell(vtep, a_vtep(), a_mac(M1, ip=IP1))

    tell(vtep, gone(a_multicast_route(), a_mac_route(M1, IP1)))

    kernel = vtep.kernel
    assert (kernel.flood, kernel.tunnel, kernel.neighbors, kernel.bridge) == ({}, {}, {}, before)


def test_the_same_from_a_second_reflector_writes_nothing(vtep: Vtep) -> None:
    tell(vtep, a_vtep(), a_mac(), peers=[RR1])
    writes = vtep.kernel.writes

    tell(vtep, a_vtep(), a_mac(), peers=[RR2])

    assert vtep.kernel.writes == writes


def test_a_sticky_mac_is_a_row_that_no_host_can_take(vtep: Vtep) -> None:
    tell(vtep, a_mac(M1, sticky=True))
    assert vtep.kernel.bridge[BRIDGE, M1] == Row(DEVICE, NUD_NOARP, MARK | NTF_STICKY)

    vtep.kernel.frame(M1, PORT)
    vtep.settle()

    assert vtep.kernel.bridge[BRIDGE, M1].where == DEVICE
    assert our_macs(vtep) == {}


@pytest.mark.parametrize("first", [True, False])
def test_stickiness_comes_and_goes_by_delete_and_add(vtep: Vtep, first: bool) -> None:
    tell(vtep, a_mac(M1, sticky=first))
    tell(vtep, a_mac(M1, sticky=not first))

    state, flags = (NUD_REACHABLE, MARK) if first else (NUD_NOARP, MARK | NTF_STICKY)
    assert vtep.kernel.bridge[BRIDGE, M1] == Row(DEVICE, state, flags)


def test_a_malformed_update_is_counted_and_the_next_one_counts(vtep: Vtep) -> None:
    tell(vtep, b"\0", a_mac(), peers=[RR1])

    assert vtep.core.peers.peers[RR1].faults == 1
    assert (DEVICE, M1) in vtep.kernel.tunnel


def test_an_update_of_a_stranger_is_not_looked_at(vtep: Vtep) -> None:
    tell(vtep, a_mac(), peers=["10.9.9.9"])

    assert vtep.kernel.tunnel == {}


# Kernel to BGP


def test_every_vni_announces_itself(vtep: Vtep) -> None:
    (route,) = vtep.announcements().values()

    assert InclusiveMulticastRoute.decode(route.nlri[2:]).originator == OURS
    assert vtep.speaker.routes[RR1] == vtep.speaker.routes[RR2]
    assert sorted(vtep.speaker.greeted) == [RR1, RR2]


def test_a_host_is_announced_while_it_is_there(vtep: Vtep) -> None:
    vtep.kernel.frame(M1, PORT)
    vtep.settle()
    assert our_macs(vtep) == {M1: 0}

    vtep.kernel.age_out(M1)
    vtep.settle()
    assert our_macs(vtep) == {}


def test_a_host_that_moves_between_ports_is_no_news(vtep: Vtep) -> None:
    vtep.kernel.frame(M1, PORT)
    vtep.settle()
    heard = len(vtep.speaker.heard)

    vtep.kernel.frame(M1, OTHER_PORT)
    vtep.settle()

    assert our_macs(vtep) == {M1: 0}
    assert len(vtep.speaker.heard) == heard


def test_the_macs_of_our_own_interfaces_are_neither_announced_nor_written(vtep: Vtep) -> None:
    own = dict(vtep.kernel.bridge)

    for (_, mac), row in own.items():
        assert row.state == NUD_PERMANENT
        tell(vtep, a_mac(mac))

    assert vtep.kernel.bridge == own
    assert our_macs(vtep) == {}


def test_a_port_that_goes_down_takes_its_hosts_along(vtep: Vtep) -> None:
    vtep.kernel.frame(M1, PORT)
    vtep.kernel.frame(M2, OTHER_PORT)
    vtep.settle()

    vtep.kernel.change_link(PORT, up=False)
    vtep.settle()

    assert our_macs(vtep) == {M2: 0}


# Moves


def test_a_host_that_comes_from_elsewhere_is_announced_above_and_its_row_goes(vtep: Vtep) -> None:
    tell(vtep, a_mac(M1, sequence=4))

    vtep.kernel.frame(M1, PORT)
    vtep.settle()

    assert our_macs(vtep) == {M1: 5}
    assert vtep.kernel.tunnel == {}
    assert vtep.kernel.bridge[BRIDGE, M1].where == PORT


def test_the_late_withdrawal_leaves_a_host_of_ours_alone(vtep: Vtep) -> None:
    tell(vtep, a_mac(M1, ip=IP1))
    vtep.kernel.frame(M1, PORT)
    vtep.settle()

    tell(vtep, gone(a_mac_route(M1, IP1)))

    assert vtep.kernel.bridge[BRIDGE, M1] == Row(PORT)
    assert our_macs(vtep) == {M1: 1}
    assert vtep.kernel.neighbors == {}


def test_a_host_that_leaves_us_is_withdrawn_and_its_row_replaced(vtep: Vtep) -> None:
    vtep.kernel.frame(M1, PORT)
    vtep.settle()

    tell(vtep, a_mac(M1, VTEP3, sequence=1))

    assert our_macs(vtep) == {}
    assert vtep.kernel.bridge[BRIDGE, M1] == BRIDGE_ROW
    assert vtep.kernel.tunnel[DEVICE, M1].where == VTEP3


def test_a_static_host_of_ours_is_defended(vtep: Vtep) -> None:
    vtep.kernel.put_bridge(M1, PORT, NUD_NOARP)
    vtep.settle()

    tell(vtep, a_mac(M1, sequence=6))

    assert our_macs(vtep) == {M1: 7}
    assert vtep.kernel.bridge[BRIDGE, M1].where == PORT
    assert vtep.kernel.tunnel == {}
