"""Who announces and withdraws without end fills no memory; what somebody claims is never forgotten."""

import pytest

from evpn.evi import sequences
from evpn.evi.bridge_domain import BridgeDomain
from evpn.evi.mobility import Claim
from evpn.values import MacAddress
from tests.builders import M1, M2, M3, OURS, VTEP2, VTEP3, a_domain, a_mac_path

PORT = 11


@pytest.fixture(autouse=True)
def _two_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequences, "MOST_UNCLAIMED", 2)


def comes_and_goes(domain: BridgeDomain, *macs: MacAddress) -> None:
    for mac in macs:
        domain.import_path(a_mac_path(mac, VTEP2, sequence=5))
        domain.withdraw_path(a_mac_path(mac, VTEP2, sequence=5))


def others(count: int) -> list[MacAddress]:
    return [MacAddress(b"\x02\xee" + n.to_bytes(4)) for n in range(count)]


def test_of_macs_that_nobody_claims_the_last_ones_are_remembered() -> None:
    domain = a_domain(max_macs=1)

    comes_and_goes(domain, *others(100), M1, M2)

    assert domain.highest_seen == {M1: 5, M2: 5}


def test_a_mac_that_comes_again_is_forgotten_later() -> None:
    domain = a_domain(max_macs=1)

    comes_and_goes(domain, M1, M2, M1, M3)

    assert domain.highest_seen == {M1: 5, M3: 5}


def test_a_mac_is_remembered_as_long_as_one_vtep_claims_it() -> None:
    domain = a_domain(max_macs=1)
    domain.import_path(a_mac_path(M1, VTEP3, sequence=4))
    comes_and_goes(domain, M1, *others(100))

    domain.learn(M1, PORT)

    assert domain.local[M1].claim == Claim(OURS, 6)


@pytest.mark.parametrize("learnt", ["before", "after"])
def test_a_mac_of_ours_is_remembered(learnt: str) -> None:
    domain = a_domain(max_macs=1)
    if learnt == "before":
        domain.learn(M1, PORT)
    comes_and_goes(domain, M1)
    if learnt == "after":
        domain.learn(M1, PORT)

    comes_and_goes(domain, *others(100))

    assert domain.highest_seen[M1] == 5
    assert domain.local[M1].claim == Claim(OURS, 6)


def test_a_mac_of_ours_that_has_left_is_one_of_those_nobody_claims() -> None:
    domain = a_domain(max_macs=1)
    comes_and_goes(domain, M1)
    domain.learn(M1, PORT)
    domain.forget(M1)

    comes_and_goes(domain, *others(2))

    assert M1 not in domain.highest_seen


def test_what_we_said_before_a_restart_is_bounded_as_well() -> None:
    domain = a_domain(max_macs=1)

    for mac in others(100):
        domain.recall(mac, 7)

    assert list(domain.highest_seen) == others(100)[-2:]


def test_what_we_said_of_all_hosts_before_a_restart_is_recalled() -> None:
    domain = a_domain(max_macs=100)
    for mac in others(100):
        domain.recall(mac, 7)

    for mac in others(100):
        domain.learn(mac, PORT)

    assert {local.claim for local in domain.local.values()} == {Claim(OURS, 7)}
