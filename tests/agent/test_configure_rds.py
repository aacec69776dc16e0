"""Route distinguishers that a reload moves: every VNI goes on with all of its routes, under an RD of its own."""

import pytest

from evpn.agent.configure import configure
from evpn.text import format_rd
from evpn.wire.routes import InclusiveMulticastRoute, MacIpRoute
from tests.agent.vtep import Vtep
from tests.builders import CONFIGURATION, M1, OURS, a_link, settings
from tests.fakes import FakeKernel

LONG, LONGER = 65636, 65637  # their own numbers would be 101 and 102


def a_file(*entries: str) -> str:
    return CONFIGURATION.replace("{vni: 100}", ", ".join(f"{{{entry}}}" for entry in entries))


def a_host(*vnis: int) -> FakeKernel:
    """A bridge, a VXLAN device and a port for each."""
    links = []
    for index, vni in enumerate(vnis):
        bridge = 10 * (index + 1)
        links += [
            a_link(bridge, f"br{vni}", "bridge"),
            a_link(bridge + 1, f"vxlan{vni}", "vxlan", master=bridge, vni=vni, local=OURS, port=4789),
            a_link(bridge + 2, f"tap{vni}", "tun", master=bridge),
        ]
    return FakeKernel(*links)


def a_vtep(text: str, *vnis: int) -> Vtep:
    """In each VNI the same host speaks."""
    vtep = Vtep(settings(text), a_host(*vnis))
    vtep.peer_up()
    vtep.settle()
    for index in range(len(vnis)):
        vtep.kernel.frame(M1, 10 * (index + 1) + 2)
    vtep.settle()
    return vtep


def reload(vtep: Vtep, text: str) -> None:
    configure(vtep.core, settings(text), vtep.now)
    vtep.settle()


def announced(vtep: Vtep) -> tuple[dict[int, str], dict[int, str]]:
    """VNI -> RD, of the type 3 and of the type 2 routes that a peer has."""
    multicast, macs = {}, {}
    for route in vtep.announcements().values():
        if route.nlri[0] == 3:
            assert route.attributes.pmsi is not None
            rd = InclusiveMulticastRoute.decode(route.nlri[2:]).rd
            multicast[route.attributes.pmsi.vni] = format_rd(rd)
        else:
            mac = MacIpRoute.decode(route.nlri[2:])
            macs[mac.vni] = format_rd(mac.rd)
    return multicast, macs


@pytest.mark.parametrize("first", [200, 300])
def test_two_vnis_that_swap_their_rds_lose_no_route(first: int) -> None:
    second = 500 - first
    vtep = a_vtep(a_file(f'vni: {first}, rd: "1:1"', f'vni: {second}, rd: "1:2"'), 200, 300)

    reload(vtep, a_file(f'vni: {first}, rd: "1:2"', f'vni: {second}, rd: "1:1"'))

    swapped = {first: "1:2", second: "1:1"}
    assert announced(vtep) == (swapped, swapped)


def test_an_rd_is_handed_on_by_a_vni_that_is_no_longer_served() -> None:
    vtep = a_vtep(a_file('vni: 200, rd: "1:1"', 'vni: 300, rd: "1:2"'), 200, 300)

    reload(vtep, a_file('vni: 200, rd: "1:2"'))

    assert announced(vtep) == ({200: "1:2"}, {200: "1:2"})


def test_rds_that_move_up_by_one_lose_no_route() -> None:
    vtep = a_vtep(a_file('vni: 200, rd: "1:1"', 'vni: 300, rd: "1:2"'), 200, 300, 101)

    reload(vtep, a_file('vni: 101, rd: "1:1"', 'vni: 200, rd: "1:2"', 'vni: 300, rd: "1:3"'))

    assert announced(vtep)[0] == {101: "1:1", 200: "1:2", 300: "1:3"}
    assert set(announced(vtep)[0].items()) == set(announced(vtep)[1].items())


# VNIs above 65535, whose RD is any that was free


def test_a_long_vni_keeps_its_rd_when_one_comes_that_chooses_before_it() -> None:
    last = LONGER + 65535
    vtep = a_vtep(a_file(f"vni: {last}"), last, LONGER)

    reload(vtep, a_file("vni: 1", f"vni: {LONGER}", f"vni: {last}"))

    rds = {last: "10.0.0.10:102", LONGER: "10.0.0.10:103"}
    assert announced(vtep) == (rds, rds)


def test_a_long_vni_keeps_its_rd_when_the_one_goes_that_was_before_it() -> None:
    vtep = a_vtep(a_file(f"vni: {LONG}", "vni: 101"), LONG, 101)

    reload(vtep, a_file(f"vni: {LONG}"))

    assert announced(vtep) == ({LONG: "10.0.0.10:102"}, {LONG: "10.0.0.10:102"})


@pytest.mark.parametrize("owner", ["vni: 101", 'vni: 300, rd: "10.0.0.10:101"'])
def test_only_the_long_vni_moves_whose_rd_another_owns_now(owner: str) -> None:
    vtep = a_vtep(a_file(f"vni: {LONG}", f"vni: {LONGER}"), LONG, LONGER, 101, 300)
    assert announced(vtep)[0] == {LONG: "10.0.0.10:101", LONGER: "10.0.0.10:102"}

    reload(vtep, a_file(f"vni: {LONG}", f"vni: {LONGER}", owner))

    new = 101 if owner == "vni: 101" else 300
    moved = {LONG: "10.0.0.10:103", LONGER: "10.0.0.10:102", new: "10.0.0.10:101"}
    assert announced(vtep) == (moved, moved)


def test_an_rd_that_is_written_comes_into_force_even_if_it_could_have_been_chosen() -> None:
    vtep = a_vtep(a_file(f"vni: {LONG}", f"vni: {LONGER}"), LONG, LONGER)

    reload(vtep, a_file(f'vni: {LONG}, rd: "10.0.0.10:102"', f'vni: {LONGER}, rd: "10.0.0.10:101"'))

    swapped = {LONG: "10.0.0.10:102", LONGER: "10.0.0.10:101"}
    assert announced(vtep) == (swapped, swapped)


def test_an_rd_that_is_written_no_longer_is_given_up() -> None:
    vtep = a_vtep(a_file(f'vni: {LONG}, rd: "1:1"'), LONG)

    reload(vtep, a_file(f"vni: {LONG}"))

    assert announced(vtep) == ({LONG: "10.0.0.10:101"}, {LONG: "10.0.0.10:101"})


# Discovered VNIs


def test_discovered_vnis_have_the_same_rds_in_whatever_order_their_devices_came() -> None:
    nobody = CONFIGURATION.replace("vnis: [{vni: 100}]", "discover: true")
    rds = {101: "10.0.0.10:101", LONG: "10.0.0.10:102"}

    assert announced(a_vtep(nobody, 101, LONG)) == (rds, rds)
    assert announced(a_vtep(nobody, LONG, 101)) == (rds, rds)


def test_a_discovered_vni_makes_room_for_a_configured_rd() -> None:
    discover = a_file("vni: 300") + "discover: true\n"
    vtep = a_vtep(discover, 300, 200, LONG)
    before = {200: "10.0.0.10:200", 300: "10.0.0.10:300", LONG: "10.0.0.10:101"}
    assert announced(vtep) == (before, before)

    reload(vtep, discover.replace("vni: 300", 'vni: 300, rd: "10.0.0.10:200"'))

    after = {200: "10.0.0.10:201", 300: "10.0.0.10:200", LONG: "10.0.0.10:101"}
    assert announced(vtep) == (after, after)
    assert vtep.core.instances.discovered == {200, LONG}


def test_a_discovered_vni_that_is_configured_later_keeps_its_rd() -> None:
    nobody = CONFIGURATION.replace("vnis: [{vni: 100}]", "discover: true")
    vtep = a_vtep(nobody, 101, LONG)
    vtep.kernel.remove_link(11)
    vtep.settle()

    reload(vtep, a_file(f"vni: {LONG}"))

    assert announced(vtep) == ({LONG: "10.0.0.10:102"}, {LONG: "10.0.0.10:102"})
