"""The one line for each mistake in a VNI, and among VNIs."""

from typing import Any

import pytest

from tests.config.files import a_config, refusal, text

VNI = "a VNI from 1 to 16777215"
VNI_KEYS = (
    "vni, device, bridge, create, strategy, rd, route-targets, rfc8365, neighbor-suppression, learn-neighbors, port, "
    "mtu, ports, hosts, duplicate-detection, announce-moves, multicast, flood, idle-timeout, max-macs, max-remote-macs"
)
DEVICE = "an interface name of 1 to 15 characters without / : % or blanks"
ONE_HOST = "accepted: the MAC address of one host, such as 50:54:33:00:00:09"
UNICAST = "accepted: a unicast IPv4 or IPv6 address"
GROUP = "accepted: an IPv4 multicast address such as 239.0.0.100, of the family of vtep-address"
ONCE = "accepted: each address once"
MAC = "50:54:33:00:00:09"


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


def test_an_ipv6_vtep_has_ipv6_groups() -> None:
    vnis = [{"vni": 5, "multicast": {"group": "239.0.0.5"}}]
    ipv6 = {"vtep_address": "2001:db8::3", "router_id": "10.0.0.3", "local_address": "10.0.0.3"}
    assert refusal(text(**ipv6, vnis=vnis)) == (
        "vtep.yaml: vnis[0].multicast.group: found 239.0.0.5; "
        "accepted: an IPv6 multicast address such as ff05::100, of the family of vtep-address"
    )
