"""Strategy `dynamic-l3` on a real kernel: many routes in memory, rows for those whom a host talks to."""

import json
import signal
from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

import pytest

from evpn.packet import arp, ethernet, nd
from evpn.packet.arp import ArpPacket
from evpn.packet.ethernet import Frame
from evpn.packet.nd import NdMessage
from evpn.text import parse_ip, parse_mac
from evpn.wire.communities import OVERRIDE, ROUTER

from .cable import Cable, a_frame, arp_probe, arp_request, asks_for, gratuitous, solicitation
from .fabric import Fabric, Host, Vtep, address, stays, with_pid
from .far_side import HIGHER, LOWER, FarSide, a_mac
from .frr import until
from .raw_peer import RawPeer

pytestmark = pytest.mark.interop

IDLE = 2
MANY = 1000
ASKING = "02:00:00:00:00:01"
_numbers = count(1)


class Setting(NamedTuple):
    vtep: Vtep
    far: FarSide
    host: Host
    """A whole one; what `cable` says comes from another."""
    cable: Cable
    there: Host
    """Behind HIGHER, which has no agent: who talks to it has no need of being found."""

    def neighbors(self) -> dict[str, str]:
        """IP -> MAC, of the VXLAN device."""
        found = {}
        for family in ("-4", "-6"):
            rows = json.loads(self.vtep.run("ip", family, "-j", "neigh", "show", "dev", "vxlan100"))
            found |= {row["dst"]: row["lladdr"] for row in rows if "lladdr" in row}
        return found

    def rows(self, mac: str) -> set[str]:
        return self.vtep.remote(mac)

    def a_host(self, ipv6: bool = False) -> tuple[str, str]:
        """MAC and IP of a remote host that nobody knows yet."""
        number = next(_numbers)
        return a_mac(), f"2001:db8:1::a:{number:x}" if ipv6 else f"192.0.2.{100 + number}"

    def asks(self, ip: str) -> None:
        if ":" in ip:
            self.cable.say(solicitation(ASKING, "2001:db8:1::1", ip))
        else:
            self.cable.say(arp_request(ASKING, "192.0.2.1", ip))

    def answered(self, ip: str) -> bool:
        """Whether the host has heard where this address is."""
        return any(answers_for(frame, ip, ASKING) for frame in self.cable.heard())

    def asks_until_it_knows(self, mac: str, ip: str, vtep: str = HIGHER) -> None:
        def known() -> bool:
            self.asks(ip)
            return self.rows(mac) == {"bridge", vtep} and self.neighbors().get(ip) == mac

        until(known)

    def silent(self, mac: str, ip: str) -> bool:
        return not self.rows(mac) and ip not in self.neighbors()


def answers_for(frame: Frame, ip: str, asking: str) -> bool:
    """An ARP reply or an advertisement of this address, which is not of the host that asks."""
    if frame.source == parse_mac(asking):
        return False
    packet = ArpPacket.decode(frame.payload) if frame.protocol == ethernet.ARP else None
    message = NdMessage.decode(frame.payload) if frame.protocol == ethernet.IPV6 else None
    if packet is not None:
        return packet.operation == arp.REPLY and packet.sender_ip == parse_ip(ip)
    return message is not None and message.kind == nd.ADVERTISEMENT and message.target == parse_ip(ip)


@pytest.fixture(scope="module")
def setting() -> Iterator[Setting]:
    with Fabric("demand", frr=False) as fabric:
        vnis = [{"vni": 100, "ports": ["tap1", "tap2"], "strategy": "dynamic-l3", "idle-timeout": IDLE}]
        vtep = fabric.vtep(11, vnis=vnis)
        silent, host, node = fabric.host(vtep, 1), fabric.host(vtep, 2, "tap2", ipv6=True), fabric.node(1)
        there = a_vtep_that_is_a_host(fabric, host)
        vtep.start()
        with RawPeer(node, address(1), vtep.address) as peer, Cable(silent.namespace) as cable:
            far = FarSide(peer, vtep)
            far.floods()
            far.begin()
            cable.say(a_frame(ASKING))
            until(lambda: vtep.macs().get(ASKING))
            yield Setting(vtep, far, host, cable, there)


def a_vtep_that_is_a_host(fabric: Fabric, friend: Host) -> Host:
    """On the VXLAN device itself; it knows one host behind our VTEP, and where that is."""
    number = int(HIGHER.rpartition(".")[2])
    host = Host(fabric.node(number), number)
    vxlan = ("type", "vxlan", "id", "100", "local", HIGHER, "dstport", "4789", "nolearning")
    for command in (
        ("ip", "link", "add", "vx100", "address", host.mac, *vxlan),
        ("ip", "address", "add", f"{host.ip}/24", "dev", "vx100"),
        ("ip", "address", "add", f"{host.ip6}/64", "dev", "vx100", "nodad"),
        ("ip", "link", "set", "vx100", "up"),
        ("bridge", "fdb", "add", friend.mac, "dev", "vx100", "dst", address(11), "self"),
        ("ip", "neigh", "add", friend.ip, "lladdr", friend.mac, "dev", "vx100"),
        ("ip", "neigh", "add", friend.ip6, "lladdr", friend.mac, "dev", "vx100"),
    ):
        host.namespace.run(*command)
    return host


def test_with_many_routes_in_memory_there_are_rows_for_the_talkers_alone(setting: Setting) -> None:
    hosts = [(a_mac(), f"198.51.{number >> 8}.{number & 255}") for number in range(MANY)]
    for mac, ip in hosts:
        setting.far.has(mac, ip)
    until(lambda: len(setting.vtep.macs()) >= MANY)
    assert setting.vtep.flood() == set()
    assert setting.neighbors() == {}
    assert {row["mac"] for row in setting.vtep.fdb() if "extern_learn" in row["flags"]} == set()

    for mac, ip in hosts[:5]:
        setting.asks_until_it_knows(mac, ip)

    assert setting.neighbors().items() <= dict((ip, mac) for mac, ip in hosts[:5]).items()
    for mac, ip in hosts:
        setting.far.loses(mac, ip)
    until(lambda: len(setting.vtep.macs()) < 10)


@pytest.mark.parametrize("ipv6", [False, True], ids=["IPv4", "IPv6"])
def test_the_first_question_of_a_host_is_answered_and_its_first_packet_gets_there(setting: Setting, ipv6: bool) -> None:
    host, there = setting.host, setting.there
    ip, pings = (there.ip6, host.reaches6) if ipv6 else (there.ip, host.reaches)
    setting.far.has(there.mac, ip)
    until(lambda: ip in {row["ip"] for row in setting.vtep.show("neigh")})
    assert ip not in setting.neighbors()

    with Cable(host.namespace) as cable:
        assert pings(there)
        heard = cable.heard()

    assert len([frame for frame in heard if asks_for(frame, ip)]) == 1
    assert len([frame for frame in heard if answers_for(frame, ip, host.mac)]) == 1
    assert setting.neighbors()[ip] == there.mac


@pytest.mark.parametrize("ipv6", [False, True], ids=["IPv4", "IPv6"])
def test_every_question_has_one_answer(setting: Setting, ipv6: bool) -> None:
    mac, ip = setting.a_host(ipv6)
    setting.far.has(mac, ip)
    until(lambda: mac in setting.vtep.macs())
    asked, before = 3, len(setting.cable.heard())
    for _ in range(asked):
        setting.asks(ip)

    def answers() -> int:
        return sum(answers_for(frame, ip, ASKING) for frame in setting.cable.heard()[before:])

    until(answers)
    stays(lambda: answers() <= asked, 0.3)


@pytest.mark.parametrize("ipv6", [False, True], ids=["IPv4", "IPv6"])
def test_who_still_waits_when_the_route_comes_is_answered(setting: Setting, ipv6: bool) -> None:
    mac, ip = setting.a_host(ipv6)
    setting.asks(ip)
    stays(lambda: setting.silent(mac, ip), 0.3)

    setting.far.has(mac, ip)

    until(lambda: setting.answered(ip))


@pytest.mark.parametrize("ipv6", [False, True], ids=["IPv4", "IPv6"])
def test_who_is_asked_for_is_there_with_the_next_question(setting: Setting, ipv6: bool) -> None:
    mac, ip = setting.a_host(ipv6)
    setting.far.has(mac, ip)
    until(lambda: mac in setting.vtep.macs())
    assert setting.silent(mac, ip)

    setting.asks(ip)

    until(lambda: setting.rows(mac) == {"bridge", HIGHER} and setting.neighbors().get(ip) == mac, every=0.01)
    setting.asks(ip)
    until(lambda: setting.answered(ip))


@pytest.mark.parametrize("sticky", [False, True])
@pytest.mark.parametrize("flags", [ROUTER, OVERRIDE])
def test_the_answer_says_whether_it_is_a_router(setting: Setting, flags: int, sticky: bool) -> None:
    mac, ip = setting.a_host(ipv6=True)
    setting.far.has(mac, ip, flags=flags, sticky=sticky)
    until(lambda: mac in setting.vtep.macs())

    def answered() -> bool:
        setting.asks(ip)
        return setting.answered(ip)

    until(answered)
    frames = [frame for frame in setting.cable.heard() if answers_for(frame, ip, ASKING)]
    told = {message.flags & nd.ROUTER for frame in frames if (message := NdMessage.decode(frame.payload))}
    assert told == ({nd.ROUTER} if flags == ROUTER else {0})


@pytest.mark.parametrize("ipv6", [False, True], ids=["IPv4", "IPv6"])
def test_an_address_that_nobody_knew_has_rows_when_its_route_comes(setting: Setting, ipv6: bool) -> None:
    mac, ip = setting.a_host(ipv6)
    setting.asks(ip)
    stays(lambda: setting.silent(mac, ip), 0.3)

    setting.far.has(mac, ip)

    until(lambda: setting.rows(mac) == {"bridge", HIGHER} and setting.neighbors().get(ip) == mac, every=0.02)


def test_a_mac_that_a_host_still_remembers_gets_its_row(setting: Setting) -> None:
    mac, ip = setting.a_host()
    setting.far.has(mac, ip)
    until(lambda: mac in setting.vtep.macs())

    setting.cable.say(a_frame(ASKING, mac))

    until(lambda: setting.rows(mac) == {"bridge", HIGHER})
    assert ip not in setting.neighbors()


def test_for_an_anycast_address_every_question_is_answered_and_none_overrides(setting: Setting) -> None:
    """The device, which always overrides, has no neighbor to answer with."""
    mac, ip = setting.a_host(ipv6=True)
    setting.far.has(mac, ip, flags=0)
    until(lambda: mac in setting.vtep.macs())

    def answers() -> list[int]:
        frames = [frame for frame in setting.cable.heard() if answers_for(frame, ip, ASKING)]
        return [message.flags for frame in frames if (message := NdMessage.decode(frame.payload))]

    for number in (1, 2):
        setting.asks(ip)
        until(lambda number=number: answers() == [nd.SOLICITED] * number, every=0.02)
    assert ip not in setting.neighbors()


@pytest.mark.parametrize("ipv6", [False, True], ids=["IPv4", "IPv6"])
def test_who_probes_for_an_address_of_another_host_is_told(setting: Setting, ipv6: bool) -> None:
    mac, ip = setting.a_host(ipv6)
    setting.far.has(mac, ip)
    until(lambda: mac in setting.vtep.macs())

    setting.cable.say(solicitation(ASKING, "::", ip) if ipv6 else arp_probe(ASKING, ip))

    until(lambda: setting.answered(ip))


@pytest.mark.parametrize("ip", ["192.0.2.91", "2001:db8:1::91"])
def test_a_host_that_announces_or_probes_its_own_address_is_never_answered(setting: Setting, ip: str) -> None:
    mac = a_mac()
    probe = solicitation(mac, "::", ip) if ":" in ip else arp_probe(mac, ip)
    setting.cable.say(probe, gratuitous(mac, ip), probe)
    until(lambda: mac in setting.vtep.macs())
    stays(lambda: setting.silent(mac, ip), 0.3)

    assert not any(answers_for(frame, ip, mac) for frame in setting.cable.heard())


def test_a_host_that_moves_is_followed(setting: Setting) -> None:
    mac, ip = setting.a_host()
    setting.far.has(mac, ip)
    setting.asks_until_it_knows(mac, ip)

    setting.far.has(mac, ip, vtep=LOWER, sequence=1)

    until(lambda: setting.rows(mac) == {"bridge", LOWER})


def test_a_host_that_leaves_a_port_that_stays_up_gets_its_frames_behind_the_other_vtep(setting: Setting) -> None:
    """And it is not ours again when its route goes: it has not spoken here since."""
    mac = a_mac()
    setting.cable.say(a_frame(mac))
    until(lambda: setting.vtep.macs().get(mac, {}).get("type") == "local")

    setting.far.has(mac, sequence=1)

    until(lambda: setting.rows(mac) == {"bridge", HIGHER}, every=0.02)
    setting.far.loses(mac)
    until(lambda: mac not in setting.vtep.macs() and not setting.rows(mac))
    assert setting.vtep.bridge_row(mac) == ""


def test_rows_stay_while_frames_use_them_and_expire_when_none_does(setting: Setting) -> None:
    mac, ip = setting.a_host()
    setting.far.has(mac, ip)
    setting.asks_until_it_knows(mac, ip)

    def used() -> bool:
        setting.cable.say(a_frame(ASKING, mac))
        return setting.rows(mac) == {"bridge", HIGHER} and setting.neighbors().get(ip) == mac

    stays(used, 2.5 * IDLE)
    until(lambda: setting.silent(mac, ip), 5 * IDLE)


def test_rows_outlive_the_agent_and_expire_with_the_next_one(setting: Setting) -> None:
    mac, ip = setting.a_host()
    setting.far.has(mac, ip)
    setting.asks_until_it_knows(mac, ip)
    agent = setting.vtep.agent()

    with_pid(agent, signal.SIGKILL)

    def there() -> bool:
        setting.cable.say(a_frame(ASKING, mac))
        return setting.rows(mac) == {"bridge", HIGHER} and setting.neighbors().get(ip) == mac

    def returned() -> bool:
        assert there()
        return agent not in setting.vtep.children() and setting.vtep.answers()

    until(returned)
    setting.far.says_again()
    stays(there, 1.5 * IDLE)
    until(lambda: setting.silent(mac, ip), 5 * IDLE)
