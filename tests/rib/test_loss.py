"""A session is lost: what is stale, and what becomes of it, a slice of routes at a time (RFC 4724)."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evpn.rib import table
from evpn.rib.best import Reason, rank
from evpn.rib.path import Path, Rejection
from evpn.rib.table import BestPathChange, Rib
from evpn.values import RouteKey
from tests.builders import M1, RR1, RR2, VTEP2, VTEP3, a_mac_route, a_path

from .ribs import OTHER, ROUTE, a_rib, best


@pytest.fixture(params=[1, 100], autouse=True)
def routes_per_slice(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "SLICE", request.param)
    monkeypatch.setattr(table, "FORGOTTEN", request.param)


def slices(rib: Rib) -> Iterator[BestPathChange]:
    while not rib.is_settled:
        yield from rib.settle()


def lost(rib: Rib, peer: str) -> list[BestPathChange]:
    rib.mark_stale(peer)
    return list(slices(rib))


def swept(rib: Rib, peer: str) -> list[BestPathChange]:
    rib.sweep(peer)
    return list(slices(rib))


def test_one_of_two_peers_lost_changes_nothing_when_both_said_the_same() -> None:
    rib = a_rib(a_path(ROUTE, peer=RR1), a_path(ROUTE, peer=RR2))

    ((_, old, new),) = lost(rib, RR1)

    assert old is not None and new is not None
    assert (old._replace(peer=""), new.peer) == (new._replace(peer=""), RR2)
    assert swept(rib, RR1) == []


def test_the_only_peer_lost_leaves_its_paths_until_the_sweep() -> None:
    path = a_path(ROUTE)
    rib = a_rib(path)

    assert lost(rib, RR1) == []
    assert rib.is_stale(ROUTE.key, path)
    assert best(rib) == path
    assert swept(rib, RR1) == [(ROUTE.key, path, None)]
    assert rib.paths_of == {RR1: 0}


def test_a_path_is_stale_from_the_first_moment() -> None:
    path = a_path(ROUTE)
    rib = a_rib(path, a_path(OTHER))

    rib.mark_stale(RR1)

    assert rib.is_stale(ROUTE.key, path)
    assert rib.stale(RR1) == 2


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

    assert [key for key, _, _ in swept(rib, RR1)] == [OTHER.key]
    assert best(rib) == again
    assert not rib.is_stale(ROUTE.key, again)


def test_the_sweep_spares_what_is_said_again_while_it_is_under_way() -> None:
    again = a_path(ROUTE)
    rib = a_rib(again, a_path(OTHER))
    rib.mark_stale(RR1)
    rib.sweep(RR1)

    rib.announce(RR1, [again])
    assert not rib.is_stale(ROUTE.key, again)

    assert [key for key, _, _ in slices(rib)] == [OTHER.key]
    assert rib.paths_of == {RR1: 1}


def test_a_peer_lost_twice_has_to_say_everything_twice() -> None:
    rib = a_rib(a_path(ROUTE), a_path(OTHER))
    rib.mark_stale(RR1)
    rib.announce(RR1, [a_path(ROUTE)])

    rib.mark_stale(RR1)
    rib.announce(RR1, [a_path(OTHER)])

    assert [key for key, _, _ in swept(rib, RR1)] == [ROUTE.key]


def test_a_sweep_goes_on_when_its_peer_is_lost_again_and_drops_no_more_than_before() -> None:
    rib = a_rib(a_path(ROUTE), a_path(OTHER))
    rib.mark_stale(RR1)
    rib.announce(RR1, [a_path(ROUTE)])
    rib.sweep(RR1)

    rib.mark_stale(RR1)
    assert (rib.stale(RR1), rib.kept(RR1)) == (2, 1)
    assert [key for key, _, _ in slices(rib)] == [OTHER.key]

    assert rib.stale(RR1) == 1
    assert [key for key, _, _ in swept(rib, RR1)] == [ROUTE.key]


def test_a_sweep_spares_what_its_peer_says_after_it_was_lost_again() -> None:
    again = a_path(ROUTE)
    rib = a_rib(again, a_path(OTHER))
    rib.mark_stale(RR1)
    rib.sweep(RR1)
    rib.mark_stale(RR1)

    rib.announce(RR1, [again])

    assert [key for key, _, _ in slices(rib)] == [OTHER.key]
    assert swept(rib, RR1) == []
    assert best(rib) == again


def test_a_stale_path_can_be_withdrawn_and_said_again() -> None:
    path = a_path(ROUTE)
    rib = a_rib(path)
    rib.mark_stale(RR1)

    assert rib.withdraw(RR1, [ROUTE]) == [(ROUTE.key, path, None)]
    assert rib.announce(RR1, [path]) == [(ROUTE.key, None, path)]
    assert swept(rib, RR1) == []


def test_what_is_said_again_and_withdrawn_is_neither_fresh_nor_stale() -> None:
    rib = a_rib(a_path(ROUTE), a_path(OTHER))
    rib.mark_stale(RR1)
    rib.announce(RR1, [a_path(ROUTE)])

    rib.withdraw(RR1, [ROUTE])

    assert (rib.paths_of[RR1], rib.stale(RR1)) == (1, 1)


def test_what_is_being_swept_is_kept_no_more_until_it_is_said_again() -> None:
    rib = a_rib(a_path(ROUTE), a_path(OTHER))
    rib.mark_stale(RR1)
    assert rib.kept(RR1) == 2

    rib.sweep(RR1)
    rib.announce(RR1, [a_path(ROUTE)])

    assert rib.kept(RR1) == 1
    assert (rib.keeps(RR1, ROUTE.key), rib.keeps(RR1, OTHER.key)) == (True, False)


def test_two_peers_are_swept_beside_each_other() -> None:
    rib = a_rib(a_path(ROUTE, peer=RR1), a_path(ROUTE, peer=RR2), a_path(OTHER, peer=RR2))
    for peer in (RR1, RR2):
        rib.mark_stale(peer)
        rib.sweep(peer)

    list(slices(rib))

    assert rib.routes == {}
    assert rib.paths_of == {RR1: 0, RR2: 0}


def test_nothing_is_stale_of_a_peer_that_was_never_lost() -> None:
    assert swept(a_rib(a_path(ROUTE)), RR1) == []
    assert lost(Rib(), RR2) == []


def test_no_more_routes_are_looked_at_in_a_turn_than_a_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "SLICE", 2)
    rib = a_rib(*(a_path(a_mac_route(M1, vni=1, rd=f"1:{n}"), peer=peer) for n in range(5) for peer in (RR1, RR2)))
    rib.mark_stale(RR1)
    rib.sweep(RR1)

    counts = []
    while not rib.is_settled:
        rib.settle()
        counts.append(rib.paths_of[RR1])

    assert counts[:3] == [3, 1, 0]
    assert rib.paths_of == {RR1: 0, RR2: 5}


# Whatever the order

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
        st.tuples(st.sampled_from(["mark_stale", "sweep", "settle"]), st.sampled_from(PEERS)),
    ),
    max_size=40,
)


class Told(NamedTuple):
    path: Path
    stale: bool


class AtOnce:
    """What each peer has said, where the loss of a session and the sweep take no time."""

    def __init__(self) -> None:
        self.told: dict[tuple[str, RouteKey], Told] = {}

    def announce(self, path: Path) -> None:
        self.told[path.peer, path.route.key] = Told(path, False)

    def withdraw(self, peer: str, key: RouteKey) -> None:
        self.told.pop((peer, key), None)

    def mark_stale(self, peer: str) -> None:
        self.told = {at: Told(path, stale or path.peer == peer) for at, (path, stale) in self.told.items()}

    def sweep(self, peer: str) -> None:
        self.told = {at: told for at, told in self.told.items() if not (told.stale and told.path.peer == peer)}

    def routes(self) -> dict[RouteKey, tuple[Path, ...]]:
        found: dict[RouteKey, list[Told]] = {}
        for (_, key), told in self.told.items():
            found.setdefault(key, []).append(told)
        for paths in found.values():
            paths.sort(key=lambda told: (told.path.rejection is not None, rank(told.path, told.stale)))
        return {key: tuple(told.path for told in paths) for key, paths in found.items()}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # the size of a slice is one for all examples
@given(EVENTS)
def test_slices_end_where_it_had_ended_at_once_and_whoever_hears_the_changes_knows_the_best_paths(events) -> None:
    rib, at_once, believed = Rib(), AtOnce(), {}

    def hear(changes: list[BestPathChange]) -> None:
        for key, old, new in changes:
            assert old != new
            assert believed.pop(key, None) == old
            if new is not None:
                believed[key] = new

    for what, peer, *rest in events:
        if what == "announce":
            route, vtep, sequence, rejection = rest
            path = a_path(route, vtep, peer, sequence=sequence, rejection=rejection)
            at_once.announce(path)
            if rib.add_new(peer, [path]):
                hear([(route.key, None, path)] if rejection is None else [])
            else:
                hear(rib.announce(peer, [path]))
        elif what == "withdraw":
            at_once.withdraw(peer, rest[0].key)
            hear(rib.withdraw(peer, rest))
        elif what == "settle":
            hear(rib.settle())
        else:
            getattr(at_once, what)(peer)
            getattr(rib, what)(peer)
        for (of, key), (path, stale) in at_once.told.items():
            assert rib.is_stale(key, path) == stale and rib.keeps(of, key)
        kept = {peer: sum(of == peer for of, _ in at_once.told) for peer in PEERS}
        assert kept == {peer: rib.kept(peer) for peer in PEERS}
        counted = {peer: sum(path.peer == peer for paths in rib.routes.values() for path in paths) for peer in PEERS}
        assert counted == {peer: rib.paths_of.get(peer, 0) for peer in PEERS}
    hear(list(slices(rib)))

    assert rib.routes == at_once.routes()
    best = {key: rib.best(key)[0] for key in rib.routes}
    assert believed == {key: path for key, path in best.items() if path}
    stale = {peer: sum(of == peer and told.stale for (of, _), told in at_once.told.items()) for peer in PEERS}
    assert stale == {peer: rib.stale(peer) for peer in PEERS}
