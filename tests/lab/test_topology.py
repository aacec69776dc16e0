import json
import os
from pathlib import Path

import jsonschema
import pytest
import yaml

from evpn.lab.errors import TopologyError
from evpn.lab.topology import Bind, Endpoint, Link, Topology, decode

CHECKOUT = Path(__file__).parents[2]
SCHEMA = CHECKOUT.parent / "shared" / "reference" / "clab.schema.json"
FILE = Path("/lab/topology.clab.yml")


def read(nodes: str, links: str = "[]", rest: str = "") -> Topology:
    return decode(f"name: t\ntopology: {{nodes: {nodes}, links: {links}{rest}}}", FILE)


@pytest.mark.skipif(not SCHEMA.exists(), reason="containerlab's schema is not beside this checkout")
@pytest.mark.parametrize(
    "file", sorted((CHECKOUT / "labs").glob("*/topology.clab.yml")), ids=lambda file: file.parent.name
)
def test_every_lab_is_valid_for_containerlab(file: Path) -> None:
    # Not `jsonschema.validate`: it also checks the schema, whose \\p{L} Python's regular expressions do not know.
    jsonschema.Draft7Validator(json.loads(SCHEMA.read_text())).validate(yaml.safe_load(file.read_text()))


@pytest.mark.parametrize(
    "file", sorted((CHECKOUT / "labs").glob("*/topology.clab.yml")), ids=lambda file: file.parent.name
)
def test_every_lab_can_be_read_and_its_binds_exist(file: Path) -> None:
    topology = decode(file.read_text(), file)

    assert topology.name == file.parent.name
    assert all(bind.source.exists() for node in topology.nodes for bind in node.binds)


def test_a_node_inherits_from_its_group_its_kind_and_the_defaults_the_special_winning() -> None:
    topology = read(
        "{a: {group: g, cmd: own, binds: ['x:/x:ro'], env: {D: 1}, exec: [four]}, b: {}}",
        rest=""", defaults: {kind: linux, cmd: general, image: i, env: {A: true, D: 4}, exec: [one]}
                , kinds: {linux: {image: j, binds: ['y:/x', '/z:/z'], env: {B: 2}, exec: [two]}}
                , groups: {g: {image: k, env: {C: 3.5}, exec: [three]}}""",
    )
    a, b = topology.nodes

    assert (a.command, a.image, a.exec) == (("own",), "k", ("one", "two", "three", "four"))
    assert a.binds == (Bind(Path("/lab/x"), "/x", True), Bind(Path("/z"), "/z", False))
    assert a.env == {"A": "true", "B": "2", "C": "3.5", "D": "1"}
    assert (b.command, b.image, b.exec) == (("general",), "j", ("one", "two"))


def test_the_command_is_entry_point_and_command_split_like_a_shell_does() -> None:
    topology = read("{a: {kind: linux, entrypoint: 'sh -c', cmd: \"'a b' c\"}}")

    assert topology.nodes[0].command == ("sh", "-c", "a b", "c")


@pytest.mark.parametrize(
    ("prefix", "container"),
    [("", "clab-t-a"), ("prefix: x", "x-t-a"), ("prefix: ''", "a"), ("prefix: __lab-name", "t-a")],
)
def test_containers_are_named_as_containerlab_names_them(prefix: str, container: str) -> None:
    topology = decode(f"name: t\n{prefix}\ntopology: {{nodes: {{a: {{kind: linux}}}}}}", FILE)

    assert topology.nodes[0].container == container


def test_links_may_be_written_short_or_long() -> None:
    nodes = "{a: {kind: linux}, b: {kind: linux}}"
    short = "{endpoints: ['a:eth1', 'b:eth1'], mtu: 1550, ipv4: [10.0.0.0/31, 10.0.0.1/31]}"
    long = """{type: veth, endpoints: [{node: a, interface: eth2, mac: '00:00:5e:00:53:01', ipv6: '2001:db8::1/64'},
              {node: b, interface: eth2}]}"""

    assert read(nodes, f"[{short}, {long}]").links == (
        Link((Endpoint("a", "eth1", None, ("10.0.0.0/31",)), Endpoint("b", "eth1", None, ("10.0.0.1/31",))), 1550),
        Link((Endpoint("a", "eth2", "00:00:5e:00:53:01", ("2001:db8::1/64",)), Endpoint("b", "eth2", None, ())), 9500),
    )


def test_keys_that_only_matter_to_containers_change_nothing() -> None:
    plain = read("{a: {kind: linux}}")

    assert read("{a: {kind: linux, memory: 1Gb, labels: {x: y}, image-pull-policy: Never, privileged: true}}") == plain


@pytest.mark.parametrize(
    ("nodes", "links", "words"),
    [
        (
            "{a: {kind: nokia_srlinux}}",
            "[]",
            "topology.nodes.a.kind: 'nokia_srlinux': evpn lab runs nodes of kind linux",
        ),
        ("{a: {}}", "[]", "topology.nodes.a.kind: missing"),
        ("{a: {kind: linux, user: bob}}", "[]", "topology.nodes.a.user: not supported by evpn lab"),
        ("{a: {kind: linux, exec: ls}}", "[]", "topology.nodes.a: Expected 'array', got 'str'"),
        ("{a: {kind: linux, cmd: '\"'}}", "[]", "topology.nodes.a.cmd: No closing quotation"),
        ("{a: {kind: linux, network-mode: host}}", "[]", "topology.nodes.a.network-mode: 'host' is not supported"),
        ("{a: {kind: linux, binds: ['x:y']}}", "[]", "topology.nodes.a.binds: 'x:y': SOURCE:/TARGET"),
        ("{a: {kind: linux, binds: ['x:/y:z']}}", "[]", "topology.nodes.a.binds: 'x:/y:z': SOURCE:/TARGET"),
        ("{a: {kind: linux}}", "[{endpoints: ['a:1', 'b:1']}]", "topology.links[0].endpoints: b:1: there is no node b"),
        ("{a: {kind: linux}}", "[{endpoints: ['a:1', 'a:1']}]", "a:1 is the end of another link already"),
        ("{a: {kind: linux}}", "[{endpoints: ['a:1']}]", "1 endpoints: two are accepted"),
        ("{a: {kind: linux}}", "[{endpoints: ['a:a23456789abcdefg', 'a:1']}]", "at most 15 octets"),
        ("{a: {kind: linux}}", "[{type: host, endpoints: ['a:1', 'a:2']}]", "topology.links[0].type: 'host'"),
        ("{a: {kind: linux}}", "[{type: host, endpoint: {}}]", "topology.links[0].endpoint: not supported"),
        ("{a: {kind: linux}}", "[{endpoints: ['a:1', 'a:2'], mtu: 1}]", "topology.links[0]: Expected 'int' >= 68"),
    ],
)
def test_what_we_do_not_run_is_an_error_naming_file_and_key(nodes: str, links: str, words: str) -> None:
    with pytest.raises(TopologyError) as error:
        read(nodes, links)

    assert str(error.value).startswith(f"{FILE}: ")
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: [", "not YAML"),
        ("[]", "Expected 'object', got 'array'"),
        ("name: t", "missing required field 'topology'"),
        ("name: ../t\ntopology: {nodes: {}}", "name: '../t'"),
        ("name: t\ntopology: {nodes: {}}\nplugins: {}", "plugins: not supported"),
        ("name: t\ntopology: {nodes: {}, nodse: {}}", "topology.nodse: not supported"),
        ("name: t\ntopology: {nodes: {a: {image: '${IMAGE}'}}}", "line 2: environment variables are not expanded"),
    ],
)
def test_a_file_that_is_no_topology_is_an_error_naming_it(text: str, words: str) -> None:
    with pytest.raises(TopologyError) as error:
        decode(text, FILE)

    assert os.fspath(FILE) in str(error.value)
    assert words in str(error.value)
