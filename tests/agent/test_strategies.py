"""Each strategy between a fake kernel and a fake ExaBGP: what it writes, and what it finds of another one."""

from dataclasses import replace

import pytest

from evpn.agent.configure import configure
from evpn.agent.strategies import plan_of
from evpn.dataplane.entries import NTF_ROUTER, NTF_SELF, NUD_NOARP, NUD_REACHABLE, Kind
from evpn.dataplane.plan import Plan, is_made_for
from evpn.text import parse_ip
from evpn.values import Vni
from tests.builders import BRIDGE_LINK, CONFIGURATION, DEVICE_LINK, IP1, LINKS, M1, M2, VTEP2, VTEP3, settings
from tests.fakes import FakeKernel, Row
from tests.kernel_rows import BRIDGE, DEVICE

from .vtep import MARK, Vtep, a_mac, a_vtep, tell

STRATEGIES = ["multicast", "static-flood", "static-l2", "static-l3", "dynamic-l3"]
PROXY = {"static-l3": False, "dynamic-l3": True}
IP6 = parse_ip("2001:db8:1::1")


def configured(strategy: str, more: str = ""):
    return settings(CONFIGURATION.replace("{vni: 100}", f"{{vni: 100, strategy: {strategy}{more}}}"))


def a_kernel(strategy: str) -> FakeKernel:
    return FakeKernel(BRIDGE_LINK, the_device(strategy), *[link for link in LINKS if link.ifindex > DEVICE])


def the_device(strategy: str):
    misses = PROXY.get(strategy, False)
    return DEVICE_LINK._replace(
        proxy=strategy in PROXY, l2miss=misses, l3miss=misses, learning=strategy in ("multicast", "static-flood")
    )


def a_vtep_with(strategy: str, more: str = "", kernel: FakeKernel | None = None) -> Vtep:
    vtep = Vtep(configured(strategy, more), kernel or a_kernel(strategy))
    vtep.peer_up()
    vtep.settle()
    return vtep


def held(vtep: Vtep) -> tuple[bool, bool, set[int]]:
    """Whether it floods to VTEP2, whether a row of ours sends frames for M1 there, the devices with a neighbor IP1."""
    kernel = vtep.kernel
    return (
        (DEVICE, VTEP2) in kernel.flood,
        bool(kernel.tunnel.get((DEVICE, M1), Row(VTEP2)).flags & MARK) and kernel.bridge[BRIDGE, M1].where == DEVICE,
        {device for device, ip in kernel.neighbors if ip == IP1},
    )


HELD = {
    "multicast": (False, False, set()),
    "static-flood": (True, False, set()),
    "static-l2": (True, True, {BRIDGE}),
    "static-l3": (False, True, {DEVICE}),
    "dynamic-l3": (False, False, set()),
}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_rows_of_a_strategy(strategy) -> None:
    vtep = a_vtep_with(strategy)
    tell(vtep, a_vtep(), a_mac(M1, VTEP2, IP1))

    assert held(vtep) == HELD[strategy]
    assert vtep.core.dataplane.pending == 0


def test_static_l3_floods_where_it_is_told_to() -> None:
    vtep = a_vtep_with("static-l3", ", flood: true")
    tell(vtep, a_vtep(), a_mac(M1, VTEP2, IP1))

    assert held(vtep) == (True, True, {DEVICE})


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_our_own_routes_are_the_same_with_each(strategy) -> None:
    vtep = a_vtep_with(strategy)
    vtep.host_says(M2, 11, IP1)
    vtep.settle()

    assert sorted(key[0] for key in vtep.announcements()) == [2, 2, 3]


@pytest.mark.parametrize(("old", "new"), [(a, b) for a in STRATEGIES for b in STRATEGIES if a != b])
def test_from_one_to_another_by_a_reload(old, new) -> None:
    """A device that has to be another one is made again by the reload; here it is there with the next notification."""
    vtep = a_vtep_with(old)
    tell(vtep, a_vtep(), a_mac(M1, VTEP2, IP1))
    announced = vtep.announcements()
    switch(vtep, new)

    assert held(vtep) in (HELD[new], (False, True, set()) if new == "dynamic-l3" else None)
    assert vtep.core.dataplane.pending == 0
    assert vtep.announcements() == announced


def switch(vtep: Vtep, new: str) -> None:
    """A reload; a device that has to be another one is there at once."""
    if not is_made_for(vtep.kernel.links[DEVICE], plan_of(configured(new).vnis[0])):
        vtep.kernel.remove_link(DEVICE)
        vtep.kernel.add_link(the_device(new))
        vtep.core.dataplane.links = dict(vtep.kernel.links)
    configure(vtep.core, configured(new), vtep.now)
    vtep.settle()


@pytest.mark.parametrize("new", ["multicast", "static-flood"])
@pytest.mark.parametrize("old", ["static-l2", "static-l3"])
def test_a_device_that_learns_from_now_on_begins_with_what_bgp_says(old, new) -> None:
    """As if frames had told it: without a mark of ours, so that silence ends it."""
    vtep = a_vtep_with(old)
    tell(vtep, a_vtep(), a_mac(M1, VTEP2, IP1))
    switch(vtep, new)

    assert vtep.kernel.tunnel[DEVICE, M1] == Row(VTEP2, NUD_REACHABLE, NTF_SELF)
    assert not vtep.kernel.bridge[BRIDGE, M1].flags & MARK
    assert not vtep.core.dataplane.has_work(removals=True)


def test_what_it_has_learnt_already_is_not_written_over() -> None:
    vtep = a_vtep_with("static-l3")
    tell(vtep, a_vtep(), a_mac(M1, VTEP2, IP1), a_mac(M2, VTEP2))
    vtep.kernel.remove_link(DEVICE)
    vtep.kernel.add_link(the_device("multicast"))
    vtep.kernel.frame(M1, 11)
    vtep.core.dataplane.links = dict(vtep.kernel.links)
    configure(vtep.core, configured("multicast"), vtep.now)
    vtep.settle()

    assert vtep.kernel.bridge[BRIDGE, M1].where == 11
    assert (DEVICE, M1) not in vtep.kernel.tunnel
    assert (DEVICE, M2) in vtep.kernel.tunnel
    assert vtep.core.dataplane.refused == 0


def test_a_mac_is_taught_in_the_batch_that_removes_its_row() -> None:
    vtep = a_vtep_with("static-l2")
    tell(vtep, a_vtep(), a_mac(M1, VTEP2, IP1))
    configure(vtep.core, configured("multicast"), vtep.now)
    vtep.look_at(Vni(100))
    vtep.core.settle(vtep.now)

    batch = vtep.core.dataplane.batch(512, False)

    assert [one.kind for one in batch if M1 in one.changes.keys] == [Kind.MAC, Kind.TAUGHT]


def test_what_was_to_be_taught_is_forgotten_with_the_device_and_with_another_strategy() -> None:
    vtep = a_vtep_with("static-l2")
    tell(vtep, a_vtep(), a_mac(M1, VTEP2, IP1))
    configure(vtep.core, configured("multicast"), vtep.now)
    segment = vtep.core.dataplane.segments[Vni(100)]
    assert segment.taught == {M1: VTEP2}
    configure(vtep.core, configured("static-l2"), vtep.now)
    assert segment.taught == {}

    configure(vtep.core, configured("multicast"), vtep.now)
    vtep.kernel.change_link(DEVICE, up=False)
    vtep.settle()
    assert segment.taught == {}


def test_what_a_strategy_has_no_rows_for_goes_without_any_session() -> None:
    before = a_vtep_with("static-l2")
    tell(before, a_vtep(), a_mac(M1, VTEP2, IP1))
    vtep = Vtep(configured("static-l2"), before.kernel)
    vtep.settle()
    assert held(vtep) == HELD["static-l2"]
    switch(vtep, "multicast")

    assert held(vtep) == HELD["multicast"]
    assert vtep.kernel.tunnel[DEVICE, M1] == Row(VTEP2, NUD_REACHABLE, NTF_SELF)


@pytest.mark.parametrize("new", STRATEGIES)
@pytest.mark.parametrize("old", ["static-flood", "static-l2"])
def test_what_another_strategy_has_left_goes_once_the_routes_are_known(old, new) -> None:
    """The agent was stopped, and is started with another strategy; what that has no rows for goes at once."""
    before = a_vtep_with(old)
    tell(before, a_vtep(), a_mac(M1, VTEP2, IP1))
    kernel = before.kernel
    kernel.links[DEVICE] = the_device(new)
    left = held(before)

    vtep = Vtep(configured(new), kernel)
    vtep.peer_up(end_of_rib=False)
    tell(vtep, a_vtep(), a_mac(M1, VTEP2, IP1))
    plan = plan_of(configured(new).vnis[0])
    assert held(vtep)[:2] == (plan.flood, plan.macs and (left[1] or not plan.misses))
    assert held(vtep)[2] >= (left[2] if plan.neighbors else set())

    vtep.peer_up()
    tell(vtep, bytes.fromhex("00000006800f03001946"))

    expected = HELD[new]
    if new == "dynamic-l3" and old == "static-l2":
        expected = (False, True, set())  # the row of the MAC is adopted, and expires
    assert held(vtep) == expected
    assert vtep.core.dataplane.pending == 0


def test_back_again_before_the_routes_are_known_nothing_is_lost() -> None:
    vtep = Vtep(configured("static-l2"), a_kernel("static-l2"))
    vtep.peer_up(end_of_rib=False)
    tell(vtep, a_vtep(), a_mac(M1, VTEP2, IP1))
    for strategy in ("static-l3", "static-l2"):
        vtep.kernel.change_link(DEVICE, proxy=strategy == "static-l3")
        vtep.core.dataplane.links = dict(vtep.kernel.links)
        configure(vtep.core, configured(strategy), vtep.now)
        vtep.settle()
    vtep.peer_up()
    tell(vtep, bytes.fromhex("00000006800f03001946"))

    assert held(vtep) == HELD["static-l2"]


@pytest.mark.parametrize("ip", [IP1, IP6])
def test_what_a_proxy_answers_says_router_where_the_route_does(ip) -> None:
    vtep = a_vtep_with("static-l3")
    tell(vtep, a_mac(M1, VTEP2, ip, router=True))

    router = NTF_ROUTER if ip == IP6 else 0
    assert vtep.kernel.tunnel[DEVICE, M1] == Row(VTEP2, NUD_REACHABLE, NTF_SELF | MARK | router)


def test_the_flag_comes_and_goes_with_the_route() -> None:
    vtep = a_vtep_with("static-l3")
    for router in (False, True, False):
        tell(vtep, a_mac(M1, VTEP2, IP6, router=router))

        assert bool(vtep.kernel.tunnel[DEVICE, M1].flags & NTF_ROUTER) == router
        assert vtep.core.dataplane.pending == 0


def test_a_sticky_router_is_both_and_a_move_keeps_it_so() -> None:
    vtep = a_vtep_with("static-l3")
    tell(vtep, a_mac(M1, VTEP2, IP6, router=True, sticky=True))
    row = vtep.kernel.tunnel[DEVICE, M1]
    assert row.flags & NTF_ROUTER
    assert row.state & NUD_NOARP

    tell(vtep, a_mac(M1, VTEP3, IP6, router=True, sticky=True, sequence=1))
    assert vtep.core.dataplane.pending == 0


def test_a_bridge_that_answers_has_the_flag_in_its_neighbors_alone() -> None:
    vtep = a_vtep_with("static-l2")
    tell(vtep, a_mac(M1, VTEP2, IP6, router=True))

    assert not vtep.kernel.tunnel[DEVICE, M1].flags & NTF_ROUTER
    assert vtep.kernel.neighbors[BRIDGE, IP6].flags & NTF_ROUTER


def test_options_of_the_configuration_come_into_the_plan() -> None:
    more = ", multicast: {group: 239.1.2.3, device: eth0, ttl: 9}"
    plan = plan_of(configured("multicast", more).vnis[0])

    assert plan == Plan(
        "multicast", True, group=parse_ip("239.1.2.3"), underlay="eth0", ttl=9, flood=False, macs=False, neighbors=False
    )
    vni = configured("static-l2").vnis[0]
    assert not plan_of(replace(vni, neighbor_suppression=False)).neighbors
