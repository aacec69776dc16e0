"""Addresses of local hosts through the whole agent: who is believed, routes with their flags, restarts."""

import pytest

from evpn.agent.configure import configure
from evpn.dataplane.entries import NTF_ROUTER, NUD_FAILED, NUD_INCOMPLETE, NUD_PERMANENT, NUD_REACHABLE, NUD_STALE
from evpn.packet.sighting import Sighting
from evpn.values import IpAddress, MacAddress, Vni
from evpn.wire.attributes import encode
from evpn.wire.communities import IMMUTABLE, OVERRIDE, ROUTER
from evpn.wire.routes import MacIpRoute
from evpn.wire.update import encode_announce
from tests.agent.vtep import MARK, Vtep, a_mac, gone, our_macs, tell
from tests.builders import CONFIGURATION, IP1, IP2, M1, M2, VTEP2, VTEP3, a_link, a_mac_route, attributes, ip, settings
from tests.fakes import Row
from tests.kernel_rows import BRIDGE, DEVICE, OTHER_PORT, PORT

IP6 = ip("2001:db8::1")
NUD_DELAY, NUD_PROBE = 0x08, 0x10
V100 = Vni(100)


def hears(vtep: Vtep, mac: MacAddress, *ips: IpAddress, port: int = PORT) -> None:
    for address in ips:
        vtep.host_says(mac, port, address)
    vtep.settle()


def resolves(vtep: Vtep, address: IpAddress, mac: MacAddress, state: int = NUD_REACHABLE, flags: int = 0) -> None:
    """The kernel's own ARP or ND."""
    vtep.kernel.put_neighbor(address, mac, state, flags, 0)
    vtep.settle()


def ours(vtep: Vtep) -> dict[tuple[bytes, bytes], tuple[int, int | None]]:
    """(MAC, IP) -> sequence, and flags of the ARP/ND community."""
    found = {}
    for nlri, shared, _ in vtep.announcements().values():
        if nlri[0] == 2:
            route = MacIpRoute.decode(nlri[2:])
            found[route.mac, route.ip] = shared.mobility.sequence, shared.arp_nd
    return found


def reload(vtep: Vtep, more: str) -> None:
    vtep.settings = settings(CONFIGURATION.replace("{vni: 100}", f"{{vni: 100, {more}}}"))
    configure(vtep.core, vtep.settings, vtep.now)
    vtep.settle()


# Routes


def test_there_is_a_route_for_each_address_beside_that_of_the_mac(vtep: Vtep) -> None:
    hears(vtep, M1, IP1, IP2, IP6)

    assert ours(vtep) == {
        (M1, b""): (0, None),
        (M1, IP1): (0, None),
        (M1, IP2): (0, None),
        (M1, IP6): (0, OVERRIDE),
    }


def test_an_address_is_withdrawn_alone(vtep: Vtep) -> None:
    hears(vtep, M1, IP1, IP2)

    vtep.core.fabric.domains[V100].addresses.release(IP1)
    vtep.settle()

    assert ours(vtep).keys() == {(M1, b""), (M1, IP2)}


def test_routes_of_one_host_have_one_sequence_through_all_its_moves(vtep: Vtep) -> None:
    tell(vtep, a_mac(M2, VTEP2, IP2, sequence=8))
    hears(vtep, M1, IP1, IP6)
    tell(vtep, a_mac(M1, VTEP3, sequence=3))
    assert ours(vtep) == {}

    hears(vtep, M1, IP1, port=OTHER_PORT)
    assert ours(vtep) == {(M1, b""): (4, None), (M1, IP1): (4, None)}

    hears(vtep, M1, IP2, IP6, port=OTHER_PORT)
    assert {number for number, _ in ours(vtep).values()} == {9}
    assert len(ours(vtep)) == 4


def test_a_router_says_so_on_ipv6_only(vtep: Vtep) -> None:
    for address in (IP1, IP6):
        vtep.core.kernel.sighted(PORT, Sighting(M1, address, True), vtep.now)
    vtep.kernel.frame(M1, PORT)
    vtep.settle()

    assert ours(vtep)[M1, IP6] == (0, OVERRIDE | ROUTER)
    assert ours(vtep)[M1, IP1] == (0, None)


def test_what_is_configured_is_immutable_in_both_families(vtep: Vtep) -> None:
    reload(vtep, 'hosts: [{mac: "02:00:00:00:00:01", ip: [192.0.2.1, "2001:db8::1"]}]')
    vtep.core.kernel.sighted(PORT, Sighting(M1, IP6, True), vtep.now)
    vtep.settle()

    assert ours(vtep) == {
        (M1, b""): (0, None),
        (M1, IP1): (0, IMMUTABLE),
        (M1, IP6): (0, OVERRIDE | IMMUTABLE | ROUTER),
    }


def test_every_ipv6_route_has_exactly_one_community_of_flags(vtep: Vtep) -> None:
    """RFC 9047 section 3.1."""
    reload(vtep, 'hosts: [{mac: "02:00:00:00:00:02", ip: ["2001:db8::2"], sticky: true}]')
    hears(vtep, M1, IP6)

    found = {
        MacIpRoute.decode(nlri[2:]).ip: [value for value in shared.extended if value[:2] == b"\x06\x08"]
        for nlri, shared, _ in vtep.announcements().values()
        if nlri[0] == 2
    }
    assert {address: len(communities) for address, communities in found.items()} == {
        b"": 0,
        IP6: 1,
        ip("2001:db8::2"): 1,
    }


# Who is believed


def test_a_frame_from_a_port_of_another_bridge_says_nothing_here(vtep: Vtep) -> None:
    vtep.kernel.add_link(a_link(13, "tap2"))
    vtep.settle()
    vtep.core.kernel.sighted(13, Sighting(M1, IP1, None), vtep.now)
    vtep.core.kernel.sighted(99, Sighting(M1, IP1, None), vtep.now)

    assert not vtep.core.fabric.domains[V100].addresses.bindings.of_ip


def test_on_which_port_a_mac_is_the_bridge_has_the_last_word(vtep: Vtep) -> None:
    hears(vtep, M1, IP1)

    vtep.core.kernel.sighted(OTHER_PORT, Sighting(M1, IP2, None), vtep.now)
    vtep.settle()

    assert ours(vtep).keys() == {(M1, b""), (M1, IP1)}


def test_one_over_max_macs_has_no_addresses(vtep: Vtep) -> None:
    reload(vtep, "max-macs: 1")
    hears(vtep, M1, IP1)

    hears(vtep, M2, IP2)

    assert ours(vtep).keys() == {(M1, b""), (M1, IP1)}
    assert list(vtep.core.fabric.domains[V100].addresses.bindings.of_ip) == [IP1]


def test_a_mac_that_is_never_learnt_keeps_no_address_for_long(vtep: Vtep) -> None:
    """The bridge refuses it, for it is sticky elsewhere."""
    tell(vtep, a_mac(M1, VTEP2, sticky=True))
    hears(vtep, M1, IP1)
    assert ours(vtep) == {}

    for wait in (400, 1, 1, 1):
        vtep.settle(seconds=wait)

    assert not vtep.core.fabric.domains[V100].addresses.bindings.of_ip
    assert vtep.sent == []


@pytest.mark.parametrize("learn", ["[]", "[kernel]"])
def test_what_hosts_say_does_not_count_where_nobody_is_to_listen(vtep: Vtep, learn: str) -> None:
    reload(vtep, f"learn-neighbors: {learn}")

    hears(vtep, M1, IP1)

    assert ours(vtep).keys() == {(M1, b"")}


@pytest.mark.parametrize("learn", ["[]", "[snoop]"])
def test_what_the_kernel_says_does_not_count_where_it_is_not_to_be_believed(vtep: Vtep, learn: str) -> None:
    reload(vtep, f"learn-neighbors: {learn}")
    hears(vtep, M1)
    vtep.kernel.frame(M1, PORT)

    resolves(vtep, IP1, M1)

    assert ours(vtep).keys() == {(M1, b"")}


def test_addresses_that_were_learnt_go_when_none_are_to_be(vtep: Vtep) -> None:
    hears(vtep, M1, IP1)
    before = ours(vtep)

    reload(vtep, "learn-neighbors: []")
    assert ours(vtep).keys() == {(M1, b"")}

    reload(vtep, "learn-neighbors: [snoop]")
    hears(vtep, M1, IP1)
    assert ours(vtep) == before


# The kernel's own ARP and ND


@pytest.fixture
def learnt(vtep: Vtep) -> Vtep:
    """M1 is on a port of ours, silent about its addresses; M2 is behind VTEP2."""
    vtep.kernel.frame(M1, PORT)
    tell(vtep, a_mac(M2, VTEP2))
    return vtep


@pytest.mark.parametrize("state", [NUD_REACHABLE, NUD_STALE, NUD_PERMANENT])
def test_what_the_kernel_has_resolved_is_an_address_of_a_local_host(learnt: Vtep, state: int) -> None:
    resolves(learnt, IP1, M1, state)
    resolves(learnt, IP6, M1, state, NTF_ROUTER)

    assert ours(learnt) == {(M1, b""): (0, None), (M1, IP1): (0, None), (M1, IP6): (0, OVERRIDE | ROUTER)}


def test_what_it_has_resolved_of_a_remote_host_is_not_ours(learnt: Vtep) -> None:
    resolves(learnt, IP1, M2)

    assert ours(learnt).keys() == {(M1, b"")}


@pytest.mark.parametrize("state", [NUD_FAILED, NUD_INCOMPLETE])
def test_what_it_cannot_resolve_is_nothing(learnt: Vtep, state: int) -> None:
    resolves(learnt, IP1, MacAddress(bytes(6)), state)

    assert ours(learnt).keys() == {(M1, b"")}


def test_what_it_resolved_while_notifications_were_lost_is_found_in_the_dump(learnt: Vtep) -> None:
    learnt.kernel.deaf = True
    resolves(learnt, IP1, M1)
    learnt.kernel.deaf = False

    learnt.level_check()

    assert ours(learnt).keys() == {(M1, b""), (M1, IP1)}


def test_what_it_has_kept_of_a_host_that_was_asked_in_vain_does_not_bring_it_back(learnt: Vtep) -> None:
    """Linux keeps rows that nobody uses, in state STALE, as long as there are few."""
    resolves(learnt, IP1, M1)
    resolves(learnt, IP1, M1, NUD_STALE)
    for wait in (400, 1, 1, 1):
        learnt.settle(seconds=wait)
    assert ours(learnt).keys() == {(M1, b"")}

    learnt.level_check()

    assert ours(learnt).keys() == {(M1, b"")}


@pytest.mark.parametrize("state", [NUD_DELAY, NUD_PROBE])
def test_a_question_of_the_kernel_is_no_answer(learnt: Vtep, state: int) -> None:
    resolves(learnt, IP1, M1)
    learnt.settle(seconds=100)

    resolves(learnt, IP1, M1, state)

    assert learnt.core.fabric.domains[V100].addresses.bindings.of_ip[IP1].confirmed == 0


def test_what_it_knew_before_the_agent_started_is_known(learnt: Vtep) -> None:
    resolves(learnt, IP1, M1)
    learnt.speaker.routes = {address: {} for address in learnt.speaker.routes}  # ExaBGP has started anew as well

    learnt.restart()
    learnt.peer_up()
    learnt.settle()

    assert (M1, IP1) in ours(learnt)


# Suppression


def test_the_row_of_an_address_that_has_come_to_us_goes_and_comes_again_when_it_leaves(vtep: Vtep) -> None:
    tell(vtep, a_mac(M1, VTEP2, IP1))
    assert vtep.kernel.neighbors[BRIDGE, IP1].where == M1

    hears(vtep, M1, IP1)
    assert (BRIDGE, IP1) not in vtep.kernel.neighbors

    tell(vtep, a_mac(M1, VTEP3, IP1, sequence=5))
    assert vtep.kernel.neighbors[BRIDGE, IP1].where == M1
    assert vtep.kernel.tunnel[DEVICE, M1].where == VTEP3


@pytest.mark.parametrize(
    ("flags", "rows"),
    [("arp-nd:0", 0), ("arp-nd:override", 1), ("arp-nd:router", 1), ("arp-nd:immutable", 1)],
)
def test_an_anycast_address_is_left_to_its_hosts(vtep: Vtep, flags: str, rows: int) -> None:
    """Neither router nor override: the bridge would answer with override (RFC 9047 section 2)."""

    route = a_mac_route(M1, IP6)
    tell(vtep, encode_announce([route], VTEP2, attributes("target:65000:100", flags)))

    assert len(vtep.kernel.neighbors) == rows
    assert (DEVICE, M1) in vtep.kernel.tunnel


# Restarts and sessions


def test_a_restart_withdraws_nothing_of_a_host_that_is_there_and_answers(vtep: Vtep) -> None:
    hears(vtep, M1, IP1, IP6)
    vtep.hosts[PORT, M1] = {IP1, IP6}
    before, told = ours(vtep), len(vtep.speaker.heard)

    vtep.restart()
    vtep.peer_up()
    for wait in (0, 1, 1, 1, 1):
        vtep.settle(seconds=wait)

    assert ours(vtep) == before
    assert not any(line.startswith("withdraw") for line in vtep.speaker.heard[told:])


def test_a_restart_withdraws_what_belongs_to_a_host_that_left_meanwhile(vtep: Vtep) -> None:
    hears(vtep, M1, IP1)
    hears(vtep, M2, IP2)
    vtep.kernel.drop_bridge(M1)

    vtep.restart()
    vtep.peer_up()
    vtep.settle()

    assert ours(vtep).keys() == {(M2, b""), (M2, IP2)}


def test_where_none_are_learnt_a_restart_recalls_none(vtep: Vtep) -> None:
    hears(vtep, M1, IP1)
    vtep.settings = settings(CONFIGURATION.replace("{vni: 100}", "{vni: 100, learn-neighbors: []}"))

    vtep.restart()
    vtep.peer_up()
    vtep.settle()

    assert ours(vtep).keys() == {(M1, b"")}


def test_a_late_answer_of_exabgp_does_not_take_an_address_from_who_has_it_now(vtep: Vtep) -> None:
    hears(vtep, M1, IP1)
    (nlri, shared, _) = next(one for one in vtep.announcements().values() if IP1 in one.nlri)

    hears(vtep, M2, IP1)
    vtep.core.recall(encode(shared), nlri)
    vtep.settle()

    assert ours(vtep).keys() == {(M1, b""), (M2, b""), (M2, IP1)}


def test_an_address_taken_over_is_claimed_above_after_a_restart_as_well(vtep: Vtep) -> None:
    tell(vtep, a_mac(M2, VTEP2, IP1, sequence=8))
    hears(vtep, M1, IP1)
    vtep.hosts[PORT, M1] = {IP1}
    assert our_macs(vtep) == {M1: 9}
    tell(vtep, gone(a_mac_route(M2, IP1)))

    vtep.restart()
    vtep.peer_up()
    vtep.settle()

    assert ours(vtep) == {(M1, b""): (9, None), (M1, IP1): (9, None)}


def test_rows_of_the_kernel_itself_are_left_alone(vtep: Vtep) -> None:
    hears(vtep, M1, IP1)
    resolves(vtep, IP1, M1)

    vtep.level_check()

    assert vtep.kernel.neighbors == {(BRIDGE, IP1): Row(M1, NUD_REACHABLE)}
    assert not vtep.kernel.neighbors[BRIDGE, IP1].flags & MARK


def test_who_speaks_for_a_sticky_host_on_another_port_takes_no_address_for_it(vtep: Vtep) -> None:
    reload(vtep, 'hosts: [{mac: "02:00:00:00:00:01", sticky: true, port: tap0}]')

    hears(vtep, M1, IP1, port=OTHER_PORT)
    assert ours(vtep).keys() == {(M1, b"")}

    hears(vtep, M1, IP1, port=PORT)
    assert ours(vtep).keys() == {(M1, b""), (M1, IP1)}
