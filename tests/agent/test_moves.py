"""Events become the journal, alerts and duplicates: for how long, and what a reload or an operator changes."""

import pytest

from evpn.agent.configure import configure
from evpn.agent.moves import Moves
from evpn.config.settings import DuplicateAction, DuplicateDetection
from evpn.dataplane.dataplane import Dataplane
from evpn.evi.bindings import Source
from evpn.evi.bridge_domain import BridgeDomain
from evpn.evi.foreknown import expect
from evpn.evi.journal import Event, What
from evpn.evi.mobility import Claim
from evpn.values import Vni
from tests.agent.vtep import Vtep, a_mac, our_macs, tell
from tests.builders import CONFIGURATION, IP1, M1, M2, OURS, VTEP3, a_domain, a_mac_path, settings
from tests.kernel_rows import OTHER_PORT, PORT

WARN = DuplicateDetection(3, 180, DuplicateAction.WARN, 540)
FREEZE = DuplicateDetection(3, 180, DuplicateAction.FREEZE, 540)


def moves_of(domain: BridgeDomain, detection: DuplicateDetection) -> Moves:
    moves = Moves(Dataplane())
    moves.configure(domain, detection)
    return moves


def to_and_fro(domain: BridgeDomain, moves: Moves, *times: float) -> None:
    """M1 turns up at VTEP3 and here by turns."""
    for number, now in enumerate(times):
        if number % 2:
            domain.import_path(a_mac_path(M1, VTEP3, sequence=number))
        else:
            domain.learn(M1, PORT)
        moves.settle([domain], now)


def what_of(moves: Moves) -> list[What]:
    return [entry.event.what for entry in moves.journal.entries()]


# Journal


def test_what_a_bridge_domain_tells_is_in_the_journal_and_counted() -> None:
    domain = a_domain()
    moves = moves_of(domain, WARN)
    domain.learn(M1, PORT)
    domain.learn(M2, PORT)

    moves.settle([domain], 7.0)

    assert [(entry.when, entry.event.mac) for entry in moves.journal.entries()] == [(7.0, M1), (7.0, M2)]
    assert moves.counts == {(100, What.LEARNT): 2}
    assert domain.events == []


def test_a_vni_that_is_served_no_longer_leaves_nothing() -> None:
    domain = a_domain()
    moves = moves_of(domain, FREEZE)
    to_and_fro(domain, moves, 0, 1, 2, 3)

    moves.forget(domain.vni)

    assert list(moves.journal.entries()) == []
    assert (moves.counts, moves.detectors, moves.next_recovery()) == ({}, {}, None)
    moves.settle([], 1e6)


# Duplicates


def test_the_first_sight_of_a_host_is_no_move() -> None:
    domain = a_domain()
    moves = moves_of(domain, WARN)

    to_and_fro(domain, moves, 0, 1, 2)

    assert list(moves.duplicates(domain)) == []


def test_moves_here_and_away_make_a_duplicate_which_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    domain = a_domain()
    moves = moves_of(domain, WARN)

    to_and_fro(domain, moves, 0, 1, 2, 3, 4, 5)

    ((mac, ip, found),) = moves.duplicates(domain)
    assert (mac, ip, found.since, found.last, found.moves) == (M1, None, 3, 5, 5)
    assert what_of(moves).count(What.DUPLICATE) == 1
    assert domain.frozen == {}
    (alert,) = [record.getMessage() for record in caplog.records]
    assert alert == "duplicate mac vni=100 mac=02:00:00:00:00:01 port=11 vtep=10.0.0.30 count=1"


def test_one_that_is_to_be_held_is_held_where_it_is_and_let_go_of_when_it_has_recovered() -> None:
    domain = a_domain()
    moves = moves_of(domain, FREEZE)
    to_and_fro(domain, moves, 0, 1, 2, 3)
    assert domain.frozen.keys() == {M1}
    assert moves.next_recovery() == 543

    moves.settle([domain], 542.9)
    assert domain.frozen.keys() == {M1}

    moves.settle([domain], 543)
    assert domain.frozen == {}
    assert what_of(moves)[-1] is What.RECOVERED
    assert moves.next_recovery() is None


def test_one_that_was_let_go_of_because_it_left_is_held_again_when_it_moves_again() -> None:
    domain = a_domain()
    moves = moves_of(domain, FREEZE)
    to_and_fro(domain, moves, 0, 1, 2, 3)
    domain.withdraw_path(a_mac_path(M1, VTEP3, sequence=3))
    assert domain.frozen == {}

    domain.import_path(a_mac_path(M1, VTEP3, sequence=9))
    moves.settle([domain], 10)

    assert domain.frozen.keys() == {M1}


@pytest.mark.parametrize(
    ("key", "cleared", "left"), [(None, 2, []), (M1, 1, [IP1]), (IP1, 1, [M1]), (M2, 0, [M1, IP1])]
)
def test_an_operator_clears_all_or_one(key, cleared: int, left: list[bytes]) -> None:
    domain = a_domain()
    moves = moves_of(domain, FREEZE)
    to_and_fro(domain, moves, 0, 1, 2, 3)
    domain.addresses.configure(IP1, M2)
    for _ in range(3):
        domain.events.append(Event(What.IP_MOVED_HERE, M2, IP1))
    moves.settle([domain], 5)

    assert moves.clear(domain, 6, key) == cleared
    assert [mac or ip for mac, ip, _ in moves.duplicates(domain)] == left
    assert (M1 in domain.frozen) == (M1 in left)


def test_an_address_that_changes_hands_here_is_a_duplicate_as_well() -> None:
    domain = a_domain()
    moves = moves_of(domain, FREEZE)
    for now, mac in enumerate([M1, M2, M1, M2, M1]):
        domain.learn(mac, PORT)
        domain.addresses.saw(IP1, mac, now, Source.SNOOP)
        moves.settle([domain], now)

    assert [ip for _, ip, _ in moves.duplicates(domain)] == [IP1]
    assert domain.addresses.holder(IP1).mac == M2


@pytest.mark.parametrize("detection", [WARN, FREEZE])
def test_a_defence_ends_even_where_duplicates_are_only_told(detection: DuplicateDetection) -> None:
    """Two static rows of one MAC on two VTEPs: each claims it above the other one."""
    domain = a_domain()
    moves = moves_of(domain, detection)
    domain.learn(M1, PORT, static=True)
    for number in range(1, 20, 2):
        domain.import_path(a_mac_path(M1, VTEP3, sequence=number))
        moves.settle([domain], number)

    assert domain.local_claim(M1) == Claim(OURS, 6)
    assert domain.frozen == {M1: None}


@pytest.mark.parametrize("detection", [WARN, FREEZE])
def test_the_defence_of_an_address_ends_too(detection: DuplicateDetection) -> None:
    domain = a_domain()
    moves = moves_of(domain, detection)
    expect(domain, M1, PORT, sticky=False)
    domain.addresses.configure(IP1, M1)
    for number in range(1, 20, 2):
        domain.import_path(a_mac_path(M2, VTEP3, IP1, sequence=number))
        moves.settle([domain], number)

    assert domain.local_claim(M1) == Claim(OURS, 6)
    assert domain.addresses.holder(IP1).mac == M1


# Reload


def reload(vtep: Vtep, detection: str) -> None:
    entry = f"{{vni: 100, duplicate-detection: {{{detection}}}}}"
    configure(vtep.core, settings(CONFIGURATION.replace("{vni: 100}", entry)), vtep.now)
    vtep.settle()


def troubled(vtep: Vtep, detection: str) -> None:
    """M1 to and fro between VTEP3 and us, until it is a duplicate."""
    reload(vtep, detection)
    for sequence in (1, 3, 5):
        vtep.kernel.frame(M1, PORT)
        vtep.settle()
        tell(vtep, a_mac(M1, VTEP3, sequence=sequence))


def test_where_duplicates_are_no_longer_held_those_that_are_held_are_let_go_of(vtep: Vtep) -> None:
    troubled(vtep, "moves: 2, action: freeze, recovery: 0")
    domain = vtep.core.fabric.domains[Vni(100)]
    assert domain.frozen

    reload(vtep, "moves: 2, action: warn, recovery: 0")

    assert not domain.frozen
    assert [mac for mac, _, _ in vtep.core.moves.duplicates(domain)] == [M1]


def test_one_that_never_recovered_does_by_the_new_time(vtep: Vtep) -> None:
    troubled(vtep, "moves: 2, action: freeze, recovery: 0")
    assert vtep.core.moves.next_recovery() is None

    reload(vtep, "moves: 2, action: freeze, recovery: 60")
    assert vtep.core.moves.next_recovery() == 60
    vtep.settle(seconds=60)

    assert not vtep.core.fabric.domains[Vni(100)].frozen


def test_a_vni_that_is_taken_out_and_put_in_again_has_no_duplicates(vtep: Vtep) -> None:
    troubled(vtep, "moves: 2, action: freeze, recovery: 60")

    configure(vtep.core, settings(CONFIGURATION.replace("100", "200")), vtep.now)
    vtep.settle(seconds=61)
    reload(vtep, "moves: 2, action: freeze, recovery: 60")

    assert not list(vtep.core.moves.duplicates(vtep.core.fabric.domains[Vni(100)]))


def test_held_elsewhere_no_frame_takes_it_until_it_has_recovered(vtep: Vtep) -> None:
    troubled(vtep, "moves: 3, action: freeze, recovery: 60")
    vtep.kernel.frame(M1, OTHER_PORT)
    vtep.settle()
    assert our_macs(vtep) == {}

    vtep.settle(seconds=60)
    vtep.kernel.frame(M1, OTHER_PORT)
    vtep.settle()

    assert our_macs(vtep) == {M1: 6}
