"""What must be true when something dies: rows and packets go on, and whoever returns puts right what differs."""

import os
import signal
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from .fabric import FLOOD, Fabric, Host, View, Vtep, address, command_line, same_update, say_until, stays
from .frr import run, until

pytestmark = pytest.mark.interop

ONE, TWO = address(11), address(12)
FOREIGN_VTEP, FOREIGN = address(99), "02:00:00:00:99:09"


class Setting(NamedTuple):
    fabric: Fabric
    view: View
    one: Vtep
    two: Vtep
    h1: Host
    h2: Host

    def converged(self) -> bool:
        return (
            self.one.summary()["in-sync"]
            and self.one.flood() >= {TWO}
            and self.two.flood() == {ONE}
            and self.one.remote(self.h2.mac) == {"bridge", TWO}
            and self.two.remote(self.h1.mac) == {"bridge", ONE}
        )


@pytest.fixture(scope="module")
def fabric() -> Iterator[Setting]:
    with Fabric("faults") as fabric:
        vnis = [{"vni": 100, "ports": ["tap1"]}]
        one, two = fabric.vtep(11, vnis=vnis), fabric.vtep(12, vnis=vnis)
        h1, h2 = fabric.host(one, 1), fabric.host(two, 2)
        view = View(fabric.reflector(1, one, clients=(11, 12)))
        one.start()
        two.start()
        yield Setting(fabric, view, one, two, h1, h2)


@pytest.fixture
def setting(fabric: Setting) -> Setting:
    """Everything runs and is known everywhere, whatever the test before has left."""
    for vtep in (fabric.one, fabric.two):
        if vtep.process is None or vtep.process.poll() is not None:
            vtep.start()
    until(lambda: fabric.h1.reaches(fabric.h2))
    until(fabric.converged)
    return fabric


def a_host(setting: Setting, vtep: Vtep, number: int) -> Host:
    return setting.fabric.newcomer(vtep, setting.two if vtep is setting.one else setting.one, number)


def new_agent(vtep: Vtep, old: int) -> int:
    """The next one, once it has heard all routes."""
    until(lambda: (found := vtep.children()) and old not in found)
    until(lambda: vtep.answers() and vtep.summary()["in-sync"])
    return vtep.agent()


def rows_of(vtep: Vtep) -> list[str]:
    """All FDB rows on the VXLAN device."""
    return sorted(vtep.run("bridge", "fdb", "show", "dev", "vxlan100").splitlines())


def test_an_agent_that_is_killed_leaves_no_trace(setting: Setting) -> None:
    one, old, flaps = setting.one, setting.one.agent(), setting.view.flaps(ONE)
    before, path = rows_of(one), setting.view.mac(setting.h1.mac, ONE)
    with (
        setting.fabric.watched(one.namespace, "bridge", "monitor", "fdb") as here,
        setting.fabric.watched(setting.two.namespace, "bridge", "monitor", "fdb") as there,
        setting.h2.pinging(setting.h1, 0.02) as pings,
    ):
        os.kill(old, signal.SIGKILL)
        new = new_agent(one, old)
        stays(lambda: same_update(setting.view.mac(setting.h1.mac, ONE), path), 1)

    sent, received = pings()
    assert (new != old, received) == (True, sent)
    assert (here.about("vxlan100"), there.about("vxlan100")) == ([], [])
    assert rows_of(one) == before
    assert setting.view.flaps(ONE) == flaps
    summary = one.summary()
    assert (summary["rows-written"], summary["rows-removed"], summary["peers-up"]) == (0, 0, 1)


def test_what_changes_while_no_agent_is_there_is_made_good(setting: Setting) -> None:
    one, two = setting.one, setting.two
    gone_here, gone_there = a_host(setting, one, 20), a_host(setting, two, 21)
    new_here = setting.fabric.host(one, 22, "tap22")
    new_there = setting.fabric.host(two, 23, "tap23")
    assert one.process
    old = one.agent()
    os.kill(one.process.pid, signal.SIGSTOP)  # or else the next agent would be there at once
    try:
        os.kill(old, signal.SIGKILL)
        one.run("ip", "link", "set", "tap20", "down")
        two.run("ip", "link", "set", "tap21", "down")
        one.plug("tap22")
        two.plug("tap23")
        say_until(new_here, lambda: one.port_of(new_here.mac) == "tap22")
        say_until(new_there, lambda: setting.view.mac(new_there.mac, TWO))
        until(lambda: not setting.view.mac(gone_there.mac, TWO))
        assert one.remote(gone_there.mac) == {"bridge", TWO}
    finally:
        os.kill(one.process.pid, signal.SIGCONT)

    new_agent(one, old)
    until(lambda: not setting.view.mac(gone_here.mac, ONE))
    until(lambda: setting.view.mac(new_here.mac, ONE))
    until(lambda: not one.fdb(gone_there.mac) and one.remote(new_there.mac) == {"bridge", TWO})
    until(lambda: not two.fdb(gone_here.mac) and two.remote(new_here.mac) == {"bridge", ONE})
    assert (one.summary()["rows-written"], one.summary()["rows-removed"]) == (1, 1)


def test_a_host_that_moved_while_no_agent_was_there(setting: Setting) -> None:
    one, two = setting.one, setting.two
    to_here, to_there = a_host(setting, two, 30), a_host(setting, one, 31)
    assert one.process
    old = one.agent()
    os.kill(one.process.pid, signal.SIGSTOP)
    try:
        os.kill(old, signal.SIGKILL)
        to_here.move(one, "tap30b")
        to_there.move(two, "tap31b")
        say_until(to_here, lambda: one.port_of(to_here.mac) == "tap30b")
        say_until(to_there, lambda: two.port_of(to_there.mac) == "tap31b")
    finally:
        os.kill(one.process.pid, signal.SIGCONT)

    new_agent(one, old)
    say_until(to_here, lambda: two.remote(to_here.mac) == {"bridge", ONE})
    say_until(to_there, lambda: one.remote(to_there.mac) == {"bridge", TWO})
    until(lambda: not one.fdb(to_here.mac) and not two.fdb(to_there.mac))
    until(lambda: setting.h1.reaches(to_there) and setting.h2.reaches(to_here))


def test_rows_outlive_exabgp_and_are_adopted_by_the_next(setting: Setting) -> None:
    one, two = setting.one, setting.two
    gone = a_host(setting, two, 40)
    before = rows_of(one)
    assert one.process
    agent = one.agent()
    one.process.kill()
    one.process.wait()
    until(lambda: not command_line(agent))
    until(lambda: not setting.view.mac(setting.h1.mac, ONE))
    two.run("ip", "link", "set", "tap40", "down")
    until(lambda: not setting.view.mac(gone.mac, TWO))
    assert rows_of(one) == before

    with setting.fabric.watched(one.namespace, "bridge", "monitor", "fdb") as watch:
        one.start()
        until(lambda: not one.fdb(gone.mac))
        until(setting.converged)
    assert watch.about(setting.h2.mac) == []
    assert watch.about("00:00:00:00:00:00") == []
    assert (one.summary()["rows-written"], one.summary()["rows-removed"]) == (0, 1)
    until(lambda: setting.h1.reaches(setting.h2))


def test_sigterm_ends_all_processes_and_keeps_all_rows(setting: Setting) -> None:
    one, before = setting.one, rows_of(setting.one)
    assert one.process
    processes = [one.process.pid, one.agent()]

    assert one.stop() == 0
    until(lambda: not any(command_line(pid) for pid in processes))
    assert in_namespace(one) == []
    assert rows_of(one) == before
    said = one.evpn("show", "mac", config=True, status=3)
    assert said.startswith(f"Error: {one.run_dir}/control.sock: no agent is running there (")
    until(lambda: not setting.view.mac(setting.h1.mac, ONE))


def in_namespace(vtep: Vtep) -> list[str]:
    return run("ip", "netns", "pids", vtep.namespace.name).split()


def test_flush_removes_what_is_ours_and_nothing_else(setting: Setting) -> None:
    one = setting.one
    said = one.evpn("flush", config=True, status=1)
    assert said == f"{one.run_dir}: an agent is running there and would write the rows again; stop it first\n"
    assert setting.converged()
    assert one.stop() == 0
    foreign = (f"{FOREIGN} dev vxlan100 dst {FOREIGN_VTEP} self", f"{FOREIGN} dev tap1 master")
    for row in foreign:
        one.run("bridge", "fdb", "add", *row.split(), "static")
    before = one.tables()
    ours = {row["mac"] for row in one.fdb() if "extern_learn" in row["flags"]}
    bound = [line for line in one.run("ip", "neigh").splitlines() if "proto bgp" in line]
    try:
        assert one.evpn("flush", config=True) == f"{len(ours) + len(bound)} rows removed\n"
        gone = [line for line in before if line not in one.tables()]
        assert all("dev vxlan100" in line and "extern_learn" in line for line in gone), gone
        assert {line.split()[0] for line in gone} == ours >= {setting.h2.mac, FLOOD}
        assert "proto bgp" not in one.run("ip", "neigh")
        assert [line for line in one.tables() if line not in before] == []
        assert one.evpn("flush", config=True) == "0 rows removed\n"
    finally:
        for row in foreign:
            one.run("bridge", "fdb", "del", *row.split())


def test_a_lost_session_holds_everything_until_it_is_back(setting: Setting) -> None:
    """The cable of the underlay is pulled for longer than the hold time."""
    one, before = setting.one, rows_of(setting.one)
    with setting.fabric.watched(one.namespace, "bridge", "monitor", "fdb") as watch:
        one.run("ip", "link", "set", "eth0", "down")
        until(lambda: one.peers()[address(1)]["state"] == "down")
        stays(lambda: rows_of(one) == before, 1)
        assert one.summary()["in-sync"] is False
        one.run("ip", "link", "set", "eth0", "up")
        until(setting.converged)
    assert watch.about("vxlan100", setting.h2.mac) == []
    until(lambda: setting.h1.reaches(setting.h2))
    assert one.peers()[address(1)]["resets"] == 1


def test_nothing_is_left_on_disk_but_the_run_directory(setting: Setting) -> None:
    until((setting.one.run_dir / "snapshot").exists)
    modes = {path.name: path.stat().st_mode & 0o777 for path in setting.one.run_dir.iterdir()}
    assert modes.keys() == {"accepted.yaml", "control.sock", "exabgp.conf", "exabgp.env", "snapshot"}
    assert {modes[name] for name in modes if name != "exabgp.env"} == {0o600}


def test_an_agent_that_dies_again_and_again_ends_the_program_and_keeps_all_rows(setting: Setting) -> None:
    """ExaBGP's own limit: the sixth death within the same 64 seconds."""
    one, before = setting.one, rows_of(setting.one)
    assert one.process
    process = one.process
    for _ in range(12):
        agents = one.children()
        for pid in agents:
            os.kill(pid, signal.SIGKILL)
        until(lambda agents=agents: process.poll() is not None or (set(one.children()) - set(agents)))
        if process.poll() is not None:
            break

    assert "Too many death for evpn" in one.log()
    assert rows_of(one) == before
