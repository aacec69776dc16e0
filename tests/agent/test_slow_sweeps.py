"""A sweep that takes more than one turn, and what happens meanwhile: one route a turn, instead of very many routes."""

from pathlib import Path

import pytest

from evpn.agent.configure import configure
from evpn.agent.control import Control
from evpn.agent.loop import Loop
from evpn.exabgp.pipe import Pipe
from evpn.rib import table
from tests.agent.vtep import Vtep, a_mac, tell
from tests.builders import CONFIGURATION, RR1, RR2, VTEP3, a_core, a_mac_route, a_path, mac, settings
from tests.kernel_rows import DEVICE

MACS = [mac(f"02:00:00:00:01:0{n}") for n in range(6)]
"""Of hosts that only the first reflector knows."""
LATER = mac("02:00:00:00:02:00")
GRACEFUL = 120


@pytest.fixture(autouse=True)
def one_route_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "SLICE", 1)


def tunnels(vtep: Vtep) -> set[bytes]:
    return {mac for _, mac in vtep.kernel.tunnel}


def turns(vtep: Vtep, count: int) -> None:
    for _ in range(count):
        vtep.turn()


def being_swept(configuration: str = CONFIGURATION) -> Vtep:
    """The first reflector is lost, and two of its routes are gone so far."""
    vtep = Vtep(settings(configuration))
    vtep.peer_up()
    vtep.settle()
    tell(vtep, *map(a_mac, MACS), peers=[RR1])
    vtep.speaker.state(RR1, "down")
    turns(vtep, 2)
    assert len(tunnels(vtep)) == 4
    assert not vtep.core.is_settled
    return vtep


def test_it_ends_with_what_the_others_say() -> None:
    vtep = being_swept()

    vtep.settle()

    assert tunnels(vtep) == set()
    assert vtep.core.rib.paths_of[RR1] == 0


def test_an_update_has_its_row_in_the_same_turn() -> None:
    vtep = being_swept()

    vtep.speaker.update(RR2, a_mac(LATER, VTEP3))
    vtep.turn()

    assert LATER in tunnels(vtep)
    assert not vtep.core.is_settled


def test_a_peer_that_is_back_keeps_what_it_says_again() -> None:
    vtep = being_swept()
    left = sorted(tunnels(vtep))

    vtep.peer_up(RR1, end_of_rib=False)
    for said in (left[0], MACS[-1], LATER):  # one that is still there, one that is gone, one that is new
        vtep.speaker.update(RR1, a_mac(said))
    vtep.settle()

    assert tunnels(vtep) == {left[0], MACS[-1], LATER}
    assert vtep.core.rib.stale(RR1) == 0


def test_a_peer_that_is_back_and_lost_again_is_held_for_its_time_and_the_sweep_goes_on() -> None:
    vtep = being_swept()
    left = sorted(tunnels(vtep))
    vtep.peer_up(RR1, end_of_rib=False)
    vtep.speaker.update(RR1, a_mac(left[0]))
    vtep.turn()
    vtep.core.peers.peers[RR1].restart_time = GRACEFUL

    vtep.speaker.state(RR1, "down")
    vtep.settle()
    assert tunnels(vtep) == {left[0]}

    vtep.settle(GRACEFUL)
    assert tunnels(vtep) == set()


def test_a_peer_that_is_no_longer_configured_leaves_nothing() -> None:
    vtep = being_swept()

    configure(vtep.core, settings(CONFIGURATION.replace(f"{{address: {RR1}}}, ", "")), vtep.now)
    vtep.settle()

    assert vtep.core.rib.routes == {}
    assert tunnels(vtep) == set()


def test_a_peer_that_is_configured_again_starts_with_nothing_of_before() -> None:
    vtep = being_swept()
    configure(vtep.core, settings(CONFIGURATION.replace(f"{{address: {RR1}}}, ", "")), vtep.now)
    configure(vtep.core, settings(CONFIGURATION), vtep.now)

    vtep.peer_up(RR1)
    vtep.speaker.update(RR1, a_mac(MACS[0]))
    vtep.settle()

    assert tunnels(vtep) == {MACS[0]}
    assert vtep.core.rib.paths_of[RR1] == 1


def test_what_is_being_swept_takes_no_room_from_what_is_said() -> None:
    vtep = being_swept(CONFIGURATION.replace(f"address: {RR1}", f"address: {RR1}, max-routes: 6"))

    vtep.peer_up(RR1)
    for number in range(7):
        vtep.speaker.update(RR1, a_mac(mac(f"02:00:00:00:03:0{number}")))
    vtep.settle()

    assert vtep.core.rib.paths_of[RR1] == 6
    assert vtep.core.peers.peers[RR1].over_limit == 1


def test_all_sessions_lost_and_back_is_swept_at_end_of_rib_while_the_second_is_still_to_be_heard() -> None:
    vtep = Vtep()
    vtep.peer_up()
    vtep.settle()
    tell(vtep, *map(a_mac, MACS))
    for peer in (RR1, RR2):
        vtep.speaker.state(peer, "down")
    vtep.settle()
    assert tunnels(vtep) == set(MACS)

    vtep.peer_up(RR1, end_of_rib=False)
    vtep.speaker.update(RR1, a_mac(MACS[0]))
    vtep.settle()
    assert tunnels(vtep) == set(MACS)
    vtep.peer_up(RR1)
    vtep.turn()
    assert vtep.core.peers.synced  # the gate is open at once, rows go as their routes do

    vtep.settle()
    assert tunnels(vtep) == {MACS[0]}
    assert (DEVICE, MACS[0]) in vtep.kernel.tunnel


def test_a_peer_that_speaks_while_another_is_swept_takes_over_what_both_say() -> None:
    vtep = being_swept()
    left = sorted(tunnels(vtep))
    writes = vtep.kernel.writes

    for known in left:
        vtep.speaker.update(RR2, a_mac(known))
    vtep.settle()

    assert tunnels(vtep) == set(left)
    assert vtep.kernel.writes == writes


def test_the_loop_does_not_sleep_before_it_is_done(tmp_path: Path) -> None:
    core = a_core()
    loop = Loop(core, Pipe(), Control(tmp_path, lambda request: iter(())), lambda link: None)
    core.rib.announce(RR1, [a_path(a_mac_route(known)) for known in MACS])
    core.instances.attach_devices()
    core.settle(0.0)
    assert loop._timeout(-1000.0) > 0

    core.rib.mark_stale(RR1)
    core.rib.sweep(RR1)
    turns = 0
    while loop._timeout(-1000.0) == 0:
        core.settle(0.0)
        turns += 1

    assert core.rib.routes == {}
    assert turns >= len(MACS)
