"""Bridges that we make are no way into the host: neither for hosts on them, nor from the other side of the tunnel.

The VTEP routes, its default route leads back to the underlay, and it has addresses on the underlay and on its loopback.
"""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from .cable import Cable, arp_request
from .fabric import Fabric, Host, Vtep, address, say_until
from .frr import until

pytestmark = pytest.mark.interop

LOOPBACK, LOOPBACK6, UNDERLAY6 = "198.51.100.11", "2001:db8:ffff::11", "2001:db8:fffe::11"
UNDERLAY = address(11)
BEHIND, BEHIND6 = address(12), "2001:db8:fffe::12"
"""Of another VTEP: to be routed to it would be as bad."""
OWN = [UNDERLAY, LOOPBACK, UNDERLAY6, LOOPBACK6]


class Setting(NamedTuple):
    one: Vtep
    two: Vtep
    near: Host
    """On a port of the bridge of `one`, whose isolation is looked at."""
    far: Host
    """Behind `two`: what it says arrives through the tunnel."""

    def bridge_mac(self) -> str:
        (link,) = json.loads(self.one.run("ip", "-j", "link", "show", "br100"))
        return str(link["address"])

    def port_mac(self) -> str:
        (link,) = json.loads(self.one.run("ip", "-j", "link", "show", "tap1"))
        return str(link["address"])


@pytest.fixture(scope="module")
def setting() -> Iterator[Setting]:
    with Fabric("isolation") as fabric:
        one, two = (fabric.vtep(number, vnis=[{"vni": 100, "ports": ["tap1"]}]) for number in (11, 12))
        near, far = fabric.host(one, 1, ipv6=True), fabric.host(two, 2, ipv6=True)
        one.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        one.run("ip", "address", "add", f"{UNDERLAY6}/64", "dev", "eth0", "nodad")
        one.run("ip", "address", "add", f"{LOOPBACK}/32", "dev", "lo")
        one.run("ip", "address", "add", f"{LOOPBACK6}/128", "dev", "lo")
        one.run("ip", "route", "add", "default", "via", address(12))
        one.run("ip", "-6", "route", "add", "default", "via", BEHIND6)
        fabric.reflector(1, one, clients=(11, 12))
        one.start()
        two.start()
        say_until(near, lambda: two.remote(near.mac))
        say_until(far, lambda: one.remote(far.mac))
        until(lambda: near.reaches(far) and near.reaches6(far))
        yield Setting(one, two, near, far)


def counted(vtep: Vtep) -> dict[str, int]:
    """What the VTEP's own IP has got of hosts: pings; nothing else on it does ICMP, and nothing is routed."""
    told = dict(re.findall(r"^(\w+) +(\d+)", vtep.run("nstat", "-asz"), re.MULTILINE))
    wanted = ("IcmpInEchos", "Icmp6InEchos", "IpForwDatagrams", "Ip6OutForwDatagrams")
    return {name: int(told[name]) for name in wanted}


def aim(host: Host, mac: str) -> None:
    """All that this host sends to addresses of, and behind, the VTEP goes to this MAC."""
    run = host.namespace.run
    for target in (*OWN, BEHIND, BEHIND6):
        family = "-6" if ":" in target else "-4"
        run("ip", family, "route", "replace", target, "dev", "eth0")
        run("ip", family, "neigh", "replace", target, "lladdr", mac, "dev", "eth0", "nud", "permanent")


@pytest.mark.parametrize("to", ["bridge", "port"])
@pytest.mark.parametrize("who", ["near", "far"])
def test_nothing_is_answered_delivered_or_routed(setting: Setting, who: str, to: str) -> None:
    host = setting.near if who == "near" else setting.far
    aim(host, setting.bridge_mac() if to == "bridge" else setting.port_mac())
    host.namespace.run("ip", "address", "replace", "10.0.0.77/32", "dev", "eth0")
    before = counted(setting.one)

    for target in (*OWN, BEHIND, BEHIND6):
        host.ask(target)
        if ":" not in target:  # with a source that the underlay's routes lead to
            host.ask_from("10.0.0.77", target)
    host.ask("ff02::1%eth0")
    host.ask("224.0.0.1")

    assert setting.near.reaches(setting.far)  # so all of it has got there
    assert counted(setting.one) == before


def test_the_bridge_answers_no_arp_for_the_host(setting: Setting) -> None:
    with Cable(setting.near.namespace) as cable:
        for target in (UNDERLAY, LOOPBACK):
            cable.say(arp_request(setting.near.mac, setting.near.ip, target))
            cable.say(arp_request(setting.near.mac, "10.0.0.77", target))
        assert setting.near.reaches(setting.far)
        ours = setting.bridge_mac()
        assert [frame for frame in cable.heard() if frame.source.hex(":") == ours] == []


def test_an_address_on_the_bridge_is_answered_and_no_other(setting: Setting) -> None:
    """Put there by an operator; what is for other addresses is kept out all the same."""
    one, near = setting.one, setting.near
    one.run("ip", "address", "add", "192.0.2.254/24", "dev", "br100")
    one.run("ip", "address", "add", "2001:db8:1::254/64", "dev", "br100", "nodad")
    try:
        for target in ("192.0.2.254", "2001:db8:1::254"):
            near.namespace.run("ping", "-c", "1", "-W", "2", target)
        one.run("ping", "-c", "1", "-W", "2", near.ip)
        aim(near, setting.bridge_mac())
        before = counted(one)
        for target in (*OWN, BEHIND, BEHIND6):
            near.ask(target)
        assert near.reaches(setting.far)
        assert counted(one) == before
    finally:
        one.run("ip", "address", "flush", "dev", "br100")


def test_rules_that_somebody_has_flushed_come_back(setting: Setting) -> None:
    """At the latest with the next agent, which knows the bridge by its settings."""
    one = setting.one
    one.run("nft", "flush", "ruleset")
    one.stop()
    one.start()
    until(lambda: "br100" in one.run("nft", "list", "table", "netdev", "evpn"))

    aim(setting.near, setting.bridge_mac())
    before = counted(one)
    for target in OWN:
        setting.near.ask(target)
    until(lambda: setting.near.reaches(setting.far))
    assert counted(one) == before


def test_a_bridge_of_somebody_else_is_let_alone(setting: Setting) -> None:
    one = setting.one
    one.run("ip", "link", "add", "br200", "type", "bridge")
    one.run("ip", "link", "set", "br200", "up")
    one.configure(vnis=[{"vni": 100, "ports": ["tap1"]}, {"vni": 200}])
    one.stop()
    one.start()
    until(lambda: one.summary()["vnis-served"] == 2)

    assert "br200" not in one.run("nft", "list", "ruleset")
    assert one.run("sysctl", "-n", "net.ipv4.conf.br200.arp_ignore").strip() == "0"
