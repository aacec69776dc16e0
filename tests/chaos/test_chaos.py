"""A short round, always the same one, and whether its judge can say no; `make chaos` has minutes of other ones."""

import os
import signal
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.chaos import judge
from tests.chaos.faults import STEPS, agents
from tests.chaos.guest import Guest
from tests.chaos.plan import FAULTS, GUESTS, VNIS, VTEPS, Step, plan
from tests.chaos.round import Report, play_on
from tests.chaos.world import World, tries
from tests.interop.fabric import address
from tests.interop.frr import until

SEED, SECONDS, RATE = 6, 6, 4


def test_a_plan_is_the_same_each_time() -> None:
    assert plan(SEED, 60) == plan(SEED, 60) != plan(SEED + 1, 60)


def test_a_long_plan_has_every_fault_and_no_step_that_there_is_not() -> None:
    assert {step.what for step in plan(SEED, 3600)} == STEPS.keys()
    assert len(FAULTS) > 25


def test_a_plan_ends_in_time_and_in_order() -> None:
    times = [step.at for step in plan(SEED, 60)]
    assert times == sorted(times)
    assert times[-1] <= 60


def test_a_report_of_a_failure_says_how_to_have_it_again() -> None:
    report = Report(7, 60, 1, [str(Step(1.5, "kill_agent", (11,)))], 0.0, ["a row is missing"], {}, None)
    said = str(report).splitlines()
    assert said[1:3] == ["   1.50  kill_agent 11", "a row is missing"]
    assert said[3] == "again: python -m tests.chaos --seed 7 --minutes 1 --rate 1"


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with World() as world:
        yield world


@pytest.fixture(scope="module")
def report(world: World) -> Report:
    return play_on(world, SEED, SECONDS, RATE)


@pytest.mark.interop
def test_after_faults_all_is_as_it_should_be(report: Report) -> None:
    assert report.complaints == [], report
    assert len(report.done) > 10


class Place(NamedTuple):
    """One VTEP, a guest that is behind another one, and a VTEP where it is not."""

    vtep: int
    guest: Guest
    there: str
    elsewhere: str

    @property
    def words(self) -> dict[str, str]:
        one = self.guest
        addresses = {"mac": one.mac, "ip": one.ip, "there": self.there, "elsewhere": self.elsewhere}
        return {**addresses, "vni": str(one.vni), "prefix": f"vtep {self.vtep}: vxlan{one.vni}:"}


@pytest.fixture
def place(world: World, report: Report) -> Place:
    vtep, guest = VTEPS[0], next(guest for guest in GUESTS if world.where[guest] != VTEPS[0])
    (other, *_) = [one for one in VTEPS if one not in (vtep, world.where[guest])]
    return Place(vtep, world.guests[guest], address(world.where[guest]), address(other))


PLANTED = {
    "no row on the device": (
        "bridge fdb del {mac} dev vxlan{vni} self",
        "{prefix} rows of the device: {mac} is absent, should be {there}",
    ),
    "no row in the bridge": (
        "bridge fdb del {mac} dev vxlan{vni} master",
        "{prefix} rows of the bridge: {mac} is absent, should be vxlan{vni}",
    ),
    "another VTEP": (
        "bridge fdb replace {mac} dev vxlan{vni} dst {elsewhere} self dynamic extern_learn",
        "{prefix} rows of the device: {mac} is {elsewhere}, should be {there}",
    ),
    "a row of nobody": (
        "bridge fdb add 02:00:00:00:0b:0b dev vxlan{vni} dst {there} self dynamic extern_learn",
        "{prefix} rows of the device: 02:00:00:00:0b:0b is {there}, should be absent",
    ),
    "no flood row": (
        "bridge fdb del 00:00:00:00:00:00 dev vxlan{vni} dst {elsewhere} self",
        "{prefix} flood rows: 00:00:00:00:00:00 is {rest}, should be {all}",
    ),
    "no neighbor": (
        "ip neigh del {ip} dev br{vni}",
        "{prefix} neighbors: {ip} is absent, should be {mac}",
    ),
}


@pytest.mark.interop
@pytest.mark.parametrize("planted", PLANTED)
def test_the_judge_sees_what_is_wrong(world: World, place: Place, planted: str) -> None:
    """While no agent can mend it."""
    (agent,) = agents(world, place.vtep)
    flooded = {address(one) for one in VTEPS} - {address(place.vtep)}
    flooded |= {address(one) for one in world.far.vteps} if place.guest.vni == VNIS[0] else set()
    lists = {"rest": " and ".join(sorted(flooded - {place.elsewhere})), "all": " and ".join(sorted(flooded))}
    command, complaint = (text.format(**place.words, **lists) for text in PLANTED[planted])
    os.kill(agent, signal.SIGSTOP)
    try:
        assert tries(world.nodes[place.vtep], command) == ""
        assert judge.wrong_rows(world) == [complaint]
    finally:
        os.kill(agent, signal.SIGCONT)
    until(lambda: judge.wrong_rows(world) == [])


@pytest.mark.interop
def test_evpn_diff_sees_what_is_wrong_as_well(world: World, place: Place) -> None:
    """Written over so that the kernel tells nobody, as zebra does."""
    row = "{ip} lladdr {mac} dev br{vni} nud noarp extern_learn proto zebra".format(**place.words)
    world.nodes[place.vtep].run("ip", "neigh", "replace", *row.split())

    (said,) = judge.differences(world)

    assert said.startswith(f"evpn diff on {place.vtep}: 1\n")
    assert place.guest.ip in said
    assert judge.wrong_rows(world) == ["{prefix} neighbors: {ip} is absent, should be {mac}".format(**place.words)]
    world.vteps[place.vtep].evpn("refresh", config=True)
    until(lambda: judge.wrong_rows(world) == judge.differences(world) == [])


@pytest.mark.interop
def test_a_host_that_cannot_be_reached_is_told_of(world: World, place: Place) -> None:
    one, others = place.guest, [guest for guest in world.guests.values() if guest.vni == place.guest.vni]
    one.namespace.run("ip", "address", "del", f"{one.ip}/24", "dev", one.device)
    try:
        told = judge.unreached(world)
        assert {f"{other.ip} does not reach {one.ip}" for other in others if other is not one} <= set(told)
    finally:
        one.namespace.run("ip", "address", "add", f"{one.ip}/24", "dev", one.device)
    one.speak()
    until(lambda: judge.unreached(world) == [])


@pytest.mark.interop
def test_an_agent_that_fell_is_told_of(world: World, report: Report) -> None:
    vtep = world.vteps[VTEPS[0]]
    said = vtep.log()
    with vtep.log_file.open("a") as log:
        log.write("Traceback (most recent call last):\n")
    try:
        assert judge.faults_of_ours(world) == [f"a traceback in the log of {VTEPS[0]}"]
    finally:
        vtep.log_file.write_text(said)
