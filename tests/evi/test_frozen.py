"""Duplicates that are held: nothing moves them, and once they are let go of all is as if they had never been held."""

from itertools import permutations

import pytest

from evpn.evi.bridge_domain import BridgeDomain
from evpn.evi.foreknown import expect
from evpn.evi.journal import What
from evpn.evi.mobility import Claim
from tests.builders import IP1, M1, M2, M3, OURS, VTEP2, VTEP3, a_domain, a_mac_path
from tests.evi.hosts import OTHER_PORT, PORT, holder, host, neighbor, told


def here() -> BridgeDomain:
    """M1 is held on a port of ours."""
    domain = a_domain()
    domain.learn(M1, PORT)
    domain.freeze(M1)
    return domain


def elsewhere() -> BridgeDomain:
    """M1 is held behind VTEP3."""
    domain = a_domain()
    domain.import_path(a_mac_path(M1, VTEP3, sequence=1))
    domain.freeze(M1)
    return domain


def behind(domain: BridgeDomain) -> tuple[bytes, bool] | None:
    owner = domain.owner(M1)
    return (owner.vtep, owner.sticky) if owner else None


# MACs


def test_one_held_here_stays_here_whatever_others_claim() -> None:
    domain = here()

    domain.import_path(a_mac_path(M1, VTEP2, sequence=9, sticky=True))

    assert (domain.local_claim(M1), behind(domain)) == (Claim(OURS), None)


def test_one_held_here_may_change_ports() -> None:
    domain = here()

    assert domain.learn(M1, OTHER_PORT)

    assert domain.local[M1].port == OTHER_PORT


def test_one_held_elsewhere_stays_there_and_no_frame_may_take_it() -> None:
    domain = elsewhere()

    assert not domain.learn(M1, PORT)
    domain.import_path(a_mac_path(M1, VTEP2, sequence=9))

    assert behind(domain) == (VTEP3, True)
    assert domain.local_claim(M1) is None


def test_what_is_nowhere_is_not_held() -> None:
    domain = a_domain()

    domain.freeze(M1)

    assert domain.learn(M1, PORT)


def test_one_that_leaves_where_it_is_held_here_goes_to_who_claims_it() -> None:
    domain = here()
    domain.import_path(a_mac_path(M1, VTEP2, sequence=9))

    domain.forget(M1, PORT)

    assert (behind(domain), domain.frozen) == ((VTEP2, False), {})


@pytest.mark.parametrize("other", [VTEP2, None])
def test_one_that_leaves_where_it_is_held_elsewhere_goes_to_who_claims_it(other) -> None:
    domain = elsewhere()
    if other:
        domain.import_path(a_mac_path(M1, other))

    domain.withdraw_path(a_mac_path(M1, VTEP3, sequence=1))

    assert (behind(domain), domain.frozen) == ((other, False) if other else None, {})


def test_one_that_speaks_here_is_ours_once_the_other_side_lets_go_of_it() -> None:
    domain = elsewhere()
    domain.learn(M1, PORT)

    domain.withdraw_path(a_mac_path(M1, VTEP3, sequence=1))

    assert domain.local_claim(M1) == Claim(OURS, 2)


def test_an_operator_who_says_that_it_belongs_here_has_the_last_word() -> None:
    domain = elsewhere()

    expect(domain, M1, PORT, sticky=False)

    assert domain.local_claim(M1) == Claim(OURS, 2)
    assert domain.frozen == {}


@pytest.mark.parametrize("order", list(permutations(["speaks", "second", "first gone"])))
@pytest.mark.parametrize("where", [here, elsewhere])
def test_what_is_let_go_of_is_where_it_would_have_been(where, order) -> None:
    """All that was heard while it was held counts, but for frames: who is here will speak again, and does."""
    held, free = where(), where()
    free.thaw(M1)
    for domain in (held, free):
        facts = {
            "speaks": lambda domain=domain: domain.learn(M1, PORT),
            "second": lambda domain=domain: domain.import_path(a_mac_path(M1, VTEP2, sequence=7)),
            "first gone": lambda domain=domain: domain.withdraw_path(a_mac_path(M1, VTEP3, sequence=1)),
        }
        for what in order:
            facts[what]()
    held.thaw(M1)

    for domain in (held, free):
        domain.learn(M1, PORT)
        domain.import_path(a_mac_path(M1, VTEP2, sequence=12))

    assert (behind(held), held.local_claim(M1), held.frozen) == (behind(free), free.local_claim(M1), {})


def test_to_let_go_of_what_is_not_held_changes_nothing() -> None:
    domain = a_domain()
    domain.learn(M1, PORT)
    domain.dirty.take()

    domain.thaw(M1)

    assert not domain.dirty


def test_a_static_row_that_is_held_is_not_raised_any_more() -> None:
    """Both sides defend it: numbers would chase each other without end."""
    domain = a_domain()
    domain.learn(M1, PORT, static=True)
    domain.import_path(a_mac_path(M1, VTEP2, sequence=3))
    assert told(domain)[-1] is What.DEFENDED
    assert What.DEFENDED.is_move
    domain.freeze(M1)

    domain.import_path(a_mac_path(M1, VTEP2, sequence=5))

    assert domain.local_claim(M1) == Claim(OURS, 4)
    domain.thaw(M1)
    assert domain.local_claim(M1) == Claim(OURS, 6)


# IPs


def test_an_address_held_here_stays_here() -> None:
    domain = a_domain()
    host(domain, M1, IP1)
    domain.addresses.freeze(IP1)

    domain.import_path(a_mac_path(M2, VTEP3, IP1, sequence=5))
    host(domain, M3, IP1)
    assert holder(domain) == M1

    domain.addresses.thaw(IP1)
    assert (holder(domain), neighbor(domain)) == (None, M2)


def test_an_address_held_elsewhere_stays_there() -> None:
    domain = a_domain()
    domain.import_path(a_mac_path(M2, VTEP3, IP1))
    domain.addresses.freeze(IP1)

    host(domain, M1, IP1)

    assert (holder(domain), neighbor(domain)) == (None, M2)


@pytest.mark.parametrize("here", [True, False])
def test_who_holds_it_no_longer_does_not_keep_it_from_others(here: bool) -> None:
    domain = a_domain()
    if here:
        host(domain, M1, IP1)
        domain.addresses.freeze(IP1)
        domain.forget(M1)
    else:
        domain.import_path(a_mac_path(M2, VTEP3, IP1))
        domain.addresses.freeze(IP1)
        domain.withdraw_path(a_mac_path(M2, VTEP3, IP1))

    host(domain, M3, IP1)

    assert holder(domain) == M3
    assert domain.addresses.frozen == {}


def test_an_address_that_is_nowhere_is_not_held() -> None:
    domain = a_domain()

    domain.addresses.freeze(IP1)

    assert domain.addresses.frozen == {}
