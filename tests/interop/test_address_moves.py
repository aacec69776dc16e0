"""IP addresses that change hands, by themselves or with their host; who is told, and what a killed agent leaves.

RFC 7432 section 10, RFC 9161 section 3.6, RFC 9721. The other VTEPs are routes of a raw peer, hosts are frames.
"""

import os
import signal
from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

import pytest

from evpn.packet import arp, ethernet, nd
from evpn.packet.arp import ArpPacket
from evpn.packet.ethernet import Frame
from evpn.packet.nd import NdMessage
from evpn.text import format_mac, parse_ip, parse_mac
from evpn.values import IpAddress
from evpn.wire.communities import IMMUTABLE, OVERRIDE
from evpn.wire.routes import MacIpRoute

from .cable import Cable, a_frame, advertisement, arp_reply, gratuitous
from .fabric import Fabric, Host, Vtep, address
from .far_side import HIGHER, LOWER, Announced, FarSide, a_mac
from .frr import until
from .raw_peer import RawPeer

pytestmark = pytest.mark.interop

ASKING, ASKING_IP, ASKING_IP6 = "02:00:00:00:00:01", "192.0.2.1", "2001:db8:1::1"
_numbers = count(30)


class Setting(NamedTuple):
    fabric: Fabric
    vtep: Vtep
    far: FarSide
    tap1: Cable
    tap2: Cable
    underlay: Cable
    hosts: tuple[Host, Host]
    """Behind tap1 and tap2."""

    def says(self, cable: Cable, mac: str, ip: str) -> None:
        """And everybody has noticed, whatever it leads to."""
        marker = a_mac()
        cable.say(gratuitous(mac, ip), a_frame(marker))
        until(lambda: self.far.of(marker), every=0.02)

    def neighbor(self, ip: str) -> str:
        """MAC of our entry on the bridge."""
        words = self.vtep.run("ip", "neigh", "show", ip, "dev", "br100").split()
        return words[words.index("lladdr") + 1] if "extern_learn" in words else ""

    def holders(self, ip: str) -> dict[str, int]:
        """MAC -> sequence of our routes with this IP."""
        return {mac: route.sequence for (mac, of), route in self.far.routes().items() if of == ip}

    def events(self, mac: str) -> list[tuple[str, str, str]]:
        rows = [row for row in self.vtep.show("events", 100) if row["mac"] == mac]
        return [(row["event"], row["ip"], row["vtep"]) for row in rows]


@pytest.fixture(scope="module")
def setting() -> Iterator[Setting]:
    with Fabric("address-moves", frr=False) as fabric:
        vtep = fabric.vtep(11, vnis=[{"vni": 100, "ports": ["tap1", "tap2"], "announce-moves": True}])
        one, two = fabric.host(vtep, 1, ipv6=True), fabric.host(vtep, 2, "tap2", ipv6=True)
        node = fabric.node(1)
        vtep.start()
        with (
            RawPeer(node, address(1), vtep.address) as peer,
            Cable(one.namespace) as tap1,
            Cable(two.namespace) as tap2,
            Cable(vtep.namespace) as underlay,
        ):
            far = FarSide(peer, vtep)
            far.floods(address(1))
            far.begin()
            yield Setting(fabric, vtep, far, tap1, tap2, underlay, (one, two))


@pytest.fixture(params=[4, 6])
def ip(request: pytest.FixtureRequest) -> str:
    """One that no other test has."""
    return f"192.0.2.{next(_numbers)}" if request.param == 4 else f"2001:db8:1::{next(_numbers)}"


def test_from_a_host_elsewhere_to_one_of_ours(setting: Setting, ip: str) -> None:
    theirs, ours = a_mac(), a_mac()
    setting.far.has(theirs, ip, HIGHER, 4)
    setting.far.is_heard()
    assert setting.neighbor(ip) == theirs

    setting.says(setting.tap1, ours, ip)
    until(lambda: setting.holders(ip) == {ours: 5})
    until(lambda: setting.neighbor(ip) == "")
    assert setting.vtep.remote(theirs) == {"bridge", HIGHER}  # the host is where it was
    assert ("took an address over from elsewhere", ip, HIGHER) in setting.events(ours)
    setting.far.loses(theirs, ip, HIGHER)
    setting.far.is_heard()
    assert setting.holders(ip) == {ours: 5}
    assert setting.far.withdrawn(ours) == []


def test_from_one_of_our_hosts_to_one_elsewhere_and_back(setting: Setting, ip: str) -> None:
    ours, theirs = a_mac(), a_mac()
    setting.says(setting.tap1, ours, ip)
    setting.far.has(theirs, ip, HIGHER, 1)
    until(lambda: setting.neighbor(ip) == theirs)

    until(lambda: setting.holders(ip) == {})
    assert setting.far.of(ours).keys() == {""}
    assert setting.vtep.bridge_row(ours) == "tap1"
    setting.far.loses(theirs, ip, HIGHER)
    until(lambda: setting.holders(ip) == {ours: 0})
    assert setting.neighbor(ip) == ""


def test_between_our_hosts(setting: Setting, ip: str) -> None:
    first, second = a_mac(), a_mac()
    setting.says(setting.tap1, first, ip)
    until(lambda: setting.holders(ip) == {first: 0})

    setting.says(setting.tap2, second, ip)
    until(lambda: setting.holders(ip) == {second: 0})
    assert setting.far.of(first).keys() == {""}


def test_between_hosts_elsewhere(setting: Setting, ip: str) -> None:
    """FRR does not have the first one again when the second withdraws."""
    first, second = a_mac(), a_mac()
    setting.far.has(first, ip, LOWER, 0)
    setting.far.has(second, ip, HIGHER, 1)
    setting.far.is_heard()
    assert setting.neighbor(ip) == second

    setting.far.loses(second, ip, HIGHER)
    setting.far.is_heard()
    assert setting.neighbor(ip) == first
    setting.far.loses(first, ip, LOWER)
    setting.far.is_heard()
    assert setting.neighbor(ip) == ""


def test_a_host_that_goes_takes_its_addresses_along_and_none_else(setting: Setting, ip: str) -> None:
    """Its MAC moves by a MAC-only route; the MAC/IP routes of its new VTEP follow or do not."""
    mac, other = a_mac(), a_mac()
    setting.says(setting.tap1, mac, ip)
    setting.says(setting.tap1, other, f"198.51.100.{ip[-2:]}")
    setting.far.has(mac, "", HIGHER, 1)
    until(lambda: setting.far.of(mac) == {})
    until(lambda: setting.vtep.remote(mac) == {"bridge", HIGHER})

    assert setting.neighbor(ip) == ""
    assert setting.far.of(other).keys() == {"", f"198.51.100.{ip[-2:]}"}
    setting.far.has(mac, ip, HIGHER, 1)
    until(lambda: setting.neighbor(ip) == mac)


@pytest.mark.parametrize("sticky", [True, False], ids=["sticky", "immutable"])
def test_what_does_not_move(setting: Setting, ip: str, sticky: bool) -> None:
    theirs, thief = a_mac(), a_mac()
    flags = None if sticky else IMMUTABLE | (OVERRIDE if ":" in ip else 0)
    setting.far.has(theirs, ip, HIGHER, sticky=sticky, flags=flags)
    setting.far.is_heard()
    setting.says(setting.tap1, thief, ip)

    assert setting.holders(ip) == {}
    assert setting.far.of(thief) == {"": Announced()}
    assert setting.neighbor(ip) == theirs
    assert ("uses an address that does not move", ip, HIGHER) in setting.events(thief)
    assert "evpn WARNING ip is another's and does not move vni=100" in setting.vtep.log()


def test_an_anycast_address_is_not_answered_for(setting: Setting) -> None:
    """Flags that have neither O nor R: the bridge would override (RFC 9047 section 2)."""
    mac, ip = a_mac(), "2001:db8:1::ffff"
    setting.far.has(mac, ip, HIGHER, flags=0)
    setting.far.is_heard()
    assert setting.neighbor(ip) == ""
    assert setting.vtep.remote(mac) == {"bridge", HIGHER}


def news(cable: Cable, mac: str, ip: str) -> list[Frame]:
    """Gratuitous ARP and unsolicited advertisements in the name of a host, as another one hears them."""
    found = []
    for frame in cable.heard():
        packet = ArpPacket.decode(frame.payload) if frame.protocol == ethernet.ARP else None
        message = NdMessage.decode(frame.payload) if frame.protocol == ethernet.IPV6 else None
        own = parse_mac(mac), parse_ip(ip)
        if packet and (packet.sender_mac, packet.sender_ip, packet.target_ip) == (*own, own[1]):
            found.append(frame)
        if message and message.kind == nd.ADVERTISEMENT and (message.mac, message.target) == own:
            found.append(frame)
    return found


def test_the_other_hosts_are_told_of_a_host_that_has_come(setting: Setting, ip: str) -> None:
    """It speaks to one host alone, on its own port; those behind the other port hear of it by us."""
    mac = a_mac()
    setting.far.has(mac, "", HIGHER, 2)
    setting.far.has(mac, ip, HIGHER, 2)
    setting.far.is_heard()
    answer = advertisement(mac, ip, ASKING, ASKING_IP6) if ":" in ip else arp_reply(mac, ip, ASKING, ASKING_IP)
    setting.tap1.say(answer)
    until(lambda: setting.holders(ip) == {mac: 3})

    (frame,) = until(lambda: news(setting.tap2, mac, ip))
    assert frame.source == parse_mac(mac)
    if ":" in ip:
        message = NdMessage.decode(frame.payload)
        assert message and (message.flags, frame.destination) == (nd.OVERRIDE, ethernet.ALL_NODES)
        assert message.destination == IpAddress(parse_ip("ff02::1"))
    else:
        packet = ArpPacket.decode(frame.payload)
        assert packet and (packet.operation, frame.destination) == (arp.REQUEST, ethernet.BROADCAST)
    assert news(setting.tap1, mac, ip) == []
    assert [one for one in setting.underlay.tunnelled() if one.source == parse_mac(mac)] == []


def test_nobody_is_told_of_a_host_that_is_new(setting: Setting, ip: str) -> None:
    mac = a_mac()
    setting.tap1.say(advertisement(mac, ip, ASKING, ASKING_IP6) if ":" in ip else arp_reply(mac, ip, ASKING, ASKING_IP))
    until(lambda: setting.holders(ip) == {mac: 0})
    setting.says(setting.tap1, a_mac(), f"198.51.101.{ip[-2:]}")

    assert news(setting.tap2, mac, ip) == []


def test_an_agent_that_is_killed_leaves_no_trace(setting: Setting) -> None:
    """Its addresses are asked for by the next one, which is told by ExaBGP what they are; real hosts answer."""
    vtep, far, theirs = setting.vtep, setting.far, a_mac()
    ours = {host.mac: {"", host.ip, host.ip6} for host in setting.hosts}
    for host in setting.hosts:
        host.ask("192.0.2.200")
        host.ask("2001:db8:1::200")
    far.has(theirs, "198.51.100.99", HIGHER)
    until(lambda: all(far.of(mac).keys() >= ips for mac, ips in ours.items()))
    until(lambda: setting.neighbor("198.51.100.99") == theirs)
    routes = {mac: far.of(mac) for mac in ours}
    said = len(far.said())
    with (
        setting.fabric.watched(vtep.namespace, "bridge", "monitor", "fdb") as fdb,
        setting.fabric.watched(vtep.namespace, "ip", "monitor", "neigh") as neighbors,
    ):
        os.kill(old := vtep.agent(), signal.SIGKILL)
        until(lambda: (found := vtep.children()) and old not in found and vtep.answers())
        far.says_again()
        until(lambda: {row["state"] for row in vtep.show("neigh", 100) if row["mac"] in ours} == {"announced"})

    assert {mac: far.of(mac) for mac in ours} == routes
    gone = [route for update in far.said()[said:] for route in update.withdrawn if isinstance(route, MacIpRoute)]
    assert [route for route in gone if format_mac(route.mac) in ours] == []
    assert fdb.about("vxlan100") == []
    assert [line for line in neighbors.about("br100") if "extern_learn" in line or "FAILED" in line] == []
    summary = vtep.summary()
    assert (summary["rows-written"], summary["rows-removed"]) == (0, 0)
