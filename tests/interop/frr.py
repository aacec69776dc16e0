"""Network namespaces and FRR in them, for tests: nothing outside of what is made here is touched.

    with Namespace("rr") as rr, Namespace("vtep") as vtep:
        connect(rr, "10.0.0.1/24", vtep, "10.0.0.3/24")
        with Frr(rr, "router bgp 65000 ...") as frr:
            frr.vtysh_json("show bgp l2vpn evpn json")

Needs root, iproute2 and Debian's frr; what is missing fails the test, loudly.
"""

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

DAEMONS = Path("/usr/lib/frr")
T = TypeVar("T")

_OWN_VAR_TMP = 'mount -t tmpfs -o mode=1777 tmpfs /var/tmp && exec "$@"'


def daemon(name: str, *arguments: str) -> list[str]:
    """What becomes a daemon of FRR, process id and all, with a /var/tmp of its own.

    A daemon leaves /var/tmp/frr/NAME.PID behind, and the next one that happens to get the same id complains about it.
    """
    return ["unshare", "--mount", "--", "sh", "-c", _OWN_VAR_TMP, "sh", str(DAEMONS / name), *arguments]


def run(*command: str, timeout: float = 60) -> str:
    """Its standard output; a failure shows what it said."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.returncode} {done.stdout}{done.stderr}")
    return done.stdout


def until(question: Callable[[], T | None], timeout: float = 40, every: float = 0.1) -> T:
    """Ask until the answer is true; the last answer is in the failure.

    Patience for a busy machine, and less than the 60 s after which much is tried again or given up by itself.
    """
    deadline = time.monotonic() + timeout
    while not (answer := question()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s, last answer: {answer!r}")
        time.sleep(every)
    return answer


class Namespace:
    """A network namespace with a name of its own, with loopback up; removed at the end with all that is in it."""

    def __init__(self, role: str) -> None:
        self.name = f"evpn-test-{os.getpid()}-{role}"

    def __enter__(self) -> Self:
        run("ip", "netns", "add", self.name)
        self.run("ip", "link", "set", "lo", "up")
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        run("ip", "netns", "del", self.name)

    def command(self, *command: str) -> list[str]:
        """The command that runs this one inside."""
        return ["ip", "netns", "exec", self.name, *command]

    def run(self, *command: str) -> str:
        return run(*self.command(*command))


def connect(a: Namespace, address_a: str, b: Namespace, address_b: str) -> None:
    """A veth pair between two namespaces; both ends are called after the far namespace's role."""
    ends = {a: f"to-{b.name.rsplit('-', 1)[1]}"[:15], b: f"to-{a.name.rsplit('-', 1)[1]}"[:15]}
    run("ip", "link", "add", ends[a], "netns", a.name, "type", "veth", "peer", "name", ends[b], "netns", b.name)
    for namespace, address in ((a, address_a), (b, address_b)):
        namespace.run("ip", "address", "add", address, "dev", ends[namespace])
        namespace.run("ip", "link", "set", ends[namespace], "up")


class Frr:
    """zebra and bgpd in a namespace, with a directory of their own for configuration, sockets and logs."""

    def __init__(self, namespace: Namespace, configuration: str) -> None:
        self.namespace = namespace
        self.configuration = configuration
        self.directory = Path()
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.remove()

    def remove(self) -> None:
        self.stop()
        if self.directory != Path():
            shutil.rmtree(self.directory, ignore_errors=True)

    def start(self) -> None:
        # short, for the sockets in it, and open to the user that FRR changes to, which pytest's own are not
        self.directory = Path(tempfile.mkdtemp(prefix="evpn-frr-", dir="/tmp"))
        self.directory.chmod(0o755)
        shutil.chown(self.directory, "frr", "frr")
        configuration = self.directory / "frr.conf"
        configuration.write_text(self.configuration)
        # zebra has a command `vni` of its own, which makes an L3VNI of the one in the block of an L2VNI
        (self.directory / "zebra.conf").write_text(self.configuration.partition("router bgp")[0])
        for name in ("zebra", "bgpd"):
            self._daemons[name] = self._start(name, self._file(name))
            until(lambda name=name: self._answers(name))  # type: ignore[misc]  # a lambda with a default

    def stop(self) -> None:
        for daemon in reversed(self._daemons.values()):
            daemon.terminate()
        for daemon in self._daemons.values():
            try:
                daemon.wait(timeout=20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        self._daemons.clear()

    def kill(self, name: str) -> None:
        """As a crash would."""
        self._daemons[name].kill()
        self._daemons.pop(name).wait()

    def revive(self, name: str) -> None:
        """A daemon that was killed, again."""
        self._daemons[name] = self._start(name, self._file(name))

    def vtysh(self, *commands: str) -> str:
        asked = [word for command in commands for word in ("-c", command)]
        return self.namespace.run("vtysh", "--vty_socket", str(self.directory), *asked)

    def vtysh_json(self, command: str) -> Any:
        return json.loads(self.vtysh(command))

    def routes(self) -> dict[str, dict[str, Any]]:
        """Of `show bgp l2vpn evpn detail json`: prefix -> the first path to it."""
        shown = self.vtysh_json("show bgp l2vpn evpn route detail json")
        found = {}
        for rd in shown.values():
            if isinstance(rd, dict):
                found.update({name: route["paths"] for name, route in rd.items() if isinstance(route, dict)})
        return {name: paths[0][0] if isinstance(paths[0], list) else paths[0] for name, paths in found.items()}

    def log(self) -> str:
        return "".join(path.read_text() for path in sorted(self.directory.glob("*.log")))

    def _start(self, name: str, configuration: Path) -> subprocess.Popen[bytes]:
        own = self.directory
        arguments = (
            *("--config_file", str(configuration), "--pid_file", str(own / f"{name}.pid")),
            *("--vty_socket", str(own), "--socket", str(own / "zserv.api"), "--vty_port", "0"),
            *("--log", f"file:{own / name}.log"),
        )
        with (own / f"{name}.out").open("wb") as output:
            command = self.namespace.command(*daemon(name, *arguments))
            return subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)

    def _file(self, daemon: str) -> Path:
        return self.directory / ("zebra.conf" if daemon == "zebra" else "frr.conf")

    def _answers(self, name: str) -> bool:
        daemon = self._daemons.get(name)
        if daemon is not None and daemon.poll() is not None:
            said = (self.directory / f"{name}.out").read_text()
            raise RuntimeError(f"{name} ended with {daemon.returncode}: {said}{self.log()}")
        return (self.directory / f"{name}.vty").exists()
