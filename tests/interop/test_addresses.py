"""Addresses of our hosts in FRR's table: on bridges without any address, and from the kernel where there is one.

RFC 7432 section 10, RFC 9161 section 3.2, RFC 9047. Hosts are real ones, and frames that a host might say.
"""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from evpn.packet import nd
from evpn.text import format_ip, parse_mac

from .cable import (
    Cable,
    a_frame,
    advertisement,
    arp_probe,
    arp_reply,
    arp_request,
    gratuitous,
    solicitation,
)
from .fabric import Fabric, Host, View, Vtep, address
from .far_side import a_mac
from .frr import until

pytestmark = pytest.mark.interop

OURS = address(11)
NEIGHBOR, NEIGHBOR_IP, NEIGHBOR_IP6 = "02:00:00:00:00:01", "192.0.2.1", "2001:db8:1::1"
"""Host 1, to whom others speak."""
SOURCES: dict[int, list[str]] = {200: [], 300: ["kernel"], 400: ["snoop"]}
"""VNI -> `learn-neighbors`; their bridges have an address, 198.18.VNI/100.254."""


class Setting(NamedTuple):
    vtep: Vtep
    view: View
    hosts: dict[int, Host]
    """VNI -> the host there."""
    cable: Cable
    """Of a host in VNI 100."""

    def ips(self, mac: str) -> dict[str, str]:
        """IP -> extended communities."""
        paths = self.view.ips(mac, OURS)
        return {ip: path["extendedCommunity"]["string"].strip() for ip, path in paths.items()}

    def in_step(self) -> None:
        """FRR has heard of what the cable said last, and so of all before."""
        marker = a_mac()
        self.cable.say(a_frame(marker))
        until(lambda: self.view.mac(marker, OURS))


@pytest.fixture(scope="module")
def setting() -> Iterator[Setting]:
    with Fabric("addresses") as fabric:
        vnis = [{"vni": vni, "ports": [f"tap{vni}"], "learn-neighbors": by} for vni, by in SOURCES.items()]
        vtep = fabric.vtep(11, vnis=[{"vni": 100, "ports": ["tap100", "tap2"]}, *vnis])
        vtep.run("sysctl", "-qw", "net.ipv6.conf.default.addr_gen_mode=1")  # no link-local ones either
        hosts = {vni: fabric.host(vtep, vni // 100, f"tap{vni}", ipv6=True) for vni in (100, *SOURCES)}
        other = fabric.host(vtep, 9, "tap2")
        view = View(fabric.reflector(1, vtep, clients=(11,)))
        vtep.start()
        assert "inet" not in vtep.run("ip", "address", "show", "dev", "br100")
        for vni in SOURCES:
            vtep.run("ip", "address", "add", f"198.18.{vni // 100}.254/24", "dev", f"br{vni}")
            hosts[vni].namespace.run("ip", "address", "add", f"198.18.{vni // 100}.1/24", "dev", "eth0")
        until(lambda: view.established() == {OURS})
        with Cable(other.namespace) as cable:
            yield Setting(vtep, view, hosts, cable)


def test_a_host_on_a_bridge_without_address(setting: Setting) -> None:
    host = setting.hosts[100]
    link_local = format_ip(nd.link_local(parse_mac(host.mac)))

    def told() -> bool:
        """The link-local one is checked for duplicates before it is used, which takes a while."""
        for unknown in ("192.0.2.200", "2001:db8:1::200", "fe80::200%eth0"):
            host.ask(unknown)
        return setting.ips(host.mac).keys() == {host.ip, host.ip6, link_local}

    until(told)
    assert setting.view.mac(host.mac, OURS)
    assert set(setting.ips(host.mac).values()) == {"RT:65000:100 ET:8"}  # FRR shows no override flag
    shown = {row["ip"]: row for row in setting.vtep.show("neigh", 100)}
    assert {(shown[ip]["source"], shown[ip]["via"], shown[ip]["state"]) for ip in (host.ip, host.ip6)} == {
        ("snoop", "tap100", "announced")
    }
    assert setting.vtep.macs()[host.mac]["ip"] == [host.ip, host.ip6, link_local]


def test_whatever_says_an_address(setting: Setting) -> None:
    says = {
        "192.0.2.21": lambda mac, ip: arp_request(mac, ip, "192.0.2.200"),
        "192.0.2.22": gratuitous,
        "192.0.2.23": lambda mac, ip: arp_reply(mac, ip, NEIGHBOR, NEIGHBOR_IP),
        "169.254.0.24": gratuitous,
        "2001:db8:1::25": lambda mac, ip: solicitation(mac, ip, "2001:db8:1::200"),
        "2001:db8:1::26": lambda mac, ip: advertisement(mac, ip, NEIGHBOR, NEIGHBOR_IP6),
        "2001:db8:1::27": gratuitous,
        "fe80::28": lambda mac, ip: solicitation(mac, ip, "fe80::1"),
        "fe80::29": lambda mac, ip: advertisement(mac, ip, NEIGHBOR, NEIGHBOR_IP6),
    }
    macs = {ip: a_mac() for ip in says}
    for ip, say in says.items():
        setting.cable.say(say(macs[ip], ip))

    until(lambda: all(setting.ips(mac).keys() == {ip} for ip, mac in macs.items()))


def test_one_host_with_many_addresses(setting: Setting) -> None:
    mac, ips = a_mac(), [f"192.0.2.{number}" for number in range(100, 120)]
    setting.cable.say(*(gratuitous(mac, ip) for ip in ips))

    until(lambda: setting.ips(mac).keys() == set(ips))


def test_one_host_with_too_many_addresses(setting: Setting) -> None:
    """Who makes them up fills neither our memory nor the tables of the others."""
    mac = a_mac()
    for third in range(3):  # which the buffer of a port holds
        setting.cable.say(*(gratuitous(mac, f"198.51.{third}.{number}") for number in range(1, 101)))
        setting.in_step()

    assert len(setting.ips(mac)) == 256
    assert f"evpn WARNING too many addresses vni=100 mac={mac}" in setting.vtep.log()


def test_a_router_says_that_it_is_one(setting: Setting) -> None:
    """And may cease to be one (RFC 4861 section 7.2.5)."""
    mac, ip = a_mac(), "2001:db8:1::30"
    setting.cable.say(advertisement(mac, ip, NEIGHBOR, NEIGHBOR_IP6, nd.ROUTER | nd.SOLICITED | nd.OVERRIDE))
    until(lambda: setting.ips(mac) == {ip: "RT:65000:100 ET:8 ND:Router Flag"})

    setting.cable.say(solicitation(mac, ip, "2001:db8:1::200"))  # which says nothing of it
    setting.in_step()
    assert setting.ips(mac) == {ip: "RT:65000:100 ET:8 ND:Router Flag"}

    setting.cable.say(advertisement(mac, ip, NEIGHBOR, NEIGHBOR_IP6))
    until(lambda: setting.ips(mac) == {ip: "RT:65000:100 ET:8"})


def with_hops(frame: bytes, hops: int) -> bytes:
    """With another hop limit in its IPv6 header."""
    return frame[:21] + bytes((hops,)) + frame[22:]


def test_what_is_no_word_of_a_host_about_its_address(setting: Setting) -> None:
    mac, other = a_mac(), a_mac()
    setting.cable.say(
        a_frame(mac),
        arp_probe(mac, "192.0.2.31"),
        solicitation(mac, "::", "2001:db8:1::31"),
        arp_request(NEIGHBOR, "192.0.2.32", "192.0.2.200", source=mac),
        arp_request(other, "192.0.2.33", "192.0.2.200", source=mac),
        arp_reply(NEIGHBOR, "192.0.2.34", NEIGHBOR, NEIGHBOR_IP, source=mac),
        solicitation(NEIGHBOR, "2001:db8:1::35", "2001:db8:1::200", source=mac),
        with_hops(gratuitous(mac, "2001:db8:1::36"), 64),
        *(gratuitous(mac, ip) for ip in ("0.0.0.0", "127.0.0.1", "224.0.0.5", "255.255.255.255", "::", "::1")),
    )
    setting.in_step()

    assert setting.view.mac(mac, OURS)
    assert setting.ips(mac) == {}
    assert setting.ips(other) == {}
    assert setting.view.mac(other, OURS) is None
    assert setting.ips(NEIGHBOR).keys() <= {NEIGHBOR_IP, NEIGHBOR_IP6, "fe80::ff:fe00:1"}


def test_the_kernel_knows_whom_it_has_spoken_to(setting: Setting) -> None:
    """An address on the bridge, and no snooping; hosts among themselves are not heard."""
    host = setting.hosts[300]
    host.namespace.run("ping", "-c", "1", "-W", "2", "198.18.3.254")
    until(lambda: setting.ips(host.mac).keys() == {"198.18.3.1"})

    host.ask("192.0.2.200")
    setting.vtep.run("ip", "address", "add", "2001:db8:1::254/64", "dev", "br300", "nodad")
    host.namespace.run("ping", "-c", "1", "-W", "2", "2001:db8:1::254")
    until(lambda: host.ip6 in setting.ips(host.mac))
    assert host.ip not in setting.ips(host.mac)
    row = next(row for row in setting.vtep.show("neigh", 300) if row["ip"] == host.ip6)
    assert (row["source"], row["via"], row["state"]) == ("kernel", "tap300", "announced")


def test_who_snoops_does_not_believe_the_kernel(setting: Setting) -> None:
    host = setting.hosts[400]
    host.speak()
    until(lambda: setting.view.mac(host.mac, OURS))
    setting.vtep.run("ip", "neigh", "replace", "198.18.4.77", "lladdr", host.mac, "dev", "br400", "nud", "reachable")
    host.namespace.run("ping", "-c", "1", "-W", "2", "198.18.4.254")

    until(lambda: setting.ips(host.mac).keys() == {"198.18.4.1"})


def test_who_learns_none_announces_macs_alone(setting: Setting) -> None:
    host = setting.hosts[200]
    host.namespace.run("ping", "-c", "1", "-W", "2", "198.18.2.254")
    host.ask("192.0.2.200")
    until(lambda: setting.view.mac(host.mac, OURS))
    setting.in_step()

    assert setting.ips(host.mac) == {}
    assert setting.vtep.show("neigh", 200) == []


def test_an_address_that_the_kernel_no_longer_reaches_is_asked_for(setting: Setting) -> None:
    """In both ways: with the kernel alone, and where we hear the answer ourselves."""
    setting.vtep.run("ip", "address", "add", "198.18.1.254/24", "dev", "br100")
    host, wrong = setting.hosts[100], "198.18.1.66"
    host.namespace.run("ip", "address", "add", "198.18.1.1/24", "dev", "eth0")
    try:
        host.namespace.run("ping", "-c", "1", "-W", "2", "198.18.1.254")
        setting.vtep.run("ip", "neigh", "replace", wrong, "lladdr", host.mac, "dev", "br100", "nud", "reachable")
        until(lambda: {"198.18.1.1", wrong} <= setting.ips(host.mac).keys())

        for ip in ("198.18.1.1", wrong):
            setting.vtep.run("ip", "neigh", "del", ip, "dev", "br100")
        until(lambda: wrong not in setting.ips(host.mac))
        assert "198.18.1.1" in setting.ips(host.mac)
        assert setting.view.mac(host.mac, OURS)
        told = [(row["event"], row["ip"]) for row in setting.vtep.show("events", 100) if row["mac"] == host.mac]
        assert [event for event, ip in told if ip == wrong] == ["has an address", "does not answer for an address"]
        assert [event for event, ip in told if ip == "198.18.1.1"] == ["has an address"]
    finally:
        setting.vtep.run("ip", "address", "del", "198.18.1.254/24", "dev", "br100")
