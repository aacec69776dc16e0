"""Which process has a netlink socket: the kernel names the writer of a neighbor by its port id only (netlink(7)).

The first socket of a process has the process id as its port id; of the others only /proc tells whose they are, while
they are there, to those who may look.
"""

import os
from pathlib import Path

_ROUTE, _PORT, _INODE = 1, 2, 9
"""Columns of /proc/net/netlink; the first is the protocol, 0 for rtnetlink."""


def process_of(port: int, proc: Path = Path("/proc")) -> str | None:
    """`zebra(4711)`; None when it cannot be known."""
    inode = _inode_of(port, proc)
    if inode is None:
        return None
    if _has(proc / str(port), inode):
        return _name(proc / str(port))
    try:
        found = (process for process in proc.iterdir() if process.name.isdigit() and _has(process, inode))
        return next((_name(process) for process in found), None)
    except OSError:
        return None


def _inode_of(port: int, proc: Path) -> str | None:
    try:
        lines = (proc / "self/net/netlink").read_text().splitlines()[1:]
    except OSError:
        return None
    rows = map(str.split, lines)
    return next((row[_INODE] for row in rows if row[_ROUTE] == "0" and row[_PORT] == str(port)), None)


def _has(process: Path, inode: str) -> bool:
    wanted = f"socket:[{inode}]"
    try:
        return any(_target(entry) == wanted for entry in (process / "fd").iterdir())
    except OSError:
        return False


def _target(entry: Path) -> str:
    try:
        return os.readlink(entry)
    except OSError:
        return ""


def _name(process: Path) -> str | None:
    try:
        return f"{(process / 'comm').read_text().strip()}({process.name})"
    except OSError:
        return None
