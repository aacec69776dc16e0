"""A peer that has more to say than is taken of it: the session stays, memory is bounded, and it is told of."""

from tests.builders import CONFIGURATION, M1, M2, M3, RR1, RR2, VTEP2, VTEP3, a_mac_route, mac, settings
from tests.fakes import FakeKernel
from tests.kernel_rows import BRIDGE, DEVICE, PORT

from .test_hosts import reload
from .vtep import LINKS, Vtep, a_mac, gone, our_macs, tell

M4 = mac("02:00:00:00:00:04")


def config(of_peer: str = "", of_vni: str = "") -> str:
    text = CONFIGURATION.replace("{vni: 100}", f"{{vni: 100{of_vni}}}")
    return text.replace(f"address: {RR1}", f"address: {RR1}{of_peer}")


def started(text: str) -> Vtep:
    vtep = Vtep(settings(text), FakeKernel(*LINKS))
    vtep.peer_up()
    vtep.settle()
    return vtep


def tunnels(vtep: Vtep) -> set[bytes]:
    return {mac for _, mac in vtep.kernel.tunnel}


def test_of_a_peer_no_more_routes_are_taken_than_it_may_have() -> None:
    vtep = started(config(", max-routes: 2"))
    peer = vtep.core.peers.peers[RR1]

    tell(vtep, a_mac(M1), a_mac(M2), a_mac(M3), a_mac(M4), peers=[RR1])

    assert tunnels(vtep) == {M1, M2}
    assert (peer.over_limit, peer.up, len(vtep.core.rib.routes)) == (2, True, 2)
    tell(vtep, a_mac(M3), peers=[RR2])  # who has room, has
    assert tunnels(vtep) == {M1, M2, M3}


def test_what_it_has_said_before_may_be_said_anew() -> None:
    vtep = started(config(", max-routes: 1"))
    tell(vtep, a_mac(M1), peers=[RR1])

    tell(vtep, a_mac(M1, sequence=7), peers=[RR1])

    assert vtep.core.peers.peers[RR1].over_limit == 0
    (path,) = vtep.core.fabric.domains[100].remote[M1]
    assert path.attributes.mobility.sequence == 7


def test_once_there_is_room_it_is_asked_for_the_rest_but_not_again_and_again() -> None:
    vtep = started(config(", max-routes: 2"))
    vtep.settle(60)
    tell(vtep, a_mac(M1), a_mac(M2), a_mac(M3), peers=[RR1])
    asked = vtep.speaker.refreshes.count(RR1)

    tell(vtep, gone(a_mac_route(M1)), peers=[RR1])
    assert vtep.speaker.refreshes.count(RR1) == asked + 1
    tell(vtep, a_mac(M2), a_mac(M3), peers=[RR1])  # its answer
    assert tunnels(vtep) == {M2, M3}

    tell(vtep, a_mac(M1), gone(a_mac_route(M2)), peers=[RR1])
    assert vtep.speaker.refreshes.count(RR1) == asked + 1
    vtep.settle(60)
    assert vtep.speaker.refreshes.count(RR1) == asked + 2


def test_a_lower_limit_takes_nothing_away_and_a_higher_one_asks_for_the_rest() -> None:
    vtep = started(config(", max-routes: 3"))
    vtep.settle(60)
    tell(vtep, a_mac(M1), a_mac(M2), peers=[RR1])

    reload(vtep, config(", max-routes: 1"))
    tell(vtep, a_mac(M3), peers=[RR1])
    assert tunnels(vtep) == {M1, M2}

    reload(vtep, config(", max-routes: 10"))
    assert vtep.speaker.refreshes.count(RR1) == 1


def test_macs_over_the_limit_of_a_vni_wait_until_one_goes() -> None:
    vtep = started(config(of_vni=", max-remote-macs: 2"))
    overflow = vtep.core.fabric.domains[100].overflow

    tell(vtep, a_mac(M1), a_mac(M2), a_mac(M3), a_mac(M4))
    assert (tunnels(vtep), list(overflow.waiting)) == ({M1, M2}, [M3, M4])
    tell(vtep, gone(a_mac_route(M3)))
    assert (tunnels(vtep), list(overflow.waiting)) == ({M1, M2}, [M4])
    tell(vtep, gone(a_mac_route(M2)))

    assert (tunnels(vtep), overflow.waiting) == ({M1, M4}, {})
    events = [entry.event for entry in vtep.core.moves.journal.entries()]
    assert [event.mac for event in events if event.what.value == "over max-remote-macs"] == [M3, M4]


def test_a_move_of_a_mac_that_waits_is_not_forgotten() -> None:
    vtep = started(config(of_vni=", max-remote-macs: 1"))
    tell(vtep, a_mac(M1), a_mac(M2), a_mac(M2, VTEP3, sequence=1))

    tell(vtep, gone(a_mac_route(M1)))

    assert vtep.kernel.tunnel[DEVICE, M2].where == VTEP3


def test_a_higher_limit_lets_all_in() -> None:
    vtep = started(config(of_vni=", max-remote-macs: 1"))
    tell(vtep, a_mac(M1), a_mac(M2), a_mac(M3))

    reload(vtep, config(of_vni=", max-remote-macs: 3"))

    assert tunnels(vtep) == {M1, M2, M3}


def test_a_rival_of_a_host_of_ours_is_heard_all_the_same() -> None:
    vtep = started(config(of_vni=", max-remote-macs: 1"))
    vtep.kernel.frame(M2, PORT)
    vtep.settle()
    tell(vtep, a_mac(M1))

    tell(vtep, a_mac(M2, sequence=3))

    assert (M2 in our_macs(vtep), vtep.kernel.bridge[BRIDGE, M2].where) == (False, DEVICE)
    assert vtep.kernel.tunnel[DEVICE, M2].where == VTEP2
