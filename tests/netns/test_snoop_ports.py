"""Ports that come, go and say too much."""

import errno
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from evpn.netlink.errors import NetlinkError
from evpn.netlink.snoop import Snooper
from evpn.packet.frames import announcement
from evpn.packet.sighting import Sighting

from .snooped import IP, IP2, MAC, MAC2, Site, a_site, opened, say

pytestmark = pytest.mark.kernel


@pytest.fixture
def site() -> Iterator[Site]:
    with a_site() as made:
        yield made


def test_ports_come_and_go(site: Site) -> None:
    for ports in ([site.port], [site.port2], [site.port, site.port2], []):
        site.snooper.follow(ports)
        say(site.host, announcement(MAC, IP))
        say(site.host2, announcement(MAC2, IP2))
        assert {port for port, _ in site.heard()} == set(ports)
        assert [port for port in (site.port, site.port2) if site.snooper.send(port, announcement(MAC, IP))] == ports


@pytest.mark.parametrize("same_ifindex", [True, False], ids=["same ifindex", "another ifindex"])
def test_a_port_that_is_made_again_is_heard_again(site: Site, same_ifindex: bool) -> None:
    port = site.port
    site.snooper.follow([port, site.port2])
    site.bridge.run("ip", "link", "del", "port1")

    assert site.heard() == []
    assert not site.snooper.send(port, announcement(MAC, IP))
    index = ["index", str(port)] if same_ifindex else []
    site.bridge.run("ip", "link", "add", "port1", *index, "type", "veth", "peer", "eth0", "netns", site.host.name)
    site.bridge.run("ip", "link", "set", "port1", "master", "br100", "up")
    site.host.run("ip", "link", "set", "eth0", "up")
    site.snooper.follow([site.port, site.port2])
    say(site.host, announcement(MAC, IP))

    assert (site.port, Sighting(MAC, IP, None)) in site.heard()
    assert (site.port == port) is same_ifindex


def test_a_port_that_is_gone_is_no_error(site: Site) -> None:
    gone, never = site.port, 1 << 20
    site.bridge.run("ip", "link", "del", "port1")

    site.snooper.follow([gone, site.port2, never])
    say(site.host2, announcement(MAC2, IP2))

    assert site.heard() == [(site.port2, Sighting(MAC2, IP2, None))]
    assert not site.snooper.send(gone, announcement(MAC, IP))


def test_a_port_that_moves_to_another_namespace_is_let_go(site: Site) -> None:
    port = site.port
    site.snooper.follow([port])
    site.bridge.run("ip", "link", "set", "port1", "netns", site.host2.name)
    site.host2.run("ip", "link", "set", "port1", "up")

    say(site.host, announcement(MAC, IP))

    assert site.heard() == []
    assert not site.snooper.send(port, announcement(MAC, IP))
    site.snooper.follow([port])
    assert site.heard() == []


def test_a_port_that_is_down_is_heard_once_it_is_up(site: Site) -> None:
    site.bridge.run("ip", "link", "set", "port1", "down")
    site.snooper.follow([site.port])
    assert site.heard() == []
    assert not site.snooper.send(site.port, announcement(MAC, IP))

    site.bridge.run("ip", "link", "set", "port1", "up")
    say(site.host, announcement(MAC, IP))

    assert (site.port, Sighting(MAC, IP, None)) in site.heard()


def test_what_came_before_a_port_went_down_is_not_lost(site: Site) -> None:
    site.snooper.follow([site.port])
    say(site.host, announcement(MAC, IP))
    site.bridge.run("ip", "link", "set", "port1", "down")

    site.heard_until(site.port, Sighting(MAC, IP, None))


def test_a_loop_can_wait_for_it(site: Site) -> None:
    site.snooper.follow([site.port, site.port2])
    with select.epoll() as loop:
        loop.register(site.snooper.fileno(), select.EPOLLIN)
        assert loop.poll(0) == []
        say(site.host2, announcement(MAC2, IP2))
        assert loop.poll(5) == [(site.snooper.fileno(), select.EPOLLIN)]
        site.heard()
        assert loop.poll(0) == []


def test_a_device_that_goes_wakes_the_loop_no_more_than_once(site: Site) -> None:
    site.snooper.follow([site.port, site.port2])
    site.bridge.run("ip", "link", "del", "port1")
    site.bridge.run("ip", "link", "set", "port2", "down")

    site.heard()

    assert select.select([site.snooper], [], [], 0)[0] == []


def test_a_storm_on_one_port_leaves_room_for_the_others(site: Site) -> None:
    site.snooper.follow([site.port, site.port2])
    say(site.host, *[announcement(MAC, IP)] * 100)
    say(site.host2, announcement(MAC2, IP2))

    first = site.snooper.read(10)

    assert len(first) == 6
    assert [port for port, _ in first].count(site.port2) == 1
    assert len(site.snooper.read(10)) == 10


def test_with_less_room_than_ports_they_take_turns(site: Site) -> None:
    site.snooper.follow([site.port, site.port2])
    say(site.host, *[announcement(MAC, IP)] * 5)
    say(site.host2, *[announcement(MAC2, IP2)] * 5)

    ports = [port for _ in range(10) for port, _ in site.snooper.read(1)]

    assert sorted(ports[:2]) == sorted(ports[2:4]) == sorted((site.port, site.port2))
    assert site.snooper.read(1) == []


def test_what_does_not_fit_is_dropped_and_counted_for_that_port_only(site: Site) -> None:
    site.snooper.follow([site.port, site.port2])
    say(site.host, *[announcement(MAC, IP)] * 2000)
    say(site.host2, announcement(MAC2, IP2))

    kept = [port for port, _ in site.heard()]

    lost = site.snooper.lost
    assert lost == 2000 - kept.count(site.port) > 0
    assert kept.count(site.port2) == 1
    assert site.snooper.lost == lost
    site.snooper.follow([])
    assert site.snooper.lost == lost


def test_losses_of_a_port_that_is_gone_still_count(site: Site) -> None:
    site.snooper.follow([site.port])
    say(site.host, *[announcement(MAC, IP)] * 2000)
    site.bridge.run("ip", "link", "del", "port1")
    site.snooper.follow([])

    assert 0 < site.snooper.lost < 2000


def test_a_snooper_that_is_not_open_says_so() -> None:
    snooper = Snooper()
    for use in (snooper.fileno, lambda: snooper.read(1)):
        with pytest.raises(RuntimeError, match="not been opened"):
            use()
    assert not snooper.send(1, announcement(MAC, IP))
    snooper.close()
    snooper.close()


def test_closing_leaves_no_descriptor_behind(site: Site) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    with opened() as snooper:
        snooper.follow([site.port, site.port2])
        snooper.follow([site.port])
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_without_the_capability_it_says_which_one() -> None:
    script = "from evpn.netlink.snoop import Snooper; s = Snooper(); s.open(); s.follow([1])"
    dropped = ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw", sys.executable, "-c", script]
    done = subprocess.run(dropped, capture_output=True, text=True, check=False, timeout=60)

    refusal = f"NetlinkError: listening on bridge ports needs CAP_NET_RAW: EPERM ({os.strerror(errno.EPERM)})"
    assert refusal in done.stderr


def test_what_the_kernel_refuses_otherwise_is_an_error_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evpn.packet.filter.program", lambda: b"\xff" * 8)
    with opened() as snooper, pytest.raises(NetlinkError, match="listen on port 1: EINVAL"):
        snooper.follow([1])
