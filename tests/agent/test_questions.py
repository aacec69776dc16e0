"""Who is asked, on which port, how many at once; who is told of a move; and that the loop may sleep in between."""

import pytest

from evpn.agent import questions
from evpn.agent.configure import configure
from evpn.evi.bindings import PROBE_INTERVAL, PROBES
from evpn.packet.frames import announcement, probe
from evpn.values import IpAddress, MacAddress, Vni
from tests.agent.vtep import Vtep, a_mac, our_macs, tell
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
    a_link,
    a_mac_route,
    settings,
)
from tests.fakes import FakeKernel
from tests.kernel_rows import BRIDGE, DEVICE, OTHER_PORT, PORT

AGEING = 100.0
PATIENCE = 80.0
IP6 = IpAddress(bytes.fromhex("20010db8000000000000000000000001"))


@pytest.fixture
def vtep() -> Vtep:
    """Its bridge forgets hosts after 100 seconds."""
    return started()


def started(more: str = "", *links) -> Vtep:
    bridge = BRIDGE_LINK._replace(ageing=AGEING)
    text = CONFIGURATION.replace("{vni: 100}", f"{{vni: 100{more}}}")
    vtep = Vtep(settings(text), FakeKernel(bridge, *LINKS[1:], *links))
    vtep.peer_up()
    vtep.settle()
    return vtep


def hears(vtep: Vtep, mac: MacAddress, *ips: IpAddress, port: int = PORT, answers: bool = True) -> None:
    for ip in ips:
        vtep.host_says(mac, port, ip)
    if answers:
        vtep.hosts[port, mac] = set(ips)
    vtep.settle()


def question(mac: MacAddress, ip: IpAddress, port: int = PORT) -> tuple[int, bytes]:
    return port, probe(mac, ip, BRIDGE_LINK.mac)


def asked_in(vtep: Vtep, *seconds: float) -> list[tuple[int, bytes]]:
    vtep.sent.clear()
    for wait in seconds:
        vtep.settle(seconds=wait)
    return vtep.sent


def bound(vtep: Vtep) -> set[IpAddress]:
    return set(vtep.core.fabric.domains[Vni(100)].addresses.bindings.of_ip)


# Whom


@pytest.mark.parametrize("ip", [IP1, IP6])
def test_a_host_that_was_not_heard_for_most_of_the_ageing_time_is_asked_on_its_port(vtep: Vtep, ip: IpAddress) -> None:
    hears(vtep, M1, ip)

    assert asked_in(vtep, PATIENCE - 0.1) == []
    assert asked_in(vtep, 0.1) == [question(M1, ip)]
    assert asked_in(vtep, 1, 1, 1, 1) == []
    assert bound(vtep) == {ip}


def test_one_that_has_moved_to_another_port_is_asked_there(vtep: Vtep) -> None:
    hears(vtep, M1, IP1)
    vtep.kernel.frame(M1, OTHER_PORT)
    vtep.settle()

    assert asked_in(vtep, PATIENCE) == [question(M1, IP1, OTHER_PORT)]


def test_who_does_not_answer_is_withdrawn_after_the_last_question(vtep: Vtep) -> None:
    hears(vtep, M1, IP1, answers=False)

    assert asked_in(vtep, PATIENCE, *[PROBE_INTERVAL] * PROBES) == [question(M1, IP1)] * PROBES
    assert bound(vtep) == set()
    assert our_macs(vtep) == {M1: 0}


def test_one_that_has_aged_out_is_asked_at_once_and_keeps_its_route(vtep: Vtep) -> None:
    hears(vtep, M1, IP1, IP2)
    vtep.kernel.age_out(M1)

    assert sorted(asked_in(vtep, 1)) == sorted([question(M1, IP1), question(M1, IP2)])
    vtep.settle()
    assert vtep.kernel.bridge[BRIDGE, M1].where == PORT
    assert vtep.core.fabric.domains[Vni(100)].quiet == {}
    assert our_macs(vtep) == {M1: 0}


def test_one_that_has_aged_out_and_lost_every_address_is_given_up(vtep: Vtep) -> None:
    hears(vtep, M1, IP1, answers=False)
    vtep.kernel.age_out(M1)
    vtep.settle()
    assert our_macs(vtep) == {M1: 0}

    asked_in(vtep, *[PROBE_INTERVAL] * PROBES)

    assert our_macs(vtep) == {}
    assert vtep.core.fabric.domains[Vni(100)].local == {}


@pytest.mark.parametrize("how", [{"up": False}, {"master": 0}])
def test_one_that_has_aged_out_is_given_up_at_once_when_its_port_goes(vtep: Vtep, how) -> None:
    hears(vtep, M1, IP1, answers=False)
    vtep.kernel.age_out(M1)
    vtep.settle()

    vtep.kernel.change_link(PORT, **how)
    vtep.settle()

    assert our_macs(vtep) == {}
    assert bound(vtep) == set()


def test_one_that_has_aged_out_is_withdrawn_with_the_device(vtep: Vtep) -> None:
    """Nobody asks while there is no VNI: it would be announced for ever."""
    hears(vtep, M1, IP1)
    vtep.kernel.age_out(M1)
    vtep.settle()
    vtep.hosts.clear()

    vtep.kernel.remove_link(DEVICE)
    vtep.settle(seconds=1000)

    assert vtep.announcements() == {}


def test_the_kernel_that_has_lost_a_neighbor_is_a_reason_to_ask(vtep: Vtep) -> None:
    hears(vtep, M1, IP1)
    vtep.kernel.put_neighbor(IP1, M1, 0x02, 0, 0)
    vtep.settle()
    vtep.kernel.drop_neighbor(IP1)

    assert asked_in(vtep, 0) == [question(M1, IP1)]


def test_a_row_of_ours_that_goes_is_no_reason_to_ask(vtep: Vtep) -> None:
    """The host has come to us: its link may have come up this very moment (RFC 5227 section 2.1.1)."""
    tell(vtep, a_mac(M1, VTEP2, IP1))
    vtep.sent.clear()

    hears(vtep, M1, IP1)

    assert (BRIDGE, IP1) not in vtep.kernel.neighbors
    assert vtep.sent == []


def test_after_a_restart_every_address_is_asked_for_at_once(vtep: Vtep) -> None:
    hears(vtep, M1, IP1)
    hears(vtep, M2, IP2, answers=False)
    vtep.restart()
    vtep.peer_up()

    assert sorted(asked_in(vtep, 0)) == sorted([question(M1, IP1), question(M2, IP2)])
    assert bound(vtep) == {IP1, IP2}
    asked_in(vtep, *[PROBE_INTERVAL] * PROBES)
    assert bound(vtep) == {IP1}


def test_after_the_device_was_away_every_address_is_asked_for_and_announced(vtep: Vtep) -> None:
    hears(vtep, M1, IP1)
    before = vtep.announcements().copy()
    vtep.kernel.change_link(DEVICE, up=False)
    vtep.settle()
    assert vtep.announcements() == {}

    vtep.kernel.change_link(DEVICE, up=True)

    assert asked_in(vtep, 0) == [question(M1, IP1)]
    assert vtep.announcements() == before


def test_another_ageing_time_counts_at_once(vtep: Vtep) -> None:
    hears(vtep, M1, IP1)
    vtep.settle(seconds=20)

    vtep.kernel.change_link(BRIDGE, ageing=20.0)

    assert asked_in(vtep, 0) == [question(M1, IP1)]


def test_a_bridge_that_does_not_say_is_taken_for_one_of_five_minutes() -> None:
    assert questions.patience(None) == 240.0


# How many


def test_only_so_many_are_asked_in_one_turn_and_the_others_in_the_next(
    vtep: Vtep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "MOST_FRAMES", 2)
    ips = [IpAddress(bytes((192, 0, 2, n))) for n in range(5)]
    hears(vtep, M1, *ips, answers=False)
    vtep.sent.clear()
    vtep.now += PATIENCE

    counts, asked = [], []
    for _ in range(4):
        before = len(vtep.sent)
        assert (vtep.core.questions.next_due() or 0) <= vtep.now or before == 5
        vtep.turn()
        counts.append(len(vtep.sent) - before)
        asked.append(vtep.core.questions.asked)

    assert (counts, asked) == ([2, 2, 1, 0], [2, 4, 5, 5])
    assert {frame for _, frame in vtep.sent} == {question(M1, ip)[1] for ip in ips}


# The clock


def test_without_hosts_nothing_is_ever_due(vtep: Vtep) -> None:
    tell(vtep, a_mac(M1, VTEP2, IP1))

    assert vtep.core.questions.next_due() is None


def test_the_loop_may_sleep_until_something_is_due_and_not_longer(vtep: Vtep) -> None:
    """No moment in the past after a turn: it would turn without a rest."""
    hears(vtep, M1, IP1, answers=False)
    hears(vtep, M2, IP2)
    turns = 0
    while (due := vtep.core.questions.next_due()) is not None and turns < 50 and vtep.now < 1000:
        assert due > vtep.now
        vtep.settle(seconds=due - vtep.now)
        turns += 1

    assert vtep.now >= 1000
    assert bound(vtep) == {IP2}


def test_a_vni_without_devices_keeps_nobody_awake(vtep: Vtep) -> None:
    hears(vtep, M1, IP1)
    vtep.kernel.remove_link(DEVICE)
    vtep.settle()

    assert vtep.core.questions.next_due() is None


def test_a_vni_that_is_served_no_longer_keeps_nobody_awake(vtep: Vtep) -> None:
    hears(vtep, M1, IP1)
    configure(vtep.core, settings(CONFIGURATION.replace("100", "200")), vtep.now)
    vtep.settle()

    assert vtep.core.questions.next_due() is None


# Moves


def test_hosts_on_other_ports_are_told_of_an_address_that_has_come_from_elsewhere() -> None:
    vtep = started(", announce-moves: true", a_link(13, "tap2", master=BRIDGE), a_link(14, "tap3"))
    tell(vtep, a_mac(M1, VTEP2, IP1), a_mac(M2, VTEP3, IP2))

    hears(vtep, M1, IP1)  # the host has come
    hears(vtep, M1, IP2)  # the address has come, to another host

    assert vtep.sent == [(port, announcement(M1, ip)) for ip in (IP1, IP2) for port in (OTHER_PORT, 13)]
    assert DEVICE_LINK.ifindex not in {port for port, _ in vtep.sent}


def test_nobody_is_told_of_an_address_that_was_nowhere_else() -> None:
    vtep = started(", announce-moves: true")

    hears(vtep, M1, IP1)

    assert vtep.sent == []


def test_nobody_is_told_unless_it_is_asked_for(vtep: Vtep) -> None:
    tell(vtep, a_mac(M1, VTEP2, IP1))

    hears(vtep, M1, IP1)

    assert vtep.sent == []


def test_hosts_are_told_of_an_address_that_has_left_for_another_mac() -> None:
    vtep = started(", announce-moves: true")
    hears(vtep, M1, IP1)

    tell(vtep, a_mac(M2, VTEP2, IP1, sequence=9))

    assert vtep.sent == [(port, announcement(M2, IP1)) for port in (PORT, OTHER_PORT)]


def test_of_what_has_left_again_in_the_same_turn_the_end_is_told() -> None:
    vtep = started(", announce-moves: true")
    tell(vtep, a_mac(M2, VTEP2, IP1))
    vtep.host_says(M1, PORT, IP1)
    vtep.speaker.update("10.0.0.251", a_mac(M2, VTEP2, IP1, sequence=9))

    vtep.settle()

    assert {frame for _, frame in vtep.sent} == {announcement(M2, IP1)}
    assert a_mac_route(M1, IP1, "10.0.0.10:100").key not in vtep.announcements()


def test_an_address_that_comes_back_only_with_its_mac_is_asked_for(vtep: Vtep) -> None:
    """Two hosts swap theirs: each raises its MAC for the new one, and with it the old one, which it has no more."""
    hears(vtep, M1, IP1, answers=False)
    tell(vtep, a_mac(M2, VTEP2, IP1, sequence=1), a_mac(M2, VTEP2, IP2, sequence=1))
    assert asked_in(vtep, 0) == []

    hears(vtep, M1, IP2)
    vtep.hosts[PORT, M1] = {IP2}
    assert bound(vtep) == {IP1, IP2}
    vtep.settle(seconds=PROBE_INTERVAL)
    for _ in range(PROBES):
        vtep.settle(seconds=PROBE_INTERVAL)

    assert bound(vtep) == {IP2}
    assert a_mac_route(M1, IP1, "10.0.0.10:100").key not in vtep.announcements()
    assert a_mac_route(M1, IP2, "10.0.0.10:100").key in vtep.announcements()
