"""What the kernel notifies while devices and neighbours come and go."""

import socket

import pytest

from evpn.dataplane.entries import NUD_FAILED, NUD_STALE, RTM_DELNEIGH, RTM_GETNEIGH
from evpn.dataplane.link import Link
from evpn.netlink import neighbor
from evpn.netlink.constants import AF_INET, AF_INET6
from evpn.netlink.dump import dump_links
from evpn.netlink.events import AddressChanged, Event, LinkChanged, LinkRemoved, PortChanged, PortLeft, with_port
from evpn.netlink.neighbor import NeighborMessage
from evpn.netlink.socket import Monitor, Writer
from evpn.values import IpAddress, MacAddress

from .conftest import Vtep, rows_of, until

pytestmark = pytest.mark.kernel

MAC = MacAddress(bytes.fromhex("505433000001"))
VTEP = IpAddress(bytes((10, 0, 0, 2)))
HOST = IpAddress(bytes((192, 0, 2, 2)))


def ip(vtep: Vtep, line: str) -> None:
    vtep.namespace.run("ip", *line.split())


def after(vtep: Vtep, monitor: Monitor, line: str) -> list[Event]:
    """The events of one `ip` command."""
    while monitor.read():
        continue
    ip(vtep, line)
    return monitor.read()


def last(events: list[Event], name: str) -> Link:
    return [event.link for event in events if isinstance(event, LinkChanged) and event.link.name == name][-1]


def test_a_new_device(vtep: Vtep, monitor: Monitor) -> None:
    events = after(vtep, monitor, "link add vx200 type vxlan id 200 local 10.0.0.9 dstport 4789 nolearning")

    link = last(events, "vx200")
    assert (link.kind, link.vni, link.local, link.up, link.master) == ("vxlan", 200, bytes((10, 0, 0, 9)), False, 0)


def test_a_device_going_down_and_up(vtep: Vtep, monitor: Monitor) -> None:
    down = last(after(vtep, monitor, "link set vx100 down"), "vx100")
    assert (down.up, down.running) == (False, False)

    up = last(after(vtep, monitor, "link set vx100 up"), "vx100")
    assert (up.up, up.running) == (True, True)


def test_a_bridge_tells_after_how_many_seconds_a_silent_host_is_forgotten(vtep: Vtep, monitor: Monitor) -> None:
    assert last(after(vtep, monitor, "link set br100 type bridge ageing_time 4250"), "br100").ageing == 42.5
    assert last(after(vtep, monitor, "link set br100 type bridge ageing_time 0"), "br100").ageing == 0.0


def test_a_device_going_down_takes_its_remote_macs(vtep: Vtep, writer: Writer, monitor: Monitor) -> None:
    writer.apply([neighbor.remote_mac(0, vtep.device, MAC, VTEP)])

    rows = rows_of(after(vtep, monitor, "link set vx100 down"))
    assert [(row.type, row.lladdr, row.dst) for row in rows if row.lladdr == MAC] == [(RTM_DELNEIGH, MAC, VTEP)]


def test_a_port_that_left_is_still_a_device(vtep: Vtep, monitor: Monitor) -> None:
    events = after(vtep, monitor, "link set vx100 nomaster")

    assert PortLeft(vtep.device, vtep.bridge) in events
    assert not [event for event in events if isinstance(event, LinkRemoved)]
    assert last(events, "vx100").master == 0


def test_a_port_that_joined(vtep: Vtep, monitor: Monitor) -> None:
    ip(vtep, "link set vx100 nomaster")
    events = after(vtep, monitor, "link set vx100 master br100")

    link = last(events, "vx100")
    assert (link.master, link.port_learning, link.neighbor_suppression) == (vtep.bridge, True, False)
    assert any(isinstance(event, PortChanged) and event.master == vtep.bridge for event in events)


def test_the_bridge_command_changes_a_port_in_the_bridges_words_only(vtep: Vtep, monitor: Monitor) -> None:
    monitor.read()
    vtep.namespace.run("bridge", "link", "set", "dev", "vx100", "learning", "off", "neigh_suppress", "on")

    changes = [event for event in monitor.read() if not isinstance(event, NeighborMessage)]
    assert changes[-1] == PortChanged(vtep.device, vtep.bridge, False, True)
    assert not [event for event in changes if isinstance(event, LinkChanged)]


def test_a_removed_port_leaves_and_is_removed(vtep: Vtep, monitor: Monitor) -> None:
    events = after(vtep, monitor, "link del vx100")

    assert PortLeft(vtep.device, vtep.bridge) in events
    assert events.index(PortLeft(vtep.device, vtep.bridge)) < events.index(LinkRemoved(vtep.device, "vx100"))


def test_links_kept_by_events_are_the_links_of_a_dump(vtep: Vtep, monitor: Monitor) -> None:
    links = {link.ifindex: link for link in dump_links()}
    for line in (
        "link set vx100 nomaster",
        "link add br200 type bridge",
        "link set vx100 master br200",
        "link set br200 up",
        "link set br200 type bridge ageing_time 1000",
        "link set port1 down",
        "link set port1 nomaster",
        "link set vx6 mtu 1300",
        "link set vx6 name vxlan6",
        "link set vxlan6 type bridge_slave learning off neigh_suppress on",
        "link set vx100 type vxlan learning",
        "link del host1",
        "link del br100",
    ):
        ip(vtep, line)
    vtep.namespace.run("bridge", "link", "set", "dev", "vx100", "neigh_suppress", "on")

    def follow() -> bool:
        while events := monitor.read():
            for event in events:
                _follow(links, event)
        return links == {link.ifindex: link for link in dump_links()}

    assert until(follow)


def _follow(links: dict[int, Link], event: Event) -> None:
    if isinstance(event, LinkChanged):
        links[event.link.ifindex] = event.link
    elif isinstance(event, LinkRemoved):
        links.pop(event.ifindex, None)
    elif isinstance(event, PortChanged | PortLeft) and event.ifindex in links:
        links[event.ifindex] = with_port(links[event.ifindex], event)


@pytest.mark.parametrize("address, length", [("10.9.9.9", 32), ("2001:db8::99", 128)])
def test_an_address_comes_and_goes(vtep: Vtep, monitor: Monitor, address: str, length: int) -> None:
    packed = IpAddress(socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address))
    nodad = " nodad" if ":" in address else ""
    came = after(vtep, monitor, f"address add {address}/{length} dev port1{nodad}")
    assert AddressChanged(vtep.port, packed, True) in came

    went = after(vtep, monitor, f"address del {address}/{length} dev port1")
    assert AddressChanged(vtep.port, packed, False) in went


def test_a_deleted_neighbor_fails_first_and_names_who_asked(vtep: Vtep, writer: Writer, monitor: Monitor) -> None:
    writer.apply([neighbor.neighbor(0, vtep.bridge, HOST, MAC)])
    (made,) = [event for event in monitor.read() if isinstance(event, NeighborMessage) and event.dst == HOST]
    assert made.port_id != 0
    assert made.protocol == 186

    writer.apply([neighbor.delete_neighbor(0, vtep.bridge, HOST)])

    gone = [event for event in monitor.read() if isinstance(event, NeighborMessage) and event.dst == HOST]
    assert [(event.type == RTM_DELNEIGH, event.state & NUD_FAILED, event.port_id) for event in gone] == [
        (False, NUD_FAILED, made.port_id),
        (True, NUD_FAILED, 0),
    ]


def test_a_frame_takes_a_mac_to_a_local_port(vtep: Vtep, writer: Writer, monitor: Monitor) -> None:
    writer.apply([neighbor.remote_mac(0, vtep.device, MAC, VTEP)])
    while monitor.read():
        continue
    send(vtep, bytes.fromhex("ffffffffffff") + MAC + b"\x88\xb5" + bytes(46))

    (moved,) = rows_of(monitor.read())
    assert (moved.type != RTM_DELNEIGH, moved.ifindex, moved.lladdr, moved.flags) == (True, vtep.port, MAC, 0)


@pytest.fixture
def asking(vtep: Vtep) -> None:
    """The VXLAN device answers ARP itself, and tells what it does not know."""
    for line in (
        "link del vx100",
        "link add vx100 type vxlan id 100 local 10.0.0.1 dstport 4789 nolearning proxy l2miss l3miss",
        "link set vx100 master br100 up",
    ):
        ip(vtep, line)


def test_an_unknown_mac_is_a_miss(vtep: Vtep, asking: None, monitor: Monitor) -> None:
    monitor.read()
    send(vtep, MAC + bytes.fromhex("020000000099") + b"\x88\xb5" + bytes(46))

    (miss,) = misses(monitor)
    assert (miss.family, miss.lladdr, miss.dst, miss.state) == (AF_INET, MAC, b"", NUD_STALE)


def test_an_unknown_address_is_a_miss(vtep: Vtep, asking: None, monitor: Monitor) -> None:
    monitor.read()
    request = bytes.fromhex("0001080006040001020000000099") + bytes((192, 0, 2, 1)) + bytes(6) + HOST
    send(vtep, bytes.fromhex("ffffffffffff020000000099") + b"\x08\x06" + request + bytes(18))

    (miss,) = misses(monitor)
    assert (miss.family, miss.lladdr, miss.dst, miss.state) == (AF_INET, b"", HOST, NUD_STALE)


def misses(monitor: Monitor) -> list[NeighborMessage]:
    def asked() -> list[NeighborMessage]:
        return [event for event in monitor.read() if isinstance(event, NeighborMessage) and event.type == RTM_GETNEIGH]

    found = until(asked)
    return [miss for miss in found if miss.family != AF_INET6 and miss.lladdr[:1] != b"\x33"]


def send(vtep: Vtep, frame: bytes) -> None:
    """From the host behind the local port."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as host:
        host.bind(("host1", 0))
        host.send(frame)
