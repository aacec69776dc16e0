"""The two systems that are measured, as whole processes in the VTEP's namespace."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from tests.bench import processes
from tests.bench.site import FABRIC_ADDRESS, VTEP_ADDRESS, Site
from tests.bench.stream import AS_NUMBER, VNI
from tests.interop.frr import daemon, until

Started = subprocess.Popen[bytes]

_EVPN = str(Path(sys.executable).with_name("evpn"))

_OURS = f"""
vtep-address: {VTEP_ADDRESS}
local-as: {AS_NUMBER}
neighbors:
  - address: {FABRIC_ADDRESS}
run-dir: RUN_DIR
vnis:
  - {{vni: {VNI}, create: false, max-macs: MAX_MACS, strategy: STRATEGY}}
"""

_FRR = f"""
router bgp {AS_NUMBER}
 bgp router-id {VTEP_ADDRESS}
 no bgp default ipv4-unicast
 neighbor {FABRIC_ADDRESS} remote-as {AS_NUMBER}
 neighbor {FABRIC_ADDRESS} timers connect 1
 address-family l2vpn evpn
  neighbor {FABRIC_ADDRESS} activate
  advertise-all-vni
 exit-address-family
"""

_DAEMONS: dict[str, tuple[str, ...]] = {"zebra": ("-s", "90000000"), "bgpd": ()}


class System(Protocol):
    name: str
    crashes: tuple[str, ...]
    """What can be made to crash."""

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def processes(self) -> dict[str, int]:
        """Name -> process id."""
        ...

    def crash(self, what: str) -> None:
        """One of `crashes` ends by SIGKILL and is started again at once."""
        ...

    def log(self) -> str: ...


class Ours:
    """`evpn run`: ExaBGP, and the agent that ExaBGP starts."""

    name = "evpn"
    crashes: tuple[str, ...] = ("agent",)

    def __init__(
        self,
        site: Site,
        environment: dict[str, str] | None = None,
        strategy: str = "static-l2",
        max_macs: int = 2_000_000,
    ) -> None:
        self.site = site
        self.strategy = strategy
        self.max_macs = max_macs
        self.directory = Path(tempfile.mkdtemp(prefix="evpn-bench-"))
        self._environment = {**os.environ, **(environment or {})}
        self._exabgp: Started | None = None

    def start(self) -> None:
        command = self.site.command(_EVPN, "run", "--config", str(self._configure([])))
        with (self.directory / "log").open("wb") as log:
            self._exabgp = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment
            )
        until(self._agent, 30)

    def stop(self) -> None:
        _end([self._exabgp] if self._exabgp else [])
        shutil.rmtree(self.directory, ignore_errors=True)

    def processes(self) -> dict[str, int]:
        assert self._exabgp is not None
        return {"ExaBGP": self._exabgp.pid, "agent": until(self._agent, 30)}

    def crash(self, what: str) -> None:
        """ExaBGP starts the next one."""
        os.kill(self.processes()["agent"], signal.SIGKILL)

    def log(self) -> str:
        return (self.directory / "log").read_text()

    def show(self, what: str) -> str:
        """What the agent says of itself, as JSON."""
        return subprocess.run(self.question(what), capture_output=True, text=True, check=True).stdout

    def question(self, what: str) -> list[str]:
        """The command for it."""
        return [_EVPN, "show", what, "--json", "--run-dir", str(self.directory)]

    def reload(self, others: Iterable[int]) -> None:
        """With these VNIs besides, whose devices it makes; nobody waits until it has."""
        self._configure(others)
        os.kill(self.processes()["ExaBGP"], signal.SIGHUP)

    def _configure(self, others: Iterable[int]) -> Path:
        configuration = self.directory / "vtep.yaml"
        content = _OURS + "".join(f"  - {{vni: {vni}}}\n" for vni in others)
        own = {"RUN_DIR": str(self.directory), "STRATEGY": self.strategy, "MAX_MACS": str(self.max_macs)}
        for word, value in own.items():
            content = content.replace(word, value)
        configuration.write_text(content)
        return configuration

    def _agent(self) -> int | None:
        assert self._exabgp is not None
        if self._exabgp.poll() is not None:
            raise RuntimeError(f"evpn run ended with {self._exabgp.returncode}: {self.log()}")
        for pid in processes.children(self._exabgp.pid):
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):  # ended between the two looks
                if " plugin " in processes.command_line(pid):
                    return pid
        return None


class Frr:
    """zebra and bgpd, with the options of Debian's packaging and nothing else."""

    name = "FRR"
    crashes: tuple[str, ...] = ("bgpd+zebra", "bgpd")

    def __init__(self, site: Site) -> None:
        self.site = site
        self.directory = Path(tempfile.mkdtemp(prefix="evpn-bench-", dir="/tmp"))
        self.directory.chmod(0o755)
        shutil.chown(self.directory, "frr", "frr")
        self._daemons: dict[str, Started] = {}

    def start(self) -> None:
        (self.directory / "frr.conf").write_text(_FRR)
        for name in _DAEMONS:
            self._start(name)

    def stop(self) -> None:
        _end(list(self._daemons.values()))
        shutil.rmtree(self.directory, ignore_errors=True)

    def processes(self) -> dict[str, int]:
        return {name: daemon.pid for name, daemon in self._daemons.items()}

    def crash(self, what: str) -> None:
        """The next ones are started without the delay that watchfrr would add."""
        for name in what.split("+"):
            self._daemons[name].kill()
        for name in reversed(what.split("+")):
            self._daemons[name].wait()
            self._start(name)

    def log(self) -> str:
        return "".join(path.read_text() for path in self.directory.glob("*.log"))

    def _start(self, name: str) -> None:
        own = self.directory
        (own / f"{name}.vty").unlink(missing_ok=True)
        arguments = (
            *("--config_file", str(own / "frr.conf"), "--pid_file", str(own / f"{name}.pid")),
            *("--vty_socket", str(own), "--socket", str(own / "zserv.api"), "--vty_port", "0"),
            *("--log", f"file:{own / name}.log", "--log-level", "warnings"),
            *_DAEMONS[name],
        )
        with (own / f"{name}.out").open("wb") as output:
            command = self.site.command(*daemon(name, *arguments))
            self._daemons[name] = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
        until(lambda: self._answers(name), 20, 0.01)

    def _answers(self, name: str) -> bool:
        if self._daemons[name].poll() is not None:
            raise RuntimeError(f"{name} ended: {(self.directory / f'{name}.out').read_text()}{self.log()}")
        return (self.directory / f"{name}.vty").exists()


def _end(started: list[Started]) -> None:
    for process in started:
        process.terminate()
    for process in started:
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
