"""Two route reflectors: everything is known twice, so that one may go, and both may for a while."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from evpn.cli.client import ask

from .fabric import FLOOD, Fabric, Host, View, Vtep, Watch, address, say_until, sequence_of, stays
from .frr import until

pytestmark = pytest.mark.interop

ONE, TWO, RR1, RR2 = address(11), address(12), address(1), address(2)


class Setting(NamedTuple):
    fabric: Fabric
    one: Vtep
    two: Vtep
    h1: Host
    h2: Host
    rr1: View
    rr2: View

    def converged(self) -> bool:
        peers = [row for vtep in (self.one, self.two) for row in vtep.show("peers")]
        return (
            all(row["end-of-rib"] and row["state"] == "up" and not row["stale"] for row in peers)
            and (self.one.flood(), self.two.flood()) == ({TWO}, {ONE})
            and self.one.remote(self.h2.mac) == {"bridge", TWO}
            and self.two.remote(self.h1.mac) == {"bridge", ONE}
            and all(view.mac(self.h1.mac, ONE) and view.mac(self.h2.mac, TWO) for view in (self.rr1, self.rr2))
        )


@pytest.fixture(scope="module")
def running() -> Iterator[Setting]:
    with Fabric("two") as fabric:
        vnis = [{"vni": 100, "ports": ["tap1"]}]
        one, two = (fabric.vtep(number, (RR1, RR2), vnis=vnis) for number in (11, 12))
        h1, h2 = fabric.host(one, 1), fabric.host(two, 2)
        rr1, rr2 = (View(fabric.reflector(number, one, clients=(11, 12))) for number in (1, 2))
        one.start()
        two.start()
        yield Setting(fabric, one, two, h1, h2, rr1, rr2)


@pytest.fixture
def setting(running: Setting) -> Setting:
    until(lambda: running.h1.reaches(running.h2))
    until(running.converged)
    return running


def a_host(setting: Setting, vtep: Vtep, number: int) -> Host:
    return setting.fabric.newcomer(vtep, setting.two if vtep is setting.one else setting.one, number)


def rows(watch: Watch) -> list[str]:
    return watch.about("vxlan100")


def test_every_route_is_known_twice_and_used_once(setting: Setting) -> None:
    paths = [row for row in setting.one.show("rib") if row["route"] == setting.h2.mac]

    assert [row["peer"] for row in paths if row["best"]] == [RR1]
    assert sorted(row["peer"] for row in paths) == [RR1, RR2]
    assert [row["reason"] for row in paths if row["best"]] == ["lower peer address"]
    assert len(setting.one.fdb(setting.h2.mac)) == 2


def test_a_host_moves_to_the_other_vtep_and_back(setting: Setting) -> None:
    host, where, sequence = a_host(setting, setting.one, 20), setting.one, 0
    for _ in range(2):
        old, where = where, setting.two if where is setting.one else setting.one
        host.move(where, "tap20")
        say_until(host, lambda old=old, where=where: old.remote(host.mac) == {"bridge", where.address})
        views = setting.rr1, setting.rr2
        paths = [until(lambda view=view, where=where: view.mac(host.mac, where.address)) for view in views]
        said = {sequence_of(path) for path in paths}
        # a withdrawal that is faster than the host's first frame leaves nothing to be above of
        assert said in ({sequence}, {sequence + 1})
        sequence = said.pop()
        until(lambda old=old: (setting.h1 if old is setting.one else setting.h2).reaches(host))
    host.namespace.run("ip", "link", "del", "eth0")
    until(lambda: not setting.two.fdb(host.mac))


@pytest.mark.parametrize("lost", [1, 2])
def test_one_reflector_lost_changes_nothing(setting: Setting, lost: int) -> None:
    view, peer = (setting.rr1, RR1) if lost == 1 else (setting.rr2, RR2)
    with (
        setting.fabric.watched(setting.one.namespace, "bridge", "monitor", "fdb") as here,
        setting.fabric.watched(setting.two.namespace, "bridge", "monitor", "fdb") as there,
        setting.h1.pinging(setting.h2) as pings,
    ):
        view.frr.kill("bgpd")
        until(lambda: all(vtep.peers()[peer]["state"] == "down" for vtep in (setting.one, setting.two)))
        stays(lambda: setting.one.summary()["in-sync"], 1)
        assert setting.one.peers()[peer]["routes"] == 0  # it did not ask for them to be kept
        view.frr.revive("bgpd")
        until(setting.converged)
    sent, received = pings()
    assert (rows(here), rows(there), received) == ([], [], sent)


def test_what_changes_while_one_is_lost_comes_from_the_other(setting: Setting) -> None:
    gone = a_host(setting, setting.two, 30)
    setting.rr1.frr.kill("bgpd")
    until(lambda: setting.one.peers()[RR1]["state"] == "down")

    setting.two.run("ip", "link", "set", "tap30", "down")
    until(lambda: not setting.one.fdb(gone.mac))
    new = a_host(setting, setting.two, 31)
    setting.rr1.frr.revive("bgpd")
    until(setting.converged)

    assert setting.one.remote(new.mac) == {"bridge", TWO}
    assert not setting.one.fdb(gone.mac)


def test_both_lost_hold_everything_and_what_is_stale_is_swept_once_they_are_back(setting: Setting) -> None:
    one, two = setting.one, setting.two
    gone, stays_there = a_host(setting, two, 40), a_host(setting, two, 41)
    before = sorted(one.run("bridge", "fdb", "show", "dev", "vxlan100").splitlines())
    with (
        setting.fabric.watched(one.namespace, "bridge", "monitor", "fdb") as watch,
        setting.h1.pinging(setting.h2) as pings,
    ):
        for view in (setting.rr1, setting.rr2):
            view.frr.kill("bgpd")
        until(lambda: one.summary()["peers-up"] == two.summary()["peers-up"] == 0)
        two.run("ip", "link", "set", "tap40", "down")
        until(lambda: gone.mac not in two.macs())
        new = setting.fabric.host(two, 42, "tap42")
        two.plug("tap42")
        say_until(new, lambda: new.mac in two.macs())
        stays(lambda: sorted(one.run("bridge", "fdb", "show", "dev", "vxlan100").splitlines()) == before, 1)
        assert not one.summary()["in-sync"]
        assert {row["stale"] for row in one.show("rib") if row["route"] == gone.mac} == {True}

        setting.rr1.frr.revive("bgpd")
        until(lambda: not one.fdb(gone.mac))
        until(lambda: one.remote(new.mac) == {"bridge", TWO})
        setting.rr2.frr.revive("bgpd")
        until(setting.converged)
    sent, received = pings()
    assert received == sent
    about = {mac: watch.about("vxlan100", mac) for mac in (FLOOD, setting.h2.mac, stays_there.mac)}
    assert about == {FLOOD: [], setting.h2.mac: [], stays_there.mac: []}
    assert {line.split()[0] for line in watch.about("vxlan100", gone.mac)} == {"Deleted"}


def test_an_agent_killed_while_one_reflector_is_lost(setting: Setting) -> None:
    """The new agent must not take the one that is there for all there is, nor wait for the other for ever."""
    one = setting.one
    setting.rr1.frr.kill("bgpd")
    until(lambda: one.peers()[RR1]["state"] == "down")
    with setting.fabric.watched(one.namespace, "bridge", "monitor", "fdb") as watch:
        old = one.agent()
        one.run("kill", "-9", str(old))
        until(lambda: (agents := one.children()) and old not in agents)
        until(lambda: one.answers() and one.summary()["in-sync"])
        setting.rr1.frr.revive("bgpd")
        until(setting.converged)
    assert rows(watch) == []
    assert (one.summary()["rows-written"], one.summary()["rows-removed"]) == (0, 0)


def test_both_lost_for_longer_than_the_hold_time_take_all_rows_along(setting: Setting) -> None:
    one = setting.one
    before = sorted(one.run("bridge", "fdb", "show", "dev", "vxlan100").splitlines())
    hold(one, 3)
    for view in (setting.rr1, setting.rr2):
        view.frr.kill("bgpd")
    until(lambda: one.summary()["peers-up"] == 0)
    stays(lambda: sorted(one.run("bridge", "fdb", "show", "dev", "vxlan100").splitlines()) == before, 1.5)

    until(lambda: not one.flood() and not one.remote(setting.h2.mac))

    assert setting.two.remote(setting.h1.mac) == {"bridge", ONE}  # whose hold time is another
    for view in (setting.rr1, setting.rr2):
        view.frr.revive("bgpd")
    until(setting.converged)
    hold(one, None)


def hold(vtep: Vtep, seconds: int | None) -> None:
    vtep.configure(hold_on_session_loss=seconds)
    list(ask(vtep.run_dir, {"command": "reload", "config": str(vtep.config)}))
