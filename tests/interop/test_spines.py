"""Two of our VTEPs, each in an AS of its own, and an eBGP spine between them, rendered for FRR and for GoBGP."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from .fabric import Fabric, Host, Vtep
from .frr import until

pytestmark = pytest.mark.interop

SPINE_AS, AS1, AS2 = 65001, 65011, 65012


class Setting(NamedTuple):
    one: Vtep
    two: Vtep
    h1: Host
    h2: Host


@pytest.fixture(params=[("frr", 4), ("gobgp", 4), ("gobgp", 6)], ids=["FRR-IPv4", "GoBGP-IPv4", "GoBGP-IPv6"])
def setting(request: pytest.FixtureRequest) -> Iterator[Setting]:
    daemon, family = request.param
    with Fabric("spine", frr=daemon == "frr", family=family) as fabric:
        neighbors = [{"address": fabric.underlay.address(1), "peer-as": SPINE_AS, "hold-time": 9}]
        vnis = [{"vni": 100, "ports": ["tap1"]}]
        one, two = (
            fabric.vtep(number, neighbors=neighbors, vnis=vnis, local_as=local_as)
            for number, local_as in ((11, AS1), (12, AS2))
        )
        h1, h2 = fabric.host(one, 1), fabric.host(two, 2)
        spine = fabric.reflector if daemon == "frr" else fabric.gobgp_reflector
        spine(1, one, clients=(11, 12))
        one.start()
        two.start()
        yield Setting(one, two, h1, h2)


def test_routes_pass_with_the_next_hop_of_their_vtep(setting: Setting) -> None:
    one, two = setting.one, setting.two
    until(lambda: (one.flood(), two.flood()) == ({two.address}, {one.address}))
    until(lambda: setting.h1.reaches(setting.h2))
    until(lambda: one.remote(setting.h2.mac) == {"bridge", two.address})
    until(lambda: two.remote(setting.h1.mac) == {"bridge", one.address})

    heard = [row for row in one.show("rib") if row["best"]]
    assert {row["next-hop"] for row in heard} == {two.address}
    assert {target for row in heard for target in row["route-targets"]} == {f"{AS2}:100"}
