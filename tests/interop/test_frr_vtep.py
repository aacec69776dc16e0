"""FRR as the VTEP on the other side: bgpd and zebra with what `evpn render frr-vtep` makes of its configuration."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest

from .fabric import Host, Vtep, say_until
from .frr import until
from .frr_vtep import FRRS, OURS, Setting, a_setting, is_at

pytestmark = pytest.mark.interop


@pytest.fixture(scope="module")
def setting() -> Iterator[Setting]:
    with a_setting("frr", {}, {}) as setting:
        until(lambda: setting.h1.reaches(setting.h3))
        until(lambda: setting.ours.remote(setting.h3.mac) == {"bridge", FRRS})
        until(lambda: setting.at_frr(setting.h1.mac).get("type") == "remote")
        yield setting


_numbers = count(10)


@contextmanager
def a_host(setting: Setting, vtep: Vtep) -> Iterator[Host]:
    """One more host, known on both sides."""
    number = next(_numbers)
    host = setting.fabric.host(vtep, number, f"tap{number}")
    vtep.plug(f"tap{number}")
    say_until(host, lambda: is_at(setting, host, vtep))
    try:
        yield host
    finally:
        host.namespace.run("sh", "-c", "ip link del eth0; true")


def test_hosts_reach_each_other_both_ways(setting: Setting) -> None:
    assert setting.h1.reaches(setting.h3)
    assert setting.h3.reaches(setting.h1)
    assert setting.h1.reaches(setting.h3, "-M", "do", "-s", "1472")


def test_frr_has_our_host_behind_us(setting: Setting) -> None:
    found = setting.at_frr(setting.h1.mac)

    assert (found["type"], found["remoteVtep"]) == ("remote", OURS)
    assert {row.get("dst", "bridge") for row in setting.theirs.fdb(setting.h1.mac)} == {"bridge", OURS}


def test_frr_floods_to_us_and_we_to_it(setting: Setting) -> None:
    vni = setting.frr.vtysh_json("show evpn vni 100 json")

    assert (vni["type"], vni["vtepIp"]) == ("L2", FRRS)
    assert f"{OURS} flood: HER" in setting.frr.vtysh("show evpn vni 100")  # which the JSON of 8.4 leaves out
    assert setting.theirs.flood() == {OURS}
    assert setting.ours.flood() == {FRRS}


def test_the_host_of_frr_is_a_marked_row_of_both_our_tables(setting: Setting) -> None:
    assert setting.ours.remote(setting.h3.mac) == {"bridge", FRRS}
    row = setting.ours.macs()[setting.h3.mac]
    assert (row["type"], row["via"], row["kernel"]) == ("remote", FRRS, "installed")


def test_nothing_that_frr_sends_is_at_fault(setting: Setting) -> None:
    assert setting.ours.peers()[FRRS]["faults"] == 0
    assert setting.ours.peers()[FRRS]["end-of-rib"]


def test_our_host_is_withdrawn_when_its_port_goes_down(setting: Setting) -> None:
    with a_host(setting, setting.ours) as host:
        setting.ours.run("ip", "link", "set", f"tap{host.number}", "down")

        until(lambda: not setting.at_frr(host.mac) and not setting.theirs.fdb(host.mac))


def test_their_host_is_withdrawn_when_its_port_goes_down(setting: Setting) -> None:
    with a_host(setting, setting.theirs) as host:
        setting.theirs.run("ip", "link", "set", f"tap{host.number}", "down")

        until(lambda: not setting.ours.fdb(host.mac) and host.mac not in setting.ours.macs())


def test_a_host_moves_between_frr_and_us_again_and_again(setting: Setting) -> None:
    with a_host(setting, setting.theirs) as host:
        where = setting.theirs
        for _ in range(4):
            where = setting.ours if where is setting.theirs else setting.theirs
            stranger = setting.h3 if where is setting.ours else setting.h1
            host.move(where, f"tap{host.number}")
            say_until(host, lambda where=where: is_at(setting, host, where))

            assert where.port_of(host.mac) == f"tap{host.number}"
            until(lambda stranger=stranger: stranger.reaches(host))


@pytest.mark.parametrize("start", ["theirs", "ours"])
def test_a_host_moves_while_its_old_port_still_stands(setting: Setting, start: str) -> None:
    """So that nothing is withdrawn before: only the sequence number tells who is right."""
    old, new = (setting.theirs, setting.ours) if start == "theirs" else (setting.ours, setting.theirs)
    with a_host(setting, old) as host:
        new.run("ip", "link", "add", "ghost", "type", "veth", "peer", "name", "eth1")
        new.run("ip", "link", "set", "eth1", "address", host.mac, "netns", host.namespace.name)
        new.plug("ghost")
        host.namespace.run("ip", "address", "del", f"{host.ip}/24", "dev", "eth0")
        host.namespace.run("ip", "address", "add", f"{host.ip}/24", "dev", "eth1")
        host.namespace.run("ip", "link", "set", "eth1", "up")
        try:
            say_until(host, lambda: is_at(setting, host, new))
            path = until(lambda: setting.view.mac(host.mac, new.address))
            assert "MM:1" in path["extendedCommunity"]["string"].split()
            until(lambda: not setting.view.mac(host.mac, old.address))
            until(lambda: (setting.h1 if start == "ours" else setting.h3).reaches(host))
        finally:
            new.run("ip", "link", "del", "ghost")


def test_a_sticky_host_of_frr_cannot_be_taken_away(setting: Setting) -> None:
    ours, mac = setting.ours, "02:00:00:00:99:03"
    setting.theirs.run("bridge", "fdb", "add", mac, "dev", "tap1", "master", "static", "sticky")
    try:
        until(lambda: {row["state"] for row in ours.fdb(mac)} == {"static"} and len(ours.fdb(mac)) == 2)
        assert all("sticky" in row["flags"] for row in ours.fdb(mac))
        row = ours.macs()[mac]
        assert (row["type"], row["sticky"], row["kernel"]) == ("remote", True, "installed")

        setting.h1.namespace.run("ip", "link", "add", "other", "link", "eth0", "address", mac, "type", "macvlan")
        setting.h1.namespace.run("ip", "link", "set", "other", "up")
        setting.h1.namespace.run("ip", "address", "add", "198.51.100.1/24", "dev", "other")
        setting.h1.namespace.run("sh", "-c", "ping -b -c 3 -i 0.1 -W 0.1 198.51.100.255; true")
        assert ours.macs()[mac]["type"] == "remote"
        assert len(ours.fdb(mac)) == 2
    finally:
        setting.theirs.run("bridge", "fdb", "del", mac, "dev", "tap1", "master")
        setting.h1.namespace.run("sh", "-c", "ip link del other; true")
    until(lambda: not ours.fdb(mac))


def test_an_address_that_frr_announces_is_a_marked_neighbor_on_our_bridge(setting: Setting) -> None:
    gateway = "192.0.2.254"
    setting.theirs.run("ip", "address", "add", f"{gateway}/24", "dev", "br100")
    try:
        until(lambda: setting.h3.namespace.run("sh", "-c", f"ping -c 1 -W 1 {gateway} || true").count(" 0% packet"))
        row = until(lambda: [row for row in neighbors(setting.ours) if row["dst"] == setting.h3.ip])[0]
        assert (row["lladdr"], row["state"], row["protocol"]) == (setting.h3.mac, ["NOARP"], "bgp")
        assert "extern_learn" in row
        assert setting.h3.ip in setting.ours.macs()[setting.h3.mac]["ip"]
        setting.h1.namespace.run("ip", "neigh", "flush", "all")
        assert setting.h1.reaches(setting.h3)
    finally:
        setting.theirs.run("ip", "address", "del", f"{gateway}/24", "dev", "br100")
        # a host that asks meanwhile may make it bail out
        flush = ("sh", "-c", "ip neigh flush dev br100 2>&1 || true")
        until(lambda: "not complete" not in setting.theirs.run(*flush))


def neighbors(vtep: Vtep) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(vtep.run("ip", "-j", "-d", "neigh", "show", "dev", "br100"))
    return rows


def test_frr_that_is_killed_and_returns(setting: Setting) -> None:
    """Nobody else is there, so that everything is held until its routes are back."""
    ours, frr = setting.ours, setting.frr
    before = sorted(ours.run("bridge", "fdb", "show", "dev", "vxlan100").splitlines())
    with setting.fabric.watched(ours.namespace, "bridge", "monitor", "fdb") as watch:
        frr.kill("bgpd")
        until(lambda: ours.peers()[FRRS]["state"] == "down")
        assert sorted(ours.run("bridge", "fdb", "show", "dev", "vxlan100").splitlines()) == before
        frr.revive("bgpd")
        until(lambda: ours.summary()["in-sync"])
        until(lambda: is_at(setting, setting.h3, setting.theirs))
    assert watch.about("vxlan100", setting.h3.mac) == []
    until(lambda: setting.h1.reaches(setting.h3))
    until(lambda: is_at(setting, setting.h1, ours))


VARIANTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "ebgp": (
        {"neighbors": [{"address": FRRS, "peer-as": 65001}]},
        {"local_as": 65001, "neighbors": [{"address": OURS, "peer-as": 65000}]},
    ),
    "four-octet AS, password": (
        {"local_as": 4200000001, "neighbors": [{"address": FRRS, "password": "s3cret"}]},
        {"local_as": 4200000001, "neighbors": [{"address": OURS, "password": "s3cret"}]},
    ),
    "rfc8365 targets": ({"defaults": {"rfc8365": True}}, {"defaults": {"rfc8365": True}}),
    "own targets": (
        {"defaults": {"route-targets": {"import": ["65000:7"], "export": ["10.0.0.1:8"]}}},
        {"defaults": {"route-targets": {"import": ["10.0.0.1:8"], "export": ["65000:7"]}}},
    ),
}


@pytest.mark.parametrize(("ours", "theirs"), VARIANTS.values(), ids=VARIANTS.keys())
def test_other_sessions_and_route_targets(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    with a_setting("variant", ours, theirs) as setting:
        until(lambda: setting.h1.reaches(setting.h3))
        say_until(setting.h1, lambda: is_at(setting, setting.h1, setting.ours))
        say_until(setting.h3, lambda: is_at(setting, setting.h3, setting.theirs))
        assert setting.h3.reaches(setting.h1)
        assert setting.ours.peers()[FRRS]["faults"] == 0
