import pytest

from evpn.dataplane.comparison import observe_all
from evpn.dataplane.entries import NTF_SELF, NUD_NOARP, NUD_PERMANENT, NeighborRow, mac_row
from evpn.dataplane.plan import Plan
from evpn.dataplane.project import project
from evpn.dataplane.segment import Segment
from evpn.evi.bridge_domain import BridgeDomain
from evpn.values import ZERO_MAC
from tests.builders import IP1, M1, VTEP2, VTEP3, a_domain, a_flood_path, a_mac_path, a_segment, mac
from tests.kernel_rows import DEVICE, PORT, bridge_row, flood_row, neighbor_row, tunnel_row


@pytest.fixture
def domain() -> BridgeDomain:
    return a_domain()


@pytest.fixture
def segment() -> Segment:
    return a_segment()


def settle(domain: BridgeDomain, segment: Segment, suppression: bool = True) -> None:
    segment.plan = Plan(neighbors=suppression)
    project(domain, segment, domain.dirty.take())


def test_a_remote_mac_is_wanted_towards_its_vtep(domain, segment) -> None:
    domain.import_path(a_mac_path(M1, VTEP2))
    settle(domain, segment)

    assert segment.macs.desired == {M1: mac_row(VTEP2)}


def test_a_sticky_remote_mac_is_wanted_sticky(domain, segment) -> None:
    domain.import_path(a_mac_path(M1, VTEP2, sticky=True))
    settle(domain, segment)

    assert segment.macs.desired == {M1: mac_row(VTEP2, sticky=True)}


def test_a_mac_that_moves_is_wanted_towards_the_new_vtep(domain, segment) -> None:
    domain.import_path(a_mac_path(M1, VTEP2))
    settle(domain, segment)
    domain.import_path(a_mac_path(M1, VTEP3, sequence=1))
    settle(domain, segment)

    assert segment.macs.desired == {M1: mac_row(VTEP3)}


@pytest.mark.parametrize("local_first", [True, False])
def test_a_mac_of_ours_is_not_wanted(domain, segment, local_first: bool) -> None:
    if local_first:
        domain.learn(M1, PORT, static=True)
    domain.import_path(a_mac_path(M1, VTEP2))
    domain.learn(M1, PORT, static=True)
    settle(domain, segment)

    assert segment.macs.desired == {}


@pytest.mark.parametrize("odd", [ZERO_MAC, mac("ff:ff:ff:ff:ff:ff"), mac("01:00:5e:00:00:01")])
def test_what_is_no_hosts_mac_is_never_written(domain, segment, odd) -> None:
    domain.import_path(a_mac_path(odd, VTEP2))
    settle(domain, segment)

    assert segment.macs.desired == {}


RESERVING = [
    bridge_row(M1, PORT, NUD_PERMANENT),
    tunnel_row(M1, VTEP3, NUD_PERMANENT, NTF_SELF),
    bridge_row(M1, DEVICE, NUD_NOARP),
]


@pytest.mark.parametrize("row", RESERVING)
def test_a_reserved_mac_and_its_ip_are_left_alone_until_it_is_free(domain, segment, row) -> None:
    segment.observe(row, True)
    domain.import_path(a_mac_path(M1, VTEP2, ip=IP1))
    settle(domain, segment)
    assert (segment.macs.desired, segment.neighbors.desired) == ({}, {})

    segment.observe(row, False)
    domain.touch([M1])
    settle(domain, segment)
    assert segment.macs.desired == {M1: mac_row(VTEP2)}
    assert segment.neighbors.desired == {IP1: NeighborRow(M1, router=False)}


def test_a_vtep_is_wanted_in_the_flood_list_while_it_asks_for_copies(domain, segment) -> None:
    domain.import_path(a_flood_path(VTEP2))
    settle(domain, segment)
    assert segment.flood.desired == {VTEP2: True}

    domain.withdraw_path(a_flood_path(VTEP2))
    settle(domain, segment)
    assert segment.flood.desired == {}


@pytest.mark.parametrize("told_by", ["notification", "dump"])
@pytest.mark.parametrize("route_first", [True, False])
def test_a_flood_row_that_a_route_asks_for_is_ours_without_its_mark(domain, segment, told_by, route_first) -> None:
    """An append by somebody else takes the mark from all flood rows of the device."""
    unmarked = flood_row(VTEP2, marked=False)

    def told() -> None:
        if told_by == "dump":
            observe_all(segment, [unmarked], [])
        else:
            segment.observe(unmarked, True)

    def announced() -> None:
        domain.import_path(a_flood_path(VTEP2))
        settle(domain, segment)

    for step in (announced, told) if route_first else (told, announced):
        step()
    assert segment.pending == 0
    assert segment.foreign_flood == set()

    domain.withdraw_path(a_flood_path(VTEP2))
    settle(domain, segment)
    assert list(segment.flood.removals) == [VTEP2]

    told()
    assert list(segment.flood.removals) == [VTEP2]


def test_a_flood_row_that_no_route_asks_for_stays_somebody_elses(domain, segment) -> None:
    observe_all(segment, [flood_row(VTEP2, marked=False), flood_row(VTEP3, marked=False)], [])
    domain.import_path(a_flood_path(VTEP2))
    settle(domain, segment)

    domain.withdraw_path(a_flood_path(VTEP2))
    settle(domain, segment)

    assert segment.foreign_flood == {VTEP3}
    assert list(segment.flood.removals) == [VTEP2]


def test_a_flood_row_that_went_with_its_device_is_not_taken_for_written(domain, segment) -> None:
    observe_all(segment, [flood_row(VTEP2, marked=False)], [])
    segment.detach()

    domain.import_path(a_flood_path(VTEP2))
    settle(domain, segment)

    assert list(segment.flood.writes) == [VTEP2]


@pytest.mark.parametrize("router", [True, False])
def test_a_remote_ip_is_wanted_with_its_router_flag(domain, segment, router: bool) -> None:
    domain.import_path(a_mac_path(M1, ip=IP1, router=router))
    settle(domain, segment)

    assert segment.neighbors.desired == {IP1: NeighborRow(M1, router)}


def test_without_suppression_there_are_no_neighbors(domain, segment) -> None:
    domain.import_path(a_mac_path(M1, ip=IP1))
    settle(domain, segment, suppression=False)

    assert segment.neighbors.desired == {}
    assert segment.macs.desired == {M1: mac_row(VTEP2)}


def test_a_permanent_neighbor_of_others_is_left_alone(domain, segment) -> None:
    segment.observe_neighbor(neighbor_row(IP1, M1, NUD_PERMANENT, flags=0, protocol=0), True)
    domain.import_path(a_mac_path(M1, ip=IP1))
    settle(domain, segment)

    assert segment.neighbors.desired == {}


def test_a_mac_that_comes_to_us_takes_its_neighbor_away(domain, segment) -> None:
    domain.import_path(a_mac_path(M1, ip=IP1))
    settle(domain, segment)
    domain.learn(M1, PORT)
    settle(domain, segment)

    assert segment.neighbors.desired == {}


def test_only_what_was_touched_is_looked_at(domain, segment) -> None:
    domain.import_path(a_mac_path(M1, VTEP2))
    settle(domain, segment)
    segment.macs.want(M1, None)

    settle(domain, segment)

    assert segment.macs.desired == {}
