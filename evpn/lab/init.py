"""The first process of a node: makes the node's namespaces, waits for its links, runs its command, reaps orphans.

Started as `python -m evpn.lab.init`, standard library only. It reads two lines on its standard input: a `Boot` as JSON,
and later `start`. When the input ends before that, whoever was building the lab is gone, and the node goes as well. It
answers with its process id as the machine counts it, then with `ready` or with what went wrong.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

from evpn.lab.root import BindMount, enter_private_root
from evpn.lab.syscalls import Clone, unshare

READY = "ready"
START = "start"


class Boot(NamedTuple):
    """All that a node's first process has to know."""

    hostname: str
    scratch: str
    status: str
    """File that says whether the command runs."""
    command: Sequence[str]
    env: Mapping[str, str]
    sysctls: Mapping[str, str]
    binds: Sequence[BindMount]


def main() -> None:
    boot = decode(sys.stdin.readline())
    try:
        unshare(Clone.MOUNT | Clone.PID | Clone.NET | Clone.UTS | Clone.IPC)
    except OSError as error:
        return print(error.strerror, flush=True)
    child = os.fork()
    if child:
        return print(child, flush=True)
    _first_process(boot)


def encode(boot: Boot) -> str:
    return json.dumps(boot._asdict())


def decode(line: str) -> Boot:
    written = json.loads(line)
    binds = [BindMount(*bind) for bind in written.pop("binds")]
    return Boot(**written, binds=binds)


def _first_process(boot: Boot) -> NoReturn:
    status = os.open(boot.status, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        os.setsid()
        enter_private_root(boot.scratch, boot.binds)
        socket.sethostname(boot.hostname)
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        for key, value in boot.sysctls.items():
            Path("/proc/sys", *key.split(".")).write_text(value)
    except (OSError, subprocess.CalledProcessError) as error:
        print(getattr(error, "strerror", None) or error, flush=True)
        os._exit(1)
    print(READY, flush=True)
    if sys.stdin.readline().strip() != START:
        os._exit(1)
    _detach_from_builder()
    _run(boot, status)


def _detach_from_builder() -> None:
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)  # standard error is the node's log from the start


def _run(boot: Boot, status: int) -> NoReturn:
    command = _spawn(boot) if boot.command else None
    _report(status, "running" if command else "idle")
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    while True:
        for pid, result in _reap():
            if command and pid == command:
                _report(status, f"ended with status {os.waitstatus_to_exitcode(result)}")
        signal.sigwait({signal.SIGCHLD})


def _spawn(boot: Boot) -> int:
    """The node's command, found along the node's own PATH; what cannot be run ends with the shell's 127."""
    pid = os.fork()
    if pid:
        return pid
    os.setsid()
    try:
        os.execvpe(boot.command[0], list(boot.command), dict(boot.env))
    except OSError as error:
        print(f"{boot.command[0]}: {error.strerror}", file=sys.stderr, flush=True)
        os._exit(127)


def _reap() -> list[tuple[int, int]]:
    ended: list[tuple[int, int]] = []
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended.append((pid, status))


def _report(status: int, words: str) -> None:
    os.ftruncate(status, 0)
    os.pwrite(status, f"{words}\n".encode(), 0)


if __name__ == "__main__":
    main()
