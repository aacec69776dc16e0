"""`evpn run` on a host that is not as the configuration needs it: one line, an exit code, and a host as it was."""

import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.interop.fabric import EVPN, Fabric, Vtep
from tests.interop.frr import run, until

pytestmark = pytest.mark.kernel

LISTENER = "import socket; s = socket.create_server(('10.0.0.11', 179)); print('listening', flush=True); s.accept()"


@pytest.fixture
def vtep() -> Iterator[Vtep]:
    with Fabric("run", frr=False) as fabric:
        yield fabric.vtep(11)


def vni(**settings: Any) -> dict[str, Any]:
    return {"vnis": [{"vni": 100} | {key.replace("_", "-"): value for key, value in settings.items()}]}


HOST = [
    (
        "VTEP address that no interface has",
        [],
        {"vtep_address": "10.0.0.77"},
        "vtep-address: 10.0.0.77 is on no interface; accepted: one of 10.0.0.11",
    ),
    (
        "local address that no interface has",
        [],
        {"local_address": "10.0.0.78"},
        "local-address: 10.0.0.78 is on no interface; accepted: one of 10.0.0.11",
    ),
    (
        "device of another VNI",
        ["link add vxlan100 type vxlan id 7 local 10.0.0.11 dstport 4789"],
        {},
        "vnis[0]: device vxlan100: found VNI 7; accepted: 100",
    ),
    (
        "device of another local address",
        ["link add vxlan100 type vxlan id 100 local 10.0.0.12 dstport 4789"],
        {},
        "vnis[0]: device vxlan100: found local address 10.0.0.12; accepted: 10.0.0.11, the vtep-address",
    ),
    (
        "device without local address, under another name",
        ["link add overlay type vxlan id 100 dstport 4789"],
        {},
        "vnis[0]: device overlay: found local address none; accepted: 10.0.0.11, the vtep-address",
    ),
    (
        "device of another port",
        ["link add vxlan100 type vxlan id 100 local 10.0.0.11 dstport 8472"],
        {},
        "vnis[0]: device vxlan100: found UDP port 8472; accepted: 4789",
    ),
    (
        "device of another kind",
        ["link add vxlan100 type veth peer other"],
        {},
        "vnis[0]: device vxlan100: found a device of kind veth; accepted: vxlan",
    ),
    (
        "device in another bridge",
        [
            "link add br7 type bridge",
            "link add vxlan100 master br7 type vxlan id 100 local 10.0.0.11 dstport 4789",
        ],
        {},
        "vnis[0]: device vxlan100: found in bridge br7; accepted: br100",
    ),
    (
        "bridge that is none",
        [],
        vni(bridge="eth0"),
        "vnis[0]: bridge eth0: found a device of kind veth; accepted: bridge",
    ),
    (
        "port of another bridge",
        ["link add br7 type bridge", "link add tap0 master br7 type veth peer other"],
        vni(ports=["tap0"]),
        "vnis[0]: ports: tap0: found in br7; accepted: in br100 or in none",
    ),
    (
        "name that the kernel refuses once the bridge is made",
        ["link property add dev eth0 altname vxlan100"],
        {},
        "create vxlan100: EEXIST (File exists)",
    ),
    (
        "device that cannot be set up, behind one that can",
        ["link add any type vxlan external dstport 4790", "link set any up", "link add tap0 type veth peer other"],
        {"vnis": [{"vni": 100, "ports": ["tap0"]}, {"vni": 200, "port": 4790}]},
        "set vxlan200 state=up: EADDRINUSE (Address already in use)",
    ),
]


@pytest.mark.parametrize(("host", "change", "line"), [row[1:] for row in HOST], ids=[row[0] for row in HOST])
def test_a_host_that_does_not_fit(vtep: Vtep, host: list[str], change: dict[str, Any], line: str) -> None:
    for command in host:
        vtep.run("ip", *command.split())
    vtep.configure(**change)

    assert refused(vtep, 1) == f"{vtep.config}: {line}"


FILE: list[tuple[dict[str, Any], str]] = [
    ({"speed": "high"}, "speed: unknown key; accepted: "),
    (vni(speed="high"), "vnis[0].speed: unknown key; accepted: "),
    (vni(vni=0), "vnis[0].vni: found 0; accepted: a VNI from 1 to 16777215"),
    (vni(vni=1 << 24), "vnis[0].vni: found 16777216; accepted: a VNI from 1 to 16777215"),
    ({"vnis": [{"vni": 100}, {"vni": 100}]}, "vnis[1].vni: "),
    (vni(hosts=[{"mac": "01:00:5e:00:00:01"}]), "vnis[0].hosts[0].mac: "),
    (vni(strategy="dynamic"), "vnis[0].strategy: "),
    ({"neighbors": []}, "neighbors: "),
    ({"local_as": None}, "local-as: missing; accepted: "),
]


@pytest.mark.parametrize(("change", "line"), FILE)
def test_a_file_that_is_wrong(vtep: Vtep, change: dict[str, Any], line: str) -> None:
    vtep.configure(**change)

    assert refused(vtep, 2).startswith(f"{vtep.config}: {line}")


def test_a_file_that_is_not_there(vtep: Vtep) -> None:
    vtep.config.unlink()

    said = refused(vtep, 2)

    assert said == f"{vtep.config}: no such file or directory; accepted: a file that can be read"


def test_port_179_taken(vtep: Vtep) -> None:
    with Fabric("run2", frr=False) as other, other.watched(vtep.namespace, sys.executable, "-c", LISTENER) as listener:
        until(lambda: listener.about("listening"))

        said = refused(vtep, 1)

    reason = "address already in use; accepted: a port that no other BGP speaker has"
    assert said == f"10.0.0.11 port 179: {reason}"


@pytest.mark.parametrize(
    "privileges", [("--bounding-set", "-net_admin"), ("--reuid", "nobody", "--clear-groups")], ids=["root", "nobody"]
)
@pytest.mark.parametrize("command", ["run", "flush"])
def test_without_the_privilege(vtep: Vtep, privileges: tuple[str, ...], command: str) -> None:
    vtep.directory.chmod(0o755)

    said = refused(vtep, 1, "setpriv", *privileges, EVPN, command)

    assert "no CAP_NET_ADMIN: found an unprivileged process; accepted: root, or a service with it" in said


@pytest.mark.parametrize("place", ["/proc/evpn", "{config}/run"])
def test_a_run_dir_that_cannot_be_made(vtep: Vtep, place: str) -> None:
    directory = place.format(config=vtep.config)
    vtep.configure(run_dir=directory)

    said = refused(vtep, 1)

    assert said.startswith(f"{vtep.config}: run-dir: {directory}: ")


def test_a_full_disk_is_a_problem_of_the_host_that_may_go_away(vtep: Vtep) -> None:
    disk = vtep.directory / "disk"
    disk.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", str(disk))
    try:
        (disk / "full").write_bytes(bytes(4096))
        vtep.configure(run_dir=str(disk / "run"))

        said = refused(vtep, 1)
    finally:
        run("umount", str(disk))

    assert said == f"{vtep.config}: run-dir: {disk}/run/exabgp.conf: no space left on device"


def test_a_second_run_is_refused_and_does_not_harm_the_first(vtep: Vtep) -> None:
    vtep.start()
    before, pid = vtep.tables(), vtep.agent()

    said = vtep.evpn("run", config=True, status=1)

    assert said.startswith("10.0.0.11 port 179: address already in use; accepted: ")
    assert (vtep.tables(), vtep.agent()) == (before, pid)
    assert vtep.summary()["vnis-served"] == 1


def test_a_second_agent_in_the_same_run_dir_is_refused(vtep: Vtep) -> None:
    vtep.configure()
    vtep.start()

    said = vtep.evpn("plugin", config=True, status=1).splitlines()[-1]

    assert said == f"{vtep.run_dir}/control.sock: another agent is there; accepted: a run-dir of its own for each"
    assert vtep.answers()


def test_a_port_joins_its_bridge_when_it_comes_and_when_it_comes_again(vtep: Vtep) -> None:
    vtep.configure(**vni(ports=["tap0"]))
    vtep.start()

    for _ in range(2):
        vtep.run("ip", "link", "add", "tap0", "type", "veth", "peer", "other")
        until(lambda: "master br100" in vtep.run("ip", "link", "show", "tap0"))
        vtep.run("ip", "link", "del", "tap0")


def test_an_agent_that_is_started_again_lives_with_what_has_gone_wrong_meanwhile(vtep: Vtep) -> None:
    vtep.configure()
    vtep.start()
    old, text = vtep.agent(), vtep.config.read_text()
    vtep.config.write_text(text.replace("vni: 100", "vni: 0"))
    vtep.run("ip", "link", "set", "br100", "down")
    vtep.run("ip", "link", "set", "br100", "name", "renamed")
    vtep.run("ip", "link", "set", "renamed", "up")

    os.kill(old, signal.SIGKILL)

    until(lambda: old not in vtep.children() and vtep.children() and vtep.answers(), 20)
    assert [row["state"] for row in vtep.show("vni")] == ["served"]
    assert "br100" not in vtep.run("ip", "-br", "link")


def test_bad_usage(vtep: Vtep) -> None:
    for words in (("run",), ("run", "--no-such"), ("show", "nothing"), ("no-such",)):
        assert "Usage: " in vtep.evpn(*words, status=2)


def test_what_is_made_is_as_documented(vtep: Vtep) -> None:
    vtep.run("ip", "link", "add", "tap0", "type", "veth", "peer", "other")
    vtep.configure(**vni(ports=["tap0"]))
    vtep.start()

    device, bridge, port = (vtep.run("ip", "-d", "link", "show", name) for name in ("vxlan100", "br100", "tap0"))
    for word in ("vxlan id 100", "local 10.0.0.11", "dstport 4789", "nolearning", "master br100", "learning off"):
        assert word in device
    assert "neigh_suppress on" in device and "mtu 1500" in device and "mtu 1500" in bridge
    assert "master br100" in port and ",UP" in port
    assert vtep.run("ip", "-o", "address", "show", "dev", "br100") == ""
    assert vtep.run("ip", "-o", "address", "show", "dev", "vxlan100") == ""


def test_a_vni_without_devices_waits_for_them(vtep: Vtep) -> None:
    vtep.configure(**vni(create=False))
    vtep.start()
    assert [row["state"] for row in vtep.show("vni")] == ["no VXLAN device with this VNI"]
    assert "not serving vni=100 reason=no VXLAN device with this VNI" in vtep.log()

    vtep.run("ip", "link", "add", "mine", "type", "bridge")
    vtep.run("ip", "link", "add", "vx", "type", "vxlan", "id", "100", "local", "10.0.0.11", "dstport", "4789")
    vtep.run("ip", "link", "set", "vx", "master", "mine", "up")
    until(lambda: [row["state"] for row in vtep.show("vni")] == ["mine is down"])
    vtep.run("ip", "link", "set", "mine", "up")
    until(lambda: [row["state"] for row in vtep.show("vni") if row["state"].startswith("served")])
    row = vtep.show("vni")[0]
    assert (row["device"], row["bridge"]) == ("vx", "mine")
    assert row["state"].startswith("served, but vx learns from the tunnel: ip link set vx type vxlan nolearning; ")


def refused(vtep: Vtep, status: int, *command: str) -> str:
    """The last line that is said; nothing is changed on the host."""
    before, run_dir = vtep.tables(), vtep.run_dir.exists()
    if command:
        words = vtep.namespace.command(*command, "--config", str(vtep.config))
        said = with_status(words, status)
    else:
        said = vtep.evpn("run", config=True, status=status)
    assert vtep.tables() == before
    assert vtep.run_dir.exists() == run_dir or status == 1
    lines = said.splitlines()
    assert [line for line in lines if not line.startswith("evpn INFO made ")] == lines[-1:]
    return lines[-1]


def with_status(command: list[str], status: int) -> str:
    return run("sh", "-c", '"$@" 2>&1; test $? = $0 && exit 0; exit 99', str(status), *command)
