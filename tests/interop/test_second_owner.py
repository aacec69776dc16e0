"""FRR's zebra on the bridge that we serve, which docs/failures.md warns of: what it does to our rows is undone."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from evpn.cli.client import ask

from .fabric import Fabric, Host, Vtep, address, stays
from .frr import Frr, until

pytestmark = pytest.mark.interop

TWO = address(12)


class Setting(NamedTuple):
    one: Vtep
    """With both: ours hears the first reflector, FRR the second."""
    two: Vtep
    frr: Frr
    h1: Host
    h2: Host

    def differences(self) -> list[dict[str, Any]]:
        return [row for row in ask(self.one.run_dir, {"command": "diff"}) if "compared" not in row]

    def is_whole(self) -> bool:
        """Rows of the host and of its IP, the flood row, and nothing that `evpn diff` would tell."""
        neighbors = self.one.run("ip", "neigh", "show", "dev", "br100", "nud", "all")
        bound = f"{self.h2.ip} lladdr {self.h2.mac} extern_learn" in neighbors
        rows = self.one.remote(self.h2.mac) == {"bridge", TWO} and self.one.flood() == {TWO}
        return bound and rows and not self.differences()


@pytest.fixture(scope="module")
def setting() -> Iterator[Setting]:
    with Fabric("owners") as fabric:
        vnis = [{"vni": 100, "ports": ["tap1"]}]
        one = fabric.vtep(11, (address(2),), vnis=vnis)
        two = fabric.vtep(12, (address(1), address(2)), vnis=vnis)
        h1, h2 = fabric.host(one, 1), fabric.host(two, 2)
        theirs = one.evpn("render", "frr-vtep", config=True)
        one.configure(neighbors=[{"address": address(1), "hold-time": 9}])
        fabric.reflector(1, one, clients=(11, 12))
        one.configure(neighbors=[{"address": address(2), "hold-time": 9}])
        fabric.reflector(2, one, clients=(11, 12))
        one.configure(neighbors=[{"address": address(1), "hold-time": 9}])
        one.start()
        two.start()
        frr = fabric.frr(one.namespace, theirs)
        setting = Setting(one, two, frr, h1, h2)
        until(lambda: h1.reaches(h2))
        until(setting.is_whole)
        mac = f"show evpn mac vni 100 mac {h2.mac} json"
        until(lambda: frr.vtysh_json(mac).get(h2.mac, frr.vtysh_json(mac)).get("type") == "remote")
        yield setting


def test_a_neighbor_that_zebra_makes_its_own_is_ours_again_and_they_do_not_fight(setting: Setting) -> None:
    """The kernel tells nobody of a neighbor whose protocol alone changes: that is for the level check."""
    one = setting.one
    (row,) = until(setting.differences)
    assert (row["kind"], row["key"], row["difference"]) == ("neighbor", setting.h2.ip, "differs")
    assert row["found"] == f"{setting.h2.mac} of zebra"

    one.evpn("refresh", config=True)

    until(setting.is_whole)
    written = one.summary()["rows-written"]
    stays(lambda: setting.is_whole() and one.summary()["rows-written"] == written, 2)
    assert one.summary()["drift"] == 1
    assert "rows are not as believed vni=100 rows=1 by=zebra count=1" in one.log()


def test_what_zebra_takes_along_is_written_again_and_it_is_told_who_did_it(setting: Setting) -> None:
    one, repaired = setting.one, setting.one.summary()["rows-repaired"]

    setting.frr.kill("bgpd")

    until(lambda: one.summary()["rows-repaired"] > repaired)
    until(setting.is_whole)
    assert setting.h1.reaches(setting.h2)
    told = [line for line in one.log().splitlines() if "row of ours was changed" in line]
    assert any(" by=zebra(" in line for line in told), told
    assert one.peers()[address(1)]["resets"] == 0
