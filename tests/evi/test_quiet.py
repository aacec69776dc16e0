"""Hosts that the bridge has not heard for long: asked for their addresses before they are given up (RFC 9161 3.5)."""

from evpn.evi.bridge_domain import BridgeDomain
from evpn.evi.entries import LocalMac
from evpn.evi.foreknown import expect
from evpn.evi.journal import What
from evpn.evi.mobility import Claim
from tests.builders import IP1, IP2, M1, M2, OURS, VTEP3, a_domain, a_mac_path
from tests.evi.hosts import OTHER_PORT, PORT, holder, host, known, told


def quiet() -> BridgeDomain:
    """M1 with an address, aged out of the bridge."""
    domain = a_domain()
    host(domain, M1, IP1)
    domain.age(M1, PORT)
    return domain


def test_one_with_addresses_is_kept_while_it_is_asked() -> None:
    domain = quiet()

    assert domain.local == {M1: LocalMac(PORT, static=False, claim=Claim(OURS))}
    assert domain.quiet == {M1: PORT}
    assert holder(domain) == M1
    assert list(domain.addresses.ask(1.0, 240.0, 100)) == [(M1, IP1)]
    assert told(domain)[-1] is What.QUIET


def test_one_without_addresses_cannot_be_asked_and_goes() -> None:
    domain = a_domain()
    host(domain, M1)

    domain.age(M1, PORT)

    assert (domain.local, domain.quiet) == ({}, {})


def test_one_that_has_moved_to_another_port_meanwhile_is_not_quiet() -> None:
    domain = a_domain()
    host(domain, M1, IP1)
    domain.learn(M1, OTHER_PORT)

    domain.age(M1, PORT)

    assert (domain.local[M1].port, domain.quiet) == (OTHER_PORT, {})


def test_one_that_speaks_again_is_like_any_other() -> None:
    domain = quiet()

    domain.learn(M1, PORT)

    assert domain.quiet == {}
    assert holder(domain) == M1


def test_a_level_check_does_not_take_it_for_gone() -> None:
    domain = quiet()

    domain.observe_local({})

    assert domain.local_claim(M1) == Claim(OURS)


def test_one_that_a_level_check_finds_there_is_quiet_no_longer() -> None:
    """It has spoken while notifications were lost."""
    domain = quiet()

    domain.observe_local({M1: (PORT, False)})

    assert domain.quiet == {}
    assert domain.local_claim(M1) == Claim(OURS)


def test_one_that_is_lost_to_another_vtep_is_given_up_at_once() -> None:
    domain = quiet()

    domain.import_path(a_mac_path(M1, VTEP3, IP1, sequence=1))
    domain.forget(M1)

    assert (domain.local, domain.quiet, domain.addresses.bindings.of_ip) == ({}, {}, {})


def test_one_that_was_lost_before_it_aged_is_nothing_to_ask_about() -> None:
    domain = a_domain()
    host(domain, M1, IP1)
    domain.import_path(a_mac_path(M1, VTEP3, sequence=1))

    domain.age(M1, PORT)

    assert (domain.local, domain.quiet) == ({}, {})


def test_one_that_an_operator_makes_known_is_not_quiet() -> None:
    domain = quiet()

    expect(domain, M1, OTHER_PORT, sticky=True)

    assert domain.quiet == {}


# Devices that go


def test_with_the_devices_every_host_is_gone_and_its_addresses_are_asked_for_when_they_are_back() -> None:
    domain = quiet()
    host(domain, M2, IP2)

    domain.detach()
    assert (domain.local, domain.quiet) == ({}, {})
    assert (holder(domain, IP1), holder(domain, IP2)) == (None, None)

    domain.observe_local({M2: (PORT, False)})
    assert holder(domain, IP2) == M2
    assert dict(domain.addresses.ask(1.0, 240.0, 100)) == {M1: IP1, M2: IP2}


def test_one_known_beforehand_is_claimed_without_devices_too_but_nowhere() -> None:
    domain = a_domain()
    known(domain)
    domain.learn(M1, PORT)

    domain.detach()

    assert domain.local == {M1: LocalMac(0, static=False, claim=Claim(OURS))}
    assert holder(domain) == M1


def test_every_route_is_looked_at_again_when_the_devices_go() -> None:
    domain = a_domain()
    known(domain)
    domain.dirty.take()

    domain.detach()

    dirty = domain.dirty.take()
    assert M1 in dirty.claims
    assert (M1, IP1) in dirty.bindings
