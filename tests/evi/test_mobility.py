from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evpn.evi.mobility import MAX_SEQUENCE, Claim, Reason, claim_locally, prefer
from tests.builders import OURS, VTEP2, VTEP3

CLAIMS = [Claim(*fields) for fields in product((VTEP2, OURS, VTEP3), (0, 1, MAX_SEQUENCE), (False, True))]


@pytest.mark.parametrize(
    ("a", "b", "why"),
    [
        (Claim(VTEP3, 0, sticky=True), Claim(VTEP2, 9), Reason.STICKY),
        (Claim(VTEP3, 2), Claim(VTEP2, 1), Reason.SEQUENCE),
        (Claim(VTEP3, 2, sticky=True), Claim(VTEP2, 1, sticky=True), Reason.SEQUENCE),
        (Claim(VTEP2, 1), Claim(VTEP3, 1), Reason.VTEP),
        (Claim(VTEP3, 0), Claim(VTEP2, MAX_SEQUENCE), Reason.SEQUENCE),
        (Claim(VTEP3, 3 << 30), Claim(VTEP2, 1 << 30), Reason.SEQUENCE),
    ],
)
def test_each_rule_decides_and_is_named(a: Claim, b: Claim, why: Reason) -> None:
    assert prefer(a, b) == (a, why)
    assert prefer(b, a) == (a, why)


def test_preference_is_a_total_order_so_that_all_sides_agree() -> None:
    for a, b, c in product(CLAIMS, repeat=3):
        assert prefer(a, b) == prefer(b, a)
        assert prefer(prefer(a, b)[0], c)[0] == prefer(a, prefer(b, c)[0])[0]


@given(st.lists(st.sampled_from(CLAIMS), min_size=1, max_size=4))
def test_the_owner_does_not_depend_on_the_order_of_arrival(claims: list[Claim]) -> None:
    owners = set()
    for order in permutations(claims):
        owner = order[0]
        for claim in order[1:]:
            owner, _ = prefer(owner, claim)
        owners.add(owner)

    assert len(owners) == 1


def test_the_first_claim_to_a_mac_has_no_sequence() -> None:
    assert claim_locally(None, OURS, None) == Claim(OURS, 0)


@pytest.mark.parametrize("seen", [0, 1, 41])
def test_a_move_to_us_counts_one_up_from_the_highest_ever_seen(seen: int) -> None:
    assert claim_locally(Claim(VTEP2, seen), OURS, seen) == Claim(OURS, seen + 1)
    assert claim_locally(None, OURS, seen) == Claim(OURS, seen + 1)


def test_a_sticky_mac_does_not_move_to_us() -> None:
    assert claim_locally(Claim(VTEP2, 3, sticky=True), OURS, 3) is None


def test_the_sequence_ends_where_its_field_ends() -> None:
    assert claim_locally(None, OURS, MAX_SEQUENCE) == Claim(OURS, MAX_SEQUENCE)


@given(st.sampled_from([claim for claim in CLAIMS if not claim.sticky and claim.sequence < MAX_SEQUENCE]))
def test_what_we_claim_wins(owner: Claim) -> None:
    ours = claim_locally(owner, OURS, owner.sequence)

    assert ours is not None
    assert prefer(ours, owner)[0] == ours


def test_our_claim_is_later_than_the_owners_even_if_the_latest_ever_is_not() -> None:
    """Around the circle 0 is later than the last quarter, whatever was seen there."""
    claimed = claim_locally(Claim(VTEP2, 0), OURS, (3 << 30) + 1)

    assert claimed == Claim(OURS, 1)
    assert prefer(claimed, Claim(VTEP2, 0))[0] == claimed
