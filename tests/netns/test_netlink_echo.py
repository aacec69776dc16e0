"""What a monitor hears that does not care for the echoes of our own writes."""

import socket

import pytest

from evpn.netlink import neighbor
from evpn.netlink.constants import RTM_DELNEIGH, RTM_NEWNEIGH
from evpn.netlink.events import LinkChanged
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


def test_links_are_heard(vtep: Vtep, deaf: Monitor) -> None:
    vtep.namespace.run("ip", "link", "set", "port1", "mtu", "1400")

    assert any(isinstance(event, LinkChanged) and event.link.mtu == 1400 for event in deaf.read())


def test_hearing_comes_back(vtep: Vtep, writer: Writer, deaf: Monitor) -> None:
    deaf.ignore(writer.port_id)
    writer.apply([neighbor.remote_mac(0, vtep.device, MAC, VTEP)])

    assert len(heard(deaf)) == 2
