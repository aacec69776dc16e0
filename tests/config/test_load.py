"""What a file means."""

from pathlib import Path
from typing import Any

import pytest

from evpn.config.load import loads
from evpn.config.settings import (
    DuplicateAction,
    DuplicateDetection,
    Host,
    LearnNeighbors,
    Multicast,
    Strategy,
)
from evpn.text import format_rd, format_route_target, parse_ip, parse_mac
from tests.config.files import FILE, WHOLE, a_config, a_vni


def test_every_key_has_its_meaning() -> None:
    settings = loads(WHOLE, FILE)
    assert settings.vtep == parse_ip("10.0.0.3")
    assert settings.router_id == parse_ip("10.0.0.4")
    assert settings.local_address == parse_ip("10.0.0.5")
    assert settings.run_dir == Path("/run/other")
    assert settings.metrics == ("::1", 9479)
    assert settings.discover
    assert settings.hold_on_session_loss == 0
    (neighbor,) = settings.neighbors
    assert (neighbor.peer_as, neighbor.hold_time, neighbor.password, neighbor.passive) == (65001, 9, "secret", True)
    assert (neighbor.ebgp_multihop, neighbor.graceful_restart, neighbor.max_routes) == (2, 0, 30)
    (vni,) = settings.vnis
    assert (vni.device, vni.bridge, vni.create, vni.strategy) == ("tunnel", "lan", False, Strategy.MULTICAST)
    assert format_rd(vni.rd) == "10.0.0.3:7"
    assert {format_route_target(target) for target in vni.import_targets} == {"65000:100", "*:7"}
    assert [format_route_target(target) for target in vni.export_targets] == ["65000:100"]
    assert not vni.neighbor_suppression
    assert vni.learn_neighbors == {LearnNeighbors.KERNEL}
    assert (vni.port, vni.mtu, vni.ports) == (8472, 1450, ("tap0", "tap1"))
    ips = (parse_ip("192.0.2.9"), parse_ip("2001:db8::9"))
    assert vni.hosts == (Host(parse_mac("50:54:33:00:00:09"), ips, True, "tap1"),)
    assert vni.duplicate_detection == DuplicateDetection(3, 60, DuplicateAction.FREEZE, 0)
    assert vni.announce_moves
    assert vni.multicast == Multicast(parse_ip("239.1.1.1"), "eth0", 9)
    assert (vni.flood, vni.idle_timeout, vni.max_macs, vni.max_remote_macs) == (True, 30, 10, 20)


def test_what_is_left_out_has_a_default() -> None:
    settings = a_config()
    assert settings.router_id == settings.local_address == settings.vtep == parse_ip("10.0.0.3")
    assert settings.run_dir == Path("/run/evpn")
    assert settings.metrics is None
    assert not settings.discover
    assert settings.hold_on_session_loss == 300
    (neighbor,) = settings.neighbors
    assert (neighbor.peer_as, neighbor.hold_time, neighbor.password, neighbor.passive) == (65000, 180, None, False)
    assert (neighbor.ebgp_multihop, neighbor.graceful_restart) == (None, 120)
    (vni,) = settings.vnis
    assert (vni.device, vni.bridge, vni.create, vni.strategy) == ("vxlan100", "br100", True, Strategy.STATIC_L2)
    assert format_rd(vni.rd) == "10.0.0.3:100"
    assert [format_route_target(target) for target in vni.import_targets] == ["*:100"]
    assert [format_route_target(target) for target in vni.export_targets] == ["65000:100"]
    assert vni.neighbor_suppression
    assert vni.learn_neighbors == {LearnNeighbors.KERNEL, LearnNeighbors.SNOOP}
    assert (vni.port, vni.mtu, vni.ports, vni.hosts) == (4789, None, (), ())
    assert vni.duplicate_detection == DuplicateDetection(5, 180, DuplicateAction.WARN, 540)
    assert not vni.announce_moves
    assert vni.multicast == Multicast(parse_ip("239.0.0.100"), None, 5)
    assert (vni.flood, vni.idle_timeout, vni.max_macs) == (False, 300, 10000)


def test_an_entry_overrides_the_defaults_key_by_key() -> None:
    settings = a_config(
        defaults={"port": 8472, "duplicate-detection": {"moves": 9}, "rfc8365": True},
        vnis=[{"vni": 1}, {"vni": 2, "port": 4789, "duplicate-detection": {"seconds": 9}, "rfc8365": False}],
    )
    first, second = settings.vnis
    assert (first.port, first.duplicate_detection.moves, first.duplicate_detection.seconds) == (8472, 9, 180)
    assert (second.port, second.duplicate_detection.moves, second.duplicate_detection.seconds) == (4789, 5, 9)
    assert [format_route_target(t) for v in settings.vnis for t in v.export_targets] == ["65000:268435457", "65000:2"]
    assert settings.defaults.port == 8472


@pytest.mark.parametrize(
    ("keys", "imports", "exports"),
    [
        ({}, ["*:100"], ["65000:100"]),
        ({"route_targets": "auto"}, ["*:100"], ["65000:100"]),
        ({"rfc8365": True}, ["*:268435556"], ["65000:268435556"]),
        ({"route_targets": {"rfc8365": True}}, ["*:268435556"], ["65000:268435556"]),
        ({"route_targets": {"import": ["1:2"]}}, ["1:2"], ["65000:100"]),
        ({"route_targets": {"export": ["1:2"], "rfc8365": True}}, ["*:268435556"], ["1:2"]),
        ({"route_targets": {"import": [], "export": []}}, [], []),
        (
            {"route_targets": {"import": ["*:5", "10.0.0.1:6"], "export": ["4200000000:7"]}},
            ["*:5", "10.0.0.1:6"],
            ["4200000000:7"],
        ),
    ],
)
def test_written_route_targets_replace_the_automatic_ones_per_direction(
    keys: dict[str, Any], imports: list[str], exports: list[str]
) -> None:
    vni = a_vni(**keys)
    assert sorted(map(format_route_target, vni.import_targets)) == sorted(imports)
    assert list(map(format_route_target, vni.export_targets)) == exports


def test_vnis_are_not_needed_when_they_are_discovered() -> None:
    assert a_config(vnis=None, discover=True).vnis == ()


def test_an_ipv6_vtep_has_a_router_id() -> None:
    settings = a_config(vtep_address="2001:db8::3", router_id="10.0.0.3", neighbors=[{"address": "2001:db8::1"}])
    assert settings.vtep == settings.local_address == parse_ip("2001:db8::3")
    assert settings.vnis[0].multicast.group == parse_ip("ff05::64")
