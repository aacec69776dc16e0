import pytest

from evpn.evi.bridge_domain import BridgeDomain
from evpn.evi.fabric import Fabric
from evpn.rib.path import Path
from evpn.text import parse_route_target_pattern
from evpn.values import Vni
from tests.builders import M1, M2, VTEP2, VTEP3, a_domain, a_flood_path, a_mac_route, a_path, attributes


def a_fabric(**imports: list[str]) -> Fabric:
    """`vni100=["65000:100"]`: a bridge domain for each VNI with its import targets."""
    fabric = Fabric()
    for name, patterns in imports.items():
        fabric.add(a_domain(int(name.removeprefix("vni"))), map(parse_route_target_pattern, patterns))
    return fabric


def a_mac_with(*targets: str) -> Path:
    return a_path(a_mac_route(M1), shared=attributes(*(f"target:{target}" for target in targets)))


def announce(fabric: Fabric, new: Path, old: Path | None = None) -> None:
    fabric.apply([(new.route.key, old, new)])


def withdraw(fabric: Fabric, old: Path) -> None:
    fabric.apply([(old.route.key, old, None)])


def having(fabric: Fabric) -> list[int]:
    """The VNIs that know the MAC."""
    return [vni for vni, domain in fabric.domains.items() if M1 in domain.remote]


@pytest.mark.parametrize(
    ("pattern", "target"),
    [
        ("65000:100", "65000:100"),
        ("4200000000:100", "4200000000:100"),
        ("10.0.0.3:100", "10.0.0.3:100"),
        ("*:100", "65000:100"),
        ("*:100", "65001:100"),
        ("*:100", "4200000000:100"),
        ("*:100", "10.0.0.3:100"),
        ("*:268435556", "65000:268435556"),
    ],
)
def test_a_route_is_imported_by_its_target_or_by_any_administrator(pattern: str, target: str) -> None:
    fabric = a_fabric(vni100=[pattern])

    announce(fabric, a_mac_with(target))

    assert having(fabric) == [100]


@pytest.mark.parametrize(
    ("pattern", "target"),
    [
        ("65000:100", "65001:100"),
        ("65000:100", "65000:101"),
        ("65000:100", "65000L:100"),
        ("*:100", "65000:101"),
        ("*:100", "65000:268435556"),
    ],
)
def test_a_route_of_another_target_is_not_imported(pattern: str, target: str) -> None:
    fabric = a_fabric(vni100=[pattern])

    announce(fabric, a_mac_with(target))

    assert having(fabric) == []


def test_a_route_without_a_target_belongs_nowhere() -> None:
    fabric = a_fabric(vni100=["*:100"])

    announce(fabric, a_path(a_mac_route(M1), shared=attributes("default-gateway")))

    assert having(fabric) == []


def test_a_community_that_only_looks_like_a_target_imports_nothing() -> None:
    fabric = a_fabric(vni100=["*:100"])

    announce(fabric, a_path(a_mac_route(M1), shared=attributes("0x0602fde800000064")))

    assert having(fabric) == []


def test_one_of_several_targets_is_enough_and_two_import_once() -> None:
    fabric = a_fabric(vni100=["65000:100", "*:100"], vni200=["65000:200"])

    announce(fabric, a_mac_with("65000:100", "65000:300"))

    assert having(fabric) == [100]
    assert len(fabric.domains[Vni(100)].remote[M1]) == 1


def test_one_target_may_lead_into_several_vnis() -> None:
    fabric = a_fabric(vni100=["65000:100"], vni200=["*:100"])

    announce(fabric, a_mac_with("65000:100"))
    assert having(fabric) == [100, 200]

    withdraw(fabric, a_mac_with("65000:100"))
    assert having(fabric) == []


def test_another_target_moves_a_route_into_another_vni() -> None:
    fabric = a_fabric(vni100=["*:100"], vni200=["*:200"])
    before, after = a_mac_with("65000:100"), a_mac_with("65000:200")
    announce(fabric, before)

    announce(fabric, after, old=before)

    assert having(fabric) == [200]


def test_a_target_more_adds_a_vni_and_a_target_less_takes_it_away() -> None:
    fabric = a_fabric(vni100=["*:100"], vni200=["*:200"])
    one, both = a_mac_with("65000:100"), a_mac_with("65000:100", "65000:200")
    announce(fabric, one)

    announce(fabric, both, old=one)
    assert having(fabric) == [100, 200]

    announce(fabric, one, old=both)
    assert having(fabric) == [100]


def test_another_next_hop_replaces_the_path() -> None:
    fabric = a_fabric(vni100=["65000:100"])
    before, after = a_path(a_mac_route(M1), VTEP2), a_path(a_mac_route(M1), VTEP3)
    announce(fabric, before)

    announce(fabric, after, old=before)

    assert fabric.domains[Vni(100)].remote[M1] == (after,)


def test_another_flood_endpoint_leaves_nothing_of_the_old_one() -> None:
    fabric = a_fabric(vni100=["65000:100"])
    before, after = a_flood_path(VTEP2), a_flood_path(VTEP2, endpoint=VTEP3)
    announce(fabric, before)
    fabric.domains[Vni(100)].dirty.take()

    announce(fabric, after, old=before)

    assert list(fabric.domains[Vni(100)].flood) == [VTEP3]
    assert set(fabric.domains[Vni(100)].dirty.take().vteps) == {VTEP2, VTEP3}


def test_a_flood_route_that_loses_its_tunnel_floods_no_more() -> None:
    fabric = a_fabric(vni100=["65000:100"])
    before = a_flood_path(VTEP2)
    announce(fabric, before)

    announce(fabric, before._replace(attributes=attributes()), old=before)

    assert fabric.domains[Vni(100)].flood == {}


def test_a_vni_served_later_has_what_was_known_before() -> None:
    fabric = Fabric()
    known = [a_mac_with("65000:100"), a_path(a_mac_route(M2), shared=attributes("target:65000:200"))]

    fabric.add(a_domain(100), [parse_route_target_pattern("*:100")])
    fabric.import_known(known, {Vni(100)})

    assert list(fabric.domains[Vni(100)].remote) == [M1]


def test_a_vni_no_longer_served_imports_nothing() -> None:
    fabric = a_fabric(vni100=["*:100"], vni200=["*:100"])
    gone: BridgeDomain = fabric.domains[Vni(100)]
    fabric.remove(Vni(100))

    announce(fabric, a_mac_with("65000:100"))

    assert having(fabric) == [200]
    assert gone.remote == {}


def test_a_vni_may_be_served_again_with_other_targets() -> None:
    fabric = a_fabric(vni100=["*:100"])
    announce(fabric, a_mac_with("65000:100"))
    fabric.remove(Vni(100))

    fabric.add(a_domain(100), [parse_route_target_pattern("*:300")])
    fabric.import_known([a_mac_with("65000:100")], {Vni(100)})

    assert having(fabric) == []
