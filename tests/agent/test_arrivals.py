"""A VNI that is served later than its routes came, or imports others than before: one route a turn."""

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from evpn.agent import arrivals
from evpn.agent.arrivals import Arrivals
from evpn.agent.configure import configure
from evpn.evi.bridge_domain import BridgeDomain
from evpn.evi.fabric import Fabric
from evpn.rib.table import Rib
from evpn.text import parse_route_target_pattern
from evpn.values import MacAddress, Vni
from tests.agent.vtep import Vtep, a_mac, a_vtep, our_macs, tell
from tests.builders import (
    CONFIGURATION,
    IP1,
    IP2,
    M1,
    M2,
    OURS,
    RR1,
    VTEP2,
    VTEP3,
    a_mac_route,
    a_multicast_route,
    a_path,
    attributes,
    mac,
    rd_of,
    settings,
)
from tests.kernel_rows import PORT

MACS = [mac(f"02:00:00:00:01:0{n}") for n in range(6)]
OTHER = CONFIGURATION.replace("vni: 100", "vni: 200")


@pytest.fixture(params=[1, 100], autouse=True)
def routes_per_slice(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "SLICE", request.param)
    monkeypatch.setattr(arrivals, "PASSED_OVER", 1)


@pytest.fixture
def one_route_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "SLICE", 1)


def tunnels(vtep: Vtep) -> set[bytes]:
    return {mac for _, mac in vtep.kernel.tunnel}


def reloaded(vtep: Vtep, configuration: str) -> None:
    configure(vtep.core, settings(configuration), vtep.now)


def without_it(*updates: bytes) -> Vtep:
    """VNI 100 is not served, and peers say much of it."""
    vtep = Vtep(settings(OTHER))
    vtep.peer_up()
    vtep.settle()
    tell(vtep, *updates)
    return vtep


def test_a_vni_served_later_has_it_all() -> None:
    vtep = without_it(a_vtep(), *map(a_mac, MACS))

    reloaded(vtep, CONFIGURATION)
    vtep.settle()

    assert tunnels(vtep) == set(MACS)
    assert [vtep for _, vtep in vtep.kernel.flood] == [VTEP2]


@pytest.mark.usefixtures("one_route_a_turn")
def test_what_changes_meanwhile_comes_the_usual_way() -> None:
    vtep = without_it(*map(a_mac, MACS))
    reloaded(vtep, CONFIGURATION)
    vtep.turn()
    assert not vtep.core.is_settled

    tell(vtep, a_mac(M1, VTEP3), a_mac(MACS[5], VTEP3, sequence=1))

    assert tunnels(vtep) == {M1, *MACS}
    assert {row.where for (_, at), row in vtep.kernel.tunnel.items() if at in (M1, MACS[5])} == {VTEP3}


@pytest.mark.usefixtures("one_route_a_turn")
def test_rows_from_before_are_not_removed_until_it_is_known_which_are_right() -> None:
    vtep = without_it(*map(a_mac, MACS))
    reloaded(vtep, CONFIGURATION)
    vtep.settle()
    again = Vtep(settings(OTHER), vtep.kernel)
    again.peer_up()
    again.settle()
    tell(again, *map(a_mac, MACS))
    before, writes = tunnels(again), vtep.kernel.writes
    assert before == set(MACS)

    reloaded(again, CONFIGURATION)
    again.settle()

    assert tunnels(again) == before
    assert vtep.kernel.writes == writes


@pytest.mark.parametrize(("is_seen", "is_known"), [(True, False), (True, True), (False, True)])
def test_a_host_here_is_claimed_above_what_others_have_claimed(is_seen: bool, is_known: bool) -> None:
    vtep = without_it(*map(a_mac, MACS), a_mac(M1, sequence=5))
    entry = '{vni: 100, hosts: [{mac: "02:00:00:00:00:01", ip: ["192.0.2.1"], port: tap0}]}'
    if is_seen:
        vtep.kernel.frame(M1, PORT)

    reloaded(vtep, CONFIGURATION.replace("{vni: 100}", entry) if is_known else CONFIGURATION)
    vtep.settle()

    assert our_macs(vtep) == {M1: 6}


@pytest.mark.usefixtures("one_route_a_turn")
def test_one_that_is_ceased_meanwhile_leaves_nothing() -> None:
    vtep = without_it(*map(a_mac, MACS))
    reloaded(vtep, CONFIGURATION)
    vtep.turn()

    reloaded(vtep, OTHER)
    vtep.settle()

    assert tunnels(vtep) == set()
    assert vtep.core.is_settled


def test_other_targets_take_away_what_only_the_old_ones_brought() -> None:
    vtep = Vtep()
    vtep.peer_up()
    vtep.settle()
    tell(vtep, a_vtep(), *map(a_mac, MACS))
    writes = vtep.kernel.writes

    for targets, there in (("[65000:777]", set()), ("['65000:777', '65000:100']", set(MACS))):
        reloaded(vtep, CONFIGURATION.replace("vni: 100", f"vni: 100, route-targets: {{import: {targets}}}"))
        vtep.settle()
        assert tunnels(vtep) == there
        assert bool(vtep.kernel.flood) == bool(there)
    assert vtep.kernel.writes > writes


# Whatever the order

TARGETS = ["65000:100", "65000:200"]
MAC_ROUTES = [a_mac_route(M1, IP1), a_mac_route(M1, IP2), a_mac_route(M2, IP1, rd_of(VTEP3))]
EVENTS = st.lists(
    st.one_of(
        st.tuples(
            st.just("announce"),
            st.sampled_from([*MAC_ROUTES, a_multicast_route()]),
            st.sampled_from([VTEP2, VTEP3]),
            st.lists(st.sampled_from(TARGETS), unique=True, min_size=1),
        ),
        st.tuples(st.just("withdraw"), st.sampled_from([*MAC_ROUTES, a_multicast_route()])),
        st.tuples(st.just("import"), st.lists(st.sampled_from(TARGETS), unique=True)),
        st.tuples(st.just("settle")),
    ),
    max_size=30,
)

IMPORTED_AGAIN = [
    ("import", TARGETS[:1]),
    ("announce", MAC_ROUTES[0], VTEP2, TARGETS),
    ("import", []),
    ("announce", MAC_ROUTES[0], VTEP2, TARGETS[:1]),
    ("import", TARGETS[1:]),
]
"""What the MAC was imported by is wanted again before it was sifted out, but its route bears it no more."""


def remote_side(domain: BridgeDomain) -> tuple[object, ...]:
    tables = (domain.remote, domain.flood, domain.addresses.remote)
    return tuple({key: {path.route.key: path for path in paths} for key, paths in table.items()} for table in tables)


@examples(suppress_health_check=[HealthCheck.function_scoped_fixture])  # the size of a slice is one for all examples
@given(EVENTS)
@example(IMPORTED_AGAIN)
def test_it_ends_with_what_the_rib_has_for_its_targets(events) -> None:
    rib, fabric = Rib(), Fabric()
    come, vni = Arrivals(rib, fabric), Vni(100)
    fabric.add(BridgeDomain(vni, OURS, 100), [])
    last: list[str] = []
    for what, *rest in events:
        if what == "announce":
            route, vtep, targets = rest
            shared = attributes(*(f"target:{one}" for one in targets), endpoint=vtep)
            fabric.apply(rib.announce(RR1, [a_path(route, vtep, shared=shared)]))
        elif what == "withdraw":
            fabric.apply(rib.withdraw(RR1, rest))
        elif what == "import":
            (last,) = rest
            fabric.retarget(fabric.domains[vni], map(parse_route_target_pattern, last))
            come.begin(fabric.domains[vni], sift=True)
        else:
            come.settle()
    while not come.is_settled:
        come.settle()

    at_once = Fabric()
    at_once.add(BridgeDomain(vni, OURS, 100), map(parse_route_target_pattern, last))
    at_once.import_known((path for path, _ in map(rib.best, rib.routes) if path), {vni})
    assert remote_side(fabric.domains[vni]) == remote_side(at_once.domains[vni])


def test_who_has_come_first_is_let_in_first() -> None:
    rib, fabric = Rib(), Fabric()
    come = Arrivals(rib, fabric)
    for known in MACS:
        rib.announce(RR1, [a_path(a_mac_route(known))])
    domain = BridgeDomain(Vni(100), OURS, 100, max_remote_macs=2)
    fabric.add(domain, [parse_route_target_pattern("65000:100")])

    come.begin(domain)
    while not come.is_settled:
        come.settle()

    assert list(domain.remote) == MACS[:2]
    assert list[MacAddress](domain.overflow.waiting) == MACS[2:]
