"""The writer under load and refusals, the monitor when it is too slow."""

import errno
import select
import socket
import time

import pytest

from evpn.dataplane.entries import AF_BRIDGE, RTM_DELNEIGH, RTM_NEWNEIGH
from evpn.netlink import neighbor
from evpn.netlink.dump import dump_neighbors
from evpn.netlink.events import Overrun
from evpn.netlink.messages import Refusal
from evpn.netlink.neighbor import NeighborMessage
from evpn.netlink.newcomers import HostsSeen
from evpn.netlink.socket import Monitor, Writer
from evpn.values import IpAddress, MacAddress
from tests.namespaces import Namespace

from .conftest import Vtep, until

pytestmark = pytest.mark.kernel

VTEP = IpAddress(bytes((10, 0, 0, 2)))


def mac(number: int) -> MacAddress:
    return MacAddress(b"\x50\x54" + number.to_bytes(4))


def written(vtep: Vtep, numbers: range) -> list[bytes]:
    return [neighbor.remote_mac(number, vtep.device, mac(number), VTEP) for number in numbers]


def test_ten_thousand_macs_in_batches_of_512(vtep: Vtep, writer: Writer) -> None:
    for start in range(0, 10_000, 512):
        assert writer.apply(written(vtep, range(start, min(start + 512, 10_000)))) == []

    rows = dump_neighbors(AF_BRIDGE, ifindex=vtep.device)
    wanted = {mac(number) for number in range(10_000)}
    assert {row.lladdr for row in rows if row.dst == VTEP} == wanted
    assert {row.lladdr for row in rows if row.master == vtep.bridge} >= wanted


@pytest.mark.parametrize("buffer", [4 << 20, 4096], ids=["large buffer", "smallest buffer"])
def test_every_refusal_of_many_is_told(vtep: Vtep, buffer: int) -> None:
    writer = Writer(buffer)
    writer.open()
    messages = [neighbor.delete_bridge_row(number, vtep.device, mac(number)) for number in range(5_000)]

    assert writer.apply(messages) == [Refusal(number, errno.ENOENT) for number in range(5_000)]
    assert writer.apply(written(vtep, range(10))) == []
    writer.close()


def test_a_batch_that_cannot_be_sent_is_refused_as_a_whole(vtep: Vtep, writer: Writer) -> None:
    huge = b"".join(written(vtep, range(5, 50_000)))

    refused = writer.apply([*written(vtep, range(5)), huge])

    assert refused == [Refusal(number, errno.EMSGSIZE) for number in range(5, 50_000)]


def test_nothing_to_write_is_written_without_a_word(writer: Writer) -> None:
    assert writer.apply([]) == []


def test_a_socket_that_is_not_open_says_so() -> None:
    for unopened in (Writer(), Monitor()):
        with pytest.raises(RuntimeError, match="not been opened"):
            unopened.fileno()
        unopened.close()


def test_the_monitor_hears_both_rows_of_a_remote_mac(vtep: Vtep, writer: Writer, monitor: Monitor) -> None:
    writer.apply(written(vtep, range(1)))

    bridge, device = [event for event in monitor.read() if isinstance(event, NeighborMessage)]
    assert (bridge.lladdr, bridge.master, bridge.dst, bridge.port_id) == (mac(0), vtep.bridge, b"", 0)
    assert (device.lladdr, device.master, device.dst, device.port_id) == (mac(0), 0, VTEP, 0)


def heard(monitor: Monitor, port: int, count: int) -> list[HostsSeen]:
    """On that port, until so many were told and nothing waits; nothing else is told of these MACs."""
    found: list[HostsSeen] = []
    deadline = time.monotonic() + 40
    while (events := monitor.read()) or sum(len(seen.macs) for seen in found) < count:
        assert not any(isinstance(event, NeighborMessage) and event.lladdr[:2] == b"\x50\x54" for event in events)
        found += [event for event in events if isinstance(event, HostsSeen) and event.port == port]
        assert time.monotonic() < deadline, found
    return found


def a_frame(number: int) -> bytes:
    return b"\xff" * 6 + mac(number) + bytes(48)


def test_many_hosts_that_come_up_on_a_port_are_heard_of_together(vtep: Vtep, monitor: Monitor) -> None:
    """However many calls and reads that takes."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as host:
        host.bind(("host1", 0))
        until(lambda: host.send(a_frame(1 << 16)) and heard(monitor, vtep.port, 0))  # the port forwards
        for number in range(3_000):
            host.send(a_frame(number))

    found = heard(monitor, vtep.port, 3_000)

    assert [each for seen in found for each in seen.macs] == [mac(number) for number in range(3_000)]
    assert {seen.bridge for seen in found} == {vtep.bridge}


def test_a_row_that_is_not_like_them_is_told_by_itself(vtep: Vtep, monitor: Monitor) -> None:
    vtep.namespace.run("bridge", "fdb", "add", "50:54:00:00:00:01", "dev", "port1", "master", "static")
    vtep.namespace.run("bridge", "fdb", "add", "50:54:00:00:00:02", "dev", "port1", "master", "dynamic", "extern_learn")
    vtep.namespace.run("bridge", "fdb", "del", "50:54:00:00:00:02", "dev", "port1", "master")

    told = [event for event in monitor.read() if isinstance(event, NeighborMessage) and event.ifindex == vtep.port]

    assert [(event.type, event.lladdr[-1]) for event in told if event.lladdr[:2] == b"\x50\x54"] == [
        *((RTM_NEWNEIGH, 1), (RTM_NEWNEIGH, 2), (RTM_DELNEIGH, 2))
    ]


def test_a_limit_leaves_the_rest_for_the_next_time(vtep: Vtep, writer: Writer, monitor: Monitor) -> None:
    monitor.read()
    writer.apply(written(vtep, range(10)))

    assert [len(monitor.read(limit=8)) for _ in range(4)] == [8, 8, 4, 0]
    assert monitor.datagrams >= 20


def test_what_waits_can_be_selected_for(vtep: Vtep, writer: Writer, monitor: Monitor) -> None:
    while monitor.read():
        continue
    assert select.select([monitor], [], [], 0)[0] == []
    writer.apply(written(vtep, range(1)))
    assert select.select([monitor], [], [], 0)[0] == [monitor]


@pytest.fixture
def slow(vtep: Vtep) -> Monitor:
    monitor = Monitor(buffer=64 << 10)
    monitor.open()
    return monitor


def test_lost_notifications_are_told_once_and_the_queue_is_emptied(vtep: Vtep, writer: Writer, slow: Monitor) -> None:
    writer.apply(written(vtep, range(2_000)))

    assert slow.read() == [Overrun()]
    assert slow.read() == []
    assert slow.overruns == 1


def test_after_an_overrun_the_next_change_is_heard(vtep: Vtep, writer: Writer, slow: Monitor) -> None:
    writer.apply(written(vtep, range(2_000)))
    slow.read()

    writer.apply(written(vtep, range(2_000, 2_001)))

    assert [event.lladdr for event in slow.read() if isinstance(event, NeighborMessage)] == [mac(2_000)] * 2


def test_a_second_overrun_is_told_again(vtep: Vtep, writer: Writer, slow: Monitor) -> None:
    for start in (0, 2_000, 4_000):
        writer.apply(written(vtep, range(start, start + 2_000)))
        assert slow.read()[-1] == Overrun()
    assert slow.overruns == 3


def test_what_is_dumped_after_an_overrun_is_everything(vtep: Vtep, writer: Writer, slow: Monitor) -> None:
    writer.apply(written(vtep, range(2_000)))
    assert Overrun() in slow.read()

    known = {row.lladdr for row in dump_neighbors(AF_BRIDGE, ifindex=vtep.device) if row.dst}
    writer.apply(written(vtep, range(2_000, 2_010)))
    known |= {event.lladdr for event in slow.read() if isinstance(event, NeighborMessage) and event.dst}

    assert known == {mac(number) for number in range(2_010)}


def test_a_socket_stays_in_the_namespace_it_was_opened_in(vtep: Vtep, writer: Writer) -> None:
    with Namespace("elsewhere") as elsewhere, elsewhere.entered():
        assert writer.apply(written(vtep, range(1))) == []
        assert dump_neighbors(AF_BRIDGE, ifindex=vtep.device) == []
    assert mac(0) in {row.lladdr for row in dump_neighbors(AF_BRIDGE, ifindex=vtep.device)}
