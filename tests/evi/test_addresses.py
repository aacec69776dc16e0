"""Whose is an IP? Ours against theirs, what does not move, and how addresses follow their MACs (RFC 9721, RFC 9161)."""

from itertools import permutations

import pytest

from evpn.evi.bindings import Binding, Source
from evpn.evi.journal import What
from evpn.evi.mobility import MAX_SEQUENCE, Claim
from evpn.rib.path import Path
from tests.builders import (
    IP1,
    IP2,
    M1,
    M2,
    OURS,
    VTEP2,
    VTEP3,
    a_domain,
    a_mac_path,
    ip,
)
from tests.evi.hosts import PORT, holder, host, immutable, neighbor, sequence, told

# Hosts of ours


def test_a_host_that_says_its_address_has_it() -> None:
    domain = a_domain()

    host(domain, M1, IP1, IP2)

    assert (holder(domain, IP1), holder(domain, IP2)) == (M1, M1)
    assert told(domain) == [What.LEARNT, What.BOUND, What.BOUND]


def test_the_address_may_be_heard_before_the_bridge_has_learnt_the_mac() -> None:
    domain = a_domain()
    domain.addresses.saw(IP1, M1, 0.0, Source.SNOOP)
    assert holder(domain) is None

    domain.learn(M1, PORT)

    assert holder(domain) == M1


def test_a_host_that_leaves_has_no_addresses() -> None:
    domain = a_domain()
    host(domain, M1, IP1, IP2)
    host(domain, M2, ip("192.0.2.3"))

    domain.forget(M1)

    assert list(domain.addresses.bindings.of_ip) == [ip("192.0.2.3")]


@pytest.mark.parametrize(
    "address", ["0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "::", "::1", "ff02::1", "::ffff:192.0.2.1"]
)
def test_what_is_nobodys_own_is_nobodys(address: str) -> None:
    domain = a_domain()

    host(domain, M1, ip(address))

    assert domain.addresses.bindings.of_ip == {}


@pytest.mark.parametrize("address", ["169.254.1.1", "fe80::1", "10.0.0.1", "2001:db8::1"])
def test_link_local_ones_are_hosts_like_others(address: str) -> None:
    domain = a_domain()

    host(domain, M1, ip(address))

    assert holder(domain, ip(address)) == M1


def test_the_router_flag_is_the_last_one_that_was_said() -> None:
    domain = a_domain()
    host(domain, M1, IP1)
    domain.dirty.take()

    domain.addresses.saw(IP1, M1, 1.0, Source.SNOOP, router=True)
    assert domain.addresses.bindings.of_ip[IP1].router
    assert list(domain.dirty.take().bindings) == [(M1, IP1)]

    domain.addresses.saw(IP1, M1, 2.0, Source.SNOOP)
    assert domain.addresses.bindings.of_ip[IP1].router
    assert not domain.dirty

    domain.addresses.saw(IP1, M1, 3.0, Source.SNOOP, router=False)
    assert not domain.addresses.bindings.of_ip[IP1].router


def test_an_address_that_another_host_of_ours_uses_is_the_other_ones_now() -> None:
    domain = a_domain()
    host(domain, M1, IP1)
    told(domain)
    domain.dirty.take()

    host(domain, M2, IP1)

    assert holder(domain) == M2
    assert set(domain.dirty.take().bindings) == {(M1, IP1), (M2, IP1)}
    assert told(domain) == [What.LEARNT, What.IP_CHANGED_HANDS]
    assert What.IP_CHANGED_HANDS.is_ip_move


def test_too_many_addresses_are_told() -> None:
    domain = a_domain(max_macs=1)
    host(domain, M1, *(ip(f"192.0.2.{n}") for n in range(1, 6)))

    assert len(domain.addresses.bindings.of_ip) == 4
    assert told(domain)[-1] is What.IP_OVER_LIMIT


def test_another_limit_holds_for_addresses_too() -> None:
    domain = a_domain(max_macs=1)
    domain.limit(2)

    host(domain, M1, *(ip(f"192.0.2.{n}") for n in range(1, 6)))

    assert len(domain.addresses.bindings.of_ip) == 5


# Ours and theirs


def test_a_host_of_ours_takes_an_address_over_and_is_claimed_above_it() -> None:
    domain = a_domain()
    domain.import_path(a_mac_path(M2, VTEP2, IP1, sequence=6))
    host(domain, M1)

    domain.addresses.saw(IP1, M1, 0.0, Source.SNOOP)

    assert (holder(domain), neighbor(domain)) == (M1, None)
    assert sequence(domain) == 7
    assert told(domain) == [What.LEARNT, What.IP_MOVED_HERE]


def test_it_is_claimed_above_also_when_the_bridge_learns_it_later() -> None:
    domain = a_domain()
    domain.import_path(a_mac_path(M2, VTEP2, IP1, sequence=6))
    domain.addresses.saw(IP1, M1, 0.0, Source.SNOOP)

    domain.learn(M1, PORT)

    assert (holder(domain), sequence(domain)) == (M1, 7)


def test_a_host_elsewhere_takes_an_address_over_by_a_later_claim() -> None:
    domain = a_domain()
    host(domain, M1, IP1)
    told(domain)

    domain.import_path(a_mac_path(M2, VTEP3, IP1, sequence=1))

    assert (holder(domain), neighbor(domain)) == (None, M2)
    assert domain.local_claim(M1) == Claim(OURS, 0)
    assert told(domain) == [What.IP_MOVED_AWAY]


def test_an_address_that_is_let_go_of_elsewhere_is_ours_again() -> None:
    domain = a_domain()
    host(domain, M1, IP1)
    domain.import_path(a_mac_path(M2, VTEP3, IP1, sequence=1))

    domain.withdraw_path(a_mac_path(M2, VTEP3, IP1, sequence=1))

    assert holder(domain) == M1


def test_an_address_of_a_mac_that_is_not_where_its_route_says_is_no_rival() -> None:
    """M2 has moved on to VTEP3, which says nothing of the address."""
    domain = a_domain()
    host(domain, M1, IP1)
    domain.import_path(a_mac_path(M2, VTEP3, sequence=9))

    domain.import_path(a_mac_path(M2, VTEP2, IP1, sequence=5))

    assert holder(domain) == M1


def test_the_same_host_elsewhere_is_no_rival_it_is_a_move_of_the_mac() -> None:
    domain = a_domain()
    host(domain, M1, IP1)

    domain.import_path(a_mac_path(M1, VTEP3, IP1))

    assert (holder(domain), sequence(domain)) == (M1, 0)


@pytest.mark.parametrize("order", list(permutations(["ours", "theirs", "late"])))
def test_who_has_an_address_does_not_depend_on_the_order_of_routes(order) -> None:
    domain = a_domain()
    host(domain, M1)
    domain.import_path(a_mac_path(M1, VTEP2, sequence=4))
    domain.learn(M1, PORT)
    facts = {
        "ours": lambda: domain.addresses.saw(IP1, M1, 0.0, Source.SNOOP),
        "theirs": lambda: domain.import_path(a_mac_path(M2, VTEP2, IP1, sequence=2)),
        "late": lambda: domain.withdraw_path(a_mac_path(M1, VTEP2, sequence=4)),
    }

    for what in order:
        facts[what]()

    assert (holder(domain), sequence(domain)) == (M1, 5)


def test_routes_of_addresses_follow_the_claim_of_their_mac() -> None:
    domain = a_domain()
    host(domain, M1, IP1, IP2)
    domain.dirty.take()

    domain.claim_above(M1, Claim(VTEP2, 3))

    assert set(domain.dirty.take().bindings) == {(M1, IP1), (M1, IP2)}


def test_a_mac_is_not_lost_for_the_sake_of_an_address() -> None:
    """Around the circle, what is later than the rival of the IP may be earlier than the rival of the MAC."""
    domain = a_domain()
    host(domain, M1, IP1)
    domain.import_path(a_mac_path(M1, VTEP2, IP2, sequence=(1 << 30) + 1))
    domain.learn(M1, PORT)

    domain.claim_above(M1, Claim(VTEP2, MAX_SEQUENCE))

    assert sequence(domain) == (1 << 30) + 2


# What does not move


@pytest.mark.parametrize("path", [immutable(M2), a_mac_path(M2, VTEP3, IP1, sticky=True)], ids=["immutable", "sticky"])
@pytest.mark.parametrize("order", list(permutations(["learn", "import", "say"])))
def test_what_does_not_move_elsewhere_is_not_ours_in_any_order(path: Path, order) -> None:
    domain = a_domain()
    facts = {
        "learn": lambda: domain.learn(M1, PORT),
        "import": lambda: domain.import_path(path),
        "say": lambda: domain.addresses.saw(IP1, M1, 0.0, Source.SNOOP),
    }

    for what in order:
        facts[what]()

    assert (holder(domain), neighbor(domain)) == (None, M2)
    assert domain.local_claim(M1) == Claim(OURS)


def test_an_immutable_binding_beats_a_later_one_of_another_vtep_in_any_order() -> None:
    for order in permutations([immutable(M2), a_mac_path(M1, VTEP2, IP1, sequence=8)]):
        domain = a_domain()
        for path in order:
            domain.import_path(path)

        assert neighbor(domain) == M2


def test_who_says_an_address_that_does_not_move_is_told() -> None:
    domain = a_domain()
    domain.import_path(immutable(M2))
    host(domain, M1, IP1)

    assert told(domain)[-1] is What.IP_REFUSED


# After a restart


def test_what_was_announced_before_is_announced_and_asked_for() -> None:
    domain = a_domain()
    domain.addresses.recall(IP1, M1, router=True)
    assert holder(domain) is None

    domain.learn(M1, PORT)

    assert domain.addresses.holder(IP1) == Binding(M1, Source.RECALLED, router=True)
    assert list(domain.addresses.ask(1.0, 240.0, 100)) == [(M1, IP1)]


def test_what_is_heard_already_is_not_forgotten_for_an_old_story() -> None:
    domain = a_domain()
    host(domain, M2, IP1)

    domain.addresses.recall(IP1, M1, router=False)

    assert holder(domain) == M2


# Asked for


def test_who_does_not_answer_has_lost_the_address_and_keeps_the_mac() -> None:
    domain = a_domain()
    host(domain, M1, IP1)
    told(domain)

    for now in (240.0, 241.0, 242.0, 243.0):
        list(domain.addresses.ask(now, 240.0, 100))

    assert holder(domain) is None
    assert domain.local_claim(M1) == Claim(OURS)
    assert told(domain) == [What.SILENT]


def test_a_question_is_news_of_its_bridge_domain() -> None:
    """Else the turn would not look there before the time of the next one has come."""
    domain = a_domain()
    host(domain, M1, IP1)
    domain.dirty.take()

    domain.addresses.suspect(IP1)

    assert domain.dirty.bindings == {(M1, IP1): None}
