"""`evpn show` against a running agent that has 20 000 routes, and without one."""

import json
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evpn.agent.control import SOCKET_NAME
from evpn.cli.client import ask
from evpn.cli.show import WHAT
from evpn.text import parse_ip, parse_mac
from evpn.values import MacAddress
from evpn.wire import update
from tests.builders import a_mac_route, a_multicast_route, attributes
from tests.interop.fabric import EVPN, Fabric, Host, Vtep, address, say_until
from tests.interop.frr import until
from tests.interop.raw_peer import END_OF_RIB, RawPeer

pytestmark = pytest.mark.kernel

PEER, FAR, MANY = address(1), address(99), 20_000
MOVED = "02:00:00:00:00:00"


@pytest.fixture(scope="module")
def setting() -> Iterator[tuple[Vtep, RawPeer, Host]]:
    with Fabric("show", frr=False) as fabric:
        vtep = fabric.vtep(11, (PEER,), vnis=[{"vni": 100, "ports": ["tap1"]}, {"vni": 200}])
        host, node = fabric.host(vtep, 1), fabric.node(1)
        vtep.start()
        with RawPeer(node, PEER, vtep.address) as peer:
            far = parse_ip(FAR)
            flood = attributes(endpoint=far, local_preference=100)
            peer.update(update.encode_announce([a_multicast_route(far, f"{FAR}:100")], far, flood))
            for start in range(0, MANY, 50):
                macs = [MacAddress(b"\x02\x11\x00" + n.to_bytes(3)) for n in range(start, start + 50)]
                routes = [a_mac_route(mac, rd=f"{FAR}:100") for mac in macs]
                peer.update(update.encode_announce(routes, far, attributes(local_preference=100)))
            peer.update(END_OF_RIB)
            until(lambda: vtep.summary()["remote-macs"] == MANY and not vtep.summary()["rows-pending"], 60)
            host.speak()
            until(lambda: vtep.summary()["local-macs"] == 1)
            host.ask("192.0.2.99")
            flap(vtep, peer, host)
            yield vtep, peer, host


def flap(vtep: Vtep, peer: RawPeer, host: Host) -> None:
    """The host's MAC is here and there so often that it is a duplicate, and then here."""
    far, route = parse_ip(FAR), a_mac_route(parse_mac(host.mac), rd=f"{FAR}:100")
    for sequence in (1, 3, 5):
        peer.update(update.encode_announce([route], far, attributes(sequence=sequence, local_preference=100)))
        until(lambda: vtep.summary()["local-macs"] == 0)
        say_until(host, lambda: vtep.summary()["local-macs"] == 1)
    peer.update(update.encode_withdraw([route]))
    until(lambda: vtep.summary()["routes"] == MANY + 1)


@pytest.fixture
def vtep(setting: tuple[Vtep, RawPeer, Host]) -> Iterator[Vtep]:
    agent = setting[0].agent()
    yield setting[0]
    assert setting[0].agent() == agent


ROWS = {
    **{"summary": 1, "peers": 1, "vni": 2, "mac": MANY + 1, "neigh": 1, "vtep": 1, "flood": 1, "rib": MANY + 1},
    **{"local": 1, "duplicates": 1, "events": 8},
}


@pytest.mark.parametrize("what", WHAT)
def test_json_of_every_kind_is_an_array_of_objects_with_the_same_keys(vtep: Vtep, what: str) -> None:
    rows = json.loads(vtep.evpn("show", what, "--json", "--run-dir", str(vtep.run_dir)))

    assert len(rows) == ROWS[what] if what != "events" else len(rows) >= ROWS[what]
    assert {tuple(row) for row in rows} == {tuple(rows[0])}


@pytest.mark.parametrize("what", [what for what in WHAT if what != "summary"])
def test_the_table_has_a_line_for_each_row_under_the_names_of_the_columns(vtep: Vtep, what: str) -> None:
    lines = vtep.evpn("show", what, config=True).splitlines()

    assert len(lines) == ROWS[what] + 1 if what != "events" else len(lines) > ROWS[what]
    (row, *_) = vtep.show(what)
    assert lines[0].split() == list(row)


def test_the_summary_has_a_line_for_each_value(vtep: Vtep) -> None:
    values = dict(line.split() for line in vtep.evpn("show", "summary", config=True).splitlines())

    assert values["vtep"] == "10.0.0.11"
    assert values["remote-macs"] == str(MANY)
    assert values["in-sync"] == "yes"


def test_rows_of_one_vni(vtep: Vtep) -> None:
    assert json.loads(vtep.evpn("show", "mac", "--vni", "200", "--json", config=True)) == []
    assert vtep.evpn("show", "mac", "--vni", "200", config=True) == "no mac entries\n"
    assert len(json.loads(vtep.evpn("show", "vni", "--vni", "200", "--json", config=True))) == 1


def test_rows_of_one_address(setting: tuple[Vtep, RawPeer, Host], vtep: Vtep) -> None:
    mac = "02:11:00:00:00:07"

    assert [row["mac"] for row in json.loads(vtep.evpn("show", "mac", mac, "--json", config=True))] == [mac]
    (route,) = json.loads(vtep.evpn("show", "rib", mac, "--json", config=True))
    assert (route["route"], route["imported"]) == (mac, [100])
    known = until(lambda: vtep.show("neigh"))[0]
    (host,) = json.loads(vtep.evpn("show", "neigh", known["ip"], "--vni", "100", "--json", config=True))
    assert (host["ip"], host["mac"]) == (known["ip"], setting[2].mac)
    assert vtep.evpn("show", "mac", mac, "--vni", "200", config=True) == "no mac entries\n"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("peers", "02:11:00:00:00:07"), "Error: address: peers has none to look for; accepted: with mac, neigh, rib"),
        (("mac", "02:11"), "Error: address: "),
        (("mac", "--vni", "300"), "Error: VNI 300 is not configured; configured: 100, 200"),
        (("mac", "--vni", "x"), "Error: Invalid value for '--vni': 'x' is not a valid integer."),
        (("nothing",), "Error: Invalid value for 'WHAT': 'nothing' is not one of 'summary',"),
        ((), "Error: Missing argument"),
    ],
)
def test_bad_usage_is_status_2_and_says_what_is_accepted(vtep: Vtep, words: tuple[str, ...], line: str) -> None:
    said = vtep.evpn("show", *words, config=True, status=2)

    assert said.splitlines()[-1].startswith(line) or line in said


def test_without_an_agent_it_is_status_3(vtep: Vtep, tmp_path: Path) -> None:
    for what in WHAT:
        said = vtep.evpn("show", what, "--run-dir", str(tmp_path), status=3)
        reason = "no agent is running there (No such file or directory); --run-dir says where"
        assert said == f"Error: {tmp_path}/control.sock: {reason}\n"


def test_a_socket_that_a_dead_agent_left_is_status_3(vtep: Vtep, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / SOCKET_NAME))

    said = vtep.evpn("show", "mac", "--run-dir", str(tmp_path), status=3)

    assert "no agent is running there (Connection refused)" in said


def test_another_user_is_told_so(vtep: Vtep) -> None:
    vtep.directory.chmod(0o755)
    command = vtep.namespace.command("setpriv", "--reuid", "nobody", "--clear-groups", EVPN, "show", "mac")
    done = subprocess.run(
        [*command, "--run-dir", str(vtep.run_dir)], capture_output=True, text=True, check=False, timeout=60
    )
    socket_path = vtep.run_dir / SOCKET_NAME
    assert (done.returncode, done.stderr) == (
        1,
        f"Error: {socket_path}: permission denied; "
        "accepted: root, the user of the agent, or a member of its control-group\n",
    )


def test_a_reader_that_has_seen_enough_ends_it_quietly(vtep: Vtep) -> None:
    for options in ("--json", ""):
        command = vtep.namespace.command("sh", "-c", f"{EVPN} show mac {options} --config {vtep.config} | head -n 2")
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, done.stderr, len(done.stdout.splitlines())) == (0, "", 2)


def test_watching_goes_on_until_it_is_interrupted(vtep: Vtep) -> None:
    # whoever starts the tests in the background has them ignore SIGINT, and so whatever they start
    interruptible = "env", "--default-signal=INT", EVPN
    command = vtep.namespace.command(*interruptible, "show", "summary", "--watch", "--config", str(vtep.config))
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    lines: list[str] = []
    assert process.stdout
    for line in process.stdout:
        lines.append(line)
        if sum(line.startswith("uptime") for line in lines) == 2:
            break
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=40)
    first, second = (float(line.split()[1]) for line in lines if line.startswith("uptime"))
    assert 1.5 < second - first < 8
    assert "Traceback" not in errors


def test_a_large_answer_comes_while_it_is_made(vtep: Vtep) -> None:
    """The first row is there before the last one has been thought of, and a reader that rests holds up nobody."""
    rows = ask(vtep.run_dir, {"command": "show", "what": "rib", "vni": None})
    first = next(rows)

    assert first["best"] is True
    assert vtep.summary()["routes"] == MANY + 1
    assert len(vtep.show("local")) == 1
    assert sum(1 for _ in rows) == MANY


def test_routes_go_on_while_somebody_reads_slowly(setting: tuple[Vtep, RawPeer, Host], vtep: Vtep) -> None:
    peer, far, mac = setting[1], parse_ip(FAR), "02:00:00:00:88:01"
    route = a_mac_route(MacAddress(bytes.fromhex(mac.replace(":", ""))), rd=f"{FAR}:100")
    readers = [ask(vtep.run_dir, {"command": "show", "what": "mac", "vni": 100}) for _ in range(10)]
    assert [next(rows)["vni"] for rows in readers] == [100] * 10

    peer.update(update.encode_announce([route], far, attributes(local_preference=100)))
    until(lambda: vtep.remote(mac) == {"bridge", FAR})
    peer.update(update.encode_withdraw([route]))
    until(lambda: not vtep.fdb(mac))

    for rows in readers:
        rows.close()  # type: ignore[attr-defined]
    until(lambda: vtep.summary()["remote-macs"] == MANY)


REQUESTS: list[tuple[bytes, str]] = [
    (b"\n", "."),
    (b"rubbish\n", "."),
    (b"[]\n", "."),
    (b"{}\n", "command None is not known to this agent; accepted: show, diff, host, clear, refresh, reload"),
    (b'{"command": "show"}\n', "what: missing; accepted: summary, peers"),
    (b'{"command": "show", "what": ["mac"]}\n', "."),
    (b'{"command": "show", "what": {}}\n', "."),
    (b'{"command": "show", "what": "mac", "vni": "100"}\n', "vni: found '100'; accepted: a VNI"),
    (b'{"command": "show", "what": "mac", "vni": [1]}\n', "."),
    (b'{"command": "show", "what": "mac", "vni": 1e400}\n', "."),
    (b'{"command": {"a": 1}}\n', "is not known to this agent"),
    (b'{"command": "reload"}\n', "."),
    (b'{"command": "reload", "config": 7}\n', "."),
    (b"\xff\xfe\n", "."),
    (b'{"command": "' + b"[" * 60000 + b'"}\n', "is not known to this agent"),
    (b"[" * 60000 + b"\n", "."),
]


@pytest.mark.parametrize(("request_", "error"), REQUESTS, ids=range(len(REQUESTS)))
def test_a_request_that_makes_no_sense_is_answered_in_words(vtep: Vtep, request_: bytes, error: str) -> None:
    answer = raw(vtep, request_)

    assert answer["ok"] is False
    assert re.search(error, answer["error"])


def raw(vtep: Vtep, octets: bytes) -> dict[str, Any]:
    """The last line of the answer."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(40)
        link.connect(str(vtep.run_dir / SOCKET_NAME))
        link.sendall(octets)
        answers: list[dict[str, Any]] = [json.loads(line) for line in link.makefile("rb")]
        return answers[-1]


def test_clients_that_hang_up_or_say_nothing_or_too_much(vtep: Vtep) -> None:
    silent = []
    for number in range(200):
        link = socket.socket(socket.AF_UNIX)
        link.connect(str(vtep.run_dir / SOCKET_NAME))
        if number % 3 == 0:
            link.close()
        elif number % 3 == 1:
            link.sendall(b'{"command": "show", "what": "mac"}\n')
            link.close()
        else:
            silent.append(link)
    try:
        with pytest.raises((ConnectionResetError, BrokenPipeError)), socket.socket(socket.AF_UNIX) as link:
            link.connect(str(vtep.run_dir / SOCKET_NAME))
            for _ in range(100):
                link.sendall(b"x" * (1 << 16))
    finally:
        for link in silent:
            link.close()
    until(vtep.answers)
