"""Who waits for a place, whatever comes and goes meanwhile."""

from hypothesis import given
from hypothesis import strategies as st

from tests.builders import VTEP2, VTEP3, a_domain, a_mac_route, a_path, mac

MACS = [mac(f"02:00:00:00:00:{number:02x}") for number in range(6)]

steps = st.lists(st.tuples(st.sampled_from(MACS), st.sampled_from([VTEP2, VTEP3]), st.booleans()), max_size=40)


@given(steps, st.integers(1, 6), st.integers(1, 6))
def test_all_are_known_and_as_many_as_there_is_room_for_are_taken(steps, most: int, later: int) -> None:
    domain = a_domain(max_remote_macs=most)
    told = {}
    for sequence, (mac_, vtep, present) in enumerate(steps):
        route = a_mac_route(mac_, rd="10.0.0.2:100" if vtep == VTEP2 else "10.0.0.30:100")
        path = a_path(route, vtep, sequence=sequence)
        if present:
            told[route.key] = path
            domain.import_path(path)
        elif route.key in told:
            domain.withdraw_path(told.pop(route.key))
    domain.limit(100, max(most, later))

    waiting = domain.overflow.waiting
    macs = {path.route.mac for path in told.values()}
    assert domain.remote.keys() | waiting.keys() == macs
    assert len(domain.remote) == min(len(macs), max(most, later))
    kept = [path for paths in (*domain.remote.values(), *(of.values() for of in waiting.values())) for path in paths]
    assert (len(kept), {path.route.key: path for path in kept}) == (len(told), told)
