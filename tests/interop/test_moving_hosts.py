"""Real hosts with IPv4 and IPv6 move between two of our VTEPs; pings after each move.

They come from a host on either side and from the bridges, which have addresses of their own and so learn both ways.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import NamedTuple

import pytest

from .fabric import Fabric, Host, Vtep, address
from .frr import until

pytestmark = pytest.mark.interop

_numbers = count(20)


class Setting(NamedTuple):
    fabric: Fabric
    one: Vtep
    two: Vtep
    h1: Host
    h2: Host

    def other(self, vtep: Vtep) -> Vtep:
        return self.two if vtep is self.one else self.one

    def plug(self, host: Host, vtep: Vtep) -> None:
        host.move(vtep, f"tap{host.number}")
        host.namespace.run("ip", "address", "add", f"{host.ip6}/64", "dev", "eth0", "nodad")

    def is_at(self, host: Host, vtep: Vtep) -> bool:
        """With both addresses, for everybody."""
        elsewhere = self.other(vtep)
        ips = {row["ip"]: (row["type"], row["via"]) for row in elsewhere.show("neigh", 100) if row["mac"] == host.mac}
        rows = elsewhere.remote(host.mac) == {"bridge", vtep.address} and not vtep.fdb(host.mac)
        here = vtep.port_of(host.mac) == f"tap{host.number}"
        expected = ("remote", vtep.address)
        return rows and here and ips.get(host.ip) == expected and ips.get(host.ip6) == expected

    def speaks_until_at(self, host: Host, vtep: Vtep) -> None:
        def spoken() -> bool:
            host.ask("192.0.2.200")
            host.ask("2001:db8:1::200")
            return self.is_at(host, vtep)

        until(spoken)

    def is_reached(self, host: Host) -> None:
        for friend in (self.h1, self.h2):
            until(lambda friend=friend: friend.reaches(host) and friend.reaches6(host))
        pings = f"ping -c 1 -W 1 {host.ip} && ping -c 1 -W 1 {host.ip6} && echo both; true"
        for vtep in (self.one, self.two):
            until(lambda vtep=vtep: "both" in vtep.run("sh", "-c", pings))


@pytest.fixture(scope="module")
def setting() -> Iterator[Setting]:
    vnis = [{"vni": 100, "ports": ["tap1"]}]
    with Fabric("moving", frr=False) as fabric:
        one = fabric.vtep(11, (), neighbors=[{"address": address(12), "passive": True}], vnis=vnis)
        two = fabric.vtep(12, (), neighbors=[{"address": address(11)}], vnis=vnis)
        h1, h2 = fabric.host(one, 1, ipv6=True), fabric.host(two, 2, ipv6=True)
        one.start(wait=False)
        two.start()
        until(lambda: one.answers() and one.flood() == {two.address} and two.flood() == {one.address})
        for vtep, number in ((one, 251), (two, 252)):
            vtep.run("ip", "address", "add", f"192.0.2.{number}/24", "dev", "br100")
            vtep.run("ip", "address", "add", f"2001:db8:1::{number}/64", "dev", "br100", "nodad")
        until(lambda: h1.reaches(h2) and h1.reaches6(h2))
        yield Setting(fabric, one, two, h1, h2)


@contextmanager
def a_host(setting: Setting, vtep: Vtep) -> Iterator[Host]:
    number = next(_numbers)
    host = setting.fabric.host(vtep, number, f"tap{number}", ipv6=True)
    vtep.plug(f"tap{number}")
    setting.speaks_until_at(host, vtep)
    try:
        yield host
    finally:
        host.namespace.run("sh", "-c", "ip link del eth0; true")


def sequences(setting: Setting, host: Host) -> set[int]:
    """As both sides show it."""
    return {vtep.macs()[host.mac]["sequence"] for vtep in (setting.one, setting.two)}


def test_there_and_back(setting: Setting) -> None:
    with a_host(setting, setting.one) as host:
        setting.is_reached(host)
        for where in (setting.two, setting.one, setting.two):
            setting.plug(host, where)
            setting.speaks_until_at(host, where)
            setting.is_reached(host)
            assert setting.is_at(host, where)
        assert sequences(setting, host) <= {0, 1}  # withdrawn before it came, each time


def test_while_its_old_port_stands(setting: Setting) -> None:
    """As a virtual machine that migrates: nothing is withdrawn before it speaks in its new place."""
    with a_host(setting, setting.one) as host:
        for turn, where in enumerate((setting.two, setting.one), 1):
            port = f"new{turn}"
            setting.other(where).run("ip", "link", "set", f"tap{host.number}", "name", f"old{turn}")
            where.run("ip", "link", "add", f"tap{host.number}", "type", "veth", "peer", "name", port)
            where.run("ip", "link", "set", port, "address", host.mac, "netns", host.namespace.name)
            where.plug(f"tap{host.number}")
            host.namespace.run("ip", "link", "set", "eth0", "down", "arp", "off", "name", f"gone{turn}")
            host.namespace.run("ip", "address", "flush", "dev", f"gone{turn}")
            host.namespace.run("ip", "link", "set", port, "name", "eth0", "up")
            host.namespace.run("ip", "address", "add", f"{host.ip}/24", "dev", "eth0")
            host.namespace.run("ip", "address", "add", f"{host.ip6}/64", "dev", "eth0", "nodad")
            setting.speaks_until_at(host, where)
            setting.is_reached(host)


def test_while_no_agent_was_there(setting: Setting) -> None:
    """One comes, one goes, one has another address: the next agent finds out, and nothing old is left."""
    one, two = setting.one, setting.two
    with a_host(setting, two) as comes, a_host(setting, one) as goes, a_host(setting, one) as renumbered:
        old_ip, old_agent = renumbered.ip, one.agent()
        assert one.process
        os.kill(one.process.pid, signal.SIGSTOP)  # or else the next agent would be there at once
        try:
            os.kill(old_agent, signal.SIGKILL)
            setting.plug(comes, one)
            setting.plug(goes, two)
            renumbered.ip = "192.0.2.190"
            renumbered.namespace.run("ip", "address", "del", f"{old_ip}/24", "dev", "eth0")
            renumbered.namespace.run("ip", "address", "add", f"{renumbered.ip}/24", "dev", "eth0")
            until(lambda: (comes.ask("192.0.2.200"), one.port_of(comes.mac) == f"tap{comes.number}")[1])
            until(lambda: (goes.ask("192.0.2.200"), two.port_of(goes.mac) == f"tap{goes.number}")[1])
        finally:
            os.kill(one.process.pid, signal.SIGCONT)
        until(lambda: (found := one.children()) and old_agent not in found and one.answers())

        for host, where in ((comes, one), (goes, two), (renumbered, one)):
            setting.speaks_until_at(host, where)
            setting.is_reached(host)
        until(lambda: old_ip not in {row["ip"] for vtep in (one, two) for row in vtep.show("neigh", 100)})
        assert old_ip not in two.run("ip", "neigh", "show", "dev", "br100").split()
