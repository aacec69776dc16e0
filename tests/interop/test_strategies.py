"""The five strategies on real kernels: one VNI for each on two of our VTEPs, over IPv4 and IPv6.

FRR reflects over IPv4. It knows no IPv6 VTEPs, and GoBGP withdraws the IPv6 addresses of hosts: there they peer.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from .cable import Cable, asks_for
from .fabric import Fabric, Host, Vtep
from .frr import until

pytestmark = pytest.mark.interop

STRATEGIES = {101: "multicast", 102: "static-flood", 103: "static-l2", 104: "static-l3", 105: "dynamic-l3"}
LEARNS, FLOODS = {101, 102}, {101, 102, 103}
LEARNING, ANSWERING = {"multicast", "static-flood"}, {"static-l3", "dynamic-l3"}
KEPT = 106
"""Has the default strategy, and keeps it."""
EACH = pytest.mark.parametrize("vni", STRATEGIES, ids=STRATEGIES.values())


class Setting(NamedTuple):
    family: int
    one: Vtep
    two: Vtep
    hosts: dict[int, tuple[Host, Host]]

    @property
    def strategies(self) -> dict[int, str]:
        """As configured now."""
        return {vni["vni"]: vni["strategy"] for vni in self.one.settings["vnis"] if vni["vni"] != KEPT}

    def group(self, vni: int) -> str:
        return f"239.0.0.{vni}" if self.family == 4 else f"ff05::{vni:x}"


def vnis(strategies: dict[int, str]) -> list[dict[str, Any]]:
    told = {KEPT: "static-l2"} | strategies
    return [{"vni": vni, "strategy": name, "ports": [f"tap{vni}"]} for vni, name in told.items()]


@pytest.fixture(scope="module", params=[4, 6], ids=["IPv4", "IPv6"])
def setting(request: pytest.FixtureRequest) -> Iterator[Setting]:
    family: int = request.param
    with Fabric(f"str{family}", frr=family == 4, family=family) as fabric:
        told_by = [(fabric.underlay.address(number),) for number in ((1, 1) if family == 4 else (12, 11))]
        one, two = (
            fabric.vtep(number, by, vnis=vnis(STRATEGIES)) for number, by in zip((11, 12), told_by, strict=True)
        )
        hosts = {
            vni: (fabric.host(one, vni, f"tap{vni}", ipv6=True), fabric.host(two, vni + 100, f"tap{vni}", ipv6=True))
            for vni in (*STRATEGIES, KEPT)
        }
        if family == 4:
            fabric.reflector(1, one, clients=(11, 12))
        one.start()
        two.start()
        until(lambda: all(vtep.summary()["in-sync"] for vtep in (one, two)))
        until(lambda: two.address in one.flood("vxlan103"))
        yield Setting(family, one, two, hosts)


def neighbors(vtep: Vtep, device: str) -> dict[str, dict[str, Any]]:
    rows = [
        row
        for family in ("-4", "-6")
        for row in json.loads(vtep.run("ip", family, "-j", "neigh", "show", "dev", device))
    ]
    return {row["dst"]: row for row in rows}


def talk(a: Host, b: Host) -> None:
    """Both ask for each other, so that both are known with their addresses."""
    until(lambda: [a.reaches(b), b.reaches(a)] == [True, True])
    until(lambda: [a.reaches6(b), b.reaches6(a)] == [True, True])


def forget(*hosts: Host) -> None:
    for host in hosts:
        host.namespace.run("ip", "neigh", "flush", "dev", "eth0")


@EACH
def test_hosts_reach_each_other_over_ipv4_and_ipv6(setting: Setting, vni: int) -> None:
    a, b = setting.hosts[vni]
    talk(a, b)

    assert a.reaches(b, "-M", "do", "-s", "1472")
    assert a.reaches6(b, "-M", "do", "-s", "1452")


@EACH
def test_the_rows_are_those_of_the_strategy(setting: Setting, vni: int) -> None:
    a, b = setting.hosts[vni]
    talk(a, b)
    check_rows(setting, vni, STRATEGIES[vni])


def check_rows(setting: Setting, vni: int, strategy: str) -> None:
    """Those of the other one's host, and of the other one."""
    b, there, device = setting.hosts[vni][1], setting.two.address, f"vxlan{vni}"
    learns, proxy = strategy in LEARNING, strategy in ANSWERING
    flood = {"multicast": {setting.group(vni)}, "static-flood": {there}, "static-l2": {there}}.get(strategy, set())

    until(lambda: setting.one.remote(b.mac, device) == (set() if learns else {"bridge", there}))
    until(lambda: setting.one.flood(device) == flood)
    learnt = {row.get("dst", "bridge") for row in setting.one.fdb(b.mac, device) if "extern_learn" not in row["flags"]}
    assert learnt == ({"bridge", there} if learns else set())
    home, elsewhere = (device, f"br{vni}") if proxy else (f"br{vni}", device)
    until(lambda: (set() if learns else {b.ip, b.ip6}) <= neighbors(setting.one, home).keys())
    assert not neighbors(setting.one, elsewhere)


@EACH
def test_the_routes_do_not_depend_on_the_strategy(setting: Setting, vni: int) -> None:
    a, b = setting.hosts[vni]
    talk(a, b)

    def told() -> set[tuple[str, str]]:
        rows = [row for row in setting.one.show("rib", vni) if row["best"]]
        return {(row["name"], row["route"]) for row in rows if row["next-hop"] == setting.two.address}

    mac_ip = [b.mac, f"{b.mac} {b.ip}", f"{b.mac} {b.ip6}"]
    until(lambda: told() >= {("multicast", setting.two.address), *(("mac-ip", route) for route in mac_ip)})


@EACH
@pytest.mark.parametrize("family", [4, 6])
def test_who_answers_for_a_remote_host(setting: Setting, vni: int, family: int) -> None:
    """Hosts themselves where the device learns; else our rows, and no question passes the tunnel."""
    a, b = setting.hosts[vni]
    talk(a, b)
    ip = b.ip if family == 4 else b.ip6
    with Cable(b.namespace) as cable:
        forget(a)
        assert a.reaches(b) if family == 4 else a.reaches6(b)
        asked = [frame for frame in cable.heard() if asks_for(frame, ip) and frame.destination[0] & 1]

    assert bool(asked) == (vni in LEARNS)


@EACH
def test_who_is_nobody_is_asked_for_only_where_there_is_flooding(setting: Setting, vni: int) -> None:
    a, b = setting.hosts[vni]
    talk(a, b)
    with Cable(b.namespace) as cable:
        a.ask("192.0.2.77")
        a.ask("2001:db8:1::77")

        def heard() -> list[bool]:
            return [any(asks_for(frame, ip) for frame in cable.heard()) for ip in ("192.0.2.77", "2001:db8:1::77")]

        if vni in FLOODS:
            until(lambda: heard() == [True, True])
        else:
            assert a.reaches(b)
            assert heard() == [False, False]


@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_every_strategy_becomes_another_one_in_one_reload(setting: Setting, step: int) -> None:
    """Steps of one to four make every ordered pair of the five; a VNI that keeps its strategy loses no packet."""
    names, old = list(STRATEGIES.values()), setting.strategies
    new = {vni: names[(names.index(name) + step) % len(names)] for vni, name in old.items()}
    kept = setting.hosts[KEPT]
    talk(*kept)
    with kept[0].pinging(kept[1], 0.01) as counted:
        until(lambda: kept[1].reaches(kept[0]))
        for vtep in (setting.one, setting.two):
            vtep.configure(vnis=vnis(new))
            vtep.evpn("reload", config=True)
        for vni in new:
            talk(*setting.hosts[vni])
    sent, answered = counted()

    assert answered == sent
    for vni, strategy in new.items():
        forget(*setting.hosts[vni])  # who remembers an address does not ask for it, and on demand there is no row then
        talk(*setting.hosts[vni])
        check_rows(setting, vni, strategy)
