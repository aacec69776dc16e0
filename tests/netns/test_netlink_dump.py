"""Dumps and what limits them."""

import pytest

from evpn.dataplane.entries import AF_BRIDGE
from evpn.netlink import neighbor
from evpn.netlink.constants import AF_INET
from evpn.netlink.dump import dump_addresses, dump_links, dump_neighbors, read_link, walk_neighbors
from evpn.netlink.socket import Writer
from evpn.values import IpAddress, MacAddress

from .conftest import Vtep

pytestmark = pytest.mark.kernel

MAC = MacAddress(bytes.fromhex("505433000001"))
VTEP = IpAddress(bytes((10, 0, 0, 2)))
VTEP6 = IpAddress(bytes.fromhex("20010db8000000000000000000000002"))
HOST = IpAddress(bytes((192, 0, 2, 2)))


@pytest.fixture
def other_bridge(vtep: Vtep) -> int:
    for line in (
        "link add br200 address 02:00:00:00:00:20 type bridge",
        "link add vx200 type vxlan id 200 local 10.0.0.1 dstport 4789 nolearning",
        "link set vx200 master br200",
    ):
        vtep.namespace.run("ip", *line.split())
    link = read_link("vx200")
    assert link is not None
    return link.ifindex


def test_the_rows_of_one_device_are_its_own_and_the_bridges_on_it(
    vtep: Vtep, writer: Writer, other_bridge: int
) -> None:
    writer.apply([neighbor.remote_mac(0, vtep.device, MAC, VTEP), neighbor.remote_mac(1, other_bridge, MAC, VTEP)])

    rows = [row for row in dump_neighbors(AF_BRIDGE, ifindex=vtep.device) if row.lladdr == MAC]
    assert [(row.ifindex, row.master, row.dst) for row in rows] == [
        (vtep.device, vtep.bridge, b""),
        (vtep.device, 0, VTEP),
    ]


def test_the_rows_of_one_bridge(vtep: Vtep, writer: Writer, other_bridge: int) -> None:
    writer.apply([neighbor.remote_mac(0, vtep.device, MAC, VTEP), neighbor.remote_mac(1, other_bridge, MAC, VTEP)])
    vtep.namespace.run("bridge", "fdb", "add", HOST_MAC.hex(":"), "dev", "port1", "master", "dynamic")

    rows = dump_neighbors(AF_BRIDGE, master=vtep.bridge)
    assert {row.ifindex for row in rows if row.lladdr in (MAC, HOST_MAC)} == {vtep.device, vtep.port}
    assert other_bridge not in {row.ifindex for row in rows}


HOST_MAC = MacAddress(bytes.fromhex("505433000009"))


def test_the_neighbors_of_one_device(vtep: Vtep, writer: Writer, other_bridge: int) -> None:
    messages = [
        neighbor.neighbor(number, device, HOST, MAC) for number, device in enumerate((vtep.bridge, other_bridge))
    ]
    writer.apply(messages)

    limited, unlimited = dump_neighbors(AF_INET, ifindex=vtep.bridge), dump_neighbors(AF_INET)
    assert {row.ifindex for row in limited} == {vtep.bridge}
    assert {row.ifindex for row in unlimited if row.dst == HOST} == {vtep.bridge, other_bridge}


def test_what_is_walked_is_what_is_dumped(vtep: Vtep, writer: Writer) -> None:
    macs = [MacAddress(b"\x50\x54" + number.to_bytes(4)) for number in range(2_000)]
    writer.apply([neighbor.remote_mac(0, vtep.device, mac, VTEP) for mac in macs])

    walked = list(walk_neighbors(AF_BRIDGE, ifindex=vtep.device))
    assert len(walked) > 1
    assert {row.lladdr for rows in walked for row in rows} >= set(macs)


def test_a_walk_given_up_leaves_nothing_behind(vtep: Vtep, writer: Writer) -> None:
    next(walk_neighbors(AF_BRIDGE))

    assert dump_neighbors(AF_BRIDGE, ifindex=vtep.device)


def test_a_row_tells_when_it_was_used(vtep: Vtep, writer: Writer) -> None:
    writer.apply([neighbor.remote_mac(0, vtep.device, MAC, VTEP)])

    assert all(
        row.used is not None and row.used < 500 for row in dump_neighbors(AF_BRIDGE, ifindex=vtep.device) if row.dst
    )


def test_all_links_with_what_concerns_them(vtep: Vtep) -> None:
    links = {link.name: link for link in dump_links()}

    assert (links["br100"].kind, links["br100"].mac.hex(":")) == ("bridge", "02:00:00:00:00:10")
    assert links["br100"].up
    assert [links[name].ageing for name in ("br100", "vx100", "port1")] == [300.0, 0.0, 0.0]
    device = links["vx100"]
    assert (device.kind, device.vni, device.port, device.local) == ("vxlan", 100, 4789, bytes((10, 0, 0, 1)))
    assert (device.master, device.learning, device.port_learning, device.neighbor_suppression) == (
        vtep.bridge,
        False,
        True,
        False,
    )
    assert links["vx6"].local == bytes.fromhex("20010db8000000000000000000000001")
    assert links["port1"].kind == "veth"
    assert links["lo"].master == 0


@pytest.mark.parametrize(
    "options, field, value",
    [
        ("proxy", "proxy", True),
        ("l2miss", "l2miss", True),
        ("l3miss", "l3miss", True),
        ("learning", "learning", True),
        ("ttl 7", "ttl", 7),
        ("group 239.1.1.1 dev port1", "group", bytes((239, 1, 1, 1))),
    ],
)
def test_the_options_of_a_vxlan_device(vtep: Vtep, options: str, field: str, value: object) -> None:
    line = f"link add vx300 type vxlan id 300 dstport 4789 {options}"
    vtep.namespace.run("ip", *line.split())

    link = read_link("vx300")
    assert getattr(link, field) == value


def test_a_device_without_a_vni_of_its_own(vtep: Vtep) -> None:
    vtep.namespace.run("ip", *["link", "add", "vxx", "type", "vxlan", "external", "dstport", "4790"])

    link = read_link("vxx")
    assert link is not None
    assert link.external
    assert link.vni == 0


def test_a_link_by_name_by_index_and_not_at_all(vtep: Vtep) -> None:
    assert read_link("br100") == read_link(vtep.bridge)
    assert read_link("nothing") is None
    assert read_link(9999) is None


def test_the_hosts_addresses(vtep: Vtep) -> None:
    vtep.namespace.run("ip", "address", "add", "10.0.0.1/32", "dev", "lo")
    vtep.namespace.run("ip", "address", "add", "10.1.0.1", "peer", "10.1.0.2", "dev", "host1")
    vtep.namespace.run("ip", "address", "add", "2001:db8::1/128", "dev", "host1", "nodad")

    found = {address.ip.hex(): address.ifindex for address in dump_addresses()}
    host1 = read_link("host1")
    assert host1 is not None
    assert found["0a000001"] == 1
    assert found["0a010001"] == host1.ifindex
    assert found["20010db8000000000000000000000001"] == host1.ifindex
    assert "0a010002" not in found
