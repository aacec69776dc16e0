"""Hosts behind the ports of a bridge that has no address, in namespaces, and a snooper."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from evpn.netlink.snoop import Snooper
from evpn.packet import nd
from evpn.packet.sighting import Sighting, decode
from evpn.text import format_ip, parse_ip, parse_mac
from evpn.values import IpAddress, MacAddress
from tests.interop import frr
from tests.namespaces import Namespace, entered, veth

from .conftest import until

OURS = parse_mac("02:00:00:00:00:10")
"""The bridge's."""
MAC, MAC2 = parse_mac("50:54:33:00:00:01"), parse_mac("50:54:33:00:00:02")
IP, IP2 = parse_ip("192.0.2.1"), parse_ip("192.0.2.2")
IP6, IP6_2 = parse_ip("2001:db8::1"), parse_ip("2001:db8::2")
LINK_LOCAL = nd.link_local(MAC)

_ETH_P_ALL = 3

QUIET = ("addr_gen_mode=1", "router_solicitations=0", "dad_transmits=0")


class Site(NamedTuple):
    """Two hosts behind a bridge without any address, and a tunnel; the test is in the bridge's namespace."""

    bridge: Namespace
    host: Namespace
    host2: Namespace
    snooper: Snooper

    @property
    def port(self) -> int:
        return socket.if_nametoindex("port1")

    @property
    def port2(self) -> int:
        return socket.if_nametoindex("port2")

    def heard(self) -> list[tuple[int, Sighting | None]]:
        """All that waits."""
        frames = iter(lambda: self.snooper.read(64), [])
        return [(port, decode(frame)) for batch in frames for port, frame in batch]

    def heard_until(self, port: int, *expected: Sighting) -> list[tuple[int, Sighting | None]]:
        """All that was heard until these were heard from this port."""
        found: list[tuple[int, Sighting | None]] = []

        def told() -> bool:
            found.extend(self.heard())
            return {(port, sighting) for sighting in expected} <= set(found)

        until(told)
        return found


@contextmanager
def a_site() -> Iterator[Site]:
    with Namespace("bridge") as bridge, Namespace("host1") as host, Namespace("host2") as host2:
        bridge.run("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1")
        for silent in (host, host2):  # nothing on their own: no autoconfiguration, no detection of duplicates
            silent.run("sysctl", "-qw", *(f"net.ipv6.conf.default.{setting}" for setting in QUIET))
        veth(bridge, "port1", host, "eth0")
        veth(bridge, "port2", host2, "eth0")
        for line in (
            "link add br100 address 02:00:00:00:00:10 type bridge",
            "link add vx100 type vxlan id 100 local 127.0.0.1 dstport 4789 nolearning",
            "link set vx100 master br100",
            "link set port1 master br100",
            "link set port2 master br100",
            "link set vx100 up",
        ):
            bridge.run("ip", *line.split())
        bridge.run("ip", "link", "set", "br100", "up")
        settle(host, MAC, IP, IP6)
        settle(host2, MAC2, IP2, IP6_2)
        with bridge.entered(), opened() as snooper:
            yield Site(bridge, host, host2, snooper)


def settle(host: Namespace, mac: MacAddress, ip: IpAddress, ip6: IpAddress) -> None:
    """A host with these addresses, and a link-local one of its MAC."""
    host.run("ip", "link", "set", "eth0", "address", mac.hex(":"))
    host.run("ip", "address", "add", f"{format_ip(ip)}/24", "dev", "eth0")
    for address in (ip6, nd.link_local(mac)):
        host.run("ip", "address", "add", f"{format_ip(address)}/64", "dev", "eth0", "nodad")


@contextmanager
def opened() -> Iterator[Snooper]:
    snooper = Snooper()
    snooper.open()
    try:
        yield snooper
    finally:
        snooper.close()


def say(host: Namespace | frr.Namespace, *frames: bytes) -> None:
    """These frames leave the host as they are."""
    with entered(host.name), socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as raw:
        raw.bind(("eth0", 0))
        for frame in frames:
            raw.send(frame)


@contextmanager
def listening(host: Namespace) -> Iterator[socket.socket]:
    """What reaches the host, and what leaves it."""
    with host.entered():
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
    with raw:
        raw.settimeout(40)
        yield raw


def resolve(host: Namespace, ip: IpAddress) -> None:
    """The host looks for an address, and pings it once."""
    host.run("ping", "-c", "1", "-W", "5", format_ip(ip))


def know(host: Namespace, mac: MacAddress, *ips: IpAddress) -> None:
    """The host need not ask for these."""
    for ip in ips:
        host.run("ip", "neigh", "add", format_ip(ip), "lladdr", mac.hex(":"), "nud", "permanent", "dev", "eth0")


def asking(mac: MacAddress, ip: IpAddress) -> Sighting:
    return Sighting(mac, ip, None)
