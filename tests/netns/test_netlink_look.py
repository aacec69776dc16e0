"""A look by the column, and questions for single rows, against a real kernel."""

from collections.abc import Callable

import pytest

from evpn.dataplane.comparison import Comparison, Found, observe_all
from evpn.dataplane.entries import Kind
from evpn.dataplane.segment import Attachment, Segment
from evpn.netlink import neighbor
from evpn.netlink.columns import Place
from evpn.netlink.dump import ask, dump_bridge_domain, read_link
from evpn.netlink.look import look
from evpn.netlink.socket import Writer
from evpn.values import IpAddress, MacAddress, Vni
from tests.netns.conftest import Vtep

pytestmark = pytest.mark.kernel

ROWS = 3000
VTEPS = [IpAddress(bytes((10, 0, 0, last))) for last in (2, 3)]
VTEPS6 = [IpAddress(bytes.fromhex("20010db8") + bytes((*[0] * 11, last))) for last in (2, 3)]
HOST = MacAddress(bytes.fromhex("505433000009"))
MACS = [MacAddress(b"\x02\x01" + number.to_bytes(4)) for number in range(ROWS)]
IPS = [IpAddress(b"\xc0\x00" + number.to_bytes(2)) for number in range(ROWS)]
IPS6 = [IpAddress(bytes.fromhex("fd00") + bytes(10) + number.to_bytes(4)) for number in range(ROWS)]


def many(vtep: Vtep, device: int, vteps: list[IpAddress]) -> list[bytes]:
    """Ours by the thousand, and some of every other kind among them."""
    found = []
    for number, mac in enumerate(MACS):
        write = neighbor.sticky_mac if number % 1000 == 500 else neighbor.remote_mac
        found.append(write(number, device, mac, vteps[number % 2], router=number % 1000 == 700))
        ip = IPS[number] if number % 2 else IPS6[number]
        found.append(neighbor.neighbor(number, vtep.bridge, ip, mac, router=number % 1000 == 1))
    found += [
        neighbor.delete_tunnel_row(0, device, MACS[10], vteps[0]),
        neighbor.delete_bridge_row(0, device, MACS[20]),
    ]
    found += [neighbor.taught_mac(0, device, MacAddress(b"\x02\x02" + bytes(4)), vteps[0])]
    return [*found, *(neighbor.flood(0, device, address) for address in vteps), neighbor.host(0, vtep.port, HOST)]


def segment_of(device: str, bridge: str = "br100") -> Segment:
    segment = Segment(Vni(100))
    segment.attachment = Attachment(*(link for name in (device, bridge) if (link := read_link(name))))
    return segment


def everything(segment: Segment) -> tuple[object, ...]:
    tables = tuple(segment.table(kind).actual for kind in (Kind.FLOOD, Kind.HOST, Kind.MAC, Kind.NEIGHBOR))
    return (*tables, segment.own, segment.foreign, segment.foreign_bridge, segment.foreign_hosts)


def looked(place: Place) -> Found:
    return look([place])[Vni(100)]


def looked_at_all(place: Place) -> Found:
    return look([place, *(Place(Vni(vni), -vni, -vni, -vni) for vni in range(200, 210))])[Vni(100)]


@pytest.mark.parametrize("way", [looked, looked_at_all])
@pytest.mark.parametrize(("name", "vteps"), [("vx100", VTEPS), ("vx6", VTEPS6)])
def test_a_look_finds_what_a_dump_row_by_row_does(
    vtep: Vtep, writer: Writer, way: Callable[[Place], Found], name: str, vteps: list[IpAddress]
) -> None:
    device = vtep.device if name == "vx100" else vtep.device6
    assert writer.apply(many(vtep, device, vteps)) == []
    by_row, by_column = segment_of(name), segment_of(name)

    found = way(Place(Vni(100), device, vtep.bridge, vtep.bridge))
    comparison = Comparison(by_column, found)
    for _ in comparison.steps(tuple):
        pass
    comparison.finish()

    assert comparison.local == observe_all(by_row, *dump_bridge_domain(vtep.bridge))
    assert comparison.local == {HOST: (vtep.port, True)}
    assert everything(by_column) == everything(by_row)
    assert len(by_row.macs.actual) == ROWS + 1
    assert len(found.macs) > ROWS / 2, "most of it is read by the column"
    assert len(found.bound) > ROWS / 2


def test_rows_are_asked_for_by_their_keys(vtep: Vtep, writer: Writer) -> None:
    writer.apply(
        [neighbor.remote_mac(0, vtep.device, mac, VTEPS[0]) for mac in MACS[:300]]
        + [neighbor.neighbor(0, vtep.bridge, ip, MACS[0]) for ip in (IPS[1], IPS6[1])]
        + [neighbor.host(0, vtep.port, HOST)]
    )
    absent = MacAddress(bytes.fromhex("505433000077"))
    asked = [*MACS[:300], HOST, absent]

    rows = ask(
        [neighbor.get_bridge_row(vtep.device, mac) for mac in asked]
        + [neighbor.get_tunnel_row(vtep.device, mac) for mac in asked]
        + [neighbor.get_neighbor(vtep.bridge, ip) for ip in (IPS[1], IPS[2], IPS6[1])]
    )

    fdb, neighbors = dump_bridge_domain(vtep.bridge)
    known = {(row.lladdr, row.ifindex, row.dst, row.state, row.flags) for row in [*fdb, *neighbors]}
    assert {(row.lladdr, row.ifindex, row.dst, row.state, row.flags) for row in rows} <= known
    assert [row.lladdr for row in rows] == [*MACS[:300], HOST, *MACS[:300], MACS[0], MACS[0]]


def test_to_ask_for_a_row_of_no_device_is_to_get_none(vtep: Vtep) -> None:
    assert ask([neighbor.get_tunnel_row(9999, HOST), neighbor.get_bridge_row(9999, HOST)]) == []
    assert ask([]) == []
