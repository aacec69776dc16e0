"""Hosts that move between our VTEP and one of FRR, with their addresses; both tables, and packets, after each move.

FRR learns addresses of its hosts from the kernel alone, so its bridge has one; ours has none.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest

from .cable import Cable, a_frame, gratuitous
from .fabric import Host, Vtep, sequence_of, stays
from .far_side import a_mac
from .frr import until
from .frr_vtep import OURS, Setting, a_setting, is_at

pytestmark = pytest.mark.interop

GATEWAY = "192.0.2.254"
STICKY = "02:00:00:00:07:07"
VNI: dict[str, Any] = {"vni": 100, "ports": ["tap1"], "hosts": [{"mac": STICKY, "port": "tap1", "sticky": True}]}
_numbers = count(10)


@pytest.fixture(scope="module")
def setting() -> Iterator[Setting]:
    with a_setting("frr-moves", {"vnis": [VNI]}, {}) as setting:
        setting.theirs.run("ip", "address", "add", f"{GATEWAY}/24", "dev", "br100")
        until(lambda: setting.h1.reaches(setting.h3))
        yield setting


def ours_of(setting: Setting, host: Host) -> dict[str, int]:
    """IP -> sequence of our routes, as FRR has them."""
    paths = {"": setting.view.mac(host.mac, OURS), **setting.view.ips(host.mac, OURS)}
    return {ip: sequence_of(path) for ip, path in paths.items() if path}


def bound_at_frr(setting: Setting, ip: str) -> tuple[str, str]:
    """Type and MAC of an address in zebra's table."""
    row = setting.frr.vtysh_json("show evpn arp-cache vni 100 json").get(ip, {})
    return row.get("type", ""), row.get("mac", "")


def says_its_address(setting: Setting, host: Host, vtep: Vtep) -> bool:
    """Spoken to FRR's bridge, which is also what its kernel learns from."""
    host.ask(GATEWAY)
    if not is_at(setting, host, vtep):
        return False
    if vtep is setting.ours:
        return host.ip in ours_of(setting, host) and bound_at_frr(setting, host.ip) == ("remote", host.mac)
    rows = {row["ip"]: row for row in setting.ours.show("neigh", 100)}
    return bound_at_frr(setting, host.ip) == ("local", host.mac) and rows.get(host.ip, {}).get("state") == "installed"


@contextmanager
def a_host(setting: Setting, vtep: Vtep) -> Iterator[Host]:
    """One more host, known on both sides with its address."""
    number = next(_numbers)
    host = setting.fabric.host(vtep, number, f"tap{number}")
    vtep.plug(f"tap{number}")
    until(lambda: says_its_address(setting, host, vtep))
    try:
        yield host
    finally:
        host.namespace.run("sh", "-c", "ip link del eth0; true")


def reached_from_both(setting: Setting, host: Host) -> bool:
    return setting.h1.reaches(host) and setting.h3.reaches(host)


def test_a_host_moves_with_its_address_again_and_again(setting: Setting) -> None:
    with a_host(setting, setting.theirs) as host:
        for _ in range(2):
            for where in (setting.ours, setting.theirs):
                host.move(where, f"tap{host.number}")
                until(lambda where=where: says_its_address(setting, host, where))
                assert where.port_of(host.mac) == f"tap{host.number}"
                until(lambda: reached_from_both(setting, host))
        assert setting.ours.macs()[host.mac]["sequence"] == setting.at_frr(host.mac)["localSequence"]


@contextmanager
def a_second_port(host: Host, vtep: Vtep) -> Iterator[None]:
    """The host is plugged in there as well, with the same MAC; its address goes along."""
    vtep.run("ip", "link", "add", "ghost", "type", "veth", "peer", "name", "eth1")
    vtep.run("ip", "link", "set", "eth1", "address", host.mac, "netns", host.namespace.name)
    vtep.plug("ghost")
    host.namespace.run("sysctl", "-qw", "net.ipv4.conf.all.arp_ignore=1")  # the old one answers for it no more
    for command in (f"del {host.ip}/24 dev eth0", f"add {host.ip}/24 dev eth1"):
        host.namespace.run("ip", "address", *command.split())
    host.namespace.run("ip", "link", "set", "eth1", "up")
    try:
        yield
    finally:
        vtep.run("sh", "-c", "ip link del ghost; true")


@pytest.mark.parametrize("to", ["ours", "theirs"])
def test_the_old_place_is_withdrawn_late(setting: Setting, to: str) -> None:
    """The old port stands until all is told, and goes down then."""
    old, new = (setting.theirs, setting.ours) if to == "ours" else (setting.ours, setting.theirs)
    with a_host(setting, old) as host, a_second_port(host, new):
        until(lambda: says_its_address(setting, host, new))
        old.run("ip", "link", "set", f"tap{host.number}", "down")

        stays(lambda: is_at(setting, host, new), 0.5)
        assert new.port_of(host.mac) == "ghost"
        assert (ours_of(setting, host) == {"": 1, host.ip: 1}) == (to == "ours")
        until(lambda: reached_from_both(setting, host))


def test_a_host_that_goes_at_frr_is_free_for_us(setting: Setting) -> None:
    """No row is left that would keep it away (FRR's own failing the other way round)."""
    with a_host(setting, setting.theirs) as host:
        setting.theirs.run("ip", "link", "set", f"tap{host.number}", "down")
        until(lambda: not setting.ours.fdb(host.mac) and host.mac not in setting.ours.macs())
        host.move(setting.ours, f"tap{host.number}b")
        until(lambda: says_its_address(setting, host, setting.ours))
        until(lambda: reached_from_both(setting, host))


def test_an_address_goes_to_another_host(setting: Setting) -> None:
    """From one of FRR's to one of ours. Not back: FRR's entry for a remote address is one that ARP never changes."""
    with a_host(setting, setting.theirs) as first, a_host(setting, setting.ours) as second:
        shared = "192.0.2.200"
        for host in (first, second):
            host.namespace.run("ip", "address", "add", f"{shared}/24", "dev", "eth0")
            with Cable(host.namespace) as cable:
                where = setting.theirs if host is first else setting.ours

                def told(cable: Cable = cable, host: Host = host, where: Vtep = where) -> bool:
                    cable.say(gratuitous(host.mac, shared))
                    host.namespace.run("sh", "-c", f"ping -c 1 -W 0.01 -I {shared} {GATEWAY}; true")
                    return bound_at_frr(setting, shared) == ("local" if where is setting.theirs else "remote", host.mac)

                until(told)
            until(lambda host=host: host.mac in holders(setting, shared))
            host.namespace.run("ip", "address", "del", f"{shared}/24", "dev", "eth0")
        assert is_at(setting, first, setting.theirs)
        assert is_at(setting, second, setting.ours)


def holders(setting: Setting, ip: str) -> set[str]:
    return {row["mac"] for row in setting.ours.show("neigh", 100) if row["ip"] == ip}


def test_both_have_heard_it_before_they_hear_of_each_other(setting: Setting) -> None:
    """The same sequence number: the lower VTEP address has it, and both say so."""
    heard_at_both(setting, has_it=setting.ours)


def test_both_have_heard_it_and_the_address_of_frr_is_lower() -> None:
    with a_setting("frr-lower", {}, {}, number=9) as setting:
        heard_at_both(setting, has_it=setting.theirs)


def heard_at_both(setting: Setting, has_it: Vtep) -> None:
    mac = a_mac()
    router = ("configure terminal", "router bgp 65000")
    setting.frr.vtysh(*router, f"neighbor {OURS} shutdown")
    until(lambda: setting.ours.peers()[setting.theirs.address]["state"] == "down")
    with Cable(setting.h1.namespace) as here, Cable(setting.h3.namespace) as there:
        here.say(a_frame(mac))
        there.say(a_frame(mac))
        until(lambda: setting.ours.port_of(mac) and setting.at_frr(mac).get("type") == "local")
        setting.frr.vtysh(*router, f"no neighbor {OURS} shutdown")
        host = Host(setting.h1.namespace, 0)
        host.mac = mac
        until(lambda: is_at(setting, host, has_it))
        stays(lambda: is_at(setting, host, has_it), 0.5)
    until(lambda: reached_from_both(setting, setting.h1) and reached_from_both(setting, setting.h3))


def test_frr_takes_no_host_that_is_sticky_here(setting: Setting) -> None:
    until(lambda: setting.at_frr(STICKY).get("type") == "remote")
    with Cable(setting.h3.namespace) as thief:
        marker = a_mac()
        thief.say(a_frame(STICKY), a_frame(marker))
        until(lambda: setting.ours.remote(marker))

    assert setting.at_frr(STICKY)["type"] == "remote"
    assert setting.theirs.bridge_row(STICKY) == "vxlan100 sticky static"
    assert setting.ours.bridge_row(STICKY) == "tap1 extern_learn sticky static"


def test_a_gateway_of_frr_is_nobody_elses(setting: Setting) -> None:
    gateway = setting.theirs.run("cat", "/sys/class/net/br100/address").strip()
    family = ("configure terminal", "router bgp 65000", "address-family l2vpn evpn")
    setting.frr.vtysh(*family, "advertise-default-gw")
    try:
        until(lambda: setting.ours.macs().get(gateway, {}).get("sticky"))
        with Cable(setting.h1.namespace) as thief:
            marker = a_mac()
            thief.say(a_frame(gateway), a_frame(marker))
            until(lambda: marker in setting.ours.macs())
        assert setting.ours.bridge_row(gateway) == "vxlan100 extern_learn sticky static"
        row = setting.ours.macs()[gateway]
        assert (row["type"], row["via"], GATEWAY in row["ip"]) == ("remote", setting.theirs.address, True)
    finally:
        setting.frr.vtysh(*family, "no advertise-default-gw")
    until(lambda: not setting.ours.fdb(gateway))


def test_one_mac_at_two_places_is_a_duplicate_for_both(setting: Setting) -> None:
    mac = a_mac()
    host = Host(setting.h1.namespace, 0)
    host.mac = mac
    with Cable(setting.h1.namespace) as here, Cable(setting.h3.namespace) as there:
        for _ in range(4):
            for cable, vtep in ((there, setting.theirs), (here, setting.ours)):

                def told(cable: Cable = cable, vtep: Vtep = vtep) -> bool:
                    cable.say(a_frame(mac))
                    return is_at(setting, host, vtep)

                until(told)
    assert mac in {row["mac"] for row in setting.ours.show("duplicates")}
    assert setting.at_frr(mac)["isDuplicate"]
