from itertools import permutations

import pytest

from evpn.rib.best import Reason
from evpn.rib.path import Rejection
from evpn.rib.table import Rib
from evpn.wire.routes import MacIpRoute
from tests.builders import RR1, RR2, VTEP2, VTEP3, a_path, attributes

from .ribs import OTHER, ROUTE, a_rib


def test_a_new_route_is_a_change_from_nothing() -> None:
    path = a_path(ROUTE)

    assert Rib().announce(RR1, [path]) == [(ROUTE.key, None, path)]


def test_routes_that_nobody_has_said_may_be_added_without_a_word() -> None:
    rib, paths = Rib(), [a_path(ROUTE), a_path(OTHER)]

    assert rib.add_new(RR1, paths)

    assert rib.routes == {ROUTE.key: (paths[0],), OTHER.key: (paths[1],)}
    assert rib.paths_of == {RR1: 2}


@pytest.mark.parametrize("said", [[OTHER, ROUTE], [OTHER, OTHER]], ids=["by somebody", "twice"])
def test_nothing_is_added_where_one_of_them_was_said_before(said: list[MacIpRoute]) -> None:
    known = a_path(ROUTE, peer=RR2)
    rib = a_rib(known)

    assert not rib.add_new(RR1, [a_path(route) for route in said])

    assert rib.routes == {ROUTE.key: (known,)}
    assert rib.paths_of == {RR2: 1}


def test_the_same_again_is_no_change() -> None:
    rib = a_rib(a_path(ROUTE))

    assert rib.announce(RR1, [a_path(ROUTE)]) == []


def test_a_route_said_anew_replaces_the_path_of_that_peer() -> None:
    first, second = a_path(ROUTE, VTEP2), a_path(ROUTE, VTEP3)
    rib = a_rib(first)

    assert rib.announce(RR1, [second]) == [(ROUTE.key, first, second)]
    assert rib.routes[ROUTE.key] == (second,)


def test_a_withdrawal_is_a_change_to_nothing() -> None:
    path = a_path(ROUTE)
    rib = a_rib(path)

    assert rib.withdraw(RR1, [ROUTE]) == [(ROUTE.key, path, None)]
    assert rib.routes == {}


@pytest.mark.parametrize("peer", [RR1, RR2])
def test_a_withdrawal_of_what_was_never_announced_is_nothing(peer: str) -> None:
    rib = a_rib(a_path(OTHER, peer=RR1))

    assert rib.withdraw(peer, [ROUTE]) == []
    assert rib.paths_of == {RR1: 1}


def test_a_withdrawal_concerns_the_path_of_that_peer_only() -> None:
    first, second = a_path(ROUTE, peer=RR1), a_path(ROUTE, peer=RR2)
    rib = a_rib(first, second)

    assert rib.withdraw(RR1, [ROUTE]) == [(ROUTE.key, first, second)]
    assert rib.withdraw(RR2, [ROUTE]) == [(ROUTE.key, second, None)]


def test_a_worse_path_is_no_change() -> None:
    rib = a_rib(a_path(ROUTE, peer=RR1, sequence=1))

    assert rib.announce(RR2, [a_path(ROUTE, peer=RR2)]) == []
    assert rib.best(ROUTE.key)[1] is Reason.SEQUENCE


def test_a_refused_path_is_kept_and_never_used() -> None:
    refused = a_path(ROUTE, rejection=Rejection.AS_LOOP)
    rib = Rib()

    assert rib.announce(RR1, [refused]) == []
    assert rib.routes[ROUTE.key] == (refused,)
    assert rib.best(ROUTE.key) == (None, Reason.ONLY)


def test_a_refused_path_loses_to_any_other_and_takes_nothing_with_it() -> None:
    refused, used = a_path(ROUTE, peer=RR1, sequence=9, rejection=Rejection.ENCAPSULATION), a_path(ROUTE, peer=RR2)
    rib = a_rib(refused, used)

    assert rib.best(ROUTE.key) == (used, Reason.ONLY)
    assert rib.withdraw(RR1, [ROUTE]) == []


def test_a_path_that_becomes_refused_is_gone() -> None:
    path = a_path(ROUTE)
    rib = a_rib(path)

    changes = rib.announce(RR1, [a_path(ROUTE, rejection=Rejection.OWN_NEXT_HOP)])

    assert changes == [(ROUTE.key, path, None)]


def test_both_routes_of_one_update_are_announced() -> None:
    rib = Rib()

    assert len(rib.announce(RR1, [a_path(ROUTE), a_path(OTHER)])) == 2
    assert rib.routes.keys() == {ROUTE.key, OTHER.key}
    assert rib.paths_of == {RR1: 2}


# Whatever the order

PATHS = [
    a_path(ROUTE, VTEP2, RR1, sequence=1),
    a_path(ROUTE, VTEP3, RR2, sequence=1),
    a_path(ROUTE, VTEP3, "10.0.0.9", shared=attributes(local_preference=200)),
    a_path(ROUTE, VTEP2, "10.0.0.8", sequence=9, rejection=Rejection.AS_LOOP),
]


def test_the_best_path_does_not_depend_on_the_order_of_arrival() -> None:
    ends = set()
    for order in permutations(PATHS):
        rib = a_rib(*order)
        ends.add((rib.routes[ROUTE.key], rib.best(ROUTE.key)))

    assert len(ends) == 1
