"""ExaBGP as a whole process in the VTEP's namespace, with the extension or without; its helper's ends are ours."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple, Self

from tests.bench.site import FABRIC_ADDRESS, VTEP_ADDRESS, Site
from tests.bench.stream import AS_NUMBER
from tests.interop.frr import until

_HERE = Path(__file__).parent

_CONFIGURATION = f"""
process helper {{ run RUN; encoder json; }}
neighbor {FABRIC_ADDRESS} {{
  router-id {VTEP_ADDRESS}; local-address {VTEP_ADDRESS}; local-as {AS_NUMBER}; peer-as {AS_NUMBER}; hold-time 180;
  group-updates true; adj-rib-in false; adj-rib-out true; manual-eor true;
  capability {{ route-refresh enable; graceful-restart 120; extended-message disable; }}
  family {{ l2vpn evpn; ipv4 unicast; }}
  api {{ processes [ helper ]; neighbor-changes; receive {{ RECEIVE; update; }} }}
}}
"""

_ENVIRONMENT = {
    "exabgp.api.ack": "false",
    "exabgp.api.cli": "false",
    "exabgp.daemon.user": "root",
    "exabgp.log.destination": "stderr",
    "exabgp.log.level": "WARNING",  # each line costs time, and stock ExaBGP has one for each route
}
"""As `evpn run` sets them, for both."""


class Flavour(NamedTuple):
    name: str
    command: tuple[str, ...]


EXTENSION = Flavour("extension", (str(Path(sys.executable).with_name("evpn")), "exabgp"))
# -P: this folder has a `profile` and a `site` of its own, which must not hide Python's
STOCK = Flavour("stock", (sys.executable, "-P", str(_HERE / "stock.py")))


class Engine:
    """Lines to ExaBGP: `say`. What it writes to its helper is counted as it comes, and looked at afterwards."""

    def __init__(self, site: Site, flavour: Flavour, receive: str) -> None:
        """`receive`: `packets` or `parsed`."""
        self.site = site
        self.flavour = flavour
        self.receive = receive
        self.lines = 0
        self._chunks: list[tuple[float, int, bytes]] = []  # when, lines until then, octets
        self._news = threading.Condition()
        self._process: subprocess.Popen[bytes] | None = None
        self._link: socket.socket | None = None

    def __enter__(self) -> Self:
        self._directory = Path(tempfile.mkdtemp(prefix="evpn-bench-"))
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._link is not None:
            self._reader.join()  # ends at end of file; a descriptor must not be closed below it
            self._link.close()
            os.close(self._answers)
            os.close(self._commands)
        shutil.rmtree(self._directory, ignore_errors=True)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def say(self, lines: bytes) -> None:
        left = memoryview(lines)
        while left:
            left = left[os.write(self._commands, left) :]

    def say_behind(self, lines: bytes) -> None:
        """From a thread: the pipe takes 64 KiB, or a little more, and then waits for ExaBGP."""
        threading.Thread(target=self.say, args=(lines,), daemon=True).start()

    def wait_for_lines(self, count: int, timeout: float) -> float:
        """When the line with that number, counted from the start, was complete on the helper's standard input."""
        with self._news:
            if not self._news.wait_for(lambda: self.lines >= count, timeout):
                raise RuntimeError(f"{self.lines} of {count} lines within {timeout:.0f} s: {self.log()[-2000:]}")
            return next(when for when, lines, _ in self._chunks if lines >= count)

    def said(self) -> bytes:
        with self._news:
            return b"".join(octets for _, _, octets in self._chunks)

    def log(self) -> str:
        return (self._directory / "log").read_text()

    def _start(self) -> None:
        meeting = str(self._directory / "helper")
        configuration = self._directory / "exabgp.conf"
        run = f"{sys.executable} -P {_HERE / 'handover.py'} {meeting}"
        configuration.write_text(_CONFIGURATION.replace("RUN", run).replace("RECEIVE", self.receive))
        environment = {**os.environ, **_ENVIRONMENT, "EXABGP_ROOT": str(self._directory)}
        environment["EXABGP_ENVFILE"] = os.devnull
        command = self.site.command(*self.flavour.command, str(configuration))
        with socket.socket(socket.AF_UNIX) as listener, (self._directory / "log").open("wb") as log:
            listener.bind(meeting)
            listener.listen()
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
            self._take_over(listener)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _take_over(self, listener: socket.socket) -> None:
        listener.settimeout(0.1)
        self._link = link = until(lambda: self._helper(listener), 20, 0)
        _, (self._answers, self._commands), _, _ = socket.recv_fds(link, 1, 2)

    def _helper(self, listener: socket.socket) -> socket.socket | None:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"ExaBGP ended with {self._process.returncode}: {self.log()[-2000:]}")
        with contextlib.suppress(TimeoutError):
            return listener.accept()[0]
        return None

    def _read(self) -> None:
        while octets := os.read(self._answers, 1 << 18):
            now = time.monotonic()
            with self._news:
                self.lines += octets.count(b"\n")
                self._chunks.append((now, self.lines, octets))
                self._news.notify_all()
