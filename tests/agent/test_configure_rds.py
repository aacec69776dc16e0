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
