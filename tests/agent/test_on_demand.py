"""Strategy `dynamic-l3`: who is asked for gets rows, and nobody else."""

import pytest

from evpn.dataplane.demand import MEMORY
from evpn.dataplane.entries import NUD_NOARP
from evpn.text import parse_ip
from evpn.values import Vni
from tests.builders import (
    BRIDGE_LINK,
    CONFIGURATION,
    DEVICE_LINK,
    IP1,
    IP2,
    LINKS,
    M1,
    M2,
    VTEP2,
    VTEP3,
    a_mac_route,
    settings,
)
from tests.fakes import FakeKernel
from tests.kernel_rows import BRIDGE, DEVICE, PORT

from .vtep import Vtep, a_mac, a_vtep, gone, our_macs, tell

IDLE = 60.0
DYNAMIC = CONFIGURATION.replace("{vni: 100}", "{vni: 100, strategy: dynamic-l3, idle-timeout: 60}")
MADE_FOR_IT = DEVICE_LINK._replace(proxy=True, l2miss=True, l3miss=True)
PORTS = [link for link in LINKS if link not in (BRIDGE_LINK, DEVICE_LINK)]
IP6 = parse_ip("2001:db8:1::1")


@pytest.fixture
def vtep() -> Vtep:
    vtep = Vtep(settings(DYNAMIC), FakeKernel(BRIDGE_LINK, MADE_FOR_IT, *PORTS))
    vtep.peer_up()
    vtep.settle()
    return vtep


def macs(vtep: Vtep) -> dict[bytes, bytes]:
    """MAC -> VTEP; its half in the bridge is there as well."""
    found = {mac: row.where for (_, mac), row in vtep.kernel.tunnel.items()}
    assert found.keys() == {mac for (_, mac), row in vtep.kernel.bridge.items() if row.where == DEVICE} - {
        MADE_FOR_IT.mac
    }
    return found


def neighbors(vtep: Vtep) -> dict[bytes, bytes]:
    """IP -> MAC: all on the VXLAN device."""
    assert {device for device, _ in vtep.kernel.neighbors} <= {DEVICE}
    return {ip: row.where for (_, ip), row in vtep.kernel.neighbors.items()}


def asks(vtep: Vtep, key: bytes) -> None:
    vtep.kernel.miss(key)
    vtep.settle()


def test_before_anybody_talks_there_are_no_rows_at_all(vtep) -> None:
    tell(vtep, a_mac(M1, VTEP2, IP1), a_vtep(VTEP2))

    assert (macs(vtep), neighbors(vtep), vtep.kernel.flood) == ({}, {}, {})


@pytest.mark.parametrize("ip", [IP1, IP6])
def test_who_is_asked_for_gets_a_neighbor_and_the_row_of_its_mac(vtep, ip) -> None:
    tell(vtep, a_mac(M1, VTEP2, ip), a_mac(M2, VTEP2, IP2))
    asks(vtep, ip)

    assert macs(vtep) == {M1: VTEP2}
    assert neighbors(vtep) == {ip: M1}
    assert vtep.kernel.neighbors[DEVICE, ip].state == NUD_NOARP


def test_the_row_of_the_mac_comes_before_the_neighbor(vtep) -> None:
    tell(vtep, a_mac(M1, VTEP2, IP1))
    vtep.kernel.events()
    vtep.kernel.miss(IP1)
    vtep.turn()

    assert [bool(event.family == 7) for event in vtep.kernel.events()] == [True, True, False]


def test_a_mac_that_is_asked_for_gets_a_row_alone(vtep) -> None:
    tell(vtep, a_mac(M1, VTEP2, IP1))
    asks(vtep, M1)

    assert (macs(vtep), neighbors(vtep)) == ({M1: VTEP2}, {})


@pytest.mark.parametrize("key", [IP1, M1])
def test_what_nobody_knows_is_remembered_until_its_route_comes(vtep, key) -> None:
    asks(vtep, key)
    assert (macs(vtep), neighbors(vtep)) == ({}, {})

    vtep.settle(MEMORY / 2)
    tell(vtep, a_mac(M1, VTEP2, IP1))

    assert macs(vtep) == {M1: VTEP2}
    assert neighbors(vtep) == ({IP1: M1} if key == IP1 else {})


def test_but_not_for_long(vtep) -> None:
    asks(vtep, IP1)
    vtep.settle(MEMORY + 1)
    tell(vtep, a_mac(M1, VTEP2, IP1))

    assert (macs(vtep), neighbors(vtep)) == ({}, {})


def test_an_address_of_ours_is_never_answered_for(vtep) -> None:
    """Gratuitous ARP and the detection of duplicates ask for a host's own address."""
    vtep.host_says(M1, PORT, IP1)
    vtep.settle()
    asks(vtep, IP1)

    assert M1 in our_macs(vtep)
    assert (macs(vtep), neighbors(vtep)) == ({}, {})


def test_an_address_that_is_probed_before_it_is_ours_is_not_answered_for_either(vtep) -> None:
    asks(vtep, IP1)
    vtep.host_says(M1, PORT, IP1)
    vtep.settle()

    assert (macs(vtep), neighbors(vtep)) == ({}, {})


def test_rows_go_once_no_frame_has_used_them(vtep) -> None:
    tell(vtep, a_mac(M1, VTEP2, IP1), a_mac(M2, VTEP2, IP2))
    asks(vtep, IP1)
    asks(vtep, IP2)
    for _ in range(5):
        vtep.settle(IDLE / 4)
        vtep.kernel.idle = {M1: 100, M2: int(100 * vtep.now)}
    vtep.settle(IDLE / 4)

    assert macs(vtep) == {M1: VTEP2}
    assert neighbors(vtep) == {IP1: M1}


def test_rows_that_are_used_stay_for_good(vtep) -> None:
    tell(vtep, a_mac(M1, VTEP2, IP1))
    asks(vtep, IP1)
    for _ in range(40):
        vtep.settle(IDLE / 4)

    assert (macs(vtep), neighbors(vtep)) == ({M1: VTEP2}, {IP1: M1})


def test_what_was_given_up_may_be_asked_for_again(vtep) -> None:
    tell(vtep, a_mac(M1, VTEP2, IP1))
    asks(vtep, IP1)
    vtep.kernel.idle[M1] = 100 * 1000
    for _ in range(5):
        vtep.settle(IDLE / 4)
    assert (macs(vtep), neighbors(vtep)) == ({}, {})

    vtep.kernel.idle.clear()
    asks(vtep, IP1)

    assert (macs(vtep), neighbors(vtep)) == ({M1: VTEP2}, {IP1: M1})


def test_a_host_that_moves_is_followed(vtep) -> None:
    tell(vtep, a_mac(M1, VTEP2, IP1))
    asks(vtep, IP1)
    tell(vtep, a_mac(M1, VTEP3, IP1, sequence=1))

    assert (macs(vtep), neighbors(vtep)) == ({M1: VTEP3}, {IP1: M1})


def test_an_address_that_goes_to_another_mac_is_followed(vtep) -> None:
    tell(vtep, a_mac(M1, VTEP2, IP1))
    asks(vtep, IP1)
    tell(vtep, gone(a_mac_route(M1, IP1)), a_mac(M2, VTEP3, IP1))

    assert neighbors(vtep) == {IP1: M2}
    assert macs(vtep)[M2] == VTEP3


def test_a_host_that_comes_to_us_has_no_rows_any_more(vtep) -> None:
    tell(vtep, a_mac(M1, VTEP2, IP1))
    asks(vtep, IP1)
    vtep.host_says(M1, PORT, IP1)
    vtep.settle()

    assert vtep.kernel.tunnel == {}
    assert neighbors(vtep) == {}
    assert vtep.kernel.bridge[BRIDGE, M1].where == PORT


def test_a_host_that_is_gone_is_forgotten_in_time(vtep) -> None:
    tell(vtep, a_mac(M1, VTEP2, IP1))
    asks(vtep, IP1)
    tell(vtep, gone(a_mac_route(M1, IP1)))
    assert (macs(vtep), neighbors(vtep)) == ({}, {})

    for _ in range(6):
        vtep.settle(IDLE / 4)
    tell(vtep, a_mac(M1, VTEP2, IP1))

    assert (macs(vtep), neighbors(vtep)) == ({}, {})


def test_after_a_restart_the_rows_are_adopted_and_expire_as_before(vtep) -> None:
    tell(vtep, a_mac(M1, VTEP2, IP1), a_mac(M2, VTEP2, IP2))
    asks(vtep, IP1)
    vtep.restart()
    vtep.peer_up(end_of_rib=False)
    tell(vtep, a_mac(M1, VTEP2, IP1), a_mac(M2, VTEP2, IP2))
    vtep.peer_up()
    vtep.settle()
    assert (macs(vtep), neighbors(vtep)) == ({M1: VTEP2}, {IP1: M1})

    vtep.kernel.idle[M1] = 100 * 1000
    for _ in range(5):
        vtep.settle(IDLE / 4)
    assert (macs(vtep), neighbors(vtep)) == ({}, {})


def test_a_row_whose_route_is_gone_after_a_restart_goes(vtep) -> None:
    tell(vtep, a_mac(M1, VTEP2, IP1))
    asks(vtep, IP1)
    vtep.restart()
    vtep.peer_up(end_of_rib=False)
    vtep.settle()
    assert macs(vtep) == {M1: VTEP2}

    vtep.peer_up()
    tell(vtep, bytes.fromhex("00000006800f03001946"))

    assert (macs(vtep), neighbors(vtep)) == ({}, {})


@pytest.mark.parametrize("sticky", [False, True])
def test_a_host_that_moves_away_while_the_bridge_has_it_on_a_port_has_its_row_at_once(vtep, sticky) -> None:
    """Nobody would ever miss it: the bridge would send frames for it to the port where it was."""
    vtep.kernel.frame(M1, PORT)
    vtep.settle()

    tell(vtep, a_mac(M1, VTEP2, sequence=1, sticky=sticky))

    assert macs(vtep) == {M1: VTEP2}
    assert vtep.kernel.bridge[BRIDGE, M1].where == DEVICE
    assert M1 not in our_macs(vtep)


def test_nor_is_it_ours_again_when_its_route_goes(vtep) -> None:
    vtep.kernel.frame(M1, PORT)
    vtep.settle()
    tell(vtep, a_mac(M1, VTEP2, sequence=1))

    tell(vtep, gone(a_mac_route(M1)))

    assert (macs(vtep), our_macs(vtep)) == ({}, {})
    assert (BRIDGE, M1) not in vtep.kernel.bridge


def test_a_mac_that_does_not_move_is_not_left_on_a_port_where_it_turns_up(vtep) -> None:
    tell(vtep, a_mac(M1, VTEP2, sticky=True))
    vtep.kernel.frame(M1, PORT)
    vtep.settle()

    assert macs(vtep) == {M1: VTEP2}
    assert vtep.kernel.bridge[BRIDGE, M1].where == DEVICE


def test_its_row_goes_like_any_other_when_no_frame_uses_it(vtep) -> None:
    vtep.kernel.frame(M1, PORT)
    vtep.settle()
    tell(vtep, a_mac(M1, VTEP2, sequence=1))
    vtep.kernel.idle[M1] = 100 * 1000
    for _ in range(6):
        vtep.settle(IDLE / 4)

    assert macs(vtep) == {}


def test_an_address_that_is_withdrawn_is_asked_for_anew_although_its_mac_is_used(vtep) -> None:
    tell(vtep, a_mac(M1, VTEP2, IP1), a_mac(M1, VTEP2, IP2))
    asks(vtep, IP1)
    asks(vtep, IP2)
    tell(vtep, gone(a_mac_route(M1, IP2)))
    assert neighbors(vtep) == {IP1: M1}

    vtep.settle(MEMORY + 1)
    tell(vtep, a_mac(M1, VTEP2, IP2))
    assert neighbors(vtep) == {IP1: M1}

    asks(vtep, IP2)
    assert neighbors(vtep) == {IP1: M1, IP2: M1}


def test_an_address_that_is_gone_for_a_moment_only_is_back_by_itself(vtep) -> None:
    tell(vtep, a_mac(M1, VTEP2, IP1))
    asks(vtep, IP1)
    tell(vtep, gone(a_mac_route(M1, IP1)))
    vtep.settle(MEMORY / 2)
    tell(vtep, a_mac(M1, VTEP3, IP1, sequence=1))

    assert (macs(vtep), neighbors(vtep)) == ({M1: VTEP3}, {IP1: M1})


def test_a_route_that_goes_is_no_question(vtep) -> None:
    demand = vtep.core.dataplane.segments[Vni(100)].demand
    tell(vtep, a_mac(M1, VTEP2, IP1))
    asks(vtep, IP1)
    tell(vtep, gone(a_mac_route(M1, IP1)))
    asks(vtep, IP2)

    assert (demand.answered, demand.unanswered) == (1, 1)


def test_after_a_restart_rows_wait_for_their_routes_however_long_these_take(vtep) -> None:
    tell(vtep, a_mac(M1, VTEP2, IP1))
    asks(vtep, IP1)
    vtep.restart()
    vtep.peer_up(end_of_rib=False)
    vtep.settle(2 * MEMORY)
    tell(vtep, a_mac(M1, VTEP2, IP1))
    vtep.peer_up()
    vtep.settle()

    assert (macs(vtep), neighbors(vtep)) == ({M1: VTEP2}, {IP1: M1})
