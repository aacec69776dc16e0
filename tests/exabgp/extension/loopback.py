"""`evpn exabgp` as a whole, in an ExaBGP that a test chose: a peer on 127.0.0.1, and a helper that announces.

The story is always the same: the session comes up, the peer gets a route of the configuration file and one of the
helper; it announces one itself, upon which the helper withdraws its own; then ExaBGP is told to end.
"""

import json
import os
import pwd
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from evpn.text import parse_ip, parse_mac, parse_rd
from evpn.values import NO_IP, ZERO_ESI, ZERO_TAG
from evpn.wire import update
from evpn.wire.attributes import PathAttributes
from evpn.wire.open import EVPN
from evpn.wire.routes import MacIpRoute
from evpn.wire.update import Update

PROGRAM = Path(sys.executable).with_name("evpn")
OPEN, UPDATE, KEEPALIVE = 1, 2, 4
PATIENCE = 40

CONFIGURATION = """
process helper {{ run {python} {directory}/helper.py {directory}/heard; encoder json; }}
neighbor 127.0.0.1 {{
  router-id 10.0.0.3; local-address 127.0.0.3; local-as 65000; peer-as 65000; connect {port};
  adj-rib-in false;
  family {{ l2vpn evpn; }}
  api {{ processes [ helper ]; neighbor-changes; receive {{ packets; update; }} }}
  announce {{ l2vpn {{ evpn multicast rd 10.0.0.3:100 ip 10.0.0.3 next-hop self pmsi ingress 100 10.0.0.3; }} }}
}}
"""

HELPER = """
import sys
from fcntl import F_GETPIPE_SZ, fcntl

route = "evpn id %d mac-ip rd 10.0.0.3:100 mac 50:54:33:00:00:09 vni 100 next-hop self"
print("announce", route % 1, flush=True)
with open(sys.argv[1], "w", buffering=1) as heard:
    print('{"type": "pipe", "size": %d}' % fcntl(0, F_GETPIPE_SZ), file=heard)
    for line in sys.stdin:
        print(line, end="", file=heard)
        if '"type": "update"' in line:
            print("withdraw", route % 2, flush=True)
"""

REPORT = """
def report():
    modules = {name: module for name, module in sys.modules.items() if module and name.partition(".")[0] == "exabgp"}
    if "exabgp.reactor.loop" not in modules:
        return  # the helper
    spaces = [vars(module) for module in modules.values()]
    spaces += [vars(thing) for space in list(spaces) for thing in space.values() if isinstance(thing, type)]
    spaces += [thing for space in list(spaces) for thing in space.values() if isinstance(thing, dict)]
    owners = {str(getattr(thing, "__module__", "")) for space in spaces for thing in list(space.values())}
    found = {
        "version": sys.modules["exabgp.version"].release,
        "files": sorted(module.__file__ for module in modules.values() if module.__file__),
        "parts": sorted(name.rpartition(".")[2] for name in owners if name.startswith("evpn.exabgp.extension.")),
    }
    with open(os.environ["REPORT"], "w") as file:
        json.dump(found, file)

import atexit, json, os, sys
atexit.register(report)
"""
"""Told by ExaBGP's process at its end: where its modules are from, and whose objects are in them."""

ELSEWHERE = MacIpRoute(parse_rd("10.0.0.1:100"), ZERO_ESI, ZERO_TAG, parse_mac("50:54:33:00:00:01"), NO_IP, 100)
"""The route of the peer."""


class Told(NamedTuple):
    announced: list[str]  # kinds of routes that the peer got
    withdrawn: list[str]
    heard: dict[str, list[dict[str, Any]]]  # by the helper, by type
    code: int
    warnings: list[str]
    version: str
    files: list[str]  # of ExaBGP
    parts: list[str]  # of the extension, that have replaced something in it


def environment(directory: Path, change: str = "", release: Path | None = None) -> dict[str, str]:
    """For an ExaBGP other than the one that is installed: of a folder, and with a line of Python run before it."""
    (directory / "sitecustomize.py").write_text(f"{change}\n{REPORT}")
    paths = [directory, *([release] if release else [])]
    settings = {
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "REPORT": str(directory / "report"),
        "exabgp.api.cli": "false",
        "exabgp.api.ack": "false",
        "exabgp.daemon.user": pwd.getpwuid(os.getuid()).pw_name,
    }
    return {**os.environ, **settings}


def run(settings: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """`evpn exabgp` with a command that ends by itself."""
    command = [str(PROGRAM), "exabgp", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env=settings, check=False)


def play(directory: Path, settings: dict[str, str], end: int = signal.SIGTERM) -> Told:
    """The story, ended by a signal."""
    (directory / "helper.py").write_text(HELPER)
    log = directory / "log"
    with socket.create_server(("127.0.0.1", 0)) as server, log.open("wb") as output:
        configuration = directory / "exabgp.conf"
        values = {"python": sys.executable, "directory": directory, "port": server.getsockname()[1]}
        configuration.write_text(CONFIGURATION.format(**values))
        command = [str(PROGRAM), "exabgp", str(configuration)]
        process = subprocess.Popen(command, env=settings, stdout=output, stderr=output)
        try:
            with Peer(accepted(server, process)) as peer:
                announced, withdrawn = peer.play()
                process.send_signal(end)
                code = process.wait(PATIENCE)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise AssertionError(f"{error}: {log.read_text()}") from error
        finally:
            process.kill()
            process.wait()
    heard: dict[str, list[dict[str, Any]]] = {}
    for line in map(json.loads, (directory / "heard").read_text().splitlines()):
        heard.setdefault(line["type"], []).append(line)
    warnings = [line for line in log.read_text().splitlines() if line.startswith("evpn exabgp: ")]
    return Told(announced, withdrawn, heard, code, warnings, **json.loads((directory / "report").read_text()))


def accepted(server: socket.socket, process: subprocess.Popen[bytes]) -> socket.socket:
    server.settimeout(0.2)
    for _ in range(PATIENCE * 5):
        try:
            return server.accept()[0]
        except TimeoutError:
            if process.poll() is not None:
                raise ConnectionError(f"ExaBGP ended with {process.returncode}") from None
    raise TimeoutError("ExaBGP did not call")


class Peer:
    """One end of a session, read message by message."""

    def __init__(self, link: socket.socket) -> None:
        self.link = link

    def __enter__(self) -> "Peer":
        self.link.settimeout(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self.link.close()

    def play(self) -> tuple[list[str], list[str]]:
        self.send(OPEN, opening())
        self.send(KEEPALIVE)
        said: list[Update] = []
        self.listen(said, lambda: sum(len(one.announced) for one in said) == 2)
        self.send(UPDATE, update.encode_announce([ELSEWHERE], parse_ip("10.0.0.1"), PathAttributes()))
        self.listen(said, lambda: any(one.withdrawn for one in said))
        announced = sorted(type(route).__name__ for one in said for route in one.announced)
        return announced, [type(route).__name__ for one in said for route in one.withdrawn]

    def listen(self, said: list[Update], enough: Callable[[], bool]) -> None:
        while not enough():
            head = self.read(19)
            body = self.read(int.from_bytes(head[16:18]) - 19)
            if head[18] == UPDATE:
                said.append(update.decode(body))

    def read(self, size: int) -> bytes:
        octets = b""
        while len(octets) < size:
            more = self.link.recv(size - len(octets))
            if not more:
                raise ConnectionError("ExaBGP closed the session")
            octets += more
        return octets

    def send(self, kind: int, body: bytes = b"") -> None:
        self.link.sendall(b"\xff" * 16 + (19 + len(body)).to_bytes(2) + bytes((kind,)) + body)


def opening() -> bytes:
    family = EVPN[0].to_bytes(2) + b"\0" + bytes((EVPN[1],))
    capabilities = b"\x01\x04" + family + b"\x41\x04" + (65000).to_bytes(4)
    parameters = bytes((2, len(capabilities))) + capabilities
    head = b"\4" + (65000).to_bytes(2) + (180).to_bytes(2) + socket.inet_aton("10.0.0.1")
    return head + bytes((len(parameters),)) + parameters
