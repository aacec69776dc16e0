"""`evpn diff` and `evpn refresh` against a running agent, a real kernel and a peer that can be asked again."""

import json
from collections.abc import Iterator

import pytest

from tests.interop.fabric import Fabric, Vtep, address
from tests.interop.far_side import FarSide
from tests.interop.frr import until
from tests.interop.raw_peer import RawPeer

pytestmark = pytest.mark.kernel

PEER, FAR = address(1), address(99)
ROUTE_REFRESH = 5
LIMIT, MACS = 10, 12
THERE = [f"02:11:00:00:00:{number:02x}" for number in range(MACS)]


@pytest.fixture(scope="module")
def setting() -> Iterator[tuple[Vtep, RawPeer]]:
    """A flood row, and two MACs more than the VXLAN device takes; VNI 200 is as it should be, VNI 300 has no device."""
    vnis = [{"vni": 100}, {"vni": 200}, {"vni": 300, "create": False}]
    with Fabric("diff", frr=False) as fabric:
        vtep, node = fabric.vtep(11, (PEER,), vnis=vnis), fabric.node(1)
        vtep.run("ip", "link", "add", "br100", "up", "type", "bridge")
        kind = f"type vxlan id 100 local {vtep.address} dstport 4789 nolearning maxaddress {LIMIT + 1}"
        vtep.run("ip", "link", "add", "vxlan100", "up", "master", "br100", *kind.split())
        vtep.run("ip", "link", "add", "br300", "up", "type", "bridge")
        kind = f"type vxlan id 300 local {vtep.address} dstport 4789 nolearning"
        vtep.run("ip", "link", "add", "vxlan300", "up", "master", "br300", *kind.split())
        vtep.start()
        vtep.run("ip", "link", "del", "vxlan300")
        with RawPeer(node, PEER, vtep.address) as peer:
            far = FarSide(peer, vtep)
            far.floods(FAR)
            for mac in THERE:
                far.has(mac, vtep=FAR)
            far.begin()
            until(lambda: vtep.summary()["rows-refused"] >= MACS - LIMIT and not vtep.show("vni", 200)[0]["pending"])
            yield vtep, peer


def test_json_has_a_row_for_each_difference(setting: tuple[Vtep, RawPeer]) -> None:
    vtep, _ = setting

    rows = json.loads(vtep.evpn("diff", "--json", config=True))

    refused = [row for row in rows if row["vni"] == 100]
    assert len(refused) == MACS - LIMIT
    there = {row["mac"] for row in vtep.fdb() if row.get("dst") == FAR}
    assert {row["key"] for row in refused} == set(THERE) - there
    for row in refused:
        assert (row["kind"], row["difference"], row["wanted"]) == ("mac", "differs", FAR)
        assert row["reason"].endswith("x: ENOSPC (No space left on device)")
    assert [row for row in rows if row["vni"] == 200] == []
    (device,) = [row for row in rows if row["vni"] == 300]
    assert (device["kind"], device["key"], device["difference"]) == ("device", "vxlan300", "missing")


def test_the_status_says_whether_there_is_a_difference_when_asked_for(setting: tuple[Vtep, RawPeer]) -> None:
    vtep, _ = setting

    assert vtep.evpn("diff", "--exit-code", "--vni", "200", config=True) == "0 of 0 rows in 1 VNI differ\n"
    vtep.evpn("diff", "--exit-code", "--vni", "100", config=True, status=1)
    vtep.evpn("diff", "--exit-code", "--json", config=True, status=1)
    lines = vtep.evpn("diff", "--vni", "100", config=True).splitlines()
    assert lines[0].split() == ["vni", "kind", "key", "difference", "found", "wanted", "reason"]
    assert len(lines) == 1 + (MACS - LIMIT) + 1
    assert lines[-1] == f"{MACS - LIMIT} of {MACS + 1} rows in 1 VNI differ"


def test_a_vni_without_its_device_is_not_compared_and_said_so(setting: tuple[Vtep, RawPeer]) -> None:
    vtep, _ = setting

    def last(*words: str) -> str:
        return vtep.evpn("diff", *words, config=True).splitlines()[-1]

    assert last() == f"{MACS - LIMIT} of {MACS + 1} rows in 2 VNIs differ; 1 VNI could not be compared"
    assert last("--vni", "300") == "1 VNI could not be compared"


def test_bad_usage_is_status_2(setting: tuple[Vtep, RawPeer]) -> None:
    vtep, _ = setting

    said = vtep.evpn("diff", "--vni", "7", config=True, status=2)

    assert said.splitlines()[-1] == "Error: VNI 7 is not configured; configured: 100, 200, 300"


@pytest.mark.parametrize("command", [("diff", "--exit-code"), ("refresh",)])
def test_without_an_agent_it_is_status_3(setting: tuple[Vtep, RawPeer], command: tuple[str, ...]) -> None:
    vtep, _ = setting

    assert "no agent is running there" in vtep.evpn(*command, "--run-dir", str(vtep.directory), status=3)


def test_a_refresh_asks_the_peers_and_looks_at_the_kernel(setting: tuple[Vtep, RawPeer]) -> None:
    vtep, peer = setting
    asked = len([code for code, _ in peer.said if code == ROUTE_REFRESH])

    assert vtep.evpn("refresh", config=True) == f"{PEER} asked\n"

    until(lambda: len([code for code, _ in peer.said if code == ROUTE_REFRESH]) == asked + 1)
