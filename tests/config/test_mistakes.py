"""The one line for each mistake in a file and in its neighbors."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from evpn.config.errors import ConfigError
from evpn.config.load import load
from tests.config.files import a_neighbor_file, refusal, text

ROOT = (
    "vtep-address, local-as, neighbors, router-id, local-address, run-dir, control-group, metrics, discover, "
    "defaults, vnis, hold-on-session-loss, firewall, ipsec"
)
ONE_HOST = "accepted: the MAC address of one host, such as 50:54:33:00:00:09"
UNICAST = "accepted: a unicast IPv4 or IPv6 address"
REACHABLE = "accepted: an IPv4 or IPv6 address that other hosts can reach"
ONCE = "accepted: each address once"
ENDPOINT = "accepted: HOST:PORT such as 127.0.0.1:9479 or [::1]:9479"


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
            "password-file, passive, ebgp-multihop, graceful-restart, max-routes",
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
