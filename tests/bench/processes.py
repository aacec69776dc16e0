"""What processes have used, from /proc: CPU time to the nanosecond, memory, time spent waiting for a CPU."""

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple


class Cpu(NamedTuple):
    """Seconds, of all threads."""

    used: float
    waited: float
    """Ready to run while others had the CPUs."""

    def since(self, before: "Cpu") -> "Cpu":
        return Cpu(self.used - before.used, self.waited - before.waited)


class Memory(NamedTuple):
    """MiB."""

    rss: float
    pss: float
    """Pages shared with others counted in part."""


def cpu(pids: Iterable[int]) -> Cpu:
    used = waited = 0
    for pid in pids:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            run, wait, _ = map(int, (thread / "schedstat").read_text().split())
            used, waited = used + run, waited + wait
    return Cpu(used / 1e9, waited / 1e9)


def memory(pids: Iterable[int]) -> Memory:
    rss = pss = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            name, _, rest = line.partition(":")
            if name == "Rss":
                rss += int(rest.split()[0])
            elif name == "Pss":
                pss += int(rest.split()[0])
    return Memory(rss / 1024, pss / 1024)


def machine() -> float:
    """CPU seconds that the whole machine has been busy, in steps of 10 ms."""
    user, nice, system, _, _, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def wait_for_calm(longest: float) -> None:
    """Until the machine is nearly idle for a moment, or for so many seconds."""
    deadline = time.monotonic() + longest
    while time.monotonic() < deadline:
        before = machine()
        time.sleep(0.3)
        if machine() - before <= 0.06:
            return


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
