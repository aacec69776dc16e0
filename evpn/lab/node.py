"""A node: a process of its own in namespaces of its own, reached by name and by `nsenter`."""

import os
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from evpn.lab import init
from evpn.lab.errors import LabError
from evpn.lab.images import stand_in
from evpn.lab.process import Process, identify
from evpn.lab.root import BindMount
from evpn.lab.topology import Node

NAMESPACES = Path("/run/netns")
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Building(NamedTuple):
    """A node whose first process lives and waits to be told to start."""

    process: Process
    words: IO[str]
    orders: IO[str]


class Result(NamedTuple):
    status: int
    output: str


def environment(node: Node) -> dict[str, str]:
    """What commands in NODE see; `evpn` is the one that runs the lab."""
    return {"PATH": search_path(), "HOME": "/root", "LANG": "C.UTF-8", "HOSTNAME": node.hostname, **node.env}


def search_path() -> str:
    here = dict.fromkeys([str(Path(sys.executable).parent), sysconfig.get_path("scripts")])
    return ":".join([*here, _SYSTEM_PATH])


def launch(node: Node, directory: Path) -> Building:
    """Begin to make NODE; its files (log, status) go to DIRECTORY. It dies with us until it is started."""
    image = stand_in(node.image)
    (directory / "scratch").mkdir(parents=True)
    binds = [BindMount(str(bind.source.resolve()), bind.target, bind.read_only) for bind in node.binds]
    if image.logs and not node.command:
        (directory / "logs").mkdir()
        binds.append(BindMount(str(directory / "logs"), image.logs, False))
    boot = init.Boot(
        hostname=node.hostname,
        scratch=str(directory / "scratch"),
        status=str(directory / "status"),
        command=node.command or image.command,
        env=environment(node),
        sysctls=node.sysctls,
        binds=binds,
    )
    with (directory / "log").open("ab") as log:
        launcher = subprocess.Popen(
            [sys.executable, "-m", "evpn.lab.init"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
            text=True,
        )
    assert launcher.stdin and launcher.stdout
    launcher.stdin.write(init.encode(boot) + "\n")
    launcher.stdin.flush()
    words = launcher.stdout.readline().strip()
    launcher.wait()
    if words.isdecimal():
        if process := identify(int(words)):
            return Building(process, launcher.stdout, launcher.stdin)
        words = launcher.stdout.readline().strip()  # it has ended already, and said why
    raise LabError(f"node {node.name}: {words or log_tail(directory)}")


def wait_until_ready(name: str, building: Building, directory: Path) -> None:
    words = building.words.readline().strip()
    if words != init.READY:
        raise LabError(f"node {name}: {words or log_tail(directory)}")


def publish(container: str, process: Process) -> None:
    """Let `ip netns exec CONTAINER` find the node, with a link as containerlab makes."""
    NAMESPACES.mkdir(exist_ok=True)
    try:
        (NAMESPACES / container).symlink_to(f"/proc/{process.pid}/ns/net")
    except FileExistsError as error:
        raise LabError(f"there is a network namespace {container} already: is it another lab's?") from error


def withdraw(container: str, process: Process) -> None:
    """Undo `publish`; a name that leads elsewhere is not ours and stays."""
    name = NAMESPACES / container
    if name.is_symlink() and os.readlink(name) == f"/proc/{process.pid}/ns/net":
        name.unlink()


def start(building: Building) -> None:
    building.orders.write(f"{init.START}\n")
    building.orders.close()
    building.words.close()


def abandon(building: Building) -> None:
    """Close our ends: a first process that was not started ends by itself."""
    building.words.close()
    building.orders.close()


def inside(process: Process, command: Sequence[str]) -> list[str]:
    """COMMAND as to be run from outside so that it runs in the node."""
    spaces = ["--mount", "--uts", "--ipc", "--net", "--pid"]
    return ["nsenter", "--target", str(process.pid), *spaces, "--", *command]


def execute(process: Process, env: Mapping[str, str], command: Sequence[str], timeout: float | None = None) -> Result:
    """Run COMMAND in the node."""
    return collect(inside(process, command), env, timeout)


def collect(
    command: Sequence[str], env: Mapping[str, str], timeout: float | None = None, directory: Path | None = None
) -> Result:
    """What COMMAND says and how it ends; one that does not end in time is killed and has status 124."""
    child = subprocess.Popen(
        command,
        cwd=directory,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
        errors="replace",
    )
    try:
        output, _ = child.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        output, _ = child.communicate()
        return Result(124, f"{output}no end after {timeout:g} seconds\n")
    except BaseException:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        raise
    return Result(child.returncode, output)


def log_tail(directory: Path, lines: int = 5) -> str:
    log = directory / "log"
    text = log.read_text(errors="replace") if log.exists() else ""
    return "\n".join(text.splitlines()[-lines:]) or "no output"


def status(directory: Path) -> str:
    """`running`, `idle`, `ended with status N`; empty before the start."""
    file = directory / "status"
    return file.read_text().strip() if file.exists() else ""
