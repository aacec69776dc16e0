"""A whole VTEP whose kernel rows, devices and notifications are meddled with: found, repaired, counted, told.

At the end of each test `evpn diff` finds no difference, and the kernel holds what it held before.
"""

import os
import signal
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from evpn.cli.client import ask
from evpn.packet.frames import announcement
from evpn.text import parse_ip, parse_mac
from tests.interop.fabric import FLOOD, Fabric, Host, Vtep, address, say_until, stays
from tests.interop.far_side import FarSide
from tests.interop.frr import until
from tests.interop.raw_peer import RawPeer

from .snooped import say

pytestmark = pytest.mark.kernel

PEER, FAR, OTHER = address(1), address(99), address(98)
METRICS = "127.0.0.1:9479"
SCRAPE = f"from urllib.request import urlopen; print(urlopen('http://{METRICS}/metrics').read().decode())"
M, S, IP = "02:11:00:00:00:01", "02:11:00:00:00:02", "192.0.2.77"


class Setting(NamedTuple):
    vtep: Vtep
    peer: RawPeer
    host: Host

    def differences(self) -> list[dict[str, Any]]:
        return self.differences_of(4)

    def differences_of(self, wanted: int) -> list[dict[str, Any]]:
        """As `evpn diff` says, which has compared so many rows."""
        *rows, compared = ask(self.vtep.run_dir, {"command": "diff"})
        assert compared == {"compared": wanted, "vnis": 2}
        return rows

    def rows(self) -> list[str]:
        """All that is ours in VNI 100."""
        fdb = self.vtep.run("bridge", "fdb", "show", "br", "br100").splitlines()
        neighbors = self.vtep.run("ip", "neigh", "show", "dev", "br100", "nud", "all").splitlines()
        return sorted(row.strip() for row in [*fdb, *neighbors] if "extern_learn" in row or "sticky" in row)

    def count(self, what: str) -> int:
        return int(self.vtep.summary()[what])


@pytest.fixture(scope="module")
def trouble() -> Iterator[Setting]:
    """A flood row, a MAC with an IP, a sticky MAC: 6 rows. And a host of ours. VNI 200 has nothing yet."""
    with Fabric("trouble", frr=False) as fabric:
        vtep = fabric.vtep(11, (PEER,), vnis=[{"vni": 100, "ports": ["tap1"]}, {"vni": 200}], metrics=METRICS)
        host, node = fabric.host(vtep, 1), fabric.node(1)
        vtep.start()
        with RawPeer(node, PEER, vtep.address) as peer:
            far = FarSide(peer, vtep)
            far.floods(FAR)
            far.has(M, vtep=FAR)
            far.has(M, IP, vtep=FAR)
            far.has(S, vtep=FAR, sticky=True)
            far.begin()
            setting = Setting(vtep, peer, host)
            until(lambda: len(setting.rows()) == 6)
            say_until(host, lambda: vtep.summary()["local-macs"] == 1)
            yield setting


@pytest.fixture
def setting(trouble: Setting) -> Iterator[Setting]:
    """As before at the end of each test, in the same agent."""
    before, agent = trouble.rows(), trouble.vtep.agent()
    yield trouble
    until(lambda: trouble.rows() == before)
    until(lambda: not trouble.differences())
    say_until(trouble.host, lambda: trouble.vtep.summary()["local-macs"] == 1)
    assert trouble.vtep.agent() == agent


MEDDLING = {
    "bridge fdb del, the VXLAN device's row": (f"bridge fdb del {M} dev vxlan100 self", 1),
    "bridge fdb del, the bridge's row": (f"bridge fdb del {M} dev vxlan100 master", 1),
    "bridge fdb del of a sticky row": (f"bridge fdb del {S} dev vxlan100 master", 1),
    "bridge fdb del of a flood row": (f"bridge fdb del {FLOOD} dev vxlan100 dst {FAR} self", 1),
    "bridge fdb replace, another VTEP": (f"bridge fdb replace {M} dev vxlan100 dst {OTHER} self extern_learn", 1),
    "bridge fdb append, a second VTEP": (f"bridge fdb append {M} dev vxlan100 dst {OTHER} self dynamic", 1),
    "bridge fdb replace, which takes no mark": (f"bridge fdb replace {M} dev vxlan100 master dynamic", 0),
    "bridge fdb flush of the VXLAN device": ("bridge fdb flush dev vxlan100 self", 3),
    "bridge fdb flush of the bridge": ("bridge fdb flush dev vxlan100 master", 2),
    "bridge fdb flush brport of all": ("bridge fdb flush dev br100", 2),
    "ip neigh del": (f"ip neigh del {IP} dev br100", 1),
    "ip neigh replace, another MAC": (f"ip neigh replace {IP} lladdr {S} dev br100 nud stale", 1),
}


@pytest.mark.parametrize("meddling", MEDDLING)
def test_what_somebody_does_to_our_rows_is_undone_and_counted(setting: Setting, meddling: str) -> None:
    command, rows = MEDDLING[meddling]
    before, repaired = setting.rows(), setting.count("rows-repaired")

    setting.vtep.run(*command.split())

    until(lambda: setting.rows() == before and not setting.differences())
    assert setting.count("rows-repaired") - repaired == rows
    assert setting.count("drift") == 0


def test_a_flush_of_neighbors_finds_new_ones_until_it_gives_up(setting: Setting) -> None:
    """`ip neigh flush` tries ten times; each time the row is there again."""
    before, repaired = setting.rows(), setting.count("rows-repaired")

    setting.vtep.run("sh", "-c", "ip neigh flush dev br100 nud all || :")

    until(lambda: setting.rows() == before)
    assert setting.count("rows-repaired") > repaired


def test_a_static_row_of_somebody_is_left_alone_and_ours_comes_back_after_it(setting: Setting) -> None:
    vtep, before = setting.vtep, setting.rows()

    vtep.run("bridge", "fdb", "replace", M, "dev", "vxlan100", "dst", OTHER, "self", "static")
    until(lambda: vtep.macs()[M]["kernel"] == "static entry of somebody else")
    until(lambda: setting.differences_of(2) == [])
    assert [row["dst"] for row in vtep.fdb(M) if "dst" in row] == [OTHER]

    vtep.run("bridge", "fdb", "del", M, "dev", "vxlan100", "dst", OTHER, "self")
    until(lambda: setting.rows() == before)


def test_more_notifications_than_the_queue_holds_are_made_up_for(setting: Setting) -> None:
    """The agent sleeps while 50 000 rows of somebody come and go, and all of ours are deleted."""
    vtep, before, agent = setting.vtep, setting.rows(), setting.vtep.agent()
    overruns = setting.count("overruns")
    rows = [
        f"02:12:00:{n >> 16:02x}:{n >> 8 & 255:02x}:{n & 255:02x} dev vxlan200 master static" for n in range(50_000)
    ]
    batch = vtep.directory / "batch"
    batch.write_text("".join(f"fdb {what} {row}\n" for what in ("add", "del") for row in rows))
    os.kill(agent, signal.SIGSTOP)
    try:
        vtep.run("bridge", "-batch", str(batch))
        for command in ("fdb flush dev vxlan100 self", "fdb flush dev vxlan100 master"):
            vtep.run("bridge", *command.split())
    finally:
        os.kill(agent, signal.SIGCONT)

    until(lambda: setting.rows() == before)
    assert setting.count("overruns") == overruns + 1
    assert f"notifications lost, everything is observed again count={overruns + 1}" in vtep.log()


def test_frames_of_a_host_that_the_agent_is_too_slow_for_are_counted(setting: Setting) -> None:
    vtep, host, agent = setting.vtep, setting.host, setting.vtep.agent()
    os.kill(agent, signal.SIGSTOP)
    try:
        say(host.namespace, *[announcement(parse_mac(host.mac), parse_ip(host.ip))] * 2000)
    finally:
        os.kill(agent, signal.SIGCONT)

    lost = until(lambda: setting.count("frames-lost"))
    assert lost < 2000
    assert f"evpn_snoop_frames_lost_total {lost}.0" in vtep.run(sys.executable, "-c", SCRAPE).splitlines()


def test_a_device_deleted_and_made_again_has_its_rows_again(setting: Setting) -> None:
    vtep, before = setting.vtep, setting.rows()
    vtep.run("ip", "link", "del", "vxlan100")
    until(lambda: not vtep.summary()["announced"] > 1)
    (row,) = setting.differences_of(0)
    assert (row["kind"], row["key"], row["difference"]) == ("device", "vxlan100", "missing")

    kind = f"type vxlan id 100 local {vtep.address} dstport 4789 nolearning"
    vtep.run("ip", "link", "add", "vxlan100", "up", "master", "br100", *kind.split())
    vtep.run("bridge", "link", "set", "dev", "vxlan100", "learning", "off", "neigh_suppress", "on")

    until(lambda: setting.rows() == before)
    until(lambda: vtep.summary()["announced"] > 1)


def test_a_bridge_deleted_and_made_again_has_its_rows_again(setting: Setting) -> None:
    vtep, before = setting.vtep, setting.rows()
    vtep.run("ip", "link", "del", "br100")
    until(lambda: setting.differences_of(0))

    vtep.run("ip", "link", "add", "br100", "up", "type", "bridge")
    for port in ("vxlan100", "tap1"):
        vtep.run("ip", "link", "set", port, "master", "br100", "up")

    until(lambda: setting.rows() == before)


def test_a_port_that_moves_to_another_bridge_takes_its_hosts_along(setting: Setting) -> None:
    vtep, host = setting.vtep, setting.host.mac
    vtep.run("ip", "link", "set", "tap1", "master", "br200")
    until(lambda: host not in vtep.macs(100))
    say_until(setting.host, lambda: vtep.macs(200).get(host, {}).get("via") == "tap1")
    assert setting.differences() == []

    vtep.run("ip", "link", "set", "tap1", "master", "br100")
    until(lambda: host not in vtep.macs(200))
    say_until(setting.host, lambda: vtep.macs(100).get(host, {}).get("via") == "tap1")


def test_a_vxlan_device_in_another_bridge_is_not_served_there(setting: Setting) -> None:
    """Rows of VNI 100 in the bridge of VNI 200 would lead frames of the one into the other."""
    vtep, before = setting.vtep, setting.rows()
    vtep.run("ip", "link", "set", "vxlan100", "master", "br200")
    until(lambda: vtep.show("vni", 100)[0]["state"] != "served")
    stays(lambda: not vtep.bridge_row(M, "br200"), 0.5)

    vtep.run("ip", "link", "set", "vxlan100", "master", "br100")

    until(lambda: setting.rows() == before)
