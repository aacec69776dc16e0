"""What a monitor hears that does not care for the echoes of our own writes."""

import socket

import pytest

from evpn.dataplane.entries import RTM_DELNEIGH, RTM_NEWNEIGH
from evpn.netlink import neighbor
from evpn.netlink.events import AddressChanged, LinkChanged
from evpn.netlink.neighbor import NeighborMessage
from evpn.netlink.socket import Monitor, Writer
from evpn.values import ZERO_MAC, IpAddress, MacAddress

from .conftest import Vtep, rows_of

pytestmark = pytest.mark.kernel

MAC = MacAddress(bytes.fromhex("505433000001"))
VTEP = IpAddress(bytes((10, 0, 0, 2)))
HOST, HOST6 = IpAddress(bytes((192, 0, 2, 2))), IpAddress(bytes.fromhex("20010db8000000000000000000000022"))


def heard(monitor: Monitor) -> list[tuple[int, bytes]]:
    """Type and destination of the rows of the MAC, of flood rows and of neighbours that are no more."""
    events = monitor.read()
    return [
        (row.type, row.dst) for row in events if isinstance(row, NeighborMessage) and row.lladdr in (MAC, ZERO_MAC, b"")
    ]


@pytest.fixture
def deaf(writer: Writer, monitor: Monitor) -> Monitor:
    """Deaf to our neighbours and to marked rows."""
    monitor.ignore(writer.port_id, additions=False, deletions=False)
    while monitor.read():
        continue
    return monitor


def test_our_neighbors_are_not_heard_but_those_of_others_are(vtep: Vtep, writer: Writer, monitor: Monitor) -> None:
    monitor.ignore(writer.port_id)
    other = Writer()
    other.open()

    writer.apply([neighbor.neighbor(number, vtep.bridge, ip, MAC) for number, ip in enumerate((HOST, HOST6))])
    assert heard(monitor) == []
    other.apply([neighbor.delete_neighbor(0, vtep.bridge, HOST), neighbor.neighbor(1, vtep.bridge, HOST, MAC)])
    assert heard(monitor) == [(RTM_NEWNEIGH, HOST), (RTM_DELNEIGH, HOST), (RTM_NEWNEIGH, HOST)]
    other.close()


def test_marked_rows_are_heard_unless_asked_otherwise(vtep: Vtep, writer: Writer, monitor: Monitor) -> None:
    monitor.ignore(writer.port_id)
    writer.apply([neighbor.remote_mac(0, vtep.device, MAC, VTEP)])

    assert heard(monitor) == [(RTM_NEWNEIGH, b""), (RTM_NEWNEIGH, VTEP)]


def test_marked_rows_are_heard_neither_coming_nor_going(vtep: Vtep, writer: Writer, deaf: Monitor) -> None:
    writer.apply([neighbor.remote_mac(0, vtep.device, MAC, VTEP), neighbor.flood(1, vtep.device, VTEP)])
    assert heard(deaf) == []

    writer.apply(
        [neighbor.delete_tunnel_row(0, vtep.device, MAC, VTEP), neighbor.delete_bridge_row(1, vtep.device, MAC)]
    )
    assert heard(deaf) == []


def test_our_neighbors_are_heard_neither_coming_nor_going(vtep: Vtep, writer: Writer, deaf: Monitor) -> None:
    writer.apply([neighbor.neighbor(number, vtep.bridge, ip, MAC) for number, ip in enumerate((HOST, HOST6))])
    writer.apply([neighbor.delete_neighbor(number, vtep.bridge, ip) for number, ip in enumerate((HOST, HOST6))])

    assert heard(deaf) == []


def test_the_end_of_a_neighbor_that_is_not_ours_is_heard(vtep: Vtep, deaf: Monitor) -> None:
    for verb in ("add", "del"):
        vtep.namespace.run("ip", "neigh", verb, "192.0.2.2", "lladdr", MAC.hex(":"), "dev", "br100")

    assert [kind for kind, _ in heard(deaf)] == [RTM_NEWNEIGH, RTM_NEWNEIGH, RTM_DELNEIGH]


def test_the_end_of_a_row_without_the_mark_is_heard(vtep: Vtep, deaf: Monitor) -> None:
    for verb in ("add", "del"):
        vtep.namespace.run("bridge", "fdb", verb, MAC.hex(":"), "dev", "vx100", "self", "dst", "10.0.0.2")

    assert [kind for kind, _ in heard(deaf)] == [RTM_NEWNEIGH, RTM_DELNEIGH]


def test_a_row_of_somebody_else_without_the_mark_is_heard(vtep: Vtep, deaf: Monitor) -> None:
    vtep.namespace.run("bridge", "fdb", "add", MAC.hex(":"), "dev", "vx100", "self", "dst", "10.0.0.2")

    assert heard(deaf) == [(RTM_NEWNEIGH, VTEP)]


def test_a_local_host_taking_over_a_row_is_heard(vtep: Vtep, writer: Writer, deaf: Monitor) -> None:
    writer.apply([neighbor.remote_mac(0, vtep.device, MAC, VTEP)])
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as host:
        host.bind(("host1", 0))
        host.send(bytes.fromhex("ffffffffffff") + MAC + b"\x88\xb5" + bytes(46))

    (moved,) = rows_of(deaf.read())
    assert (moved.ifindex, moved.lladdr) == (vtep.port, MAC)


def test_deletions_are_heard_while_only_what_comes_is_not(vtep: Vtep, writer: Writer, deaf: Monitor) -> None:
    deaf.ignore(writer.port_id, additions=False)
    writer.apply([neighbor.remote_mac(0, vtep.device, MAC, VTEP), neighbor.neighbor(1, vtep.bridge, HOST, MAC)])
    assert heard(deaf) == []

    writer.apply(
        [neighbor.delete_tunnel_row(0, vtep.device, MAC, VTEP), neighbor.delete_neighbor(1, vtep.bridge, HOST)]
    )
    assert [kind for kind, _ in heard(deaf)] == [RTM_DELNEIGH, RTM_DELNEIGH]


def test_additions_are_heard_while_only_what_goes_is_not(vtep: Vtep, writer: Writer, deaf: Monitor) -> None:
    deaf.ignore(writer.port_id, deletions=False)
    writer.apply([neighbor.remote_mac(0, vtep.device, MAC, VTEP), neighbor.neighbor(1, vtep.bridge, HOST, MAC)])
    assert heard(deaf) == [(RTM_NEWNEIGH, b""), (RTM_NEWNEIGH, VTEP)]

    writer.apply(
        [neighbor.delete_tunnel_row(0, vtep.device, MAC, VTEP), neighbor.delete_bridge_row(1, vtep.device, MAC)]
    )
    assert heard(deaf) == []


def of_bridge_and_underlay(vtep: Vtep, monitor: Monitor) -> list[tuple[int, int]]:
    """Type and device of what is told when a neighbor comes and goes on the bridge, and on another device."""
    while monitor.read():
        continue
    for device in ("br100", "host1"):
        for verb in ("add", "del"):
            for ip in ("192.0.2.2", "2001:db8::22"):
                vtep.namespace.run("ip", "neigh", verb, ip, "lladdr", MAC.hex(":"), "dev", device)
    return [(row.type, row.ifindex) for row in rows_of(monitor.read())]


@pytest.mark.parametrize("others", [0, 1, 300, 1023])
def test_neighbors_of_devices_that_are_not_ours_are_not_heard(
    vtep: Vtep, writer: Writer, monitor: Monitor, others: int
) -> None:
    """Nor those of a bridge that is ours no longer; however many are."""
    vtep.namespace.run("ip", "link", "set", "host1", "up")
    monitor.ignore(writer.port_id)
    both = of_bridge_and_underlay(vtep, monitor)
    ours = [(kind, device) for kind, device in both if device == vtep.bridge]
    assert len(both) > len(ours) > 0

    monitor.ignore(writer.port_id, devices={vtep.bridge, *range(5_000, 5_000 + others)})
    assert of_bridge_and_underlay(vtep, monitor) == ours

    monitor.ignore(writer.port_id, devices=set(range(5_000, 5_000 + others)))
    assert of_bridge_and_underlay(vtep, monitor) == []


def test_of_more_devices_than_fit_into_a_filter_all_are_heard(vtep: Vtep, writer: Writer, monitor: Monitor) -> None:
    vtep.namespace.run("ip", "link", "set", "host1", "up")
    monitor.ignore(writer.port_id, devices=set(range(5_000, 7_000)))

    assert len({device for _, device in of_bridge_and_underlay(vtep, monitor)}) == 2


def test_where_a_filter_may_not_take_so_much_memory_all_are_heard(vtep: Vtep, writer: Writer, monitor: Monitor) -> None:
    vtep.namespace.run("ip", "link", "set", "host1", "up")
    vtep.namespace.run("sysctl", "-qw", "net.core.optmem_max=10240")

    for count in (300, 400, 1000):
        monitor.ignore(writer.port_id, devices=set(range(5_000, 5_000 + count)))
        if count == 300:
            assert of_bridge_and_underlay(vtep, monitor) == []

    assert len({device for _, device in of_bridge_and_underlay(vtep, monitor)}) == 2


def test_what_is_no_neighbor_is_heard_whatever_its_device(vtep: Vtep, writer: Writer, monitor: Monitor) -> None:
    monitor.ignore(writer.port_id, devices=())
    writer.apply([neighbor.remote_mac(0, vtep.device, MAC, VTEP)])
    vtep.namespace.run("ip", "link", "set", "port1", "mtu", "1400")
    vtep.namespace.run("ip", "address", "add", "192.0.2.1/24", "dev", "host1")

    told = monitor.read()

    assert len(rows_of(told)) == 2
    assert {LinkChanged, AddressChanged} <= {type(event) for event in told}


def test_an_echo_on_a_device_of_ours_is_not_heard(vtep: Vtep, writer: Writer, monitor: Monitor) -> None:
    monitor.ignore(writer.port_id, devices={vtep.bridge})

    writer.apply([neighbor.neighbor(number, vtep.bridge, ip, MAC) for number, ip in enumerate((HOST, HOST6))])

    assert heard(monitor) == []


def test_links_are_heard(vtep: Vtep, deaf: Monitor) -> None:
    vtep.namespace.run("ip", "link", "set", "port1", "mtu", "1400")

    assert any(isinstance(event, LinkChanged) and event.link.mtu == 1400 for event in deaf.read())


def test_hearing_comes_back(vtep: Vtep, writer: Writer, deaf: Monitor) -> None:
    deaf.ignore(writer.port_id)
    writer.apply([neighbor.remote_mac(0, vtep.device, MAC, VTEP)])

    assert len(heard(deaf)) == 2
