"""From every strategy to every other one by `evpn reload` on two VTEPs, while a host pings another one all the time."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import pytest

from .fabric import Fabric, Host, Row, View, Vtep, same_update
from .frr import until

pytestmark = pytest.mark.interop

STRATEGIES = ["multicast", "static-flood", "static-l2", "static-l3", "dynamic-l3"]
ROWS_OF_BGP = ("static-l2", "static-l3", "dynamic-l3")
MADE_AGAIN = re.compile(r"again for strategy=(\S+), which took (\d+) ms")


class Setting(NamedTuple):
    one: Vtep
    two: Vtep
    h1: Host
    h2: Host
    view: View

    def configure(self, strategy: str) -> None:
        for vtep in (self.one, self.two):
            vtep.configure(vnis=[{"vni": 100, "ports": ["tap1"], "strategy": strategy}])

    def gaps(self) -> list[int]:
        """Milliseconds without a device, of every time that one was made again."""
        return [int(found[1]) for vtep in (self.one, self.two) for found in MADE_AGAIN.findall(vtep.log())]


def tour(names: list[str]) -> list[str]:
    """Every ordered pair once, end to end (Hierholzer)."""
    left = {name: [other for other in names if other != name] for name in names}
    path, found = [names[0]], []
    while path:
        found.append(path.pop()) if not left[path[-1]] else path.append(left[path[-1]].pop())
    return found[::-1]


PATH = tour(STRATEGIES)
PAIRS = list(pairwise(PATH))


@pytest.fixture(scope="module")
def setting() -> Iterator[Setting]:
    with Fabric("switch") as fabric:
        one, two = fabric.vtep(11), fabric.vtep(12)
        h1, h2 = fabric.host(one, 1, ipv6=True), fabric.host(two, 2, ipv6=True)
        setting = Setting(one, two, h1, h2, View(fabric.reflector(1, one, clients=(11, 12))))
        setting.configure(PATH[0])
        one.start()
        two.start()
        until(lambda: all(vtep.summary()["in-sync"] for vtep in (one, two)))
        until(lambda: [h1.reaches(h2), h2.reaches(h1)] == [True, True])
        until(lambda: [h1.reaches6(h2), h2.reaches6(h1)] == [True, True])
        until(lambda: len(setting.view.ips(h1.mac, one.address)) == len(setting.view.ips(h2.mac, two.address)) == 2)
        yield setting
        print("milliseconds without a device:", sorted(setting.gaps()))


def test_every_pair_is_there() -> None:
    assert sorted(PAIRS) == sorted((a, b) for a in STRATEGIES for b in STRATEGIES if a != b)


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_a_live_switch(setting: Setting, old: str, new: str) -> None:
    assert setting.one.settings["vnis"][0]["strategy"] == old
    routes, made = setting.view.paths(), len(setting.gaps())
    with setting.h1.pinging(setting.h2, 0.01) as counted:
        until(lambda: setting.h2.reaches(setting.h1))
        setting.configure(new)
        for vtep in (setting.one, setting.two):
            vtep.evpn("reload", config=True)
        until(lambda: setting.h1.reaches(setting.h2, "-W", "0.2"))
        until(lambda: setting.h1.reaches6(setting.h2))
    sent, answered = counted()
    again = len(setting.gaps()) - made
    print(f"{old} -> {new}: lost {sent - answered} of {sent} pings, {again} devices made again")

    assert bool(again) == (made_for(old) != made_for(new))
    if new in ROWS_OF_BGP:
        until(lambda: setting.one.remote(setting.h2.mac) == {"bridge", setting.two.address})
    else:
        assert setting.one.remote(setting.h2.mac) == set()
    if not again:
        assert answered == sent
    assert told_again(routes, setting.view.paths()) == []


def made_for(strategy: str) -> str:
    """What a device has for its whole life."""
    return strategy if strategy in ("static-l3", "dynamic-l3") else ""


def told_again(before: dict[str, list[Row]], after: dict[str, list[Row]]) -> list[tuple[str, list[Row], list[Row]]]:
    """What was withdrawn or told anew in between, as it was and is; hosts may say more of their own addresses."""
    return [
        (prefix, paths, after.get(prefix, []))
        for prefix, paths in before.items()
        if len(paths) != len(after.get(prefix, ())) or not all(map(same_update, paths, after[prefix]))
    ]
