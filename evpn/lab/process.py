"""A process named so that a recycled process id is never mistaken for it."""

import os
import select
import signal
from pathlib import Path
from typing import NamedTuple


class Process(NamedTuple):
    pid: int
    started: str
    """Boot of the machine and clock ticks since then: with the pid, unique for ever."""


def identify(pid: int) -> Process | None:
    """The process that has PID now; None when there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, *fields = stat.rpartition(")")[2].split()
    if state == "Z":
        return None
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return Process(pid, f"{boot}/{fields[18]}")


def is_running(process: Process) -> bool:
    return identify(process.pid) == process


def kill(process: Process, wait: float = 10.0) -> bool:
    """Kill PROCESS, never a successor of its pid, and wait for its end; False when it did not end in time."""
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return True
    try:
        if not is_running(process):
            return True
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        return bool(select.select([handle], [], [], wait)[0])
    finally:
        os.close(handle)
