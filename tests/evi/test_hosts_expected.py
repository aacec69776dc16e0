"""Hosts known beforehand: announced before their first frame, sticky if asked, and what becomes of them."""

from itertools import permutations

import pytest

from evpn.evi.bindings import Source
from evpn.evi.entries import Expected, LocalMac
from evpn.evi.foreknown import expect, unexpect
from evpn.evi.journal import What
from evpn.evi.mobility import MAX_SEQUENCE, Claim
from evpn.values import MacAddress
from tests.builders import IP1, IP2, M1, M2, OURS, VTEP2, VTEP3, a_domain, a_mac_path, ip
from tests.evi.hosts import OTHER_PORT, PORT, holder, host, immutable, known, neighbor, sequence, told

# Their MACs


def test_it_is_announced_before_it_is_seen() -> None:
    domain = a_domain()

    expect(domain, M1, PORT, sticky=False)

    assert domain.local == {M1: LocalMac(0, static=False, claim=Claim(OURS))}
    assert domain.port_of(M1) == PORT
    assert told(domain) == [What.EXPECTED]


@pytest.mark.parametrize(("sticky", "port"), [(False, OTHER_PORT), (True, PORT)])
def test_where_it_turns_up_is_where_it_is_unless_it_is_sticky_on_its_port(sticky: bool, port: int) -> None:
    domain = a_domain()
    expect(domain, M1, PORT, sticky)

    domain.learn(M1, OTHER_PORT)

    assert domain.port_of(M1) == port


@pytest.mark.parametrize("sticky", [False, True])
def test_one_whose_port_is_not_known_is_where_it_turns_up(sticky: bool) -> None:
    domain = a_domain()
    expect(domain, M1, 0, sticky)
    assert domain.port_of(M1) == 0

    domain.learn(M1, OTHER_PORT)
    assert domain.port_of(M1) == OTHER_PORT

    domain.forget(M1, OTHER_PORT)
    assert domain.port_of(M1) == 0
    assert domain.local_claim(M1) == Claim(OURS, 0, sticky)


def test_a_port_that_comes_and_goes_is_followed() -> None:
    domain = a_domain()
    expect(domain, M1, 0, sticky=False)
    expect(domain, M1, PORT, sticky=False)
    domain.learn(M1, PORT, static=True)  # the row that was written there

    domain.forget(M1, PORT)
    expect(domain, M1, 0, sticky=False)

    assert (domain.port_of(M1), domain.local_claim(M1)) == (0, Claim(OURS))


def test_one_that_has_moved_away_is_not_called_back_by_news_of_its_port() -> None:
    domain = a_domain()
    expect(domain, M1, PORT, sticky=False)
    domain.import_path(a_mac_path(M1, VTEP3, sequence=1))

    expect(domain, M1, 0, sticky=False)
    expect(domain, M1, OTHER_PORT, sticky=False)

    assert domain.local_claim(M1) is None
    assert domain.owner(M1) is not None


def test_one_that_has_moved_away_is_ours_again_when_nobody_else_has_it() -> None:
    domain = a_domain()
    expect(domain, M1, PORT, sticky=False)
    domain.import_path(a_mac_path(M1, VTEP3, sequence=1))
    told(domain)

    domain.withdraw_path(a_mac_path(M1, VTEP3, sequence=1))

    assert domain.local_claim(M1) == Claim(OURS, 2)
    assert told(domain) == [What.TAKEN_BACK]


def test_it_does_not_age() -> None:
    domain = a_domain()
    expect(domain, M1, PORT, sticky=False)
    domain.learn(M1, PORT)

    domain.age(M1, PORT)

    assert domain.local_claim(M1) == Claim(OURS)
    assert domain.quiet == {}


def test_it_has_room_where_there_is_none_for_others() -> None:
    domain = a_domain(max_macs=1)
    domain.learn(M2, PORT)

    expect(domain, M1, PORT, sticky=False)
    domain.learn(M1, PORT)

    assert domain.local_claim(M1) == Claim(OURS)


# Sticky


@pytest.mark.parametrize("sticky", [False, True])
@pytest.mark.parametrize("order", list(permutations(["known", "theirs"])))
def test_a_sticky_one_is_never_given_up(order, sticky: bool) -> None:
    domain = a_domain()
    facts = {
        "known": lambda: expect(domain, M1, PORT, sticky=True),
        "theirs": lambda: domain.import_path(a_mac_path(M1, VTEP2, sequence=7, sticky=sticky)),
    }

    for what in order:
        facts[what]()

    claim = domain.local_claim(M1)
    assert claim is not None
    assert claim.sticky
    assert domain.owner(M1) is None
    assert (What.STICKY_ELSEWHERE in told(domain)) == (sticky or order[0] == "known")


def test_two_sticky_ones_do_not_outbid_each_other() -> None:
    domain = a_domain()
    expect(domain, M1, PORT, sticky=True)
    told(domain)

    for number in range(1, 6):
        domain.import_path(a_mac_path(M1, VTEP2, sequence=number, sticky=True))

    assert domain.local_claim(M1) == Claim(OURS, 0, sticky=True)
    assert told(domain) == [What.STICKY_ELSEWHERE] * 5
    assert not What.STICKY_ELSEWHERE.is_move


def test_the_same_route_again_is_no_news() -> None:
    domain = a_domain()
    expect(domain, M1, PORT, sticky=True)
    domain.import_path(a_mac_path(M1, VTEP2))
    told(domain)

    domain.import_path(a_mac_path(M1, VTEP2))

    assert told(domain) == []


def test_one_that_is_made_sticky_is_taken_back_from_who_has_it() -> None:
    domain = a_domain()
    expect(domain, M1, PORT, sticky=False)
    domain.import_path(a_mac_path(M1, VTEP3, sequence=4))

    expect(domain, M1, PORT, sticky=True)

    assert domain.local_claim(M1) == Claim(OURS, 5, sticky=True)


def test_one_that_is_sticky_no_longer_is_given_to_who_claims_it_later() -> None:
    domain = a_domain()
    expect(domain, M1, PORT, sticky=True)
    domain.import_path(a_mac_path(M1, VTEP3, sequence=4))

    expect(domain, M1, PORT, sticky=False)

    assert domain.local_claim(M1) is None


# No longer known


def test_one_that_was_never_seen_is_gone() -> None:
    domain = a_domain()
    expect(domain, M1, PORT, sticky=True)

    unexpect(domain, M1, seen=False)

    assert (domain.local, domain.expected) == ({}, {})


def test_one_that_is_there_goes_on_like_any_other() -> None:
    domain = a_domain()
    expect(domain, M1, PORT, sticky=True)
    domain.learn(M1, PORT)

    unexpect(domain, M1, seen=True)

    assert domain.local == {M1: LocalMac(PORT, static=False, claim=Claim(OURS))}


def test_one_that_is_there_is_given_to_who_claims_it_later_once_it_may_move() -> None:
    domain = a_domain()
    expect(domain, M1, PORT, sticky=True)
    domain.learn(M1, PORT)
    domain.import_path(a_mac_path(M1, VTEP3, sequence=4))

    unexpect(domain, M1, seen=True)

    assert domain.local_claim(M1) is None


def test_one_that_only_our_row_tells_of_is_asked_for_its_addresses() -> None:
    domain = a_domain()
    expect(domain, M1, PORT, sticky=True)
    domain.learn(M1, PORT, static=True)
    host(domain, M1, IP2)

    unexpect(domain, M1, seen=False)

    assert domain.quiet == {M1: PORT}
    assert domain.local_claim(M1) == Claim(OURS)
    assert list(domain.addresses.ask(1.0, 240.0, 100)) == [(M1, IP2)]


def test_who_was_not_known_is_not_forgotten_either() -> None:
    domain = a_domain()
    domain.learn(M1, PORT)

    unexpect(domain, M1, seen=False)

    assert domain.local_claim(M1) == Claim(OURS)


def test_what_the_bridge_tells_at_a_level_check_changes_nothing() -> None:
    domain = a_domain()
    expect(domain, M1, PORT, sticky=False)
    expect(domain, M2, 0, sticky=True)
    domain.learn(M1, PORT, static=True)
    domain.dirty.take()
    told(domain)

    domain.observe_local({M1: (PORT, True)})

    assert told(domain) == []
    assert not domain.dirty


def test_known_is_what_is_known() -> None:
    domain = a_domain()
    expect(domain, M1, PORT, sticky=True)

    assert domain.expected == {M1: Expected(PORT, sticky=True)}


# Their addresses


@pytest.mark.parametrize("order", list(permutations(["known", "theirs"])))
def test_what_is_known_beforehand_is_claimed_above_others_in_any_order(order) -> None:
    domain = a_domain()
    facts = {
        "known": lambda: known(domain),
        "theirs": lambda: domain.import_path(a_mac_path(M2, VTEP2, IP1, sequence=6)),
    }

    for what in order:
        facts[what]()

    assert (holder(domain), neighbor(domain), sequence(domain)) == (M1, None, 7)


def test_the_defence_is_told_as_a_move_for_the_other_one_may_defend_it_as_well() -> None:
    domain = a_domain()
    known(domain)
    told(domain)

    domain.import_path(a_mac_path(M2, VTEP2, IP1, sequence=6))
    assert told(domain) == [What.IP_DEFENDED]
    assert What.IP_DEFENDED.is_ip_move

    domain.import_path(a_mac_path(M2, VTEP2, IP1, sequence=6))
    assert told(domain) == []


def test_against_an_immutable_one_nobody_gives_way_and_numbers_stay_as_they_are() -> None:
    domain = a_domain()
    known(domain)
    told(domain)
    for number in range(1, 6):
        domain.import_path(immutable(M2, sequence=number))

    assert (holder(domain), sequence(domain)) == (M1, 0)
    assert told(domain) == [What.IP_ELSEWHERE]


def test_a_host_of_ours_does_not_get_what_is_known_to_be_anothers() -> None:
    domain = a_domain()
    known(domain)
    told(domain)

    host(domain, M2, IP1)

    assert holder(domain) == M1
    assert told(domain) == [What.LEARNT, What.IP_REFUSED]


def test_it_outlasts_its_hosts_row_but_what_the_host_said_does_not() -> None:
    domain = a_domain()
    known(domain)
    host(domain, M1, IP1, IP2)

    domain.forget(M1, PORT)

    assert (holder(domain, IP1), holder(domain, IP2)) == (M1, None)


def test_one_that_nobody_uses_is_gone_once_it_is_no_longer_known() -> None:
    domain = a_domain()
    known(domain)

    domain.addresses.unconfigure(IP1)

    assert domain.addresses.bindings.of_ip == {}


def test_one_that_was_used_is_asked_for_once_it_is_no_longer_known() -> None:
    domain = a_domain()
    known(domain)
    host(domain, M1, IP1, now=5.0)

    domain.addresses.unconfigure(IP1)

    assert domain.addresses.bindings.of_ip[IP1].source is Source.SNOOP
    assert list(domain.addresses.ask(6.0, 240.0, 100)) == [(M1, IP1)]


@pytest.mark.parametrize("numbers", [(0, 2 << 30, 3 << 30), (MAX_SEQUENCE, 0, 1 << 31)])
def test_three_rivals_around_the_circle_do_not_drive_us_round_and_round(numbers) -> None:
    domain = a_domain()
    addresses = [ip(f"192.0.2.{n}") for n in range(3)]
    expect(domain, M1, PORT, sticky=False)
    for address in addresses:
        domain.addresses.configure(address, M1)

    for address, number, vtep in zip(addresses, numbers, (VTEP2, VTEP3, VTEP2), strict=True):
        domain.import_path(a_mac_path(MacAddress(b"\x02\xee\0\0\0" + address[-1:]), vtep, address, sequence=number))

    assert [holder(domain, address) for address in addresses] == [M1] * 3


def test_an_operator_who_says_whose_an_address_is_has_the_last_word_on_one_that_is_held() -> None:
    domain = a_domain()
    domain.import_path(a_mac_path(M2, VTEP3, IP1, sequence=3))
    domain.addresses.freeze(IP1)

    known(domain)

    assert (holder(domain), sequence(domain)) == (M1, 4)
    assert domain.addresses.frozen == {}
