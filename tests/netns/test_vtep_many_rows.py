"""A whole VTEP with many rows: lost notifications, refusals of the kernel, floods of local MACs."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from evpn.text import format_mac, parse_ip
from evpn.values import MacAddress
from evpn.wire import update
from evpn.wire.routes import MacIpRoute
from tests.builders import a_mac_route, attributes
from tests.interop.cable import Cable, a_frame
from tests.interop.fabric import Fabric, Vtep, address
from tests.interop.frr import until
from tests.interop.raw_peer import END_OF_RIB, UPDATE, RawPeer

pytestmark = pytest.mark.kernel

PEER, FAR, MANY = address(1), address(99), 20_000


class Setting(NamedTuple):
    vtep: Vtep
    peer: RawPeer

    def told(self) -> set[str]:
        """MACs that the peer has from us now."""
        known: set[str] = set()
        for code, body in list(self.peer.said):
            if code == UPDATE:
                one = update.decode(body)
                known -= {format_mac(route.mac) for route in one.withdrawn if isinstance(route, MacIpRoute)}
                known |= {format_mac(route.mac) for route in one.announced if isinstance(route, MacIpRoute)}
        return known

    def settled(self, rows: int) -> bool:
        """All rows are there, as the kernel itself says."""
        return self.vtep.run("bridge", "fdb", "show", "dev", "vxlan100").count(" extern_learn") == rows


@pytest.fixture
def setting() -> Iterator[Setting]:
    with Fabric("rows", frr=False) as fabric:
        vtep = fabric.vtep(11, (PEER,))
        yield Setting(vtep, RawPeer(fabric.node(1), PEER, vtep.address))


def macs(count: int, prefix: str = "021100") -> list[MacAddress]:
    return [MacAddress(bytes.fromhex(prefix) + n.to_bytes(3)) for n in range(count)]


def announce(peer: RawPeer, addresses: list[MacAddress]) -> None:
    for start in range(0, len(addresses), 50):
        routes = [a_mac_route(mac, rd=f"{FAR}:100") for mac in addresses[start : start + 50]]
        peer.update(update.encode_announce(routes, parse_ip(FAR), attributes(local_preference=100)))
    peer.update(END_OF_RIB)


def batch(vtep: Vtep, rows: list[str]) -> None:
    file = vtep.directory / "batch"
    file.write_text("".join(f"{row}\n" for row in rows))
    vtep.run("bridge", "-batch", str(file))


@pytest.mark.parametrize(
    "event",
    [
        "ip link set vxlan100 down; ip link set vxlan100 up",
        "ip link set vxlan100 nomaster; ip link set vxlan100 master br100; bridge link set dev vxlan100 learning off",
        "bridge fdb flush dev vxlan100 master; bridge fdb flush dev vxlan100 self",
        "ip link set br100 down; ip link set br100 up",
    ],
    ids=["device down and up", "out of the bridge and back", "flushed by somebody", "bridge down and up"],
)
def test_twenty_thousand_rows_that_vanish_at_once_are_written_again(setting: Setting, event: str) -> None:
    vtep = setting.vtep
    vtep.start()
    with setting.peer as peer:
        announce(peer, macs(MANY))
        until(lambda: setting.settled(2 * MANY), 60)

        vtep.run("sh", "-c", event)

        until(lambda: setting.settled(2 * MANY), 60)
        until(lambda: not vtep.summary()["rows-pending"])
        assert {row["kernel"] for row in vtep.show("mac")} == {"installed"}
        assert vtep.peers()[PEER]["resets"] == 0


@pytest.mark.parametrize(
    "event",
    [
        "ip link set vxlan100 down; ip link set vxlan100 up",
        "bridge fdb flush dev vxlan100 master; bridge fdb flush dev vxlan100 self",
    ],
    ids=["device down and up", "flushed by somebody"],
)
def test_rows_that_vanish_while_others_are_written_and_nothing_is_heard(setting: Setting, event: str) -> None:
    vtep = setting.vtep
    vtep.start()
    with setting.peer as peer:
        announce(peer, macs(MANY))
        until(lambda: vtep.summary()["rows-written"] > MANY // 4)

        vtep.run("sh", "-c", event)

        until(lambda: setting.settled(2 * MANY), 60)
        assert vtep.peers()[PEER]["resets"] == 0


def test_hosts_that_speak_while_their_remote_routes_are_written_are_where_the_bridge_has_them() -> None:
    """Who came last is not known from what is heard: the row that was told of may have been written over meanwhile."""
    with Fabric("rows", frr=False) as fabric:
        vtep = fabric.vtep(11, (PEER,), vnis=[{"vni": 100, "ports": ["tap1"]}])
        host, speaking = fabric.host(vtep, 1), [format_mac(mac) for mac in macs(MANY)[::100]]
        vtep.start()

        def disagreed() -> list[str]:
            local = {mac for mac, row in vtep.macs().items() if row["type"] == "local"}
            at_home = vtep.run("bridge", "fdb", "show", "dev", "tap1")
            return [mac for mac in speaking if (mac in local) != (mac in at_home)]

        with RawPeer(fabric.node(1), PEER, vtep.address) as peer, Cable(host.namespace) as cable:
            announce(peer, macs(MANY))
            for mac in speaking:
                cable.say(a_frame(mac))
            until(lambda: len(vtep.macs()) == MANY and not vtep.summary()["rows-pending"], 60)
            until(lambda: not disagreed())
            assert vtep.evpn("diff", "--exit-code", config=True).strip()


def test_rows_that_the_kernel_refuses_are_tried_again_behind_the_others(setting: Setting) -> None:
    vtep = setting.vtep
    vtep.run("ip", "link", "add", "br100", "up", "type", "bridge")
    kind = ["type", "vxlan", "id", "100", "local", "10.0.0.11", "dstport", "4789", "nolearning", "maxaddress", "10"]
    vtep.run("ip", "link", "add", "vxlan100", "up", "master", "br100", *kind)
    vtep.start()
    with setting.peer as peer:
        wanted = macs(30)
        announce(peer, wanted)
        until(lambda: vtep.summary()["rows-refused"] >= 20)
        states = [row["kernel"] for row in vtep.show("mac")]
        assert (states.count("installed"), states.count("refused: ENOSPC (No space left on device)")) == (10, 20)

        gone = [mac for mac in wanted if vtep.macs()[format_mac(mac)]["kernel"] == "installed"]
        peer.update(update.encode_withdraw([a_mac_route(mac, rd=f"{FAR}:100") for mac in gone]))

        until(lambda: vtep.summary()["remote-macs"] == 20)
        until(lambda: [row["kernel"] for row in vtep.show("mac")].count("installed") == 10)


def test_five_thousand_local_macs_are_announced_and_withdrawn(setting: Setting) -> None:
    vtep = setting.vtep
    vtep.start()
    vtep.run("ip", "link", "add", "tap0", "up", "master", "br100", "type", "veth", "peer", "other")
    names = {format_mac(mac) for mac in macs(5000)}
    with setting.peer as peer:
        peer.update(END_OF_RIB)
        batch(vtep, [f"fdb add {name} dev tap0 master static" for name in names])
        until(lambda: setting.told() == names)
        assert vtep.summary()["announced"] == 5001

        vtep.run("ip", "link", "del", "tap0")
        until(lambda: setting.told() == set())
        assert vtep.summary()["local-macs"] == 0


def test_a_flood_of_macs_on_a_port_stops_at_the_limit(setting: Setting) -> None:
    vtep = setting.vtep
    vtep.configure(vnis=[{"vni": 100, "max-macs": 100}])
    vtep.start()
    vtep.run("ip", "link", "add", "tap0", "up", "master", "br100", "type", "veth", "peer", "other")
    names = [format_mac(mac) for mac in macs(3000)]
    with setting.peer as peer:
        peer.update(END_OF_RIB)
        batch(vtep, [f"fdb add {name} dev tap0 master static" for name in names])
        until(lambda: len(setting.told()) == 100)
        announce(peer, macs(10, "021200"))
        until(lambda: vtep.summary()["remote-macs"] == 10 and not vtep.summary()["rows-pending"])
        assert len(setting.told()) == vtep.summary()["local-macs"] == 100


def test_routes_flap_while_the_device_does(setting: Setting) -> None:
    """Whatever the order, the last word holds."""
    vtep = setting.vtep
    vtep.start()
    here, there = macs(500), macs(500, "021300")
    with setting.peer as peer:
        for round_ in range(6):
            announce(peer, here + there)
            vtep.run("ip", "link", "set", "vxlan100" if round_ % 2 else "br100", "down")
            peer.update(update.encode_withdraw([a_mac_route(mac, rd=f"{FAR}:100") for mac in there[:100]]))
            for start in range(100, 500, 100):
                part = there[start : start + 100]
                peer.update(update.encode_withdraw([a_mac_route(mac, rd=f"{FAR}:100") for mac in part]))
            vtep.run("ip", "link", "set", "vxlan100" if round_ % 2 else "br100", "up")
        until(lambda: vtep.summary()["remote-macs"] == 500 and not vtep.summary()["rows-pending"])
        until(lambda: setting.settled(1000))
        found = {row["mac"] for row in vtep.fdb() if "extern_learn" in row["flags"]}
        assert found == {format_mac(mac) for mac in here}
