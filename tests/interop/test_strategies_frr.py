"""FRR as the VTEP on the other side of each strategy that it can join: it sends copies itself, and knows no groups."""

from collections.abc import Iterator

import pytest

from .fabric import Host
from .frr import until
from .test_frr_vtep import FRRS, OURS, Setting, a_setting

pytestmark = pytest.mark.interop


@pytest.fixture(scope="module")
def setting() -> Iterator[Setting]:
    with a_setting("frrst", {}, {}) as setting:
        until(lambda: setting.h1.reaches(setting.h3))
        yield setting


def switch(setting: Setting, strategy: str) -> None:
    setting.ours.configure(vnis=[{"vni": 100, "ports": ["tap1"], "strategy": strategy}])
    setting.ours.evpn("reload", config=True)


def forget(*hosts: Host) -> None:
    for host in hosts:
        host.namespace.run("ip", "neigh", "flush", "dev", "eth0")


@pytest.mark.parametrize("strategy", ["static-flood", "static-l3", "static-l2", "dynamic-l3"])
def test_hosts_reach_each_other_both_ways(setting: Setting, strategy: str) -> None:
    """FRR learns its hosts' addresses from a bridge that has one; here its MACs alone are announced."""
    switch(setting, strategy)
    if strategy in ("static-flood", "static-l2"):
        forget(setting.h1, setting.h3)

    until(lambda: setting.h1.reaches(setting.h3))
    assert setting.h3.reaches(setting.h1)
    until(lambda: setting.at_frr(setting.h1.mac).get("type") == "remote")
    assert {row.get("dst", "bridge") for row in setting.theirs.fdb(setting.h1.mac)} == {"bridge", OURS}
    flood = {FRRS} if strategy in ("static-flood", "static-l2") else set()
    until(lambda: setting.ours.flood() == flood)
    marked = {"bridge", FRRS} if strategy != "static-flood" else set()
    until(lambda: setting.ours.remote(setting.h3.mac) == marked)
    assert setting.theirs.flood() == {OURS}


def test_with_an_address_of_its_host_the_device_answers_for_it(setting: Setting) -> None:
    """`advertise-svi-ip` and addresses on the bridge are not needed: zebra takes what its neighbor table has."""
    switch(setting, "static-l3")
    setting.theirs.run(
        "ip", "neigh", "replace", setting.h3.ip, "lladdr", setting.h3.mac, "dev", "br100", "nud", "reachable"
    )
    until(lambda: any(row["ip"] == setting.h3.ip for row in setting.ours.show("neigh", 100) if row["type"] == "remote"))
    forget(setting.h1)

    until(lambda: setting.h1.reaches(setting.h3))
    assert setting.h3.ip in setting.ours.run("ip", "neigh", "show", "dev", "vxlan100")
