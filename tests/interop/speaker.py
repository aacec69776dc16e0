"""`evpn exabgp` in a namespace, with a helper whose both ends the test holds."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Any, Self

from .frr import Namespace, until

RELAY = Path(__file__).with_name("relay.py")

ENVIRONMENT = {
    "exabgp.api.cli": "false",
    "exabgp.api.ack": "false",
    "exabgp.daemon.user": "root",
    "exabgp.log.level": "INFO",
    "exabgp.log.destination": "stdout",
    "PYTHONUNBUFFERED": "1",
}


def neighbor(
    address: str, local: str, local_as: int = 65000, peer_as: int = 65000, hold_time: int = 9, more: str = ""
) -> str:
    """A neighbour with the settings that the agent uses, and the helper as its process."""
    return f"""
neighbor {address} {{
  router-id 10.0.0.3; local-address {local}; local-as {local_as}; peer-as {peer_as}; hold-time {hold_time};
  adj-rib-in false; adj-rib-out true; manual-eor true;
  capability {{ route-refresh enable; graceful-restart 120; extended-message disable; }}
  family {{ l2vpn evpn; }}
  api {{ processes [ helper ]; neighbor-changes; receive {{ packets; update; open; refresh; notification; }} }}
  {more}
}}
"""


class Speaker:
    """Lines to and from ExaBGP: `send`, `ask`, and in `lines` all that came."""

    def __init__(
        self,
        namespace: Namespace,
        directory: Path,
        neighbors: str,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.namespace = namespace
        self.directory = directory
        self.neighbors = neighbors
        self.environment = {**os.environ, **ENVIRONMENT, **(environment or {})}
        self.lines: list[str] = []
        self.helpers = 0
        self._links: list[socket.socket] = []
        self._reading = Event()
        self._reading.set()

    def __enter__(self) -> Self:
        self._listener = socket.socket(socket.AF_UNIX)
        self._path = f"/tmp/evpn-test-{os.getpid()}-{id(self):x}"
        self._listener.bind(self._path)
        self._listener.listen()
        Thread(target=self._accept, daemon=True).start()
        configuration = self.directory / "exabgp.conf"
        process = f"process helper {{ run {sys.executable} {RELAY} {self._path}; encoder json; }}"
        configuration.write_text(process + self.neighbors)
        program = str(Path(sys.executable).with_name("evpn"))
        self.log_file = self.directory / "exabgp.log"
        with self.log_file.open("wb") as output:
            command = self.namespace.command(program, "exabgp", str(configuration))
            self.process = subprocess.Popen(command, env=self.environment, stdout=output, stderr=output)
        until(lambda: self.helpers or self._ended())
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._listener.close()
        os.unlink(self._path)
        for link in self._links:
            link.close()

    def send(self, *lines: str) -> None:
        self._links[-1].sendall("".join(f"{line}\n" for line in lines).encode("ascii"))

    def ask(self, line: str, timeout: float = 40) -> dict[str, Any]:
        """Send a line with an id at its end, or behind `id`; the answer with that id."""
        words = line.split()
        identity = int(words[words.index("id") + 1] if "id" in words else words[-1])
        before = len(self._answers(identity))
        self.send(line)
        return until(lambda: self._answers(identity)[before:], timeout, every=0.005)[0]

    def received(self, kind: str) -> list[dict[str, Any]]:
        """JSON lines of a type."""
        return [message for message in self.messages() if message.get("type") == kind]

    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in list(self.lines) if line.startswith("{")]

    def wait_for_peers(self, count: int = 1) -> None:
        def up() -> bool:
            states = {m["neighbor"]["address"]["peer"]: m["neighbor"]["state"] for m in self.received("state")}
            return list(states.values()).count("up") >= count

        until(up)

    def log(self) -> str:
        return self.log_file.read_text()

    def pause(self) -> None:
        """Read nothing more; commands still go out. The relay then stops reading its standard input, too."""
        self._reading.clear()

    def resume(self) -> None:
        self._reading.set()

    def children(self) -> list[int]:
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]

    def _answers(self, identity: int) -> list[dict[str, Any]]:
        return [m for m in self.messages() if m.get("type", "").startswith("evpn-") and m.get("id") == identity]

    def _ended(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"ExaBGP ended with {self.process.returncode}: {self.log()}")
        return False

    def _accept(self) -> None:
        while True:
            try:
                link, _ = self._listener.accept()
            except OSError:
                return
            self._links.append(link)
            self.helpers += 1
            Thread(target=self._read, args=(link,), daemon=True).start()

    def _read(self, link: socket.socket) -> None:
        rest = b""
        try:
            while self._reading.wait() and (octets := link.recv(1 << 20)):
                *lines, rest = (rest + octets).split(b"\n")
                self.lines.extend(line.decode("ascii") for line in lines)
        except OSError:
            time.sleep(0)
