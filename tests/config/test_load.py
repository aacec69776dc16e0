"""What a file means, and the one line for each mistake in it."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from evpn.config.errors import ConfigError
from evpn.config.load import load, loads
from evpn.config.settings import (
    DuplicateAction,
    DuplicateDetection,
    Host,
    LearnNeighbors,
    Multicast,
    Settings,
    Strategy,
)
from evpn.text import format_rd, format_route_target, parse_ip, parse_mac
from tests.config.files import FILE, a_config, a_neighbor_file, a_vni, text, tree

DESIGN = """
vtep-address: 10.0.0.3
router-id: 10.0.0.4
local-as: 65000
local-address: 10.0.0.5
neighbors:
  - address: 10.0.0.1
    peer-as: 65001
    hold-time: 9
    password: secret
    passive: true
    ebgp-multihop: 2
    graceful-restart: 0
run-dir: /run/other
metrics: "[::1]:9479"
discover: true
defaults:
  strategy: static-l2
vnis:
  - vni: 100
    device: tunnel
    bridge: lan
    create: false
    strategy: multicast
    rd: 10.0.0.3:7
    route-targets: {import: [65000:100, "*:7"], export: [65000:100]}
    neighbor-suppression: false
    learn-neighbors: [kernel]
    port: 8472
    mtu: 1450
    ports: [tap0, tap1]
    hosts:
      - {mac: 50:54:33:00:00:09, ip: ["192.0.2.9", "2001:db8::9"], sticky: true, port: tap1}
    duplicate-detection: {moves: 3, seconds: 60, action: freeze, recovery: 0}
    announce-moves: true
    multicast: {group: 239.1.1.1, device: eth0, ttl: 9}
    flood: true
    idle-timeout: 30
    max-macs: 10
hold-on-session-loss: 0
"""


def refusal(source: str) -> str:
    with pytest.raises(ConfigError) as caught:
        loads(source, FILE)
    return str(caught.value)


def test_every_key_has_its_meaning() -> None:
    settings = loads(DESIGN, FILE)
    assert settings.vtep == parse_ip("10.0.0.3")
    assert settings.router_id == parse_ip("10.0.0.4")
    assert settings.local_address == parse_ip("10.0.0.5")
    assert settings.run_dir == Path("/run/other")
    assert settings.metrics == ("::1", 9479)
    assert settings.discover
    assert settings.hold_on_session_loss == 0
    (neighbor,) = settings.neighbors
    assert (neighbor.peer_as, neighbor.hold_time, neighbor.password, neighbor.passive) == (65001, 9, "secret", True)
    assert (neighbor.ebgp_multihop, neighbor.graceful_restart) == (2, 0)
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
    assert (vni.flood, vni.idle_timeout, vni.max_macs) == (True, 30, 10)


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


VNI = "a VNI from 1 to 16777215"
ROOT = (
    "vtep-address, local-as, neighbors, router-id, local-address, run-dir, metrics, discover, defaults, vnis, "
    "hold-on-session-loss"
)
ONE_HOST = "accepted: the MAC address of one host, such as 50:54:33:00:00:09"
UNICAST = "accepted: a unicast IPv4 or IPv6 address"
REACHABLE = "accepted: an IPv4 or IPv6 address that other hosts can reach"
GROUP = "accepted: an IPv4 multicast address such as 239.0.0.100, of the family of vtep-address"
ONCE = "accepted: each address once"
ENDPOINT = "accepted: HOST:PORT such as 127.0.0.1:9479 or [::1]:9479"
VNI_KEYS = (
    "vni, device, bridge, create, strategy, rd, route-targets, rfc8365, neighbor-suppression, learn-neighbors, port, "
    "mtu, ports, hosts, duplicate-detection, announce-moves, multicast, flood, idle-timeout, max-macs"
)
MAC = "50:54:33:00:00:09"
DEVICE = "an interface name of 1 to 15 characters without / : % or blanks"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"vtep_adress": "10.0.0.3"}, f"vtep-adress: unknown key, did you mean vtep-address?; accepted: {ROOT}"),
        ({"colour": 1}, f"colour: unknown key; accepted: {ROOT}"),
        ({"vtep_address": None}, "vtep-address: missing; accepted: an IPv4 or IPv6 address"),
        ({"vtep_address": "10.0.0"}, "vtep-address: '10.0.0' is not an IPv4 or IPv6 address"),
        ({"vtep_address": "10.0.0.3/24"}, "vtep-address: '10.0.0.3/24' is not an IPv4 or IPv6 address"),
        (
            {"vtep_address": "127.0.0.1"},
            f"vtep-address: 127.0.0.1 is a loopback address; {REACHABLE}",
        ),
        (
            {"vtep_address": "::1"},
            f"vtep-address: ::1 is a loopback address; {REACHABLE}",
        ),
        (
            {"vtep_address": "0.0.0.0"},
            f"vtep-address: 0.0.0.0 is the unspecified address; {UNICAST}",
        ),
        (
            {"vtep_address": "239.0.0.1"},
            f"vtep-address: 239.0.0.1 is a multicast address; {UNICAST}",
        ),
        (
            {"vtep_address": "255.255.255.255"},
            f"vtep-address: 255.255.255.255 is a reserved address; {UNICAST}",
        ),
        (
            {"vtep_address": "fe80::1"},
            f"vtep-address: fe80::1 is a link-local address; {UNICAST}",
        ),
        (
            {"vtep_address": "::ffff:10.0.0.3"},
            f"vtep-address: ::ffff:10.0.0.3 is an IPv4-mapped address; {UNICAST}",
        ),
        (
            {"vtep_address": "2001:db8::3"},
            "router-id: missing, and vtep-address is no IPv4 address; accepted: an IPv4 address",
        ),
        ({"router_id": "0.0.0.0"}, "router-id: found 0.0.0.0; accepted: an IPv4 address other than 0.0.0.0"),
        ({"router_id": "::1"}, "router-id: found ::1; accepted: an IPv4 address other than 0.0.0.0"),
        ({"local_as": 0}, "local-as: found 0; accepted: an AS number from 1 to 4294967295"),
        ({"local_as": 1 << 32}, "local-as: found 4294967296; accepted: an AS number from 1 to 4294967295"),
        ({"local_as": "65000"}, "local-as: found '65000'; accepted: an AS number from 1 to 4294967295"),
        ({"local_as": True}, "local-as: found true; accepted: an AS number from 1 to 4294967295"),
        ({"neighbors": []}, "neighbors: found an empty list; accepted: one or more neighbors"),
        ({"vnis": []}, "vnis: missing; accepted: a list of one or more VNIs, or discover: true"),
        ({"discover": "yes"}, "discover: found 'yes'; accepted: true or false"),
        ({"run_dir": "run"}, "run-dir: found 'run'; accepted: an absolute path of at most 80 characters"),
        ({"metrics": 9479}, f"metrics: found 9479; {ENDPOINT}"),
        ({"metrics": "::1:9479"}, f"metrics: found '::1:9479'; {ENDPOINT}"),
        ({"metrics": "a:0"}, f"metrics: found 'a:0'; {ENDPOINT}"),
        ({"metrics": "[::x]:1"}, f"metrics: found '[::x]:1'; {ENDPOINT}"),
        ({"hold_on_session_loss": -1}, "hold-on-session-loss: found -1; accepted: seconds from 0 to 86400"),
        ({"defaults": {"port": 0}}, "defaults.port: found 0; accepted: a port from 1 to 65535"),
        ({"defaults": {"vni": 5}}, "defaults.vni: found 5; accepted: nothing, a VNI is an entry of vnis"),
        (
            {"defaults": {"hosts": [{"mac": "01:00:5e:00:00:01"}]}, "vnis": None, "discover": True},
            f"defaults.hosts[0].mac: 01:00:5e:00:00:01 is a multicast address; {ONE_HOST}",
        ),
    ],
    ids=str,
)
def test_a_mistake_in_the_file_is_one_line(changes: dict[str, Any], line: str) -> None:
    assert refusal(text(**changes)) == f"vtep.yaml: {line}"


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ({"address": None}, "address: missing; accepted: an IPv4 or IPv6 address"),
        ({"address": "rr1"}, "address: 'rr1' is not an IPv4 or IPv6 address"),
        (
            {"address": "fe80::1"},
            f"address: fe80::1 is a link-local address; {UNICAST}",
        ),
        (
            {"address": "2001:db8::1"},
            "address: found 2001:db8::1; accepted: an IPv4 address, as the local-address 10.0.0.3 is",
        ),
        (
            {"address": "10.0.0.3"},
            "address: 10.0.0.3 is the local-address; accepted: the address of another host",
        ),
        ({"peer_as": 0}, "peer-as: found 0; accepted: an AS number from 1 to 4294967295"),
        ({"hold_time": 2}, "hold-time: found 2; accepted: 0, or seconds from 3 to 65535"),
        ({"hold_time": 65536}, "hold-time: found 65536; accepted: 0, or seconds from 3 to 65535"),
        ({"graceful_restart": 4096}, "graceful-restart: found 4096; accepted: seconds from 1 to 4095, or 0 for none"),
        ({"ebgp_multihop": 0}, "ebgp-multihop: found 0; accepted: a number of hops from 1 to 255"),
        (
            {"password": "a", "password_file": "b"},
            "password-file: found beside password; accepted: one of the two",
        ),
        (
            {"password": 1234},
            "password: found something else; accepted: 1 to 80 printable ASCII characters without blanks, in quotes",
        ),
        (
            {"password": "top secret"},
            "password: found something else; accepted: 1 to 80 printable ASCII characters without blanks, in quotes",
        ),
        (
            {"password_file": "no-such-file"},
            "password-file: no-such-file: no such file or directory; accepted: a file that can be read",
        ),
        (
            {"hold": 9},
            "hold: unknown key, did you mean hold-time?; accepted: address, peer-as, hold-time, password, "
            "password-file, passive, ebgp-multihop, graceful-restart",
        ),
    ],
    ids=str,
)
def test_a_mistake_in_a_neighbor_is_one_line(keys: dict[str, Any], line: str) -> None:
    entry = {k: v for k, v in yaml.safe_load(a_neighbor_file(**keys))["neighbors"][0].items() if v is not None}
    assert refusal(text(neighbors=[entry])) == f"vtep.yaml: neighbors[0].{line}"


def test_a_neighbor_stands_once() -> None:
    twice = text(neighbors=[{"address": "10.0.0.1"}, {"address": "10.0.0.1"}])
    assert refusal(twice) == (f"vtep.yaml: neighbors[1].address: 10.0.0.1 is already a neighbor; {ONCE}")


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ({"vni": None}, f"vni: missing; accepted: {VNI}"),
        ({"vni": 0}, f"vni: found 0; accepted: {VNI}"),
        ({"vni": 1 << 24}, f"vni: found 16777216; accepted: {VNI}"),
        ({"vni": "100"}, f"vni: found '100'; accepted: {VNI}"),
        ({"device": "a" * 16}, f"device: found 'aaaaaaaaaaaaaaaa'; accepted: {DEVICE}"),
        ({"device": "a/b"}, f"device: found 'a/b'; accepted: {DEVICE}"),
        ({"bridge": "a b"}, f"bridge: found 'a b'; accepted: {DEVICE}"),
        ({"bridge": ".."}, f"bridge: found '..'; accepted: {DEVICE}"),
        ({"ports": ["a", ""]}, f"ports[1]: found ''; accepted: {DEVICE}"),
        ({"ports": ["a", "a"]}, "ports[1]: a is already vnis[0].ports[0]; accepted: each device once"),
        ({"ports": ["vxlan100"]}, "ports[0]: vxlan100 is already vnis[0].device; accepted: each device once"),
        ({"ports": ["br100"]}, "bridge: br100 is already vnis[0].ports[0]; accepted: a device that is nothing else"),
        (
            {"strategy": "static"},
            "strategy: found 'static'; accepted: multicast, static-flood, static-l2, static-l3, dynamic-l3",
        ),
        ({"rd": "100"}, "rd: '100' is not a route distinguisher such as 10.0.0.3:100 or 65000:100"),
        ({"rd": 100}, "rd: found 100; accepted: auto, or a route distinguisher such as 10.0.0.3:100"),
        (
            {"route_targets": "automatic"},
            "route-targets: found 'automatic'; accepted: auto, or a mapping of import, export, rfc8365",
        ),
        (
            {"route_targets": {"import": ["65000:100", "x"]}},
            "route-targets.import[1]: 'x' is not a route target such as 65000:100 or 10.0.0.3:100",
        ),
        (
            {"route_targets": {"export": ["*:100"]}},
            "route-targets.export[0]: '*:100' is not a route target such as 65000:100 or 10.0.0.3:100",
        ),
        (
            {"route_targets": {"imports": []}},
            "route-targets.imports: unknown key, did you mean import?; accepted: import, export, rfc8365",
        ),
        ({"learn_neighbors": ["snoop", "arp"]}, "learn-neighbors[1]: found 'arp'; accepted: kernel, snoop"),
        ({"learn_neighbors": "snoop"}, "learn-neighbors: found 'snoop'; accepted: a list, each kernel, snoop"),
        ({"port": 65536}, "port: found 65536; accepted: a port from 1 to 65535"),
        ({"mtu": 67}, "mtu: found 67; accepted: an MTU from 68 to 65535"),
        ({"mtu": 65536}, "mtu: found 65536; accepted: an MTU from 68 to 65535"),
        ({"max_macs": 0}, "max-macs: found 0; accepted: a number of MAC addresses from 1 to 16777216"),
        ({"idle_timeout": 0}, "idle-timeout: found 0; accepted: seconds from 1 to 86400"),
        (
            {"duplicate_detection": {"moves": 1}},
            "duplicate-detection.moves: found 1; accepted: a number of moves from 2 to 1000",
        ),
        (
            {"duplicate_detection": {"action": "drop"}},
            "duplicate-detection.action: found 'drop'; accepted: warn, freeze",
        ),
        (
            {"duplicate_detection": {"recovery": 86401}},
            "duplicate-detection.recovery: found 86401; accepted: seconds from 0 to 86400",
        ),
        (
            {"vtep-address": "2001:db8::3"},
            "vtep-address: unknown key here: the agent has one, so IPv4 and IPv6 VNIs need an agent each; "
            f"accepted: {VNI_KEYS}",
        ),
        ({"announce_moves": 1}, "announce-moves: found 1; accepted: true or false"),
        ({"multicast": {"group": "10.0.0.1"}}, f"multicast.group: found 10.0.0.1; {GROUP}"),
        ({"multicast": {"group": "ff05::1"}}, f"multicast.group: found ff05::1; {GROUP}"),
        ({"multicast": {"ttl": 256}}, "multicast.ttl: found 256; accepted: a TTL from 1 to 255"),
        (
            {"hosts": [{"mac": "01:00:5e:00:00:01"}]},
            f"hosts[0].mac: 01:00:5e:00:00:01 is a multicast address; {ONE_HOST}",
        ),
        (
            {"hosts": [{"mac": "ff:ff:ff:ff:ff:ff"}]},
            f"hosts[0].mac: ff:ff:ff:ff:ff:ff is the broadcast address; {ONE_HOST}",
        ),
        ({"hosts": [{"mac": "00:00:00:00:00:00"}]}, f"hosts[0].mac: 00:00:00:00:00:00 is all zero; {ONE_HOST}"),
        ({"hosts": [{"mac": "50:54"}]}, "hosts[0].mac: '50:54' is not a MAC address such as 50:54:33:00:00:09"),
        ({"hosts": [{"mac": MAC, "port": "a/b"}]}, f"hosts[0].port: found 'a/b'; accepted: {DEVICE}"),
        ({"hosts": [{"ip": []}]}, "hosts[0].mac: missing; accepted: a MAC address in quotes"),
        (
            {"hosts": [{"mac": "50:54:33:00:00:09", "ip": "192.0.2.1"}]},
            "hosts[0].ip: found '192.0.2.1'; accepted: a list, each an IPv4 or IPv6 address",
        ),
        (
            {"hosts": [{"mac": "50:54:33:00:00:09", "ip": ["224.0.0.1"]}]},
            f"hosts[0].ip[0]: 224.0.0.1 is a multicast address; {UNICAST}",
        ),
        (
            {"hosts": [{"mac": "50:54:33:00:00:09"}, {"mac": "50-54-33-00-00-09"}]},
            f"hosts[1].mac: 50:54:33:00:00:09 is already vnis[0].hosts[0].mac; {ONCE}",
        ),
        (
            {"hosts": [{"mac": "50:54:33:00:00:09", "ip": ["10.1.1.1", "10.1.1.1"]}]},
            f"hosts[0].ip[1]: 10.1.1.1 is already vnis[0].hosts[0].ip[0]; {ONCE}",
        ),
    ],
    ids=str,
)
def test_a_mistake_in_a_vni_is_one_line(keys: dict[str, Any], line: str) -> None:
    entry = {"vni": 100} | {key.replace("_", "-"): value for key, value in keys.items()}
    entry = {key: value for key, value in entry.items() if value is not None}
    assert refusal(text(vnis=[entry])) == f"vtep.yaml: vnis[0].{line}"


@pytest.mark.parametrize(
    ("vnis", "line"),
    [
        ([{"vni": 5}, {"vni": 5}], "vnis[1].vni: 5 is already vnis[0].vni; accepted: each VNI once"),
        (
            [{"vni": 5}, {"vni": 6, "device": "vxlan5"}],
            "vnis[1].device: vxlan5 is already vnis[0].device; accepted: each device once",
        ),
        (
            [{"vni": 5, "bridge": "lan"}, {"vni": 6, "bridge": "lan"}],
            "vnis[1].bridge: lan is already vnis[0].bridge; accepted: a bridge of its own for each VNI",
        ),
        (
            [{"vni": 5}, {"vni": 6, "bridge": "br5"}],
            "vnis[1].bridge: br5 is already vnis[0].bridge; accepted: a bridge of its own for each VNI",
        ),
        (
            [{"vni": 5, "ports": ["tap0"]}, {"vni": 6, "ports": ["tap0"]}],
            "vnis[1].ports[0]: tap0 is already vnis[0].ports[0]; accepted: each device once",
        ),
        (
            [{"vni": 5}, {"vni": 6, "rd": "10.0.0.3:5"}],
            "vnis[1].rd: 10.0.0.3:5 is already the RD of VNI 5; accepted: an RD of its own",
        ),
        (
            [{"vni": 5, "rd": "10.0.0.3:6"}, {"vni": 6}],
            "vnis[1].rd: 10.0.0.3:6 is already the RD of VNI 5; accepted: an RD of its own",
        ),
        ([5], f"vnis[0]: found 5; accepted: a mapping of {VNI_KEYS}"),
    ],
    ids=str,
)
def test_vnis_do_not_share_what_is_theirs(vnis: list[Any], line: str) -> None:
    assert refusal(text(vnis=vnis)) == f"vtep.yaml: {line}"


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("vxlan5", "vnis[0].device"),
        ("br5", "vnis[0].bridge"),
        ("vxlan6", "vnis[1].device"),
        ("tap6", "vnis[1].ports[0]"),
    ],
)
def test_a_host_is_on_a_port_of_the_bridge_of_its_vni(name: str, owner: str) -> None:
    vnis = [{"vni": 5, "hosts": [{"mac": MAC, "port": name}]}, {"vni": 6, "ports": ["tap6"]}]
    assert refusal(text(vnis=vnis)) == (
        f"vtep.yaml: vnis[0].hosts[0].port: {name} is already {owner}; accepted: a port of the bridge of this VNI"
    )


def test_hosts_share_a_port_within_a_vni_only() -> None:
    hosts = [{"mac": MAC, "port": "tap0"}, {"mac": "50:54:33:00:00:0a", "port": "tap0"}]
    (vni,) = a_config(vnis=[{"vni": 5, "ports": ["tap0"], "hosts": hosts}]).vnis
    assert [host.port for host in vni.hosts] == ["tap0", "tap0"]
    assert refusal(text(vnis=[{"vni": 5, "hosts": hosts}, {"vni": 6, "hosts": hosts}])) == (
        "vtep.yaml: vnis[1].hosts[0].port: tap0 is already vnis[0].hosts[0].port; "
        "accepted: a port of the bridge of this VNI"
    )


def test_a_bridge_in_the_defaults_is_for_one_vni() -> None:
    shared = text(defaults={"bridge": "lan"}, vnis=[{"vni": 5}, {"vni": 6}])
    assert refusal(shared) == (
        "vtep.yaml: vnis[1].bridge: lan is already vnis[0].bridge; accepted: a bridge of its own for each VNI"
    )
    assert a_config(defaults={"bridge": "lan"}, vnis=[{"vni": 5}]).vnis[0].bridge == "lan"


def test_an_empty_file_is_told_what_is_needed() -> None:
    assert refusal("# nothing\n") == (
        "vtep.yaml: empty; accepted: vtep-address, local-as, neighbors, and vnis or discover: true"
    )


def test_a_file_that_is_no_mapping() -> None:
    assert refusal("- a\n") == f"vtep.yaml: found a list; accepted: a mapping of {ROOT}"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("missing", None, "no such file or directory; accepted: a file that can be read"),
        ("latin", b"a: \xe9", "not UTF-8 at octet 3; accepted: text in UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str, content: bytes | None, reason: str) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert str(caught.value) == f"{file}: {reason}"


def a_file_with_password(folder: Path, content: str, mode: int) -> Path:
    secret = folder / "secret"
    secret.write_text(content)
    secret.chmod(mode)
    file = folder / "vtep.yaml"
    file.write_text(a_neighbor_file(password_file="secret"))
    return file


def test_a_password_file_stands_beside_the_configuration(tmp_path: Path) -> None:
    settings = load(a_file_with_password(tmp_path, "  hunter2\n", 0o640))
    assert settings.neighbors[0].password == "hunter2"


@pytest.mark.parametrize(
    ("content", "mode", "problem"),
    [
        ("hunter2", 0o644, "can be read by everybody; accepted: a file of mode 0600 or 0640"),
        (" \n", 0o600, "holds no usable password; accepted: 1 to 80 printable ASCII characters without blanks"),
        ("a\nb", 0o600, "holds no usable password; accepted: 1 to 80 printable ASCII characters without blanks"),
    ],
)
def test_a_password_file_is_private_and_holds_one_password(
    tmp_path: Path, content: str, mode: int, problem: str
) -> None:
    file = a_file_with_password(tmp_path, content, mode)
    with pytest.raises(ConfigError) as caught:
        load(file)
    where, _, line = str(caught.value).partition(": neighbors[0].password-file: ")
    assert where == str(file)
    assert line.endswith(problem)
    assert "hunter2" not in line


def test_a_password_is_never_shown() -> None:
    settings = loads(a_neighbor_file(password="hunter2"), FILE)
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in refusal(a_neighbor_file(password="hunter2 hunter2"))
    assert "hunter2" not in refusal(a_neighbor_file(pasword="hunter2"))


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["auto", "10.0.0.1", "::", "*:5", "65000:1", "50:54:33:00:00:09", "a" * 100, "\0", "static-l2"]),
)
names = st.sampled_from([*tree(), "defaults", "discover", "metrics", "hosts", "multicast", "route-targets", "vni", "x"])
trees = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.one_of(names, scalars), inner, max_size=4)),
    max_leaves=12,
)


@st.composite
def broken_files(draw: st.DrawFn) -> Any:
    """A valid file in which one value, somewhere, is anything."""
    root = place = yaml.safe_load(DESIGN)
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = draw(st.sampled_from(keys))
        inner = place[key]
        if not isinstance(inner, dict | list) or draw(st.booleans()):
            place[key] = draw(trees)
            return root
        place = inner


@given(st.one_of(trees, broken_files()).map(lambda value: yaml.safe_dump(value, allow_unicode=True)))
def test_any_value_is_settings_or_one_line(source: str) -> None:
    try:
        settings = loads(source, FILE)
    except ConfigError as error:
        line = str(error)
        assert line.startswith("vtep.yaml:")
        assert len(line.splitlines()) == 1
    else:
        assert isinstance(settings, Settings)


@given(st.text())
def test_any_text_is_settings_or_one_line(source: str) -> None:
    try:
        loads(source, FILE)
    except ConfigError as error:
        assert len(str(error).splitlines()) == 1
