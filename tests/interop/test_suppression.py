"""ARP and neighbor solicitations are answered by the bridge of the asking host's VTEP, and what becomes of the rows.

Two of our VTEPs that tell each other, a host with IPv4 and IPv6 behind each; RFC 7432 section 10, RFC 9161, RFC 9047.
"""

import json
import subprocess
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from evpn.packet.ethernet import Frame

from .cable import Cable, asks_for
from .fabric import Fabric, Host, Vtep, address
from .frr import until

pytestmark = pytest.mark.interop

SUPPRESSED, OPEN = 100, 200


class Setting(NamedTuple):
    one: Vtep
    two: Vtep
    h1: Host
    h2: Host
    open1: Host
    open2: Host
    """In a VNI that suppresses nothing."""
    underlay: Cable
    """Of `one`."""

    def state(self, ip: str, vni: int = SUPPRESSED) -> str:
        """Of a remote address in `evpn show neigh` of `one`."""
        rows = self.one.show("neigh", vni)
        return next((str(row["state"]) for row in rows if (row["ip"], row["type"]) == (ip, "remote")), "")

    def row(self, ip: str) -> dict[str, Any]:
        rows = json.loads(self.one.run("ip", "-j", "-d", "neigh", "show", ip, "dev", "br100") or "[]")
        return dict(rows[0]) if rows else {}


@pytest.fixture(scope="module")
def setting() -> Iterator[Setting]:
    vnis: list[dict[str, Any]] = [
        {"vni": SUPPRESSED, "ports": ["tap1"]},
        {"vni": OPEN, "ports": ["tap2"], "neighbor-suppression": False},
    ]
    with Fabric("suppression", frr=False) as fabric:
        one = fabric.vtep(11, (), neighbors=[{"address": address(12), "passive": True}], vnis=vnis)
        two = fabric.vtep(12, (), neighbors=[{"address": address(11)}], vnis=vnis)
        hosts = [fabric.host(vtep, n, "tap1", ipv6=True) for n, vtep in ((1, one), (2, two))]
        hosts += [fabric.host(vtep, n, "tap2") for n, vtep in ((3, one), (4, two))]
        hosts[1].namespace.run("sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")
        one.start(wait=False)
        two.start()
        until(lambda: one.answers() and one.flood() == {two.address} and two.flood() == {one.address})
        with Cable(one.namespace) as underlay:
            setting = Setting(one, two, *hosts, underlay)
            until(lambda: hosts[0].reaches(hosts[1]) and hosts[0].reaches6(hosts[1]))
            until(lambda: {setting.state(hosts[1].ip), setting.state(hosts[1].ip6)} == {"installed"})
            yield setting


def questions(setting: Setting, ip: str) -> list[Frame]:
    """To everybody or a group, through the tunnel; those to one host are from who knows it already."""
    return [frame for frame in setting.underlay.tunnelled() if asks_for(frame, ip) and frame.destination[0] & 1]


def forget(host: Host) -> None:
    host.namespace.run("ip", "neigh", "flush", "all")


def test_rows_of_remote_addresses(setting: Setting) -> None:
    for ip in (setting.h2.ip, setting.h2.ip6):
        row = setting.row(ip)
        assert (row["lladdr"], row["state"], row["protocol"]) == (setting.h2.mac, ["NOARP"], "bgp")
        assert "extern_learn" in row
    shown = {row["ip"]: row for row in setting.one.show("neigh", SUPPRESSED)}
    row = shown[setting.h2.ip6]
    assert (row["mac"], row["type"], row["via"], row["source"]) == (setting.h2.mac, "remote", address(12), "bgp")
    assert (row["router"], shown[setting.h1.ip6]["router"]) == (True, False)


def test_an_operator_sees_them(setting: Setting) -> None:
    shown = [line.split() for line in setting.one.evpn("show", "neigh", config=True).splitlines()]
    assert shown[0] == ["vni", "ip", "mac", "type", "via", "router", "source", "state"]
    assert ["100", setting.h1.ip, setting.h1.mac, "local", "tap1", "no", "snoop", "announced"] in shown
    assert ["100", setting.h2.ip6, setting.h2.mac, "remote", address(12), "yes", "bgp", "installed"] in shown
    assert setting.one.show("vtep", SUPPRESSED) == [{"vtep": address(12), "vnis": 1, "macs": 1}]


def test_questions_are_answered_where_they_are_asked(setting: Setting) -> None:
    before = len(questions(setting, setting.h2.ip)), len(questions(setting, setting.h2.ip6))
    for _ in range(3):
        forget(setting.h1)
        assert setting.h1.reaches(setting.h2)
        assert setting.h1.reaches6(setting.h2)

    assert (len(questions(setting, setting.h2.ip)), len(questions(setting, setting.h2.ip6))) == before
    assert setting.h1.namespace.run("ip", "neigh", "show", setting.h2.ip).split()[4] == setting.h2.mac


def test_who_is_unknown_is_asked_for_through_the_tunnel(setting: Setting) -> None:
    for ip in ("192.0.2.200", "2001:db8:1::200"):
        setting.h1.ask(ip)
        until(lambda ip=ip: questions(setting, ip))


def test_a_router_is_answered_for_as_one(setting: Setting) -> None:
    forget(setting.h1)
    assert setting.h1.reaches6(setting.h2)
    assert "router" in setting.h1.namespace.run("ip", "-6", "neigh", "show", setting.h2.ip6).split()
    assert "router" in setting.row(setting.h2.ip6)

    forget(setting.h2)
    assert setting.h2.reaches6(setting.h1)
    assert "router" not in setting.h2.namespace.run("ip", "-6", "neigh", "show", setting.h1.ip6).split()


@pytest.mark.parametrize("ip", ["192.0.2.2", "2001:db8:1::2"])
def test_a_neighbor_that_is_deleted_is_written_again(setting: Setting, ip: str) -> None:
    written = setting.one.summary()["rows-written"]
    setting.one.run("ip", "neigh", "del", ip, "dev", "br100")

    until(lambda: setting.row(ip).get("lladdr") == setting.h2.mac)
    until(lambda: setting.state(ip) == "installed")
    assert setting.one.summary()["rows-written"] == written + 1


def test_a_flushed_table_is_written_again(setting: Setting) -> None:
    for family in ("-4", "-6"):  # what is flushed may be back before it is done, and then it gives up
        flush = setting.one.namespace.command("ip", family, "neigh", "flush", "dev", "br100")
        subprocess.run(flush, capture_output=True, check=False)
    until(lambda: setting.row(setting.h2.ip) and setting.row(setting.h2.ip6))


@pytest.mark.parametrize("half", ["master", "self"])
def test_a_row_that_is_deleted_is_written_again(setting: Setting, half: str) -> None:
    where = ("dst", address(12)) if half == "self" else ()
    setting.one.run("bridge", "fdb", "del", setting.h2.mac, "dev", "vxlan100", *where, half)

    until(lambda: setting.one.remote(setting.h2.mac) == {"bridge", address(12)})
    before = len(questions(setting, setting.h2.ip))
    forget(setting.h1)
    assert setting.h1.reaches(setting.h2)
    assert len(questions(setting, setting.h2.ip)) == before


def test_a_port_flag_that_somebody_takes_away_is_set_again(setting: Setting) -> None:
    def flags() -> str:
        return setting.one.run("ip", "-d", "link", "show", "vxlan100")

    before = len(questions(setting, setting.h2.ip))
    setting.one.run("bridge", "link", "set", "dev", "vxlan100", "neigh_suppress", "off", "learning", "on")

    until(lambda: "neigh_suppress on" in flags() and "learning off" in flags())
    assert "somebody changed flags of device=vxlan100 as a port" in setting.one.log()
    until(lambda: setting.state(setting.h2.ip) == "installed")
    forget(setting.h1)
    assert setting.h1.reaches(setting.h2)
    assert len(questions(setting, setting.h2.ip)) == before


def test_an_operators_entry_is_left_alone(setting: Setting) -> None:
    ip, mac = setting.h2.ip, "02:00:00:00:99:99"
    setting.one.run("ip", "neigh", "replace", ip, "lladdr", mac, "dev", "br100", "nud", "permanent")
    try:
        until(lambda: setting.state(ip) not in ("", "installed"))
        assert setting.row(ip)["lladdr"] == mac
        assert setting.state(ip) == "static entry of somebody else"
    finally:
        setting.one.run("ip", "neigh", "del", ip, "dev", "br100")
    until(lambda: setting.row(ip).get("lladdr") == setting.h2.mac)
    until(lambda: setting.state(ip) == "installed")


def test_without_suppression_everything_travels(setting: Setting) -> None:
    setting.open2.ask("192.0.2.200")
    until(lambda: setting.open2.ip in setting.one.macs(OPEN).get(setting.open2.mac, {}).get("ip", ()))
    before = len(questions(setting, setting.open2.ip))
    forget(setting.open1)
    assert setting.open1.reaches(setting.open2)

    assert len(questions(setting, setting.open2.ip)) == before + 1
    assert "proto bgp" not in setting.one.run("ip", "neigh", "show", "dev", f"br{OPEN}")
    assert setting.state(setting.open2.ip, OPEN) != "installed"
