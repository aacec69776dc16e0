"""Small labs, for real: namespaces, links and FRR."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from evpn.lab import node as nodes
from evpn.lab.errors import LabError
from evpn.lab.expect import Step
from evpn.lab.process import Process, identify, is_running, kill
from evpn.lab.run import down, run_in, up
from evpn.lab.state import STATE, LabState, load
from evpn.lab.story import attempt, check, narrate
from evpn.lab.topology import Topology

Lab = Callable[[str], Topology]
pytestmark = pytest.mark.kernel

TWO_HOSTS = """
name: t-hosts
topology:
  defaults: {kind: linux, image: alpine}
  nodes:
    h1: {exec: [ip address add 192.0.2.1/24 dev eth1], env: {COLOUR: red}, sysctls: {net.ipv4.ip_forward: 1}}
    h2: {hostname: other, exec: [ip address add 192.0.2.2/24 dev eth1]}
  links:
    - endpoints: [h1:eth1, h2:eth1]
      mtu: 1600
    - type: veth
      endpoints:
        - {node: h1, interface: eth2, mac: "00:00:5e:00:53:01", ipv6: "2001:db8::1/64"}
        - {node: h2, interface: x}
"""


def silent(_line: str) -> None:
    """The tests do not look at the progress."""


def said(state: LabState, node: str, command: str) -> str:
    result = run_in(state, node, ["sh", "-c", command], timeout=60)
    assert result.status == 0, result.output
    return result.output.strip()


def eventually(state: LabState, node: str, run: str, match: str) -> None:
    outcome = attempt(state, Step(node=node, run=run, match=match, within=40))
    assert outcome.verdict.holds, f"{outcome.verdict.why}\n{outcome.output}"


def nothing_is_left(topology: Topology) -> bool:
    names = {node.container for node in topology.nodes}
    return not (STATE / topology.name).exists() and not any(os.path.lexists(nodes.NAMESPACES / name) for name in names)


def test_hosts_reach_each_other_over_a_link_with_the_mtu_of_the_file(lab: Lab) -> None:
    state = up(lab(TWO_HOSTS), silent)

    assert "0% packet loss" in said(state, "h1", "ping -c 1 -W 2 -M do -s 1572 192.0.2.2")
    assert "message too long" in run_in(state, "h1", ["ping", "-c1", "-M", "do", "-s1573", "192.0.2.2"]).output


def test_a_long_link_brings_mac_and_address(lab: Lab) -> None:
    state = up(lab(TWO_HOSTS), silent)

    assert said(state, "h1", "cat /sys/class/net/eth2/address") == "00:00:5e:00:53:01"
    assert "2001:db8::1/64" in said(state, "h1", "ip address show dev eth2")
    assert said(state, "h2", "cat /sys/class/net/x/mtu") == "9500"


def test_a_node_sees_only_what_is_its_own(lab: Lab) -> None:
    state = up(lab(TWO_HOSTS), silent)

    assert said(state, "h1", "hostname") == "h1"
    assert said(state, "h2", "hostname") == "other"
    assert said(state, "h1", "ls /sys/class/net").split() == ["eth1", "eth2", "lo"]
    assert "UP" in said(state, "h1", "ip link show dev lo")
    assert said(state, "h1", "echo $COLOUR") == "red"
    assert said(state, "h1", "cat /proc/sys/net/ipv4/ip_forward") == "1"
    assert said(state, "h1", "cat /proc/1/cmdline | tr '\\0' ' '").endswith("-m evpn.lab.init")
    assert said(state, "h1", "find /run -type f") == ""
    assert said(state, "h1", "evpn --version").startswith("evpn, version")


def test_the_network_namespace_has_containerlab_s_name(lab: Lab) -> None:
    up(lab(TWO_HOSTS), silent)

    assert "192.0.2.1/24" in os.popen("ip -n clab-t-hosts-h1 address show dev eth1").read()


def test_what_a_node_writes_stays_in_the_node(lab: Lab, tmp_path: Path) -> None:
    state = up(lab(TWO_HOSTS), silent)

    said(state, "h1", f"echo x > /etc/evpn-lab-test; echo x > {tmp_path}/y; echo 127.0.0.9 h >> /etc/hosts")

    assert not Path("/etc/evpn-lab-test").exists()
    assert not (tmp_path / "y").exists()
    assert "127.0.0.9" not in Path("/etc/hosts").read_text()
    assert run_in(state, "h2", ["cat", "/etc/evpn-lab-test"]).status == 1


def test_binds_are_relative_to_the_file_and_read_only_when_they_say_so(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "one").write_text("1\n")
    (tmp_path / "many").mkdir()
    nodes_text = "{a: {kind: linux, binds: ['one:/new/place/one:ro', 'many:/many', 'many:/var/run/many:ro']}}"
    state = up(lab(f"name: t-binds\ntopology: {{nodes: {nodes_text}}}"), silent)

    assert said(state, "a", "cat /new/place/one") == "1"
    assert "Read-only" in run_in(state, "a", ["sh", "-c", "echo 2 > /new/place/one"]).output
    said(state, "a", "echo 3 > /many/three")
    assert (tmp_path / "many" / "three").read_text() == "3\n"
    assert said(state, "a", "cat /var/run/many/three") == "3"
    assert "Read-only" in run_in(state, "a", ["rm", "/var/run/many/three"]).output
    assert not Path("/new").exists()


def test_the_command_runs_before_the_exec_lines_and_these_run_in_order(lab: Lab) -> None:
    cmd = "sh -c 'echo cmd > /order; sleep 1000'"
    wait = "sh -c 'until [ -e /order ]; do sleep 0.1; done'"
    lines = [
        wait,
        "sh -c 'echo one >> /order'",
        "sh -c 'sleep 0.2; echo two >> /order'",
        "sh -c 'echo three >> /order'",
    ]
    state = up(
        lab(f"name: t-order\ntopology: {{nodes: {{a: {{kind: linux, cmd: {cmd!r}, exec: {lines!r}}}}}}}"), silent
    )

    assert said(state, "a", "cat /order").split() == ["cmd", "one", "two", "three"]
    assert nodes.status(state.node_directory("a")) == "running"


def test_a_command_that_ends_leaves_node_status_and_log(lab: Lab) -> None:
    sorry, nope = "{kind: linux, cmd: \"sh -c 'echo sorry; exit 3'\"}", "{kind: linux, cmd: nope}"
    state = up(lab(f"name: t-ends\ntopology: {{nodes: {{a: {sorry}, b: {nope}}}}}"), silent)

    deadline = time.monotonic() + 40
    while not all("ended" in nodes.status(state.node_directory(name)) for name in "ab"):
        assert time.monotonic() < deadline
        time.sleep(0.05)

    assert nodes.status(state.node_directory("a")) == "ended with status 3"
    assert nodes.log_tail(state.node_directory("a")) == "sorry"
    assert nodes.status(state.node_directory("b")) == "ended with status 127"
    assert nodes.log_tail(state.node_directory("b")) == "nope: No such file or directory"
    assert said(state, "a", "hostname") == "a"


def test_orphans_are_reaped(lab: Lab) -> None:
    state = up(lab("name: t-reap\ntopology: {nodes: {a: {kind: linux}}}"), silent)

    said(state, "a", "(sleep 0.1 &) ; (sleep 0.1 &)")

    eventually(state, "a", "ps -e -o stat= | grep -c Z; true", "^0$")


@pytest.mark.interop
def test_an_frr_image_runs_the_daemons_of_its_file(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "daemons").write_text("bgpd=yes\n")
    (tmp_path / "frr.conf").write_text("log file /var/log/frr/frr.log\nrouter bgp 65000\n bgp router-id 10.0.0.1\n")
    binds = ["daemons:/etc/frr/daemons:ro", "frr.conf:/etc/frr/frr.conf:ro"]
    frr = f"{{kind: linux, image: quay.io/frrouting/frr:8.4.4, binds: {binds}}}"
    state = up(lab(f"name: t-frr\ntopology: {{nodes: {{one: {frr}, two: {frr}}}}}"), silent)

    for node in ("one", "two"):
        eventually(state, node, 'vtysh -c "show running-config"', "^ bgp router-id 10.0.0.1$")
        assert said(state, node, "pgrep -c bgpd") == "1"
        assert run_in(state, node, ["pgrep", "-c", "ospfd"]).output.strip() == "0"
        assert (state.node_directory(node) / "logs" / "frr.log").exists()


def test_down_kills_everything_and_can_be_repeated(lab: Lab) -> None:
    topology = lab("name: t-down\ntopology: {nodes: {a: {kind: linux, cmd: setsid sh -c 'sleep 1000 & sleep 1000'}}}")
    state = up(topology, silent)
    eventually(state, "a", "pgrep -c sleep", "^2$")
    inner = [identify(int(pid)) for pid in os.popen("ip netns pids clab-t-down-a").read().split()]

    assert down("t-down")
    assert len(inner) > 3
    assert not [process for process in inner if process and is_running(process)]
    assert nothing_is_left(topology)
    assert not down("t-down")


def test_up_twice_is_an_error_that_harms_nothing(lab: Lab) -> None:
    topology = lab(TWO_HOSTS)
    state = up(topology, silent)

    with pytest.raises(LabError, match="lab t-hosts is up already"):
        up(topology, silent)

    assert said(state, "h1", "hostname") == "h1"


@pytest.mark.parametrize(
    ("nodes_text", "links", "words"),
    [
        (
            "{a: {kind: linux, exec: ['true', 'sh -c \"echo no; exit 4\"']}}",
            "[]",
            "node a: exec .* ended with status 4\nno",
        ),
        ("{a: {kind: linux}, b: {kind: linux}}", "[{endpoints: ['a:lo', 'b:eth1']}]", "link a:lo: .*File exists"),
        ("{a: {kind: linux}, b: {kind: linux, sysctls: {net.no.such: 1}}}", "[]", "node b: .*No such file"),
        (
            "{a: {kind: linux}, b: {kind: linux, binds: ['topology.clab.yml:/etc']}}",
            "[]",
            "node b: mount .*/etc: Not a dir",
        ),
    ],
)
def test_what_fails_half_way_leaves_nothing(lab: Lab, nodes_text: str, links: str, words: str) -> None:
    topology = lab(f"name: t-half\ntopology: {{nodes: {nodes_text}, links: {links}}}")

    with pytest.raises(LabError, match=words):
        up(topology, silent)

    assert nothing_is_left(topology)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("after", range(6))
def test_an_interrupt_at_any_time_leaves_nothing(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: type[BaseException], after: int
) -> None:
    topology, lines = lab(TWO_HOSTS), iter(range(6))
    monkeypatch.setenv("OF_THIS_TEST", str(tmp_path))  # what is started has it; other labs may come and go

    def interrupt(_line: str) -> None:
        if next(lines, 0) == after:
            raise stop

    try:
        up(topology, interrupt)
    except stop:
        assert nothing_is_left(topology)
        deadline = time.monotonic() + 40
        while running := processes_with(f"OF_THIS_TEST={tmp_path}"):  # a node that was abandoned ends by itself
            assert time.monotonic() < deadline, running
            time.sleep(0.02)
    else:
        assert after == 5, "there are five lines of progress to interrupt"
        assert processes_with(f"OF_THIS_TEST={tmp_path}")


def processes_with(variable: str) -> list[str]:
    return [pid for pid in os.listdir("/proc") if pid.isdecimal() and variable.encode() in environment_of(pid)]


def environment_of(pid: str) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def test_a_half_made_lab_of_a_builder_that_was_killed_can_be_taken_down(lab: Lab) -> None:
    topology = lab("name: t-killed\ntopology: {nodes: {a: {kind: linux, exec: [sleep 1000]}}}")
    builder = os.fork()
    if builder == 0:
        up(topology, silent)
        os._exit(0)
    deadline = time.monotonic() + 40
    while not (state := load("t-killed")) or not state.nodes:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(builder, 9)
    os.waitpid(builder, 0)

    assert down("t-killed")
    assert nothing_is_left(topology)


def test_a_foreign_namespace_of_the_same_name_is_an_error_and_stays(lab: Lab) -> None:
    topology = lab("name: t-foreign\ntopology: {nodes: {a: {kind: linux}}}")
    name = nodes.NAMESPACES / "clab-t-foreign-a"
    nodes.NAMESPACES.mkdir(exist_ok=True)
    name.touch()
    try:
        with pytest.raises(LabError, match="network namespace clab-t-foreign-a already"):
            up(topology, silent)
        assert name.exists()
    finally:
        name.unlink()


def test_a_recycled_process_id_is_not_killed() -> None:
    me = identify(os.getpid())
    assert me is not None

    assert kill(Process(me.pid, "another boot/1"))
    assert is_running(me)


def test_a_bind_without_source_is_told_before_anything_is_made(lab: Lab) -> None:
    topology = lab("name: t-check\ntopology: {nodes: {a: {kind: linux, binds: ['missing:/x']}}}")

    with pytest.raises(LabError, match=r"node a binds .*/missing, which does not exist"):
        up(topology, silent)

    assert nothing_is_left(topology)


def test_a_command_without_end_is_killed_with_its_children(lab: Lab) -> None:
    state = up(lab("name: t-endless\ntopology: {nodes: {a: {kind: linux}}}"), silent)

    result = run_in(state, "a", ["sh", "-c", "echo begun; sleep 1000"], timeout=1)

    assert (result.status, result.output) == (124, "begun\nno end after 1 seconds\n")
    assert run_in(state, "a", ["pgrep", "sleep"]).output == ""


def test_expectations_are_retried_and_told(lab: Lab) -> None:
    state = up(
        lab("name: t-story\ntopology: {nodes: {a: {kind: linux, cmd: sh -c 'sleep 1; echo x > /x; exit 5'}}}"), silent
    )
    told: list[str] = []

    assert check(state, [Step(name="x comes", node="a", run="cat /x", match="^x$", within=40)], told.append)
    assert not check(state, [Step(name="y comes", node="a", run="cat /y", match="Y", within=0.1)], told.append)

    assert told[0].startswith("  ok      x comes (")
    assert told[1].startswith("  failed  y comes: nothing matches 'Y' after ")
    assert "No such file" in told[2]
    assert "node a: its command has ended with status 5" in told[3]


def test_a_story_tells_shows_and_ends_at_the_first_failure(lab: Lab) -> None:
    state = up(lab("name: t-tale\ntopology: {nodes: {a: {kind: linux}}}"), silent)
    told: list[str] = []
    steps = [
        Step(say="Look."),
        Step(node="a", run="hostname", show=True),
        Step(name="never", node="a", run="false", within=0),
        Step(say="Not reached."),
    ]

    assert not narrate(state, steps, told.append)
    assert told[:3] == ["\nLook.", "\n  a# hostname", "    a"]
    assert told[-1].startswith("  failed  never: the command ended with status 1")


def test_what_takes_several_nodes_runs_on_this_machine_beside_the_topology(lab: Lab, tmp_path: Path) -> None:
    state = up(lab(TWO_HOSTS), silent)
    reach = 'evpn lab exec "$LAB" h1 -- hostname; evpn lab exec "$LAB" h2 -- hostname; pwd'

    outcome = attempt(state, Step(node="host", run=reach, match=f"^h1\nother\n{tmp_path}$"))

    assert outcome.verdict.holds, outcome.output
