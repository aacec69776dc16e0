"""SIGHUP: what is new in the file comes into force, what is not goes on undisturbed, a wrong file changes nothing."""

import signal
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from .fabric import Fabric, Host, View, Vtep, address, say_until, stays
from .frr import until

pytestmark = pytest.mark.interop

ONE, TWO, RR1, RR2 = address(11), address(12), address(1), address(2)
VNIS: list[dict[str, Any]] = [{"vni": 100, "ports": ["tap1"]}]
NEIGHBORS = [{"address": RR1, "hold-time": 9}]


class Setting(NamedTuple):
    fabric: Fabric
    one: Vtep
    two: Vtep
    h1: Host
    h2: Host
    rr1: View
    rr2: View


@pytest.fixture(scope="module")
def running() -> Iterator[Setting]:
    with Fabric("reload") as fabric:
        one = fabric.vtep(11, (RR1, RR2), vnis=VNIS)
        two = fabric.vtep(12, (RR1, RR2), vnis=[*VNIS, {"vni": 300}])
        h1, h2 = fabric.host(one, 1), fabric.host(two, 2)
        rr1, rr2 = (View(fabric.reflector(number, one, clients=(11, 12))) for number in (1, 2))
        one.configure(neighbors=NEIGHBORS)
        one.start()
        two.start()
        yield Setting(fabric, one, two, h1, h2, rr1, rr2)


@pytest.fixture
def setting(running: Setting) -> Iterator[Setting]:
    one, two, h1, h2 = running[1:5]
    until(lambda: h1.reaches(h2))
    until(lambda: one.remote(h2.mac) == {"bridge", TWO} and two.remote(h1.mac) == {"bridge", ONE})
    yield running
    one.configure(vnis=VNIS, neighbors=NEIGHBORS, discover=None)
    reload(one)
    until(lambda: [row["vni"] for row in one.show("vni")] == [100])


def reload(vtep: Vtep, word: str = "configuration reloaded") -> str:
    """SIGHUP, until the log has this; what the log has got since."""
    assert vtep.process
    before = len(vtep.log())
    vtep.process.send_signal(signal.SIGHUP)
    try:
        until(lambda: word in vtep.log()[before:])
    except AssertionError:
        raise AssertionError(f"{word!r} is not in the log: {vtep.log()[before:]}") from None
    return vtep.log()[before:]


def test_a_vni_is_added(setting: Setting) -> None:
    one, flaps = setting.one, setting.rr1.flaps(ONE)
    with setting.fabric.watched(one.namespace, "bridge", "monitor", "fdb") as watch:
        one.configure(vnis=[*VNIS, {"vni": 300, "bridge": "tenant"}])
        reload(one)

        until(lambda: one.flood("vxlan300") == {TWO} and setting.two.flood("vxlan300") == {ONE})
    assert "master tenant" in one.run("ip", "link", "show", "vxlan300")
    assert watch.about("vxlan100") == []
    assert setting.rr1.flaps(ONE) == flaps


def test_a_vni_is_removed_and_leaves_no_rows(setting: Setting) -> None:
    one = setting.one
    one.configure(vnis=[*VNIS, {"vni": 300, "bridge": "tenant"}])
    reload(one)
    until(lambda: one.flood("vxlan300") == {TWO} and setting.two.flood("vxlan300") == {ONE})

    one.configure(vnis=VNIS)
    reload(one)

    until(lambda: one.flood("vxlan300") == set() and setting.two.flood("vxlan300") == set())
    for device in ("vxlan300", "tenant"):
        one.run("ip", "link", "del", device)
    assert one.flood() == {TWO} and one.remote(setting.h2.mac) == {"bridge", TWO}


def test_a_neighbor_is_added_and_removed(setting: Setting) -> None:
    one, flaps = setting.one, setting.rr1.flaps(ONE)
    with setting.fabric.watched(one.namespace, "bridge", "monitor", "fdb") as watch:
        one.configure(neighbors=[*NEIGHBORS, {"address": RR2, "hold-time": 9}])
        reload(one)
        until(lambda: ONE in setting.rr2.established())
        until(lambda: setting.rr2.mac(setting.h1.mac, ONE) and setting.rr2.multicast(ONE))
        told = setting.rr2.frr.vtysh_json(f"show bgp neighbors {ONE} json")[ONE]["gracefulRestartInfo"]
        assert told["endOfRibRecv"] == {"l2VpnEvpn": True}
        until(lambda: one.peers()[RR2]["end-of-rib"])

        one.configure(neighbors=NEIGHBORS)
        reload(one)
        until(lambda: ONE not in setting.rr2.established())
        assert list(one.peers()) == [RR1]
        until(lambda: one.summary()["in-sync"])
    assert watch.about("vxlan100") == []
    assert setting.rr1.flaps(ONE) == flaps
    assert setting.h1.reaches(setting.h2)


def test_other_route_targets(setting: Setting) -> None:
    one, view, mac = setting.one, setting.rr1, setting.h1.mac
    targets = {"import": ["65000:100"], "export": ["65000:100", "65000:777"]}
    one.configure(vnis=[{**VNIS[0], "route-targets": targets}])
    reload(one)

    until(lambda: (path := view.mac(mac, ONE)) and "RT:65000:777" in path["extendedCommunity"]["string"])
    until(lambda: (path := view.multicast(ONE)) and "RT:65000:777" in path["extendedCommunity"]["string"])
    assert one.remote(setting.h2.mac) == {"bridge", TWO}


def test_other_imports_empty_the_tables_and_fill_them_again(setting: Setting) -> None:
    one = setting.one
    one.configure(vnis=[{**VNIS[0], "route-targets": {"import": ["65000:1"], "export": ["65000:100"]}}])
    reload(one)
    until(lambda: one.flood() == set() and not one.fdb(setting.h2.mac))
    one.configure(vnis=VNIS)
    reload(one)
    until(lambda: one.flood() == {TWO} and one.remote(setting.h2.mac) == {"bridge", TWO})


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"vnis": [{"vni": 100, "portz": ["tap1"]}]}, "vnis[0].portz"),
        ({"vnis": [{"vni": 0}]}, "vnis[0].vni"),
        ({"vnis": [*VNIS, {"vni": 100}]}, "vnis[1].vni"),
        ({"vnis": [*VNIS, {"vni": 301, "strategy": "unheard-of"}]}, "vnis[1].strategy"),
        ({"vtep_address": TWO}, "vtep-address"),
        ({"local_as": 65001}, "local-as"),
        ({"vnis": [*VNIS, {"vni": 301, "device": "lo"}]}, "vnis[1]: device lo"),
        ({"vnis": [*VNIS, {"vni": 301, "bridge": "eth0"}]}, "vnis[1]: bridge eth0"),
    ],
)
def test_a_wrong_file_changes_nothing(setting: Setting, change: dict[str, Any], error: str) -> None:
    one, before, agent, flaps = setting.one, setting.one.tables(), setting.one.agent(), setting.rr1.flaps(ONE)
    kept = dict(one.settings)
    with setting.fabric.watched(one.namespace, "bridge", "monitor", "fdb") as watch:
        one.configure(**change)
        said = reload(one, error)
        stays(lambda: one.agent() == agent and one.tables() == before, 0.5)
    one.settings = kept

    line = next(line for line in said.splitlines() if error in line)
    assert str(one.config) in line
    assert watch.about("vxlan") == []  # not of links, of which the bridge's timers have news, too
    assert setting.rr1.flaps(ONE) == flaps
    assert setting.h1.reaches(setting.h2)


def test_a_file_that_is_gone_changes_nothing(setting: Setting) -> None:
    one = setting.one
    one.config.unlink()

    said = reload(one, str(one.config))

    assert "no such file or directory" in said
    assert setting.h1.reaches(setting.h2)
    one.configure()


def test_discovered_devices_are_served_as_they_come_and_go(setting: Setting) -> None:
    one, two = setting.one, setting.two
    one.configure(discover=True)
    reload(one)
    one.run("ip", "link", "add", "late", "up", "type", "bridge")
    one.run(*f"ip link add vx300 type vxlan id 300 local {ONE} dstport 4790 nolearning".split())
    assert [row["vni"] for row in one.show("vni")] == [100]
    one.plug("vx300", "late")
    try:
        until(lambda: one.flood("vx300") == {TWO} and two.flood("vxlan300") == {ONE})
        row = {row["vni"]: row for row in one.show("vni")}[300]
        assert (row["discovered"], row["device"], row["bridge"], row["rd"]) == (True, "vx300", "late", f"{ONE}:300")
        guest = setting.fabric.host(one, 5, "tap5")
        one.plug("tap5", "late")
        say_until(guest, lambda: two.remote(guest.mac, "vxlan300") == {"bridge", ONE})
    finally:
        one.run("ip", "link", "del", "vx300")
    until(lambda: two.flood("vxlan300") == set() and not two.fdb(guest.mac, "vxlan300"))
    until(lambda: [row["vni"] for row in one.show("vni")] == [100])
    one.run("ip", "link", "del", "late")
