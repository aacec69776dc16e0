"""A session, an agent or ExaBGP is lost: what may not change, and what is swept afterwards."""

import pytest

from evpn.agent.configure import configure
from evpn.rib import table
from tests.agent.vtep import FakeSpeaker, Vtep, a_mac, a_vtep, gone, our_macs, tell
from tests.builders import CONFIGURATION, IP1, M1, M2, RR1, RR2, VTEP3, a_mac_route, settings
from tests.kernel_rows import BRIDGE, DEVICE, PORT


@pytest.fixture(params=[1, table.SLICE], autouse=True)
def routes_per_turn(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "SLICE", request.param)


def rows(vtep: Vtep) -> tuple[dict, ...]:
    kernel = vtep.kernel
    return dict(kernel.bridge), dict(kernel.tunnel), dict(kernel.flood), dict(kernel.neighbors)


def a_known_fabric(vtep: Vtep) -> Vtep:
    tell(vtep, a_vtep(), a_mac(M1, ip=IP1))
    vtep.kernel.frame(M2, PORT)
    vtep.settle()
    return vtep


def again(vtep: Vtep, *peers: str, end_of_rib: bool = True) -> None:
    """The sessions are up, and everything is said anew."""
    for peer in peers or (RR1, RR2):
        vtep.speaker.state(peer, "up")
        for update in (a_vtep(), a_mac(M1, ip=IP1)):
            vtep.speaker.update(peer, update)
        if end_of_rib:
            vtep.speaker.update(peer, bytes.fromhex("00000006800f03001946"))
    vtep.settle()


def test_one_of_two_reflectors_lost_changes_nothing(vtep: Vtep) -> None:
    a_known_fabric(vtep)
    before, writes = rows(vtep), vtep.kernel.writes

    vtep.speaker.state(RR1, "down")
    vtep.settle()
    vtep.settle(seconds=4000)

    assert rows(vtep) == before
    assert vtep.kernel.writes == writes


def test_what_only_the_lost_reflector_knew_is_dropped_once_the_other_is_trusted(vtep: Vtep) -> None:
    a_known_fabric(vtep)
    tell(vtep, a_mac(M2, VTEP3, sequence=1), peers=[RR1])
    assert (DEVICE, M2) in vtep.kernel.tunnel

    vtep.speaker.state(RR1, "down")
    vtep.settle()

    assert (DEVICE, M2) not in vtep.kernel.tunnel


def test_all_sessions_lost_are_held_for_as_long_as_configured(vtep: Vtep) -> None:
    a_known_fabric(vtep)
    before = rows(vtep)
    for peer in (RR1, RR2):
        vtep.speaker.state(peer, "down")
        vtep.settle(seconds=1)

    vtep.settle(seconds=298)
    assert rows(vtep) == before

    vtep.settle(seconds=3)
    assert (vtep.kernel.tunnel, vtep.kernel.flood, vtep.kernel.neighbors) == ({}, {}, {})


def test_after_a_loss_of_all_what_is_not_said_again_is_swept_at_end_of_rib(vtep: Vtep) -> None:
    a_known_fabric(vtep)
    tell(vtep, a_mac(M2, VTEP3, sequence=1))
    for peer in (RR1, RR2):
        vtep.speaker.state(peer, "down")
    vtep.settle()

    again(vtep, RR1, end_of_rib=False)
    assert (DEVICE, M2) in vtep.kernel.tunnel

    vtep.speaker.update(RR1, bytes.fromhex("00000006800f03001946"))
    vtep.settle()
    assert [mac for _, mac in vtep.kernel.tunnel] == [M1]


def test_without_end_of_rib_the_sweep_comes_by_deadline(vtep: Vtep) -> None:
    a_known_fabric(vtep)
    for peer in (RR1, RR2):
        vtep.speaker.state(peer, "down")
    vtep.settle()
    for peer in (RR1, RR2):
        vtep.speaker.state(peer, "up")
    vtep.settle()

    vtep.settle(seconds=59)
    assert (DEVICE, M1) in vtep.kernel.tunnel

    vtep.settle(seconds=2)
    assert vtep.kernel.tunnel == {}


def test_a_restarted_agent_writes_and_says_nothing_when_nothing_has_changed(vtep: Vtep) -> None:
    a_known_fabric(vtep)
    before, writes, announced = rows(vtep), vtep.kernel.writes, dict(vtep.announcements())

    vtep.restart()
    vtep.settle()
    assert sorted(vtep.speaker.refreshes) == [RR1, RR2]
    again(vtep)

    assert rows(vtep) == before
    assert vtep.kernel.writes == writes
    assert vtep.announcements() == announced


def test_a_restarted_agent_removes_what_was_withdrawn_meanwhile_and_not_before_end_of_rib(vtep: Vtep) -> None:
    a_known_fabric(vtep)
    tell(vtep, a_mac(M2, VTEP3, sequence=1))

    vtep.restart()
    vtep.settle()
    again(vtep, end_of_rib=False)
    assert (DEVICE, M2) in vtep.kernel.tunnel

    again(vtep)
    assert [mac for _, mac in vtep.kernel.tunnel] == [M1]


def test_a_restarted_agent_sweeps_what_it_heard_of_a_session_that_ended_before_it_was_told_of_it(vtep: Vtep) -> None:
    """UPDATEs reach it before ExaBGP answers which sessions are up; by then they are not the same any more."""
    a_known_fabric(vtep)
    vtep.speaker.up.clear()
    vtep.restart()
    for peer in (RR1, RR2):
        vtep.speaker.update(peer, a_mac(M2, VTEP3, sequence=1))
        vtep.speaker.state(peer, "down")
    vtep.settle()
    assert (DEVICE, M2) in vtep.kernel.tunnel

    again(vtep)

    assert [mac for _, mac in vtep.kernel.tunnel] == [M1]
    assert vtep.core.rib.paths_of == {RR1: 2, RR2: 2}


def test_a_restarted_agent_withdraws_the_hosts_that_have_left_meanwhile(vtep: Vtep) -> None:
    a_known_fabric(vtep)
    vtep.kernel.age_out(M2)

    vtep.restart()
    again(vtep)

    assert our_macs(vtep) == {}


def test_a_restarted_exabgp_is_told_everything(vtep: Vtep) -> None:
    a_known_fabric(vtep)
    announced = dict(vtep.announcements())

    vtep.speaker = FakeSpeaker(RR1, RR2)
    vtep.restart()
    again(vtep)

    assert vtep.announcements() == announced
    assert our_macs(vtep) == {M2: 0}


def test_a_reload_that_ends_a_vni_leaves_neither_rows_nor_routes(vtep: Vtep) -> None:
    a_known_fabric(vtep)
    other = settings(CONFIGURATION.replace("vni: 100", "vni: 200").replace("10.0.0.252", "10.0.0.253"))

    configure(vtep.core, other, vtep.now)
    vtep.speaker.routes["10.0.0.253"] = {}
    vtep.settle()

    assert vtep.announcements() == {}
    assert (vtep.kernel.tunnel, vtep.kernel.flood, vtep.kernel.neighbors) == ({}, {}, {})
    assert (BRIDGE, M2) in vtep.kernel.bridge


def test_a_reload_that_replaces_the_only_reflector_holds_the_rows_until_the_new_one_has_spoken() -> None:
    one = CONFIGURATION.replace(", {address: 10.0.0.252}", "")
    vtep = Vtep(settings(one))
    vtep.speaker.routes.pop(RR2)
    vtep.peer_up(RR1)
    vtep.settle()
    tell(vtep, a_vtep(), a_mac(M1), peers=[RR1])
    before = rows(vtep)

    configure(vtep.core, settings(one.replace("10.0.0.251", "10.0.0.252")), vtep.now)
    vtep.speaker.routes = {RR2: {}}
    vtep.settle()
    assert rows(vtep) == before

    again(vtep, RR2)
    assert vtep.kernel.tunnel == before[1]


def test_a_withdrawal_reaches_the_kernel_only_once_every_reflector_has_said_it(vtep: Vtep) -> None:
    a_known_fabric(vtep)

    tell(vtep, gone(a_mac_route(M1, IP1)), peers=[RR1])
    assert (DEVICE, M1) in vtep.kernel.tunnel

    tell(vtep, gone(a_mac_route(M1, IP1)), peers=[RR2])
    assert vtep.kernel.tunnel == {}


def test_a_restarted_agent_defends_a_host_that_had_just_come_to_us(vtep: Vtep) -> None:
    """The VTEP that it left has not withdrawn it yet."""
    a_known_fabric(vtep)
    vtep.kernel.frame(M1, PORT)
    vtep.settle()
    assert our_macs(vtep) == {M1: 1, M2: 0}

    vtep.restart()
    again(vtep)

    assert our_macs(vtep) == {M1: 1, M2: 0}
    assert vtep.kernel.bridge[BRIDGE, M1].where == PORT


def test_what_exabgp_tells_of_other_vnis_or_in_no_language_is_passed_over(vtep: Vtep) -> None:
    attributes = bytes.fromhex("40010100400200")

    vtep.core.recall(attributes, a_mac_route(M1, rd="1:1").encode())
    vtep.core.recall(attributes, b"\2\xff")

    assert vtep.core.fabric.domains[100].highest_seen == {}
