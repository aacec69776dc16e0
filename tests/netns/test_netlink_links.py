"""Devices made and changed through pyroute2, against what `ip -d link` shows."""

import json
import threading
from collections.abc import Iterator
from errno import EADDRNOTAVAIL, EEXIST, ENODEV, EOPNOTSUPP
from pathlib import Path
from typing import Any

import pytest

from evpn.netlink.dump import read_link
from evpn.netlink.errors import NetlinkError
from evpn.netlink.events import LinkChanged, PortChanged
from evpn.netlink.links import Links
from evpn.netlink.socket import Monitor
from evpn.netlink.underlay import underlay_mtu
from evpn.values import IpAddress, MacAddress

from .conftest import Vtep

pytestmark = pytest.mark.kernel

LOCAL = IpAddress(bytes((10, 0, 0, 1)))
LOCAL6 = IpAddress(bytes.fromhex("20010db8000000000000000000000001"))
MAC = MacAddress(bytes.fromhex("020000000055"))


@pytest.fixture
def links(vtep: Vtep) -> Iterator[Links]:
    opened = Links()
    opened.open()
    yield opened
    opened.close()


def shown(vtep: Vtep, name: str) -> Any:
    (told,) = json.loads(vtep.namespace.run("ip", "-j", "-d", "link", "show", "dev", name))
    return told


def test_a_bridge_is_made_as_asked_for(vtep: Vtep, links: Links) -> None:
    made = links.create_bridge("br200", mac=MAC, mtu=1450)

    told = shown(vtep, "br200")
    assert made == read_link("br200")
    assert (told["address"], told["mtu"], told["linkinfo"]["info_kind"]) == ("02:00:00:00:00:55", 1450, "bridge")
    assert told["linkinfo"]["info_data"]["stp_state"] == 0


def test_a_bridge_keeps_its_mac_when_a_port_with_a_lower_one_joins(vtep: Vtep, links: Links) -> None:
    made = links.create_bridge("br200")
    vtep.namespace.run("ip", "link", "set", "vx6", "nomaster", "address", "00:00:00:00:00:01")
    links.enslave("vx6", "br200")

    assert read_link("br200") == made
    assert made.mac[0] == 0x02


def test_what_is_made_gets_no_ipv6_address(vtep: Vtep, links: Links) -> None:
    made = [links.create_bridge("br200"), links.create_vxlan("vx200", 200, LOCAL)]
    links.enslave("vx200", "br200")
    for link in made:
        links.set_up(link.ifindex)
    for link in made:
        settings = Path("/proc/sys/net/ipv6/conf") / link.name
        assert [(settings / name).read_text().strip() for name in ("addr_gen_mode", "accept_ra", "autoconf")] == [
            "1",
            "0",
            "0",
        ]
        assert link.ifindex not in links.addresses().values()


@pytest.mark.parametrize("local, text", [(LOCAL, "10.0.0.1"), (LOCAL6, "2001:db8::1")], ids=["IPv4", "IPv6"])
def test_a_vxlan_device_is_made_as_asked_for(vtep: Vtep, links: Links, local: IpAddress, text: str) -> None:
    links.create_vxlan("vx200", 200, local, port=4790, mtu=1430)

    told = shown(vtep, "vx200")
    data = told["linkinfo"]["info_data"]
    assert (told["mtu"], data["id"], data["port"], data["learning"]) == (1430, 200, 4790, False)
    assert data.get("local", data.get("local6")) == text
    assert not {"proxy", "l2miss", "l3miss"} & {key for key, value in data.items() if value}
    assert (data["udp_zero_csum6_tx"], data["udp_zero_csum6_rx"]) == (False, len(local) == 16)


def test_a_vxlan_device_for_misses(vtep: Vtep, links: Links) -> None:
    made = links.create_vxlan("vx200", 200, LOCAL, learning=True, proxy=True, l2miss=True, l3miss=True, ttl=5)

    assert (made.learning, made.proxy, made.l2miss, made.l3miss, made.ttl) == (True, True, True, True, 5)


@pytest.mark.parametrize("local, group", [(LOCAL, bytes((239, 0, 0, 1))), (LOCAL6, b"\xff\x05" + bytes(13) + b"\1")])
def test_a_vxlan_device_with_a_multicast_group(vtep: Vtep, links: Links, local: IpAddress, group: bytes) -> None:
    made = links.create_vxlan("vx200", 200, local, group=IpAddress(group), device=vtep.port, mtu=1400)
    assert (made.group, made.parent) == (group, vtep.port)


def test_the_flags_of_a_port(vtep: Vtep, links: Links) -> None:
    links.set_port("vx100", learning=False, neigh_suppress=True)

    told = shown(vtep, "vx100")["linkinfo"]["info_slave_data"]
    assert (told["learning"], told["neigh_suppress"]) == (False, True)


def test_joining_and_leaving_a_bridge(vtep: Vtep, links: Links) -> None:
    links.enslave(vtep.device, 0)
    assert "master" not in shown(vtep, "vx100")

    links.enslave("vx100", "br100")
    assert shown(vtep, "vx100")["master"] == "br100"


def test_up_and_down(vtep: Vtep, links: Links) -> None:
    links.set_up("port1", up=False)

    assert "UP" not in shown(vtep, "port1")["flags"]

    links.set_up("port1")
    assert "UP" in shown(vtep, "port1")["flags"]


def test_what_is_so_already_is_not_written(vtep: Vtep, links: Links, monitor: Monitor) -> None:
    links.set_port("vx100", learning=False, neigh_suppress=True)
    while monitor.read():
        continue
    links.set_port("vx100", learning=False, neigh_suppress=True)
    links.set_port("vx100")
    links.enslave("vx100", "br100")
    links.set_up("vx100")

    assert [event for event in monitor.read() if isinstance(event, LinkChanged | PortChanged)] == []


def test_a_device_is_deleted_once_and_gone_twice(vtep: Vtep, links: Links) -> None:
    links.delete(vtep.device)
    links.delete(vtep.device)

    assert read_link("vx100") is None


def test_a_device_is_made_in_the_place_of_another_one(vtep: Vtep, links: Links) -> None:
    links.replace(vtep.device, lambda: links.create_vxlan("vx100", 100, LOCAL, proxy=True))

    made = read_link("vx100")
    assert made is not None
    assert (made.vni, made.proxy, made.ifindex == vtep.device) == (100, True, False)


def test_what_cannot_be_made_in_its_place_is_told(vtep: Vtep, links: Links) -> None:
    with pytest.raises(NetlinkError) as raised:
        links.replace(vtep.device, lambda: links.create_bridge("br100"))

    assert raised.value.errno == EEXIST
    assert read_link("vx100") is None


def test_refusals_name_the_device_and_the_reason(vtep: Vtep, links: Links) -> None:
    for refused, errno, words in (
        (lambda: links.create_bridge("br100"), EEXIST, "create br100: EEXIST"),
        (lambda: links.create_vxlan("other", 100, LOCAL), EEXIST, "create other: EEXIST"),
        (lambda: links.set_port("nothing"), ENODEV, "device nothing: ENODEV"),
        (lambda: links.set_port("host1", learning=False), EOPNOTSUPP, "set port host1"),
        (lambda: links.set_up(9999), ENODEV, "device 9999: ENODEV"),
        (lambda: underlay_mtu(LOCAL), EADDRNOTAVAIL, "10.0.0.1"),
    ):
        with pytest.raises(NetlinkError) as raised:
            refused()
        assert raised.value.errno == errno
        assert words in str(raised.value)


def test_an_address_on_a_device_has_the_mtu_of_that_device(vtep: Vtep, links: Links) -> None:
    for line in ("address add 10.0.0.1/24 dev host1", "link set host1 mtu 1400"):
        vtep.namespace.run("ip", *line.split())

    assert underlay_mtu(LOCAL) == 1400


def test_an_address_on_the_loopback_has_the_mtu_of_the_narrowest_underlay(vtep: Vtep, links: Links) -> None:
    for line in (
        "address add 10.0.0.1/32 dev lo",
        "address add 192.0.2.1/24 dev br100",
        "link set br100 mtu 1280",
    ):
        vtep.namespace.run("ip", *line.split())
    assert underlay_mtu(LOCAL) == 1500

    vtep.namespace.run("ip", *["address", "add", "10.1.0.1/24", "dev", "host1"])
    vtep.namespace.run("ip", *["link", "set", "host1", "mtu", "1400"])
    assert underlay_mtu(LOCAL) == 1400


def test_an_unnumbered_underlay_has_link_local_addresses_only(vtep: Vtep, links: Links) -> None:
    for line in (
        "address add 2001:db8::1/128 dev lo",
        "address add fe80::1/64 dev port1",  # a port of the bridge, as tenants' ports are
        "link set port1 mtu 1280",
        "address add fe80::2/64 dev host1",
        "link set host1 mtu 1400",
    ):
        vtep.namespace.run("ip", *line.split())

    assert underlay_mtu(LOCAL6) == 1400


def test_links_start_no_thread(vtep: Vtep, links: Links) -> None:
    before = threading.active_count()
    links.create_bridge("br200")

    assert threading.active_count() == before
    assert {link.name for link in links.list()} >= {"br100", "br200"}
