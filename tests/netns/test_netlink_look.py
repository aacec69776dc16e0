"""A look by the column, and questions for single rows, against a real kernel."""

from collections.abc import Callable, Iterable
from contextlib import suppress

import pytest

from evpn.dataplane.comparison import Comparison, Found, Question, Sample, observe_all
from evpn.dataplane.entries import Kind, mac_row
from evpn.dataplane.segment import Attachment, Segment
from evpn.netlink import neighbor
from evpn.netlink.columns import Place
from evpn.netlink.dump import ask, dump_bridge_domain, read_link
from evpn.netlink.look import Domain, Looker, Reach
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


def everybody(vtep: Vtep, name: str) -> Domain:
    """With both VXLAN devices in the bridge, each is a port like another one to the other."""
    device, other = (vtep.device, vtep.device6) if name == "vx100" else (vtep.device6, vtep.device)
    return Domain(Place(Vni(100), device, vtep.bridge, vtep.bridge), (vtep.port, other))


def dumped(domain: Domain) -> Found:
    return Looker().look([domain])[Vni(100)]


def dumped_of_all(domain: Domain) -> Found:
    others = [Domain(Place(Vni(vni), -vni, -vni, -vni)) for vni in range(200, 210)]
    return Looker().look([domain, *others])[Vni(100)]


def compared(segment: Segment, domain: Domain, found: Found) -> Comparison:
    """What it asks for, the kernel is asked for."""
    looker, comparison = Looker(), Comparison(segment, found)
    steps, answer = comparison.steps(tuple), None
    with suppress(StopIteration):
        while True:
            question = steps.send(answer)
            answer = looker.answer(domain.place, question)[Vni(100)] if question else None
    comparison.finish()
    return comparison


@pytest.mark.parametrize("way", [dumped, dumped_of_all])
@pytest.mark.parametrize(("name", "vteps"), [("vx100", VTEPS), ("vx6", VTEPS6)])
def test_a_look_finds_what_a_dump_row_by_row_does(
    vtep: Vtep, writer: Writer, way: Callable[[Domain], Found], name: str, vteps: list[IpAddress]
) -> None:
    domain = everybody(vtep, name)
    assert writer.apply(many(vtep, domain.place.device, vteps)) == []
    by_row, by_column = segment_of(name), segment_of(name)

    found = way(domain)
    comparison = compared(by_column, domain, found)

    assert comparison.local == observe_all(by_row, *dump_bridge_domain(vtep.bridge))
    assert comparison.local == {HOST: (vtep.port, True)}
    assert everything(by_column) == everything(by_row)
    assert len(by_row.macs.actual) == ROWS + 1
    assert len(found.macs) > ROWS / 2, "most of it is read by the column"
    assert len(found.bound) > ROWS / 2


@pytest.mark.parametrize(("name", "vteps"), [("vx100", VTEPS), ("vx6", VTEPS6)])
def test_of_very_many_rows_a_first_look_does_not_dump_those_of_the_vxlan_device(
    vtep: Vtep, writer: Writer, name: str, vteps: list[IpAddress]
) -> None:
    """All but flood rows: a row that the device alone has is known by its neighbor."""
    domain = everybody(vtep, name)
    writer.apply(many(vtep, domain.place.device, vteps))
    by_row, by_column = segment_of(name), segment_of(name)

    found = Looker(ROWS // 10).look([domain])[Vni(100)]
    comparison = compared(by_column, domain, found)

    assert comparison.local == observe_all(by_row, *dump_bridge_domain(vtep.bridge))
    assert by_column.flood.actual == {}
    assert by_row.macs.actual[MACS[20]] == mac_row(vteps[0], bridge=False)
    by_row.flood.actual.clear()
    assert everything(by_column) == everything(by_row)
    assert len(found.macs) > ROWS / 2
    assert Looker(10, 20).look([domain])[Vni(100)].macs == {}, "where they are too many, of the bridge neither"


@pytest.mark.parametrize(("name", "vteps"), [("vx100", VTEPS), ("vx6", VTEPS6)])
def test_rows_that_are_believed_are_asked_for_and_strangers_are_looked_for(
    vtep: Vtep, writer: Writer, name: str, vteps: list[IpAddress]
) -> None:
    domain = everybody(vtep, name)
    device = domain.place.device
    writer.apply(many(vtep, device, vteps))
    segment, by_row = segment_of(name), segment_of(name)
    observe_all(segment, *dump_bridge_domain(vtep.bridge))
    stranger = MacAddress(bytes.fromhex("020300000001"))
    changed = [
        neighbor.delete_tunnel_row(0, device, MACS[30], vteps[0]),
        neighbor.delete_bridge_row(0, device, MACS[31]),
        neighbor.remote_mac(0, device, MACS[32], vteps[1]),
        neighbor.host(0, vtep.port, MACS[33]),
        neighbor.delete_neighbor(0, vtep.bridge, IPS[35]),
    ]
    assert writer.apply([*changed, neighbor.remote_mac(0, device, stranger, vteps[0])]) == []
    observe_all(by_row, *dump_bridge_domain(vtep.bridge))

    believed = domain._replace(reach=Reach.PORTS, known=segment.macs.actual)
    found = Looker().look([believed])[Vni(100)]
    assert found.macs == {}
    comparison = compared(segment, domain, found)

    assert comparison.local == {HOST: (vtep.port, True), MACS[33]: (vtep.port, True)}
    assert segment.macs.actual == {mac: row for mac, row in by_row.macs.actual.items() if mac != stranger}
    assert (segment.hosts.actual, segment.neighbors.actual) == (by_row.hosts.actual, by_row.neighbors.actual)

    looking_for_strangers = believed._replace(reach=Reach.STRANGERS)
    assert Looker().look([looking_for_strangers], give_way=lambda: True) == {}
    found = Looker().look([looking_for_strangers])[Vni(100)]
    assert len(found.macs) < 10, "what is known is left out"
    compared(segment, domain, found)

    assert everything(segment) == everything(by_row)


@pytest.mark.parametrize(("name", "vteps"), [("vx100", VTEPS), ("vx6", VTEPS6)])
def test_some_rows_are_confirmed_while_they_are_as_believed_whatever_kind_they_are(
    vtep: Vtep, writer: Writer, name: str, vteps: list[IpAddress]
) -> None:
    domain = everybody(vtep, name)
    writer.apply(many(vtep, domain.place.device, vteps))
    segment = segment_of(name)
    observe_all(segment, *dump_bridge_domain(vtep.bridge))

    def confirmed(macs: Iterable[MacAddress], ips: Iterable[IpAddress]) -> bool:
        known, bound = segment.macs.actual, segment.neighbors.actual
        sample = Sample({mac: known[mac] for mac in macs}, {ip: bound[ip] for ip in ips})
        answer = Looker().answer(domain.place, Question([*sample.macs], [*sample.neighbors]))
        return Comparison(segment, Found({}, {}, [], [])).confirms(sample, answer[Vni(100)])

    assert confirmed(segment.macs.actual, segment.neighbors.actual)
    taken = f"neigh replace 192.0.0.5 lladdr {MACS[5].hex(':')} nud noarp extern_learn proto zebra dev br100"
    vtep.namespace.run("ip", *taken.split())
    assert not confirmed([], [IPS[5]])
    assert not confirmed(MACS[40:44], segment.neighbors.actual)

    writer.apply([neighbor.delete_bridge_row(0, domain.place.device, MACS[31])])
    assert not confirmed([MACS[31]], [])
    assert confirmed([mac for mac in segment.macs.actual if mac != MACS[31]], [IPS[7]])


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
