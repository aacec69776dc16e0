"""Two of our VTEPs over an IPv6-only underlay, with GoBGP as the route reflector, which knows IPv6 VTEPs.

The hosts speak IPv4 and IPv6. Sessions have passwords, and everybody's configuration is rendered from a VTEP's own.
"""

import json
import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from .fabric import FLOOD, Fabric, Host, Vtep, address, say_until, stays
from .frr import until
from .gobgp import GoBgp
from .underlay import V6

pytestmark = pytest.mark.interop

RR, ONE, TWO = V6.address(1), V6.address(11), V6.address(12)
NEIGHBORS = [{"address": RR, "hold-time": 9, "password": "s3cret"}]
VNIS = [{"vni": 100, "ports": ["tap1"]}]
PMSI = 22


class Setting(NamedTuple):
    fabric: Fabric
    reflector: GoBgp
    one: Vtep
    two: Vtep
    h1: Host
    h2: Host

    def converged(self) -> bool:
        return (
            (self.one.flood(), self.two.flood()) == ({TWO}, {ONE})
            and self.one.remote(self.h2.mac) == {"bridge", TWO}
            and self.two.remote(self.h1.mac) == {"bridge", ONE}
            and self.one.summary()["in-sync"]
            and self.two.summary()["in-sync"]
        )


@pytest.fixture(scope="module")
def running() -> Iterator[Setting]:
    with Fabric("v6", frr=False, family=6) as fabric:
        one = fabric.vtep(11, neighbors=NEIGHBORS, vnis=VNIS, discover=True)
        two = fabric.vtep(12, neighbors=NEIGHBORS, vnis=VNIS)
        h1, h2 = fabric.host(one, 1, ipv6=True), fabric.host(two, 2, ipv6=True)
        reflector = fabric.gobgp_reflector(1, one, clients=(11, 12))
        one.start()
        two.start()
        yield Setting(fabric, reflector, one, two, h1, h2)


@pytest.fixture
def setting(running: Setting) -> Setting:
    until(lambda: running.h1.reaches(running.h2))
    until(running.converged)
    return running


@pytest.mark.parametrize("size", [56, 1452])
def test_hosts_reach_each_other_over_ipv4_and_ipv6(setting: Setting, size: int) -> None:
    for a, b in ((setting.h1, setting.h2), (setting.h2, setting.h1)):
        until(lambda a=a, b=b: a.reaches(b, "-M", "do", "-s", str(size + 20)))
        until(lambda a=a, b=b: a.reaches6(b, "-M", "do", "-s", str(size)))


def test_the_underlay_has_no_ipv4_at_all(setting: Setting) -> None:
    for vtep in (setting.one, setting.two):
        assert json.loads(vtep.run("ip", "-4", "-j", "address", "show", "dev", "eth0")) == []


def test_the_rows_lead_to_ipv6_addresses(setting: Setting) -> None:
    mac, flood = setting.one.fdb(setting.h2.mac), setting.one.fdb(FLOOD)

    assert [(row.get("dst"), row.get("master"), row["state"], row["flags"]) for row in mac] == [
        (None, "br100", "", ["extern_learn"]),
        (TWO, None, "", ["self", "extern_learn"]),
    ]
    assert [(row["dst"], row["flags"], row["state"]) for row in flood] == [(TWO, ["self", "extern_learn"], "permanent")]


def test_the_device_leaves_room_for_longer_headers(setting: Setting) -> None:
    (device,) = json.loads(setting.one.run("ip", "-j", "-d", "link", "show", "dev", "vxlan100"))
    made = device["linkinfo"]["info_data"]

    assert device["mtu"] == V6.mtu - 70 == 1500
    assert (made["local6"], made["port"], made["learning"]) == (ONE, 4789, False)
    assert (made["udp_zero_csum6_tx"], made["udp_zero_csum6_rx"]) == (False, True)


def test_the_reflector_shows_our_routes_as_we_mean_them(setting: Setting) -> None:
    routes = [route for route in setting.reflector.routes().values() if route.source == ONE]
    (multicast,) = (route for route in routes if route.kind == 3)

    assert {route.next_hop for route in routes} == {ONE}
    assert multicast.nlri["ip"] == ONE
    assert multicast.attributes[PMSI]["tunnel-type"] == 6
    assert (multicast.attributes[PMSI]["label"], multicast.attributes[PMSI]["tunnel-id"]) == (100, ONE)
    assert {route.nlri["mac"] for route in routes if route.kind == 2} == {setting.h1.mac}


def test_an_address_of_a_host_is_answered_for(setting: Setting) -> None:
    """An IPv4 one. GoBGP 3.10 withdraws those over IPv6, whose community about ND flags it does not know."""
    h1 = setting.h1

    def neighbors() -> dict[str, str]:
        rows = json.loads(setting.two.run("ip", "-j", "neigh", "show", "dev", "br100"))
        return {row["dst"]: row["lladdr"] for row in rows if "extern_learn" in row}

    until(lambda: h1.reaches(setting.h2) and neighbors().get(h1.ip) == h1.mac)
    announced = [route for route in setting.reflector.routes().values() if route.nlri.get("ip") == h1.ip]
    assert [(route.kind, route.next_hop, route.source) for route in announced] == [(2, ONE, ONE)]


def test_the_sessions_are_signed(setting: Setting) -> None:
    listen = ("tcpdump", "-nn", "-l", "-i", "eth0", "tcp port 179")
    with setting.fabric.watched(setting.one.namespace, *listen) as tcpdump:
        segments = until(lambda: tcpdump.about(" > ", ".179"))
    assert all("md5" in segment for segment in segments)


@contextmanager
def a_host(setting: Setting, vtep: Vtep, number: int) -> Iterator[Host]:
    """One more host, which has spoken and is known everywhere."""
    other = setting.two if vtep is setting.one else setting.one
    host = setting.fabric.newcomer(vtep, other, number, ipv6=True)
    try:
        yield host
    finally:
        host.namespace.run("sh", "-c", "ip link del eth0; true")
        until(lambda: not setting.one.fdb(host.mac) and not setting.two.fdb(host.mac))


def test_a_host_that_goes_is_withdrawn(setting: Setting) -> None:
    with a_host(setting, setting.two, 20) as host:
        until(lambda: setting.h1.reaches6(host))
        setting.two.run("ip", "link", "set", "tap20", "down")

        until(lambda: not setting.one.fdb(host.mac))
        shown = setting.reflector.routes().values()
        assert host.mac not in {route.nlri["mac"] for route in shown if route.kind == 2}


def test_a_host_moves_to_the_other_vtep(setting: Setting) -> None:
    with a_host(setting, setting.two, 21) as host:
        host.move(setting.one, "tap21")
        say_until(host, lambda: setting.two.remote(host.mac) == {"bridge", ONE})

        assert not setting.one.remote(host.mac)
        until(lambda: setting.h2.reaches(host))


def test_an_agent_that_is_killed_leaves_no_trace(setting: Setting) -> None:
    one, old = setting.one, setting.one.agent()
    before = sorted(one.run("bridge", "fdb", "show", "dev", "vxlan100").splitlines())
    with (
        setting.fabric.watched(one.namespace, "bridge", "monitor", "fdb") as here,
        setting.fabric.watched(setting.two.namespace, "bridge", "monitor", "fdb") as there,
        setting.h2.pinging(setting.h1, 0.02) as pings,
    ):
        os.kill(old, signal.SIGKILL)
        until(lambda: (agents := one.children()) and old not in agents)
        until(lambda: one.answers() and one.summary()["in-sync"])
        stays(lambda: setting.reflector.is_up(ONE), 1)

    sent, received = pings()
    assert (one.agent() != old, received) == (True, sent)
    assert (here.about("vxlan100"), there.about("vxlan100")) == ([], [])
    assert sorted(one.run("bridge", "fdb", "show", "dev", "vxlan100").splitlines()) == before
    assert (one.summary()["rows-written"], one.summary()["rows-removed"]) == (0, 0)


def test_a_reflector_that_crashes_and_returns_changes_nothing_in_the_kernel(setting: Setting) -> None:
    with (
        setting.fabric.watched(setting.one.namespace, "bridge", "monitor", "fdb") as here,
        setting.fabric.watched(setting.two.namespace, "bridge", "monitor", "fdb") as there,
        setting.h1.pinging(setting.h2) as pings,
    ):
        setting.reflector.kill()
        until(lambda: not setting.one.summary()["peers-up"] and not setting.two.summary()["peers-up"])
        setting.reflector.start()
        until(lambda: all(setting.reflector.is_up(peer) for peer in (ONE, TWO)))
        until(setting.converged)
    sent, received = pings()
    assert (here.about("vxlan100"), there.about("vxlan100"), received) == ([], [], sent)


def test_a_switch_that_sends_no_checksums_is_heard(setting: Setting) -> None:
    """As hardware does: the other end's device here sends UDP checksums of zero."""
    two = setting.two
    two.run("ip", "link", "del", "vxlan100")
    until(lambda: not setting.one.flood())
    theirs = f"ip link add vxlan100 mtu 1500 type vxlan id 100 local {TWO} dstport 4789 nolearning"
    two.run(*theirs.split(), "udp6zerocsumtx", "udp6zerocsumrx")
    two.plug("vxlan100")
    two.run("bridge", "link", "set", "dev", "vxlan100", "learning", "off", "neigh_suppress", "on")
    until(setting.converged)

    without = ("tcpdump", "-nn", "-l", "-i", "eth0", f"src {TWO} and udp port 4789 and ip6[46:2] = 0")
    with setting.fabric.watched(setting.one.namespace, *without) as tcpdump:
        until(lambda: tcpdump.about("listening on"))
        until(lambda: setting.h1.reaches(setting.h2))
        until(lambda: tcpdump.about("VXLAN"))


def test_each_family_has_an_agent_of_its_own(setting: Setting) -> None:
    """Two agents on each host: one with the IPv6 VNI, and one with an IPv4 VNI, which the first will not serve."""
    numbers = {setting.one: 11, setting.two: 12}
    with tempfile.TemporaryDirectory(prefix="evpn-test-") as directory:
        others = {vtep: over_ipv4(vtep, number, Path(directory) / str(number)) for vtep, number in numbers.items()}
        hosts = [setting.fabric.host(vtep, 40 + number, "tap4") for vtep, number in numbers.items()]
        try:
            for other in others.values():
                other.start()
            until(lambda: hosts[0].reaches(hosts[1]))
            assert others[setting.one].flood("vxlan400") == {address(12)}

            (state,) = (row["state"] for row in until(lambda: setting.one.show("vni", 400)))
            assert state == (
                f"vxlan400 has local address {address(11)} instead of {ONE}: "
                "IPv4 and IPv6 VNIs need an agent each, with a vtep-address of that family"
            )
            assert setting.converged()
            assert setting.h1.reaches6(setting.h2)
        finally:
            for other in others.values():
                other.kill()


def over_ipv4(beside: Vtep, number: int, directory: Path) -> Vtep:
    """Another agent's configuration on the node of a VTEP; the two of them are neighbors without a reflector."""
    directory.mkdir()
    beside.run("ip", "address", "add", f"{address(number)}/24", "dev", "eth0")
    vtep = Vtep(beside.namespace, address(number), directory)
    peer: dict[str, Any] = {"address": address(23 - number), "hold-time": 9}
    vnis = [{"vni": 400, "ports": ["tap4"]}]
    vtep.configure(
        vtep_address=vtep.address, local_as=65000, neighbors=[peer], vnis=vnis, run_dir=str(directory / "run")
    )
    return vtep
