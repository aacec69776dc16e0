"""Flood list, neighbors and dirty keys of one bridge domain."""

from itertools import permutations

import pytest

from evpn.evi.bridge_domain import BridgeDomain
from evpn.values import IpAddress, MacAddress
from evpn.wire.pmsi import PmsiTunnel
from tests.builders import (
    IP1,
    IP2,
    M1,
    M2,
    VTEP2,
    VTEP3,
    a_domain,
    a_flood_path,
    a_mac_path,
    a_multicast_route,
    a_path,
    attributes,
    ip,
)


def bound(domain: BridgeDomain, address: IpAddress = IP1) -> MacAddress | None:
    found = domain.addresses.neighbor(address)
    return found[0] if found else None


# Flood list


def test_a_vtep_that_asks_for_a_copy_gets_it() -> None:
    domain = a_domain()

    domain.import_path(a_flood_path(VTEP2))

    assert list(domain.flood) == [VTEP2]


def test_the_copy_goes_to_the_endpoint_and_not_to_the_next_hop() -> None:
    domain = a_domain()

    domain.import_path(a_flood_path(VTEP2, endpoint=VTEP3))

    assert list(domain.flood) == [VTEP3]


NO_COPY = [
    None,
    PmsiTunnel(0, 0, 100, b""),
    PmsiTunnel(0, 3, 100, VTEP2),
    *(PmsiTunnel(0, 6, 100, ip(text)) for text in ("10.0.0.10", "239.1.1.1", "0.0.0.0", "127.0.0.1", "2001:db8::2")),
]


@pytest.mark.parametrize("pmsi", NO_COPY)
def test_without_ingress_replication_to_another_host_there_is_no_copy(pmsi: PmsiTunnel | None) -> None:
    domain = a_domain()
    path = a_path(a_multicast_route(), shared=attributes(pmsi=pmsi))

    domain.import_path(path)
    assert domain.flood == {}

    domain.withdraw_path(path)
    assert not domain.dirty


def test_a_vtep_stays_in_the_list_while_one_of_its_routes_does() -> None:
    domain = a_domain()
    one, other = a_flood_path(VTEP2), a_path(a_multicast_route(VTEP2, "1:1"), shared=attributes(endpoint=VTEP2))
    domain.import_path(one)
    domain.import_path(other)

    domain.withdraw_path(one)
    assert list(domain.flood) == [VTEP2]

    domain.withdraw_path(other)
    assert domain.flood == {}


def test_a_flood_route_said_twice_is_one() -> None:
    domain = a_domain()
    domain.import_path(a_flood_path(VTEP2))
    domain.import_path(a_flood_path(VTEP2))

    domain.withdraw_path(a_flood_path(VTEP2))

    assert domain.flood == {}


# Neighbors


def test_an_ip_is_bound_to_the_mac_of_its_route() -> None:
    domain = a_domain()
    path = a_mac_path(M1, ip=IP1)

    domain.import_path(path)

    assert domain.addresses.neighbor(IP1) == (M1, path)


def test_a_withdrawn_binding_leaves_the_mac_that_is_still_announced() -> None:
    """RFC 7432 section 10: MAC/IP withdrawn while the MAC remains."""
    domain = a_domain()
    domain.import_path(a_mac_path(M1))
    domain.import_path(a_mac_path(M1, ip=IP1))

    domain.withdraw_path(a_mac_path(M1, ip=IP1))

    assert bound(domain) is None
    assert domain.owner(M1) is not None


def test_a_mac_has_several_ips() -> None:
    domain = a_domain()
    for address in (IP1, IP2):
        domain.import_path(a_mac_path(M1, ip=address))

    assert (bound(domain, IP1), bound(domain, IP2)) == (M1, M1)


def test_a_binding_counts_only_where_the_mac_is() -> None:
    domain = a_domain()
    domain.import_path(a_mac_path(M1, VTEP2, ip=IP1))
    domain.import_path(a_mac_path(M1, VTEP3, sequence=1))

    assert bound(domain) is None


def test_a_mac_of_ours_has_no_remote_binding() -> None:
    domain = a_domain()
    domain.import_path(a_mac_path(M1, ip=IP1))
    domain.learn(M1, 11)

    assert bound(domain) is None


def test_of_two_macs_with_one_ip_the_better_claim_has_it() -> None:
    domain = a_domain()
    domain.import_path(a_mac_path(M1, VTEP2, ip=IP1))
    domain.import_path(a_mac_path(M2, VTEP3, ip=IP1, sequence=1))

    assert bound(domain) == M2


def test_of_two_macs_with_one_ip_behind_one_vtep_the_lower_has_it_in_any_order() -> None:
    paths = [a_mac_path(M1, VTEP2, ip=IP1), a_mac_path(M2, VTEP2, ip=IP1)]

    for order in permutations(paths):
        domain = a_domain()
        for path in order:
            domain.import_path(path)

        assert bound(domain) == M1


# Dirty keys


def test_nothing_is_dirty_once_taken() -> None:
    domain = a_domain()
    domain.import_path(a_mac_path(M1, ip=IP1))
    domain.import_path(a_flood_path(VTEP2))
    domain.learn(M2, 11)
    assert domain.dirty

    dirty = domain.dirty.take()

    assert (list(dirty.macs), list(dirty.ips), list(dirty.vteps)) == ([M1, M2], [IP1], [VTEP2])
    assert list(dirty.claims) == [M2]
    assert not domain.dirty


def test_a_mac_that_moves_takes_its_ips_along() -> None:
    domain = a_domain()
    domain.import_path(a_mac_path(M1, ip=IP1))
    domain.dirty.take()

    domain.learn(M1, 11)

    assert list(domain.dirty.take().ips) == [IP1]


def test_a_mac_that_may_not_be_written_any_more_takes_its_ips_along() -> None:
    domain = a_domain()
    domain.import_path(a_mac_path(M1, ip=IP1))
    domain.dirty.take()

    domain.touch(macs=[M1])

    dirty = domain.dirty.take()
    assert (list(dirty.macs), list(dirty.ips)) == ([M1], [IP1])


def test_touched_claims_are_those_of_our_own_macs() -> None:
    domain = a_domain()
    domain.learn(M1, 11)
    domain.import_path(a_mac_path(M2))
    domain.dirty.take()

    domain.touch_claims()

    assert list(domain.dirty.take().claims) == [M1]
