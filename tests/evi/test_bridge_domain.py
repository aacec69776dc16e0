"""Local and remote claims of one bridge domain: moves, static and sticky MACs, limits."""

from itertools import permutations

import pytest

from evpn.evi.bridge_domain import BridgeDomain
from evpn.evi.entries import LocalMac, Remote
from evpn.evi.journal import What
from evpn.evi.mobility import MAX_SEQUENCE, Claim, Reason
from tests.builders import M1, M2, M3, OURS, VTEP2, VTEP3, VTEP4, a_domain, a_mac_path

PORT, OTHER_PORT = 11, 12


def claimed(domain: BridgeDomain) -> Claim | None:
    local = domain.local.get(M1)
    return local.claim if local else None


# Only local, only remote


def test_a_local_mac_is_claimed_without_a_sequence() -> None:
    domain = a_domain()

    assert domain.learn(M1, PORT)

    assert domain.local == {M1: LocalMac(PORT, static=False, claim=Claim(OURS))}
    assert domain.owner(M1) is None


def test_a_remote_mac_is_behind_its_vtep() -> None:
    domain = a_domain()

    domain.import_path(a_mac_path(M1, VTEP2, sticky=True))

    assert domain.owner(M1) == Remote(VTEP2, sticky=True, reason=Reason.ONLY)


def test_nobody_owns_a_mac_that_was_withdrawn() -> None:
    domain = a_domain()
    domain.import_path(a_mac_path())

    domain.withdraw_path(a_mac_path())

    assert domain.owner(M1) is None
    assert domain.remote == {}


def test_of_two_vteps_the_better_claim_owns_and_the_rule_is_named_in_any_order() -> None:
    paths = [a_mac_path(M1, VTEP3, sequence=1), a_mac_path(M1, VTEP2, sequence=1), a_mac_path(M1, VTEP4)]

    for order in permutations(paths):
        domain = a_domain()
        for path in order:
            domain.import_path(path)

        assert domain.owner(M1) == Remote(VTEP2, sticky=False, reason=Reason.VTEP)


def test_routes_of_one_vtep_are_one_claim_of_the_highest_sequence() -> None:
    paths = [
        a_mac_path(M1, VTEP4, sequence=3),
        a_mac_path(M1, VTEP4, ip=b"\xc0\0\2\1", sequence=1),
        a_mac_path(M1, VTEP2, sequence=2),
    ]

    for order in permutations(paths):
        domain = a_domain()
        for path in order:
            domain.import_path(path)

        assert domain.owner(M1) == Remote(VTEP4, sticky=False, reason=Reason.SEQUENCE)


# Moves


def test_a_host_that_comes_to_us_is_claimed_above_the_sequence_it_had() -> None:
    domain = a_domain()
    domain.import_path(a_mac_path(M1, VTEP2, sequence=4))

    assert domain.learn(M1, PORT)

    assert claimed(domain) == Claim(OURS, 5)
    assert domain.owner(M1) is None


def test_the_late_withdrawal_of_where_it_was_changes_nothing() -> None:
    domain = a_domain()
    domain.import_path(a_mac_path(M1, VTEP2, sequence=4))
    domain.learn(M1, PORT)

    domain.withdraw_path(a_mac_path(M1, VTEP2, sequence=4))

    assert claimed(domain) == Claim(OURS, 5)


def test_a_host_that_leaves_us_is_given_up_before_its_row_is_replaced() -> None:
    domain = a_domain()
    domain.learn(M1, PORT)

    domain.import_path(a_mac_path(M1, VTEP2, sequence=1))

    assert claimed(domain) is None
    assert domain.owner(M1) == Remote(VTEP2, sticky=False, reason=Reason.ONLY)


@pytest.mark.parametrize(("vtep", "owner"), [(VTEP2, VTEP2), (VTEP3, None)])
def test_of_two_first_claims_the_lower_vtep_wins(vtep, owner) -> None:
    domain = a_domain()
    domain.learn(M1, PORT)

    domain.import_path(a_mac_path(M1, vtep))

    found = domain.owner(M1)
    assert (found and found.vtep) == owner


def test_a_host_moves_there_and_back_with_a_sequence_that_grows() -> None:
    domain = a_domain()
    domain.learn(M1, PORT)
    domain.import_path(a_mac_path(M1, VTEP2, sequence=1))
    domain.forget(M1)
    domain.learn(M1, PORT)
    domain.import_path(a_mac_path(M1, VTEP2, sequence=3))

    assert claimed(domain) is None

    domain.withdraw_path(a_mac_path(M1, VTEP2, sequence=3))
    domain.forget(M1)
    domain.learn(M1, PORT)

    assert claimed(domain) == Claim(OURS, 4)


@pytest.mark.parametrize("order", list(permutations(["learn", "other", "withdraw"])))
def test_every_order_in_which_a_move_to_us_may_be_heard_ends_with_us(order) -> None:
    """VTEP2 had it; it speaks here; VTEP2 withdraws; another one that never had it says so once."""
    domain = a_domain()
    domain.import_path(a_mac_path(M1, VTEP2, sequence=7))
    heard = {
        "learn": lambda: domain.learn(M1, PORT),
        "withdraw": lambda: domain.withdraw_path(a_mac_path(M1, VTEP2, sequence=7)),
        "other": lambda: domain.import_path(a_mac_path(M1, VTEP3, sequence=0)),
    }

    for what in order:
        heard[what]()

    assert claimed(domain) == Claim(OURS, 8)
    assert domain.owner(M1) is None


@pytest.mark.parametrize("order", list(permutations(["taken", "import", "gone"])))
def test_every_order_in_which_a_move_away_may_be_heard_ends_with_them(order) -> None:
    """The new VTEP announces, the bridge's row ages out, or our own row takes its place."""
    domain = a_domain()
    domain.learn(M1, PORT)
    heard = {
        "import": lambda: domain.import_path(a_mac_path(M1, VTEP3, sequence=1)),
        "gone": lambda: domain.forget(M1, PORT),
        "taken": lambda: domain.forget(M1),
    }

    for what in order:
        heard[what]()

    assert domain.local == {}
    assert domain.owner(M1) == Remote(VTEP3, sticky=False, reason=Reason.ONLY)


def test_a_claim_given_up_is_taken_back_when_the_winner_withdraws_before_anything_was_written() -> None:
    domain = a_domain()
    domain.learn(M1, PORT)
    domain.import_path(a_mac_path(M1, VTEP2, sequence=6))

    domain.withdraw_path(a_mac_path(M1, VTEP2, sequence=6))

    assert domain.local == {M1: LocalMac(PORT, static=False, claim=Claim(OURS, 7))}


def test_a_move_between_our_ports_keeps_the_claim() -> None:
    domain = a_domain()
    domain.import_path(a_mac_path(M1, VTEP2))
    domain.learn(M1, PORT)

    domain.learn(M1, OTHER_PORT)
    domain.forget(M1, PORT)

    assert domain.local == {M1: LocalMac(OTHER_PORT, static=False, claim=Claim(OURS, 1))}


@pytest.mark.parametrize(("vtep", "sequence"), [(VTEP3, MAX_SEQUENCE), (VTEP2, 0)])
def test_behind_the_last_sequence_comes_the_lower_vtep_or_the_first_sequence(vtep, sequence) -> None:
    domain = a_domain()
    domain.import_path(a_mac_path(M1, vtep, sequence=MAX_SEQUENCE))

    domain.learn(M1, PORT)

    assert claimed(domain) == Claim(OURS, sequence)
    assert domain.owner(M1) is None


def test_numbers_go_on_behind_the_wrap() -> None:
    domain = a_domain()
    domain.import_path(a_mac_path(M1, VTEP2, sequence=MAX_SEQUENCE))
    domain.learn(M1, PORT)
    domain.import_path(a_mac_path(M1, VTEP2, sequence=1))

    assert claimed(domain) is None

    domain.forget(M1)
    domain.learn(M1, PORT)
    assert claimed(domain) == Claim(OURS, 2)


def test_among_three_claims_around_the_circle_the_owner_does_not_depend_on_the_order() -> None:
    paths = [a_mac_path(M1, vtep, sequence=n << 30) for vtep, n in ((VTEP2, 0), (VTEP3, 2), (VTEP4, 3))]
    owners = set()
    for order in permutations(paths):
        domain = a_domain()
        for path in order:
            domain.import_path(path)
        owners.add(domain.owner(M1).vtep)

    assert len(owners) == 1


# Static here, sticky there


@pytest.mark.parametrize("sticky", [False, True])
@pytest.mark.parametrize("order", list(permutations(["learn", "import"])))
def test_a_static_local_mac_is_never_displaced_and_is_claimed_above_the_intruder(order, sticky) -> None:
    domain = a_domain()
    for what in order:
        if what == "learn":
            domain.learn(M1, PORT, static=True)
        else:
            domain.import_path(a_mac_path(M1, VTEP2, sequence=5, sticky=sticky))

    assert claimed(domain) == Claim(OURS, 6)
    assert domain.owner(M1) is None


@pytest.mark.parametrize("order", list(permutations(["learn", "import"])))
def test_a_sticky_remote_mac_refuses_to_move_to_us(order) -> None:
    domain = a_domain()
    for what in order:
        if what == "learn":
            domain.learn(M1, PORT)
        else:
            domain.import_path(a_mac_path(M1, VTEP2, sticky=True))

    assert claimed(domain) is None
    assert domain.owner(M1) == Remote(VTEP2, sticky=True, reason=Reason.ONLY)


def test_a_refused_move_is_counted_and_known() -> None:
    domain = a_domain()
    domain.import_path(a_mac_path(M1, VTEP2, sticky=True))

    assert not domain.learn(M1, PORT)

    assert domain.refused_moves == 1
    assert [(event.what, event.mac, event.vtep) for event in domain.events] == [(What.REFUSED, M1, VTEP2)]
    assert (domain.local[M1].port, domain.owner(M1)) == (PORT, Remote(VTEP2, sticky=True, reason=Reason.ONLY))


def test_what_is_no_longer_static_is_given_up_to_the_sticky_one() -> None:
    domain = a_domain()
    domain.learn(M1, PORT, static=True)
    domain.import_path(a_mac_path(M1, VTEP2, sticky=True))

    domain.learn(M1, PORT)

    assert claimed(domain) is None


# Limits and dumps


def test_the_limit_holds_and_what_is_known_may_still_move() -> None:
    domain = a_domain(max_macs=2)
    learnt = [domain.learn(mac, PORT) for mac in (M1, M2, M3)]

    assert learnt == [True, True, False]
    assert domain.learn(M1, OTHER_PORT)
    assert list(domain.local) == [M1, M2]
    assert domain.over_limit == 1


def test_a_place_that_becomes_free_is_given_again() -> None:
    domain = a_domain(max_macs=1)
    domain.learn(M1, PORT)
    domain.forget(M1)

    assert domain.learn(M2, PORT)


def test_a_dump_brings_what_was_missed_and_takes_what_is_gone() -> None:
    domain = a_domain()
    domain.learn(M1, PORT)
    domain.learn(M2, PORT)

    domain.observe_local({M2: (OTHER_PORT, False), M3: (PORT, True)})

    assert domain.local == {
        M2: LocalMac(OTHER_PORT, static=False, claim=Claim(OURS)),
        M3: LocalMac(PORT, static=True, claim=Claim(OURS)),
    }


def test_a_row_that_a_dump_shows_again_does_not_take_the_mac_back() -> None:
    domain = a_domain()
    domain.learn(M1, PORT)
    domain.import_path(a_mac_path(M1, VTEP2, sequence=1))

    domain.observe_local({M1: (PORT, False)})

    assert claimed(domain) is None
