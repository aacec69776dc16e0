"""Network namespaces for tests that need a kernel: made with a name of their own, gone at the end with all in them.

with Namespace("a") as a, Namespace("b") as b:
    veth(a, "eth0", b, "eth0")
    a.run("ip", "address", "add", "10.0.0.1/24", "dev", "eth0")
    with a.entered():
        ...  # sockets opened here belong to `a`, for as long as they live
"""

import ctypes
import itertools
import os
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

_CLONE_NEWNET = 0x40000000
_PID, _GROUPS = 2, 3  # columns of /proc/net/netlink
_libc = ctypes.CDLL(None, use_errno=True)
_numbers = itertools.count()


class Namespace:
    """One network namespace, with its loopback up."""

    def __init__(self, role: str = "ns") -> None:
        self.name = f"evpn-{os.getpid()}-{next(_numbers)}-{role}"

    def __enter__(self) -> Self:
        if os.geteuid() != 0:
            raise RuntimeError(
                "tests marked `kernel` make network namespaces: run them as root, or with -m 'not kernel'"
            )
        _run("ip", "netns", "add", self.name)
        self.run("ip", "link", "set", "lo", "up")
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        _run("ip", "netns", "del", self.name)

    def run(self, *command: str) -> str:
        """What the command prints; a failure raises what it said."""
        return _run(*self.inside(*command))

    def popen(self, *command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.inside(*command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1
        )

    def inside(self, *command: str) -> list[str]:
        return ["ip", "netns", "exec", self.name, *command]

    def entered(self) -> AbstractContextManager[None]:
        return entered(self.name)


def is_subscribed(pid: int) -> bool:
    """A command of iproute2 hears notifications by now: its socket is called by its process id, and has groups."""
    rows = map(str.split, Path(f"/proc/{pid}/net/netlink").read_text().splitlines()[1:])
    return any(row[_PID] == str(pid) and int(row[_GROUPS], 16) for row in rows)


def veth(one: Namespace, one_name: str, other: Namespace, other_name: str) -> None:
    """A cable between two namespaces, plugged in and up at both ends."""
    peer = ["peer", "name", other_name, "netns", other.name]
    _run("ip", "link", "add", one_name, "netns", one.name, "type", "veth", *peer)
    one.run("ip", "link", "set", one_name, "up")
    other.run("ip", "link", "set", other_name, "up")


@contextmanager
def entered(name: str) -> Iterator[None]:
    """The calling thread is in this namespace, until it is back where it was; a socket stays where it was opened."""
    with open("/proc/thread-self/ns/net", "rb") as before, open(f"/run/netns/{name}", "rb") as wanted:
        _enter(wanted.fileno())
        try:
            yield
        finally:
            _enter(before.fileno())


def _enter(descriptor: int) -> None:
    if _libc.setns(descriptor, _CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.returncode} {done.stdout}{done.stderr}")
    return done.stdout
