from collections.abc import Iterable
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evpn.rib.best import Reason
from evpn.rib.path import Path, Rejection
from evpn.rib.table import BestPathChange, Rib
from tests.builders import M1, M2, RR1, RR2, VTEP2, VTEP3, a_mac_route, a_path, attributes

ROUTE = a_mac_route(M1)
OTHER = a_mac_route(M2)


def a_rib(*paths: Path) -> Rib:
    rib = Rib()
    for path in paths:
        rib.announce(path.peer, [path])
    return rib


def best(rib: Rib) -> Path | None:
    return rib.best(ROUTE.key)[0]


def after(changes: Iterable[BestPathChange]) -> Path | None:
    """What somebody who only hears of changes believes to be the best path."""
    *_, last = changes
    return last[2]


def test_a_new_route_is_a_change_from_nothing() -> None:
    path = a_path(ROUTE)

    assert Rib().announce(RR1, [path]) == [(ROUTE.key, None, path)]


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
    assert list(rib.best_paths()) == []


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
    assert {key for key, _ in rib.best_paths()} == {ROUTE.key, OTHER.key}
    assert rib.paths_of == {RR1: 2}


# A session is lost


def test_one_of_two_peers_lost_changes_nothing_when_both_said_the_same() -> None:
    rib = a_rib(a_path(ROUTE, peer=RR1), a_path(ROUTE, peer=RR2))

    ((_, old, new),) = rib.mark_stale(RR1)

    assert (old._replace(peer=""), new.peer) == (new._replace(peer=""), RR2)
    assert rib.sweep(RR1) == []


def test_the_only_peer_lost_leaves_its_paths_until_the_sweep() -> None:
    path = a_path(ROUTE)
    rib = a_rib(path)

    assert rib.mark_stale(RR1) == []
    assert rib.is_stale(ROUTE.key, path)
    assert best(rib) == path
    assert rib.sweep(RR1) == [(ROUTE.key, path, None)]
    assert rib.paths_of == {RR1: 0}


def test_a_stale_path_loses_to_a_fresh_one() -> None:
    stale, fresh = a_path(ROUTE, peer=RR1, sequence=5), a_path(ROUTE, peer=RR2)
    rib = a_rib(stale)
    rib.mark_stale(RR1)

    assert rib.announce(RR2, [fresh]) == [(ROUTE.key, stale, fresh)]
    assert rib.best(ROUTE.key) == (fresh, Reason.FRESH)


def test_the_sweep_spares_what_was_said_again() -> None:
    again = a_path(ROUTE)
    rib = a_rib(again, a_path(OTHER))
    rib.mark_stale(RR1)

    rib.announce(RR1, [again])

    assert [key for key, _, _ in rib.sweep(RR1)] == [OTHER.key]
    assert best(rib) == again
    assert not rib.is_stale(ROUTE.key, again)


def test_a_peer_lost_twice_has_to_say_everything_twice() -> None:
    rib = a_rib(a_path(ROUTE), a_path(OTHER))
    rib.mark_stale(RR1)
    rib.announce(RR1, [a_path(ROUTE)])

    rib.mark_stale(RR1)
    rib.announce(RR1, [a_path(OTHER)])

    assert [key for key, _, _ in rib.sweep(RR1)] == [ROUTE.key]


def test_a_stale_path_can_be_withdrawn_and_said_again() -> None:
    path = a_path(ROUTE)
    rib = a_rib(path)
    rib.mark_stale(RR1)

    assert rib.withdraw(RR1, [ROUTE]) == [(ROUTE.key, path, None)]
    assert rib.announce(RR1, [path]) == [(ROUTE.key, None, path)]
    assert rib.sweep(RR1) == []


def test_nothing_is_stale_of_a_peer_that_was_never_lost() -> None:
    assert a_rib(a_path(ROUTE)).sweep(RR1) == []
    assert Rib().mark_stale(RR2) == []


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


ROUTES = [ROUTE, OTHER, a_mac_route(M1, vni=200)]  # the third has the key of the first and another label
PEERS = [RR1, RR2]
EVENTS = st.lists(
    st.one_of(
        st.tuples(
            st.just("announce"),
            st.sampled_from(PEERS),
            st.sampled_from(ROUTES),
            st.sampled_from([VTEP2, VTEP3]),
            st.integers(0, 2),
            st.sampled_from([None, Rejection.AS_LOOP]),
        ),
        st.tuples(st.just("withdraw"), st.sampled_from(PEERS), st.sampled_from(ROUTES)),
        st.tuples(st.sampled_from(["mark_stale", "sweep"]), st.sampled_from(PEERS)),
    ),
    max_size=30,
)


@given(EVENTS)
def test_whoever_hears_the_changes_knows_the_best_paths(events) -> None:
    rib, believed = Rib(), {}

    for what, peer, *rest in events:
        if what == "announce":
            route, vtep, sequence, rejection = rest
            path = a_path(route, vtep, peer, sequence=sequence, rejection=rejection)
            changes = rib.announce(peer, [path])
        elif what == "withdraw":
            changes = rib.withdraw(peer, rest)
        else:
            changes = getattr(rib, what)(peer)
        for key, old, new in changes:
            assert old != new
            assert believed.pop(key, None) == old
            if new is not None:
                believed[key] = new

    assert believed == dict(rib.best_paths())
    assert all(rib.best(key)[0] == path for key, path in believed.items())
    assert all(paths for paths in rib.routes.values())
    counted = {peer: sum(path.peer == peer for paths in rib.routes.values() for path in paths) for peer in PEERS}
    assert counted == {peer: rib.paths_of.get(peer, 0) for peer in PEERS}
