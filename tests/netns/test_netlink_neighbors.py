"""Neighbours on the bridge, against what `ip -d neigh` shows."""

from errno import ENOENT

import pytest

from evpn.dataplane.entries import NTF_EXT_LEARNED, NTF_ROUTER, NUD_NOARP
from evpn.netlink import neighbor
from evpn.netlink.constants import AF_INET, AF_INET6
from evpn.netlink.dump import dump_neighbors
from evpn.netlink.messages import Refusal
from evpn.netlink.socket import Writer
from evpn.values import IpAddress, MacAddress

from .conftest import Vtep

pytestmark = pytest.mark.kernel

MAC, MAC2 = MacAddress(bytes.fromhex("505433000001")), MacAddress(bytes.fromhex("505433000002"))
HOST = IpAddress(bytes((192, 0, 2, 2)))
HOST6 = IpAddress(bytes.fromhex("20010db8000000000000000000000022"))
SHOWN = {HOST: "192.0.2.2", HOST6: "2001:db8::22"}
FAMILY = {HOST: AF_INET, HOST6: AF_INET6}

both_families = pytest.mark.parametrize("ip", [HOST, HOST6], ids=["IPv4", "IPv6"])


@both_families
@pytest.mark.parametrize("router", [False, True], ids=["host", "router"])
def test_a_neighbor_is_ours_permanently_and_of_bgp(vtep: Vtep, writer: Writer, ip: IpAddress, router: bool) -> None:
    assert writer.apply([neighbor.neighbor(0, vtep.bridge, ip, MAC, router)]) == []

    (shown,) = vtep.neighbors()
    words = {SHOWN[ip], "lladdr", "50:54:33:00:00:01", "extern_learn", "NOARP", "proto", "bgp"}
    assert set(shown.split()) == words | ({"router"} if router else set())


@both_families
def test_a_dump_tells_what_was_written(vtep: Vtep, writer: Writer, ip: IpAddress) -> None:
    writer.apply([neighbor.neighbor(0, vtep.bridge, ip, MAC, router=True)])

    (told,) = [row for row in dump_neighbors(FAMILY[ip], ifindex=vtep.bridge) if row.dst == ip]
    assert (told.lladdr, told.state, told.flags) == (MAC, NUD_NOARP, NTF_EXT_LEARNED | NTF_ROUTER)
    assert (told.protocol, told.family, told.ifindex) == (186, FAMILY[ip], vtep.bridge)


@both_families
def test_the_mac_of_a_neighbor_is_replaced(vtep: Vtep, writer: Writer, ip: IpAddress) -> None:
    writer.apply([neighbor.neighbor(0, vtep.bridge, ip, MAC)])

    assert writer.apply([neighbor.neighbor(0, vtep.bridge, ip, MAC2)]) == []
    assert "50:54:33:00:00:02" in vtep.neighbors()[0]


@both_families
def test_the_router_flag_is_replaced(vtep: Vtep, writer: Writer, ip: IpAddress) -> None:
    writer.apply([neighbor.neighbor(0, vtep.bridge, ip, MAC, router=True)])
    writer.apply([neighbor.neighbor(0, vtep.bridge, ip, MAC, router=False)])

    assert "router" not in vtep.neighbors()[0]


@both_families
def test_a_neighbor_is_deleted_once(vtep: Vtep, writer: Writer, ip: IpAddress) -> None:
    writer.apply([neighbor.neighbor(0, vtep.bridge, ip, MAC)])

    deletion = neighbor.delete_neighbor(4, vtep.bridge, ip)
    assert writer.apply([deletion]) == []
    assert vtep.neighbors() == []
    assert writer.apply([deletion]) == [Refusal(4, ENOENT)]


def test_a_foreign_overwrite_keeps_the_protocol_but_not_the_mark(vtep: Vtep, writer: Writer) -> None:
    writer.apply([neighbor.neighbor(0, vtep.bridge, HOST, MAC)])
    vtep.namespace.run("ip", "neigh", "replace", "192.0.2.2", "lladdr", "02:00:00:00:00:99", "dev", "br100")

    (told,) = [row for row in dump_neighbors(AF_INET, ifindex=vtep.bridge) if row.dst == HOST]
    assert told.protocol == 186
    assert not told.flags & NTF_EXT_LEARNED
