"""`evpn run` on a node of a fabric: started, asked, and compared with what its kernel holds."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from evpn.cli.client import ask

from .frr import Namespace, until
from .watch import command_line, with_pid

EVPN = str(Path(sys.executable).with_name("evpn"))
FLOOD = "00:00:00:00:00:00"

Row = dict[str, Any]


class Vtep:
    """`evpn run` on a node, and what its kernel holds."""

    def __init__(self, namespace: Namespace, address: str, directory: Path) -> None:
        self.namespace = namespace
        self.address = address
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
            until(self.answers)

    def stop(self, timeout: float = 40) -> int:
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

    def evpn(self, *arguments: str, config: bool = False, status: int = 0, timeout: float = 60) -> str:
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

    def bridge_row(self, mac: str, bridge: str = "br100") -> str:
        """The bridge's own row of a MAC: device, flags, state; empty without one."""
        rows = json.loads(self.run("bridge", "-j", "fdb", "show", "br", bridge))
        found = [[row["ifname"], *row["flags"], row["state"]] for row in rows if row["mac"] == mac and "dst" not in row]
        assert len(found) < 2, found
        return " ".join(found[0]).strip() if found else ""

    def tables(self) -> list[str]:
        """Devices and FDBs, without what changes by itself."""
        links = self.run("ip", "-d", "link")
        links = re.sub(r"\w+_timer +[\d.]+|(state|qdisc) [a-zA-Z]+|qlen \d+|NO-CARRIER,|,LOWER_UP|,M-DOWN", "", links)
        fdb = [row for row in self.run("bridge", "fdb").splitlines() if not row.startswith(("33:33:", "01:00:5e:"))]
        return [*links.splitlines(), *sorted(fdb)]
