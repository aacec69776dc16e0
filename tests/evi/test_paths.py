"""Paths of one MAC: few or very many, the best claim is the same; and which of several bindings has an IP."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evpn.evi.mobility import MAX_SEQUENCE, Claim, Reason
from evpn.evi.paths import FEW, Crowd, Paths, best_binding, best_claim, claim, put, remove
from evpn.rib.path import Path
from evpn.values import IpAddress, MacAddress
from tests.builders import (
    IP1,
    M1,
    M2,
    VTEP2,
    VTEP3,
    VTEP4,
    a_domain,
    a_mac_path,
    a_mac_route,
    a_path,
    attributes,
    rd_of,
)
from tests.evi.hosts import neighbor

MANY = 3 * FEW


def of_number(n: int, vtep: IpAddress = VTEP2, sequence: int = 0, sticky: bool = False) -> Path:
    """A route of M1 with an address of its own."""
    return a_mac_path(M1, vtep, IpAddress(b"\x0a\0" + n.to_bytes(2)), sequence, sticky)


# Claims


def test_the_mac_of_a_default_gateway_does_not_move() -> None:
    """RFC 7432 section 10.1."""
    path = a_path(shared=attributes("target:65000:100", "default-gateway", sequence=2))

    assert claim(path) == Claim(VTEP2, 2, sticky=True)


def test_nobody_claims_what_has_no_path() -> None:
    assert best_claim(()) is None


def test_the_rule_that_decided_is_the_one_against_the_best_of_the_other_vteps() -> None:
    paths = (
        of_number(1, VTEP2, 3),
        of_number(2, VTEP2, 5),
        of_number(3, VTEP3, 5),
        of_number(4, VTEP4, 4),
    )

    assert best_claim(paths) == (Claim(VTEP2, 5), Reason.VTEP)
    assert best_claim(paths[:2]) == (Claim(VTEP2, 5), Reason.ONLY)


NUMBERS = [0, 1, (1 << 30) + 1, (2 << 30) + 1, (3 << 30) + 1, MAX_SEQUENCE]


@given(st.lists(st.builds(of_number, st.integers(0, 3), st.sampled_from([VTEP2, VTEP3]), st.sampled_from(NUMBERS))))
def test_the_best_claim_does_not_depend_on_the_order_even_around_the_circle(paths: list[Path]) -> None:
    assert best_claim(tuple(paths)) == best_claim(tuple(reversed(paths)))


# Many


FACTS = st.lists(
    st.tuples(
        st.booleans(),
        st.builds(
            of_number,
            st.integers(0, MANY),
            st.sampled_from([VTEP2, VTEP3]),
            st.integers(0, 2),
            st.sampled_from([False]),
        ),
    ),
    max_size=4 * MANY,
)


@given(FACTS)
def test_few_or_many_paths_have_the_same_best_claim(facts: list[tuple[bool, Path]]) -> None:
    table: dict[MacAddress, Paths] = {}
    model: dict[bytes, Path] = {path.route.key: path for path in map(of_number, range(FEW + 3))}
    for path in model.values():
        put(table, M1, path)
    for present, path in facts:
        before = best_claim(table.get(M1, ()))
        changed = (put if present else remove)(table, M1, path)
        model.pop(path.route.key, None)
        if present:
            model[path.route.key] = path

        paths = table.get(M1, ())
        assert list(paths) == list(model.values())
        assert best_claim(paths) == best_claim(tuple(model.values()))
        assert changed or best_claim(paths) == before


@pytest.mark.parametrize("count", [FEW, FEW + 1, MANY])
def test_all_that_came_may_go(count: int) -> None:
    table: dict[MacAddress, Paths] = {}
    paths = [of_number(n) for n in range(count)]
    for path in paths:
        put(table, M1, path)
    assert isinstance(table[M1], Crowd) == (count > FEW)

    for path in paths:
        remove(table, M1, path)

    assert table == {}


def test_what_is_not_there_may_go_as_well() -> None:
    table: dict[MacAddress, Paths] = {}
    for n in range(MANY):
        put(table, M1, of_number(n))

    assert not remove(table, M1, of_number(MANY))
    assert len(table[M1]) == MANY


def test_news_of_one_of_many_addresses_touch_that_one_only() -> None:
    """A router with thousands of them: else each UPDATE about it would cost seconds."""
    domain = a_domain()
    for n in range(MANY):
        domain.import_path(of_number(n))
    domain.dirty.take()

    domain.import_path(of_number(MANY))
    domain.import_path(of_number(0))
    domain.withdraw_path(of_number(1))

    assert list(domain.dirty.take().ips) == [of_number(n).route.ip for n in (MANY, 0, 1)]


def test_a_router_that_moves_takes_its_many_addresses_along() -> None:
    domain = a_domain()
    for n in range(MANY):
        domain.import_path(of_number(n))
    domain.dirty.take()

    domain.import_path(a_mac_path(M1, VTEP3, sequence=1))
    assert len(domain.dirty.take().ips) == MANY
    assert neighbor(domain, of_number(0).route.ip) is None

    domain.withdraw_path(a_mac_path(M1, VTEP3, sequence=1))
    assert len(domain.dirty.take().ips) == MANY
    assert neighbor(domain, of_number(0).route.ip) == M1


def test_a_router_of_many_addresses_that_comes_to_us_has_none_of_theirs() -> None:
    domain = a_domain()
    for n in range(MANY):
        domain.import_path(of_number(n, sequence=4))

    domain.learn(M1, 11)

    assert domain.local_claim(M1) == Claim(domain.vtep, 5)
    assert neighbor(domain, of_number(0).route.ip) is None


# Bindings


def a_binding(mac: MacAddress, vtep: IpAddress, more: str = "encap:vxlan", sequence: int = 0) -> Path:
    shared = attributes("target:65000:100", more, sequence=sequence)
    return a_path(a_mac_route(mac, IP1, rd_of(vtep)), vtep, shared=shared)


@pytest.mark.parametrize(
    ("winner", "others"),
    [
        (a_binding(M2, VTEP3, "arp-nd:immutable"), [a_binding(M1, VTEP2, sequence=9), a_binding(M1, VTEP4)]),
        (a_binding(M2, VTEP3, "default-gateway"), [a_binding(M1, VTEP2, sequence=9)]),
        (a_binding(M2, VTEP3, sequence=2), [a_binding(M1, VTEP2, sequence=1), a_binding(M1, VTEP4)]),
        (a_binding(M2, VTEP2), [a_binding(M1, VTEP3), a_binding(M1, VTEP4)]),
        (a_binding(M1, VTEP2), [a_binding(M2, VTEP2)]),
    ],
    ids=["immutable", "gateway", "sequence", "vtep", "mac"],
)
def test_of_several_bindings_the_better_claim_has_the_address_in_any_order(winner: Path, others: list[Path]) -> None:
    for order in permutations([winner, *others]):
        assert best_binding(order) == winner


def test_of_no_bindings_none_has_it() -> None:
    assert best_binding([]) is None
