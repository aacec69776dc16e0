"""What is heard of hosts behind the ports of a bridge that has no address, and whether they answer."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from struct import Struct

import pytest

from evpn.packet.filter import LONGEST
from evpn.packet.frames import announcement, probe
from evpn.packet.sighting import Sighting, decode
from evpn.text import format_ip, parse_ip, parse_mac
from evpn.values import IpAddress, MacAddress

from .conftest import until
from .snooped import (
    IP,
    IP2,
    IP6,
    IP6_2,
    LINK_LOCAL,
    MAC,
    MAC2,
    OURS,
    Site,
    a_site,
    asking,
    know,
    listening,
    resolve,
    say,
)

pytestmark = pytest.mark.kernel

MARKER, FAR = parse_ip("192.0.2.111"), parse_ip("192.0.2.222")

_TUNSETIFF, _IFF_TAP, _IFF_NO_PI, _IFF_VNET_HDR = 0x400454CA, 0x0002, 0x1000, 0x4000
_VNET_HEADER = Struct("=BBHHHH")
_NEEDS_CHECKSUM = 1


@pytest.fixture
def site() -> Iterator[Site]:
    with a_site() as made:
        yield made


def test_a_host_that_asks_is_seen_and_so_is_the_one_that_answers_it(site: Site) -> None:
    site.snooper.follow([site.port, site.port2])

    resolve(site.host, IP2)

    assert set(site.heard_until(site.port2, asking(MAC2, IP2))) == {
        (site.port, asking(MAC, IP)),
        (site.port2, asking(MAC2, IP2)),
    }


def test_a_solicitation_is_seen_and_so_is_the_advertisement(site: Site) -> None:
    site.snooper.follow([site.port, site.port2])

    resolve(site.host, IP6_2)

    seen = site.heard_until(site.port2, Sighting(MAC2, IP6_2, False))
    assert (site.port, Sighting(MAC, IP6, None)) in seen
    assert {port for port, _ in seen} == {site.port, site.port2}


def test_a_router_says_that_it_is_one(site: Site) -> None:
    site.host2.run("sysctl", "-qw", "net.ipv6.conf.eth0.forwarding=1")
    site.snooper.follow([site.port2])

    resolve(site.host, IP6_2)

    site.heard_until(site.port2, Sighting(MAC2, IP6_2, True))


def test_a_host_with_another_mac_announces_it(site: Site) -> None:
    site.host.run("sysctl", "-qw", "net.ipv4.conf.eth0.arp_notify=1", "net.ipv6.conf.eth0.ndisc_notify=1")
    site.snooper.follow([site.port])

    site.host.run("ip", "link", "set", "eth0", "address", "02:00:00:00:00:42")

    mac = parse_mac("02:00:00:00:00:42")
    site.heard_until(site.port, Sighting(mac, IP, None), Sighting(mac, IP6, False))


def test_an_announcement_is_heard(site: Site) -> None:
    site.snooper.follow([site.port])

    say(site.host, announcement(MAC, IP), announcement(MAC, IP6, router=True))

    assert site.heard() == [(site.port, Sighting(MAC, IP, None)), (site.port, Sighting(MAC, IP6, True))]


def test_nothing_else_is_heard(site: Site) -> None:
    know(site.host, MAC2, IP2, IP6_2)
    know(site.host2, MAC, IP, IP6)
    with site.host2.entered():
        server = socket.create_server(("192.0.2.2", 0))
    site.snooper.follow([site.port, site.port2])

    for ip in ("192.0.2.2", "2001:db8::2"):
        site.host.run("ping", "-c", "3", "-i", "0.01", ip)
    with server, site.host.entered(), socket.create_connection(server.getsockname()) as client:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
    say(site.host, announcement(MAC, MARKER))

    assert site.heard() == [(site.port, Sighting(MAC, MARKER, None))]


def test_tagged_frames_are_of_another_network(site: Site) -> None:
    site.snooper.follow([site.port])
    frames = announcement(MAC, IP), announcement(MAC, IP6)

    say(site.host, *(frame[:12] + tag + frame[12:] for frame in frames for tag in (b"\x81\0\0\5", b"\x88\xa8\0\5")))
    say(site.host, announcement(MAC, MARKER))

    assert site.heard() == [(site.port, Sighting(MAC, MARKER, None))]


def test_what_we_send_ourselves_is_not_heard(site: Site) -> None:
    site.snooper.follow([site.port, site.port2])
    with listening(site.host) as host:
        assert site.snooper.send(site.port, announcement(MAC2, FAR))
        until(lambda: host.recv(2048) == announcement(MAC2, FAR))

    assert site.heard() == []


def test_what_comes_from_the_tunnel_is_not_heard_on_local_ports(site: Site) -> None:
    site.snooper.follow([site.port, site.port2])
    vxlan_of_vni_100 = bytes.fromhex("0800000000006400")
    frame = announcement(parse_mac("02:00:00:00:00:99"), FAR)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as vtep, listening(site.host) as host:
        vtep.bind(("127.0.0.2", 0))
        vtep.sendto(vxlan_of_vni_100 + frame, ("127.0.0.1", 4789))
        until(lambda: host.recv(2048) == frame)

    assert site.heard() == []


@pytest.mark.parametrize("ip", [IP, IP6, LINK_LOCAL], ids=["IPv4", "IPv6", "link-local"])
@pytest.mark.parametrize("mac", [OURS, parse_mac("02:00:00:00:00:77")], ids=["of the bridge", "of nobody"])
def test_a_host_answers_a_probe(site: Site, ip: IpAddress, mac: MacAddress) -> None:
    site.snooper.follow([site.port])

    assert site.snooper.send(site.port, probe(MAC, ip, mac))

    router = None if len(ip) == 4 else False
    site.heard_until(site.port, Sighting(MAC, ip, router))


@pytest.mark.parametrize("ip", [IP2, IP6_2], ids=["IPv4", "IPv6"])
def test_a_host_does_not_answer_for_an_address_of_another(site: Site, ip: IpAddress) -> None:
    site.snooper.follow([site.port])

    assert site.snooper.send(site.port, probe(MAC, ip, OURS))
    assert site.snooper.send(site.port, probe(MAC, IP, OURS))

    assert site.heard_until(site.port, asking(MAC, IP)) == [(site.port, asking(MAC, IP))]


def test_a_probe_leaves_no_trace_of_an_ipv4_address(site: Site) -> None:
    site.snooper.follow([site.port])

    site.snooper.send(site.port, probe(MAC, IP, OURS))
    site.heard_until(site.port, asking(MAC, IP))

    assert site.host.run("ip", "-4", "neigh", "show") == ""


@pytest.mark.parametrize("ip", [IP2, IP6_2], ids=["IPv4", "IPv6"])
def test_an_announcement_changes_what_a_host_knows(site: Site, ip: IpAddress) -> None:
    moved = parse_mac("02:00:00:00:00:42")
    site.host.run("ip", "neigh", "add", format_ip(ip), "lladdr", MAC2.hex(":"), "nud", "stale", "dev", "eth0")
    site.snooper.follow([site.port])

    site.snooper.send(site.port, announcement(moved, ip))

    assert until(lambda: moved.hex(":") in site.host.run("ip", "neigh", "show", format_ip(ip)))


def test_of_a_long_frame_the_beginning_is_heard(site: Site) -> None:
    site.snooper.follow([site.port])

    say(site.host, announcement(MAC, IP) + bytes(1400))

    ((_, frame),) = site.snooper.read(8)
    assert len(frame) == LONGEST
    assert decode(frame) == Sighting(MAC, IP, None)


@pytest.fixture
def guest(site: Site) -> Iterator[int]:
    """A tap device as a virtual machine has it, a port of the bridge; this is the guest's end."""
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tap, _TUNSETIFF, Struct("16sH22x").pack(b"tap0", _IFF_TAP | _IFF_NO_PI | _IFF_VNET_HDR))
    site.bridge.run("ip", "link", "set", "tap0", "master", "br100", "up")
    yield tap
    os.close(tap)


def received(guest: int) -> list[bytes]:
    """All that waits for the guest, what other hosts flood as well."""
    frames = []
    with suppress(BlockingIOError):
        while True:
            frames.append(os.read(guest, 2048))
    return frames


def test_a_guest_behind_a_tap_is_heard_and_asked(site: Site, guest: int) -> None:
    tap = socket.if_nametoindex("tap0")
    site.snooper.follow([tap])
    header = bytes(_VNET_HEADER.size)

    os.write(guest, header + announcement(MAC, MARKER))
    assert site.heard_until(tap, Sighting(MAC, MARKER, None)) == [(tap, Sighting(MAC, MARKER, None))]
    assert site.snooper.send(tap, probe(MAC, MARKER, OURS))
    until(lambda: header + probe(MAC, MARKER, OURS) in received(guest))


def test_a_guest_may_leave_the_checksum_to_its_host(site: Site, guest: int) -> None:
    tap = socket.if_nametoindex("tap0")
    site.snooper.follow([tap])
    whole = announcement(MAC, IP6)
    pseudo_header = whole[22:54] + len(whole[54:]).to_bytes(4) + b"\0\0\0\x3a"
    partial = whole[:56] + (int.from_bytes(pseudo_header) % 0xFFFF).to_bytes(2) + whole[58:]

    os.write(guest, _VNET_HEADER.pack(_NEEDS_CHECKSUM, 0, 0, 0, 54, 2) + partial)

    ((_, frame),) = until(lambda: site.snooper.read(8))
    assert frame == partial != whole
    assert decode(frame) == Sighting(MAC, IP6, False)
