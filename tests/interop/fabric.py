"""A fabric in namespaces: reflectors and VTEPs on one underlay network, hosts behind the VTEPs.

    with Fabric("demo") as fabric:
        one = fabric.vtep(11, reflectors=("10.0.0.1",))
        h1 = fabric.host(one, 1)
        fabric.reflector(1, one, clients=(11,))
        one.start()

The underlay is 10.0.0.0/24, the overlay 192.0.2.0/24; numbers are the last octets. All processes started through a
fabric end with it, by their ids, and so do its namespaces and directories.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from evpn.cli.client import ask

from .frr import DAEMONS, Frr, Namespace, until

EVPN = str(Path(sys.executable).with_name("evpn"))
UNDERLAY_MTU = 1550
FLOOD = "00:00:00:00:00:00"

Row = dict[str, Any]


def address(number: int) -> str:
    return f"10.0.0.{number}"


def mac(number: int) -> str:
    return f"02:00:00:00:00:{number:02x}"


class Fabric:
    """Owner of everything in it; `name` tells its namespaces from those of other fabrics of this process."""

    def __init__(self, name: str, frr: bool = True) -> None:
        self.name = name
        self._frr = frr
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        assert os.geteuid() == 0, "namespaces and devices are made: these tests need root"
        assert not self._frr or (DAEMONS / "bgpd").exists(), f"no {DAEMONS}/bgpd: these tests need Debian's frr"
        with ExitStack() as stack:
            self._switch = stack.enter_context(Namespace(f"{self.name}-lan"))
            self._switch.run("ip", "link", "add", "lan", "mtu", str(UNDERLAY_MTU), "type", "bridge")
            self._switch.run("ip", "link", "set", "lan", "up")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def node(self, number: int) -> Namespace:
        """A namespace on the underlay."""
        node = self._stack.enter_context(Namespace(f"{self.name}-{number}"))
        self._cable(node, "eth0", f"port{number}", self._switch, UNDERLAY_MTU)
        node.run("ip", "address", "add", f"{address(number)}/24", "dev", "eth0")
        self._switch.run("ip", "link", "set", f"port{number}", "master", "lan")
        return node

    def vtep(self, number: int, reflectors: tuple[str, ...] = (address(1),), **settings: Any) -> "Vtep":
        """A node with a configuration for `evpn`; nothing runs yet. Underscores in keys stand for hyphens."""
        directory = Path(tempfile.mkdtemp(prefix="evpn-test-"))
        self._stack.callback(shutil.rmtree, directory, ignore_errors=True)
        vtep = Vtep(self.node(number), number, directory)
        self._stack.callback(vtep.kill)
        vtep.configure(
            vtep_address=address(number),
            local_as=65000,
            neighbors=[{"address": reflector, "hold-time": 9} for reflector in reflectors],
            run_dir=str(directory / "run"),
            vnis=[{"vni": 100}],
        )
        vtep.configure(**settings)
        return vtep

    def host(self, vtep: "Vtep", number: int, port: str = "tap1") -> "Host":
        """A host on a port of a VTEP, which has to be put into a bridge: `ports` of the configuration does it."""
        node = self._stack.enter_context(Namespace(f"{self.name}-h{number}"))
        node.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
        self._cable(node, "eth0", port, vtep.namespace, 1500, mac(number))
        node.run("ip", "address", "add", f"192.0.2.{number}/24", "dev", "eth0")
        return Host(node, number)

    def frr(self, node: Namespace, configuration: str) -> Frr:
        return self._stack.enter_context(Frr(node, configuration))

    def reflector(self, number: int, vtep: "Vtep", clients: tuple[int, ...]) -> Frr:
        """FRR with what `evpn render frr-route-reflector` makes of the configuration of one of its clients."""
        told = [word for client in clients for word in ("--client", address(client))]
        text = vtep.evpn("render", "frr-route-reflector", "--neighbor", address(number), *told, config=True)
        return self.frr(self.node(number), text)

    @contextmanager
    def watched(self, node: Namespace, *command: str) -> Iterator["Watch"]:
        """A command that runs on a node meanwhile, and the lines that it says."""
        watch = Watch(node, *command)
        try:
            yield watch
        finally:
            watch.stop()

    def _cable(self, a: Namespace, end_a: str, end_b: str, b: Namespace, mtu: int, mac: str = "") -> None:
        own_mac = ("address", mac) if mac else ()
        peer = ("peer", "name", end_b, "mtu", str(mtu), "netns", b.name)
        a.run("ip", "link", "add", end_a, "mtu", str(mtu), *own_mac, "type", "veth", *peer)
        a.run("ip", "link", "set", end_a, "up")
        b.run("ip", "link", "set", end_b, "up")


class Vtep:
    """`evpn run` on a node, and what its kernel holds."""

    def __init__(self, namespace: Namespace, number: int, directory: Path) -> None:
        self.namespace = namespace
        self.address = address(number)
        self.directory = directory
        self.config = directory / "vtep.yaml"
        self.log_file = directory / "log"
        self.settings: dict[str, Any] = {}
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def run_dir(self) -> Path:
        return Path(self.settings["run-dir"])

    def configure(self, **settings: Any) -> None:
        """Write the configuration with these keys changed; None leaves a key out."""
        self.settings |= {key.replace("_", "-"): value for key, value in settings.items()}
        self.config.write_text(yaml.safe_dump({k: v for k, v in self.settings.items() if v is not None}))

    # The commands

    def start(self, wait: bool = True) -> None:
        """`evpn run`, until its agent answers."""
        with self.log_file.open("ab") as log:
            command = self.namespace.command(EVPN, "run", "--config", str(self.config))
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if wait:
            until(self.answers, 20)

    def stop(self, timeout: float = 15) -> int:
        """SIGTERM, as an operator would."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(timeout)

    def kill(self) -> None:
        """Without any ado, with the agent."""
        if self.process is not None and self.process.poll() is None:
            agents = self.children()
            self.process.kill()
            self.process.wait()
            for pid in agents:
                with_pid(pid, signal.SIGKILL)

    def children(self) -> list[int]:
        """Process ids of ExaBGP's helpers: the agent."""
        assert self.process is not None
        try:
            text = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        except OSError:
            return []
        return [int(pid) for pid in text.split()]

    def agent(self) -> int:
        """Process id of the agent."""
        (pid,) = until(lambda: [pid for pid in self.children() if b"\0plugin\0" in command_line(pid)])
        return pid

    def answers(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise RuntimeError(f"evpn run ended with {self.process.returncode}: {self.log()}")
        try:
            return bool(self.summary())
        except Exception as error:
            if type(error).__name__ != "NoAgent":
                raise
            return False

    def evpn(self, *arguments: str, config: bool = False, status: int = 0, timeout: float = 20) -> str:
        """An `evpn` command on this node; its output, both streams together."""
        told = ("--config", str(self.config)) if config else ()
        command = self.namespace.command(EVPN, *arguments, *told)
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout, check=False
        )
        assert done.returncode == status, (arguments, done.returncode, done.stdout)
        return done.stdout

    def log(self) -> str:
        return self.log_file.read_text()

    # What the agent says

    def show(self, what: str, vni: int | None = None) -> list[Row]:
        return list(ask(self.run_dir, {"command": "show", "what": what, "vni": vni}))

    def summary(self) -> Row:
        (row,) = self.show("summary")
        return row

    def peers(self) -> dict[str, Row]:
        return {row["peer"]: row for row in self.show("peers")}

    def macs(self, vni: int = 100) -> dict[str, Row]:
        return {row["mac"]: row for row in self.show("mac", vni)}

    # What the kernel holds

    def run(self, *command: str) -> str:
        return self.namespace.run(*command)

    def plug(self, port: str, bridge: str = "br100") -> None:
        self.run("ip", "link", "set", port, "master", bridge, "up")

    def fdb(self, mac: str | None = None, device: str = "vxlan100") -> list[Row]:
        """Rows of the FDBs on a device: with `master` the bridge's, with `dst` the VXLAN device's."""
        rows: list[Row] = json.loads(self.run("bridge", "-j", "fdb", "show", "dev", device))
        return [row for row in rows if mac in (None, row["mac"])]

    def remote(self, mac: str, device: str = "vxlan100") -> set[str]:
        """Where the kernel sends frames for a MAC: VTEPs by our marked rows, and `bridge` for the bridge's half."""
        rows = [row for row in self.fdb(mac, device) if "extern_learn" in row["flags"]]
        return {row.get("dst", "bridge") for row in rows}

    def flood(self, device: str = "vxlan100") -> set[str]:
        return {row["dst"] for row in self.fdb(FLOOD, device) if "dst" in row}

    def port_of(self, mac: str, bridge: str = "br100") -> str | None:
        """The port on which the bridge has a MAC."""
        rows = json.loads(self.run("bridge", "-j", "fdb", "show", "br", bridge))
        return next((row["ifname"] for row in rows if row["mac"] == mac and "dst" not in row), None)

    def tables(self) -> list[str]:
        """Devices and FDBs, without what changes by itself."""
        links = self.run("ip", "-d", "link")
        links = re.sub(r"\w+_timer +[\d.]+|(state|qdisc) [a-zA-Z]+|qlen \d+|NO-CARRIER,|,LOWER_UP|,M-DOWN", "", links)
        fdb = [row for row in self.run("bridge", "fdb").splitlines() if not row.startswith(("33:33:", "01:00:5e:"))]
        return [*links.splitlines(), *sorted(fdb)]


class Host:
    """A host of the overlay."""

    def __init__(self, namespace: Namespace, number: int) -> None:
        self.namespace = namespace
        self.number = number
        self.ip = f"192.0.2.{number}"
        self.mac = mac(number)

    def reaches(self, other: "Host", *more: str) -> bool:
        command = self.namespace.command("ping", "-c", "1", "-W", "1", *more, other.ip)
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def speak(self) -> None:
        """A frame to everybody."""
        command = self.namespace.command("ping", "-b", "-c", "1", "-W", "0.01", "192.0.2.255")
        subprocess.run(command, capture_output=True, check=False)

    @contextmanager
    def pinging(self, other: "Host", interval: float = 0.05) -> Iterator[Callable[[], tuple[int, int]]]:
        """Pings all the while; afterwards the function says how many were sent and how many answered."""
        command = self.namespace.command("ping", "-q", "-i", str(interval), "-W", "1", other.ip)
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        output: list[str] = []

        def counted() -> tuple[int, int]:
            found = re.search(r"(\d+) packets transmitted, (\d+) received", "".join(output))
            assert found, output
            return int(found[1]), int(found[2])

        try:
            yield counted
        finally:
            process.send_signal(signal.SIGINT)
            output.append(process.communicate(timeout=10)[0])

    def move(self, vtep: Vtep, port: str, bridge: str = "br100") -> None:
        """Unplugged where it is, plugged in at `vtep` as `port`, with its MAC and IP; says nothing by itself."""
        self.namespace.run("ip", "link", "del", "eth0")
        peer = ("peer", "name", port, "netns", vtep.namespace.name)
        self.namespace.run("ip", "link", "add", "eth0", "address", self.mac, "type", "veth", *peer)
        vtep.plug(port, bridge)
        self.namespace.run("ip", "address", "add", f"{self.ip}/24", "dev", "eth0")
        self.namespace.run("ip", "link", "set", "eth0", "up")


class Watch:
    """The lines of a command that goes on, such as `bridge monitor fdb`."""

    def __init__(self, namespace: Namespace, *command: str) -> None:
        self.lines: deque[str] = deque()
        command = tuple(namespace.command("stdbuf", "-oL", *command))
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        self._reader.join(10)

    def about(self, *words: str) -> list[str]:
        """Lines with all of these words."""
        return [line for line in list(self.lines) if all(word in line for word in words)]

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))


def sequence_of(path: Row) -> int:
    """Of the MAC mobility community; 0 without one."""
    words = path["extendedCommunity"]["string"].replace(",", " ").split()
    return next((int(word[3:]) for word in words if word.startswith("MM:")), 0)


class View:
    """FRR's table of EVPN routes, by what a test asks about."""

    def __init__(self, frr: Frr) -> None:
        self.frr = frr

    def mac(self, mac: str, vtep: str) -> Row | None:
        """Its path to the MAC-only route of a VTEP."""
        return self._path(f"[2]:[0]:[48]:[{mac}]", vtep)

    def multicast(self, vtep: str) -> Row | None:
        return self._path(f"[3]:[0]:[32]:[{vtep}]", vtep)

    def established(self) -> set[str]:
        peers = self.frr.vtysh_json("show bgp l2vpn evpn summary json").get("peers", {})
        return {peer for peer, row in peers.items() if row["state"] == "Established"}

    def flaps(self, peer: str) -> int:
        """How many times a session has been lost."""
        return int(self.frr.vtysh_json(f"show bgp neighbors {peer} json")[peer]["connectionsDropped"])

    def _path(self, prefix: str, vtep: str) -> Row | None:
        for path in self.paths().get(prefix, ()):
            if any(hop["ip"] == vtep for hop in path["nexthops"]):
                return path
        return None

    def paths(self) -> dict[str, list[Row]]:
        """Prefix -> its paths under all route distinguishers."""
        shown = self.frr.vtysh_json("show bgp l2vpn evpn route detail json")
        found: dict[str, list[Row]] = {}
        for rd, routes in shown.items():
            if not isinstance(routes, dict):
                continue
            for prefix, route in routes.items():
                if isinstance(route, dict):
                    for path in route["paths"]:
                        paths = path if isinstance(path, list) else [path]
                        found.setdefault(prefix, []).extend({**one, "rd": rd} for one in paths)
        return found


def with_pid(pid: int, number: int) -> None:
    """A signal to a process that may have ended."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def stays(question: Callable[[], Any], seconds: float, every: float = 0.1) -> None:
    """It is true all the time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert question()
        time.sleep(every)


def say_until(host: Host, question: Callable[[], Any]) -> None:
    """The host speaks until it is true: a port that has just come up may not forward the first frame."""

    def spoken() -> Any:
        host.speak()
        return question()

    until(spoken)


def same_update(path: Row | None, known: Row | None) -> bool:
    """One and the same UPDATE: FRR works out the second of its arrival anew each time, and is one off now and then."""
    if path is None or known is None:
        return False
    apart = abs(path["lastUpdate"]["epoch"] - known["lastUpdate"]["epoch"])
    return apart <= 1 and all(path.get(key) == known.get(key) for key in path | known if key != "lastUpdate")
