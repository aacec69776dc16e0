"""Hosts that say nothing: asked on their port before anything of theirs is withdrawn (RFC 9161 section 3.5).

The bridges forget after five seconds. All hosts speak once, at the same time, and then more than two ageing times pass.
"""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from evpn.packet import arp, ethernet
from evpn.packet.arp import ArpPacket
from evpn.packet.ethernet import Frame
from evpn.text import parse_ip, parse_mac

from .cable import Cable, a_frame, asks_for
from .fabric import Fabric, Host, Vtep, address, stays
from .far_side import FarSide, a_mac
from .frr import until
from .raw_peer import RawPeer

pytestmark = pytest.mark.interop

AGEING = 5
SECOND_IP = "192.0.2.103"
ALIVE, GONE, RENUMBERED, KERNEL, UNPLUGGED = 1, 2, 3, 4, 5


class Setting(NamedTuple):
    vtep: Vtep
    far: FarSide
    hosts: dict[int, Host]
    cables: dict[int, Cable]
    nameless: str
    """MAC of a host without addresses."""
    underlay: Cable

    def events(self, mac: str) -> list[tuple[str, str]]:
        vnis = self.vtep.show("events")
        return [(row["event"], row["ip"]) for row in vnis if row["mac"] == mac]

    def questions(self, ip: str) -> dict[int, list[Frame]]:
        """Host -> what it heard; a host's own gratuitous words are no questions to it."""
        found = {}
        for number, cable in self.cables.items():
            others = [frame for frame in cable.heard() if frame.source != parse_mac(self.hosts[number].mac)]
            if asked := [frame for frame in others if asks_for(frame, ip)]:
                found[number] = asked
        return found


@pytest.fixture(scope="module")
def setting() -> Iterator[Setting]:
    with Fabric("silent", frr=False) as fabric:
        ports = [f"tap{number}" for number in (ALIVE, GONE, RENUMBERED, UNPLUGGED)]
        kernel = {"vni": 300, "ports": [f"tap{KERNEL}"], "learn-neighbors": ["kernel"]}
        vtep = fabric.vtep(11, vnis=[{"vni": 100, "ports": ports}, kernel])
        numbers = (ALIVE, GONE, RENUMBERED, KERNEL, UNPLUGGED)
        hosts = {number: fabric.host(vtep, number, f"tap{number}", ipv6=number == ALIVE) for number in numbers}
        node = fabric.node(1)
        vtep.start()
        vtep.run("ip", "address", "add", "192.0.2.254/24", "dev", "br300")
        for bridge in ("br100", "br300"):
            vtep.run("ip", "link", "set", bridge, "type", "bridge", "ageing_time", str(100 * AGEING))
        hosts[RENUMBERED].namespace.run("ip", "address", "add", f"{SECOND_IP}/24", "dev", "eth0")
        with (
            RawPeer(node, address(1), vtep.address) as peer,
            Cable(hosts[ALIVE].namespace) as alive,
            Cable(hosts[GONE].namespace) as gone,
            Cable(hosts[RENUMBERED].namespace) as renumbered,
            Cable(vtep.namespace) as underlay,
        ):
            far = FarSide(peer, vtep)
            far.begin()
            far.floods(address(1))
            cables = {ALIVE: alive, GONE: gone, RENUMBERED: renumbered}
            yield Setting(vtep, far, hosts, cables, a_mac(), underlay)


@pytest.fixture(scope="module")
def later(setting: Setting) -> Setting:
    """Everybody has spoken, and has been silent for more than two ageing times."""
    hosts, far = setting.hosts, setting.far
    for number in (ALIVE, GONE, RENUMBERED, UNPLUGGED):
        hosts[number].ask("192.0.2.200")
    hosts[ALIVE].ask("2001:db8:1::200")
    hosts[RENUMBERED].namespace.run("sh", "-c", f"ping -c 1 -W 0.01 -I {SECOND_IP} 192.0.2.201; true")
    hosts[KERNEL].namespace.run("ping", "-c", "1", "192.0.2.254")
    setting.cables[RENUMBERED].say(a_frame(setting.nameless))
    expected = {host.mac: {"", host.ip} for host in hosts.values()} | {setting.nameless: {""}}
    expected[hosts[ALIVE].mac] |= {hosts[ALIVE].ip6}
    expected[hosts[RENUMBERED].mac] |= {SECOND_IP}
    until(lambda: all(far.of(mac).keys() >= ips for mac, ips in expected.items()))
    hosts[GONE].namespace.run("ip", "link", "set", "eth0", "arp", "off")
    hosts[RENUMBERED].namespace.run("ip", "address", "del", f"{SECOND_IP}/24", "dev", "eth0")
    stays(lambda: not far.withdrawn(hosts[ALIVE].mac), 2.2 * AGEING)
    return setting


@pytest.mark.parametrize("number", [ALIVE, KERNEL], ids=["snoop", "kernel"])
def test_who_answers_is_never_withdrawn(later: Setting, number: int) -> None:
    host = later.hosts[number]

    assert later.far.withdrawn(host.mac) == []
    assert later.vtep.port_of(host.mac, "br300" if number == KERNEL else "br100") == f"tap{number}"


def test_who_is_gone_is_withdrawn(later: Setting) -> None:
    host = later.hosts[GONE]

    assert sorted(later.far.withdrawn(host.mac)) == [(host.mac, ""), (host.mac, host.ip)]
    assert later.vtep.port_of(host.mac) is None
    events = later.events(host.mac)
    assert events[-3:] == [
        ("aged out, its addresses are asked for", ""),
        ("does not answer for an address", host.ip),
        ("left", ""),
    ]


def test_its_addresses_are_withdrawn_before_its_mac(later: Setting) -> None:
    host = later.hosts[GONE]
    assert later.far.withdrawn(host.mac) == [(host.mac, host.ip), (host.mac, "")]


def test_it_is_asked_three_times_and_nobody_else_is(later: Setting) -> None:
    host = later.hosts[GONE]
    bridge = later.vtep.run("cat", "/sys/class/net/br100/address").strip()
    question = ArpPacket(
        arp.REQUEST, parse_mac(bridge), parse_ip("0.0.0.0"), parse_mac("00:00:00:00:00:00"), parse_ip(host.ip)
    )

    asked = later.questions(host.ip)
    assert asked.keys() == {GONE}
    assert [(frame.destination, frame.source) for frame in asked[GONE]] == 3 * [
        (parse_mac(host.mac), parse_mac(bridge))
    ]
    assert {ArpPacket.decode(frame.payload) for frame in asked[GONE]} == {question}


def test_no_question_and_no_answer_leaves_through_the_tunnel(later: Setting) -> None:
    inside = later.underlay.tunnelled()
    asked = [later.hosts[ALIVE].ip, later.hosts[GONE].ip, later.hosts[ALIVE].ip6]

    assert inside  # the words of the beginning, to everybody
    assert [frame for frame in inside for ip in asked if asks_for(frame, ip)] == []
    bridge = parse_mac(later.vtep.run("cat", "/sys/class/net/br100/address").strip())
    assert [
        frame for frame in inside if bridge in (frame.source, frame.destination) and frame.protocol == ethernet.ARP
    ] == []


def test_an_address_that_a_host_no_longer_has_goes_and_the_host_stays(later: Setting) -> None:
    host = later.hosts[RENUMBERED]

    assert later.far.withdrawn(host.mac) == [(host.mac, SECOND_IP)]
    assert later.far.of(host.mac).keys() == {"", host.ip}
    assert ("does not answer for an address", SECOND_IP) in later.events(host.mac)
    assert len(later.questions(SECOND_IP)[RENUMBERED]) == 3


def test_a_host_without_addresses_goes_when_the_bridge_forgets_it(later: Setting) -> None:
    assert later.far.withdrawn(later.nameless) == [(later.nameless, "")]
    assert [event for event, _ in later.events(later.nameless)] == ["learnt on a port", "left"]


def test_who_answers_the_last_question_stays(later: Setting) -> None:
    """The bridge has forgotten it by then; its answer makes the bridge learn it again."""
    host = later.hosts[RENUMBERED]
    host.namespace.run("ip", "link", "set", "eth0", "arp", "off")
    later.vtep.run("ip", "link", "set", "br100", "type", "bridge", "ageing_time", "100")
    until(lambda: ("aged out, its addresses are asked for", "") in later.events(host.mac))
    host.namespace.run("ip", "link", "set", "eth0", "arp", "on")

    until(lambda: later.vtep.port_of(host.mac) == f"tap{RENUMBERED}")
    later.vtep.run("ip", "link", "set", "br100", "type", "bridge", "ageing_time", str(100 * AGEING))
    until(lambda: {row["state"] for row in later.vtep.show("neigh", 100) if row["mac"] == host.mac} == {"announced"})
    assert later.far.withdrawn(host.mac) == [(host.mac, SECOND_IP)]


def test_who_speaks_again_is_announced_again(later: Setting) -> None:
    host = later.hosts[GONE]
    host.namespace.run("ip", "link", "set", "eth0", "arp", "on")
    host.ask("192.0.2.200")

    until(lambda: later.far.of(host.mac).keys() == {"", host.ip})
    assert set(later.far.of(host.mac).values()) == {(0, False, None)}


def test_a_port_that_goes_down_withdraws_at_once(later: Setting) -> None:
    host = later.hosts[UNPLUGGED]
    host.ask("192.0.2.200")
    until(lambda: later.far.of(host.mac).keys() == {"", host.ip})

    later.vtep.run("ip", "link", "set", f"tap{UNPLUGGED}", "down")
    until(lambda: not later.far.of(host.mac))
    assert [event for event, _ in later.events(host.mac)][-1] == "left"
    assert UNPLUGGED not in later.questions(host.ip)
