"""Sequence numbers after a restart: what we announced before is told by ExaBGP, what others announce comes later."""

import pytest

from evpn.evi.mobility import Claim
from tests.builders import M1, OURS, VTEP2, a_domain, a_mac_path

PORT = 11


@pytest.mark.parametrize("sequence", [1, 5])
def test_a_host_that_is_still_here_keeps_its_sequence(sequence: int) -> None:
    domain = a_domain()
    domain.recall(M1, sequence)

    domain.learn(M1, PORT)
    domain.import_path(a_mac_path(M1, VTEP2, sequence=sequence - 1))

    assert domain.local[M1].claim == Claim(OURS, sequence)


def test_a_host_that_never_moved_has_none_still() -> None:
    domain = a_domain()
    domain.recall(M1, 0)

    domain.learn(M1, PORT)

    assert domain.local[M1].claim == Claim(OURS, 0)


def test_a_host_that_has_moved_away_meanwhile_is_given_up() -> None:
    domain = a_domain()
    domain.recall(M1, 5)
    domain.learn(M1, PORT)

    domain.import_path(a_mac_path(M1, VTEP2, sequence=6))

    assert domain.local[M1].claim is None


def test_a_host_that_has_left_comes_back_above_what_we_said() -> None:
    domain = a_domain()
    domain.recall(M1, 5)
    domain.import_path(a_mac_path(M1, VTEP2, sequence=6))

    domain.learn(M1, PORT)

    assert domain.local[M1].claim == Claim(OURS, 7)
