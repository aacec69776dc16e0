from itertools import combinations

import pytest

from evpn.rib.best import Reason, rank, reason
from evpn.wire.as_path import AS_SEQUENCE, AsPathSegment
from tests.builders import RR1, RR2, VTEP2, a_path, attributes, ip

LONG = (AsPathSegment(AS_SEQUENCE, (65001, 65002)),)
PAIRS = [
    (Reason.STICKY, dict(sticky=True), dict(sequence=9)),
    (Reason.SEQUENCE, dict(sequence=2), dict(sequence=1, local_preference=900)),
    (Reason.LOCAL_PREFERENCE, dict(local_preference=200), dict(local_preference=None)),
    (Reason.LOCAL_PREFERENCE, dict(local_preference=None), dict(local_preference=99)),
    (Reason.AS_PATH, dict(), dict(as_path=LONG)),
    (Reason.ORIGIN, dict(origin=0), dict(origin=2)),
    (Reason.MED, dict(med=None), dict(med=5)),
    (Reason.CLUSTER_LIST, dict(), dict(cluster_list=(VTEP2,))),
    (Reason.ORIGINATOR, dict(originator_id=ip("10.0.0.1")), dict(originator_id=ip("10.0.0.2"))),
]


@pytest.mark.parametrize(("why", "better", "worse"), PAIRS)
def test_each_rule_decides_and_is_named(why: Reason, better: dict, worse: dict) -> None:
    first, second = (rank(a_path(shared=attributes(**given)), stale=False) for given in (better, worse))

    assert first < second
    assert reason(first, second) is why


def test_a_fresh_path_beats_a_stale_one_with_a_higher_sequence() -> None:
    fresh, stale = rank(a_path(sequence=1), stale=False), rank(a_path(sequence=2), stale=True)

    assert fresh < stale
    assert reason(fresh, stale) is Reason.FRESH


def test_the_lower_peer_address_is_the_last_rule_by_number_and_not_by_letter() -> None:
    low, high = rank(a_path(peer="10.0.0.9"), False), rank(a_path(peer="10.0.0.10"), False)

    assert low < high
    assert reason(low, high) is Reason.PEER
    assert rank(a_path(peer=RR1), False) < rank(a_path(peer=RR2), False)


def test_rank_is_a_total_order() -> None:
    ranks = [rank(a_path(shared=attributes(**given)), stale=False) for pair in PAIRS for given in pair[1:]]

    assert all((a < b) != (b < a) or a == b for a, b in combinations(ranks, 2))
