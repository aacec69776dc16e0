"""Hosts that come up together are learnt together: to the same end as one by one, whatever else happens to them."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evpn.evi.journal import What
from evpn.values import MacAddress, Vni
from evpn.wire.routes import MacIpRoute, decode_routes
from tests.builders import CONFIGURATION, IP1, IP2, M1, M2, M3, OURS, VTEP2, VTEP3, a_mac_route, mac, settings
from tests.kernel_rows import DEVICE, OTHER_PORT, PORT

from .vtep import Vtep, a_mac, gone, our_macs, tell

M4, M5 = mac("02:00:00:00:00:04"), mac("02:00:00:00:00:05")
MACS = (M1, M2, M3, M4, M5)
VNI = Vni(100)
EXPECTED = "{vni: 100, max-macs: MOST, hosts: [{mac: '02:00:00:00:00:05', port: tap1}]}"

Step = Callable[[Vtep], object]


def at(vtep: Vtep) -> tuple[object, ...]:
    """All that anybody can tell of it."""
    domain, moves = vtep.core.fabric.domains[VNI], vtep.core.moves
    dirty = vtep.core.dataplane.segments[VNI]
    return (
        vtep.speaker.routes,
        vtep.kernel.bridge,
        vtep.kernel.tunnel,
        vtep.kernel.neighbors,
        (domain.local, domain.remote, domain.highest_seen, domain.quiet, domain.frozen, domain.expected),
        (domain.over_limit, domain.refused_moves, dirty.macs.desired, dirty.macs.actual, dirty.pending),
        domain.addresses.bindings.of_ip,
        moves.counts,
        [(entry.when, entry.event) for key in MACS for entry in moves.journal.entries(VNI, key)],
    )


def speak(*macs: MacAddress, port: int = PORT) -> Step:
    def step(vtep: Vtep) -> None:
        for each in macs:
            vtep.kernel.frame(each, port)

    return step


def routes(number: int, vtep: bytes, sequence: int) -> Step:
    return lambda it: tell(it, a_mac(MACS[number], vtep, IP1 if number else IP2, sequence=sequence))


several = st.lists(st.sampled_from(MACS), min_size=1, max_size=5)
steps = st.one_of(
    several.map(lambda macs: speak(*macs)),
    several.map(lambda macs: speak(*macs, port=OTHER_PORT)),
    st.builds(routes, st.integers(0, 4), st.sampled_from([VTEP2, VTEP3]), st.integers(0, 2)),
    st.sampled_from(MACS).map(lambda one: lambda it: tell(it, gone(a_mac_route(one)))),
    st.sampled_from(MACS).map(lambda one: lambda it: it.kernel.age_out(one)),
    st.sampled_from(MACS).map(lambda one: lambda it: it.host_says(one, PORT, IP1)),
    st.sampled_from(MACS).map(lambda one: lambda it: it.kernel.put_bridge(one, DEVICE, 64)),
    st.sampled_from(MACS).map(lambda one: lambda it: it.kernel.put_bridge(one, PORT, 64)),
    st.just(lambda it: it.restart()),
    st.sampled_from([0.0, 1.0, 400.0]).map(lambda seconds: lambda it: it.settle(seconds)),
)


@pytest.mark.parametrize("vni", ["{vni: 100, max-macs: MOST}", EXPECTED, "{vni: 100, strategy: static-flood}"])
@given(most=st.sampled_from([2, 100]), script=st.lists(steps, max_size=8))
def test_to_the_same_end(vni: str, most: int, script: list[Step]) -> None:
    text = CONFIGURATION.replace("{vni: 100}", vni.replace("MOST", str(most)))
    ends = []
    for gathers in (True, False):
        vtep = Vtep(settings(text))
        vtep.gathers = gathers
        vtep.peer_up()
        vtep.settle()
        for step in script:
            step(vtep)
        vtep.settle()
        ends.append(at(vtep))

    assert ends[0] == ends[1]


def test_of_many_there_is_one_route_each() -> None:
    vtep = Vtep()
    vtep.peer_up()
    macs = [MacAddress(b"\x02\x11\0\0" + number.to_bytes(2)) for number in range(600)]
    speak(*macs)(vtep)
    vtep.settle()

    assert our_macs(vtep) == dict.fromkeys(macs, 0)
    told = [decode_routes(each.nlri)[0][0] for each in vtep.announcements().values()]
    assert sorted(route.mac for route in told if isinstance(route, MacIpRoute)) == macs
    assert vtep.core.moves.counts[VNI, What.LEARNT] == len(macs)
    assert {each.next_hop for each in vtep.announcements().values()} == {OURS}


def test_one_that_is_another_s_does_not_spoil_it_for_the_others() -> None:
    vtep = Vtep()
    vtep.peer_up()
    tell(vtep, a_mac(M2, VTEP2))
    speak(M1, M2, M3)(vtep)
    vtep.settle()

    assert our_macs(vtep) == {M1: 0, M2: 1, M3: 0}
