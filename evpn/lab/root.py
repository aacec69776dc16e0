"""The file system of a node: this machine's, with every write kept in memory and gone with the node.

Each disk file system of the machine becomes the lower layer of an overlay of the node's own, so that a node may write
to /etc or create the target of a bind and the machine never notices. /proc, /sys and /run are the node's own; /dev is
shared. Binds come last, sources as the machine sees them, targets as the node sees them.
"""

import os
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from evpn.lab.syscalls import Mount, mount, unmount

_OLD = "/run/.machine"
_OWN = ("/proc", "/sys", "/dev", "/run", "/var/run")
_NO_DISK = """
autofs binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts devtmpfs fusectl hugetlbfs mqueue nsfs proc pstore
securityfs sysfs tracefs
"""
_VIRTUAL = frozenset(_NO_DISK.split())


class BindMount(NamedTuple):
    source: str
    target: str
    read_only: bool


def enter_private_root(scratch: str, binds: Iterable[BindMount]) -> None:
    """Make the root of this mount namespace private; SCRATCH is an empty directory, only a mount point."""
    mount("none", "/", flags=Mount.RECURSIVE | Mount.PRIVATE)
    mount("tmpfs", scratch, "tmpfs")
    root = f"{scratch}/root"
    os.mkdir(root)
    for number, point in enumerate(_disk_mounts()):
        _cover(point, f"{root}{point}".rstrip("/"), f"{scratch}/{number}")
    mount("tmpfs", f"{root}/run", "tmpfs")
    os.mkdir(root + _OLD)
    os.chdir(root)
    subprocess.run(["pivot_root", ".", root + _OLD], check=True)
    os.chdir("/")
    _mount_kernel_views()
    for bind in binds:
        _bind(bind)
    unmount(_OLD)
    os.rmdir(_OLD)


def _disk_mounts() -> Iterator[str]:
    """Mount points outside the places a node has of its own, the root first."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        point = fields[4].encode().decode("unicode_escape")
        kind = fields[fields.index("-") + 1]
        if kind not in _VIRTUAL and not any(point == own or point.startswith(f"{own}/") for own in _OWN):
            yield point


def _cover(point: str, target: str, layers: str) -> None:
    """POINT seen at TARGET through an overlay; read-only where none is possible (a file, an exotic file system)."""
    os.makedirs(f"{layers}/upper")
    os.mkdir(f"{layers}/work")
    try:
        mount("overlay", target, "overlay", options=f"lowerdir={point},upperdir={layers}/upper,workdir={layers}/work")
    except OSError:
        if point == "/":
            raise
        if os.path.exists(target):
            mount(point, target, flags=Mount.BIND)
            mount("none", target, flags=Mount.BIND | Mount.REMOUNT | Mount.READ_ONLY)


def _mount_kernel_views() -> None:
    mount("proc", "/proc", "proc")
    mount("sysfs", "/sys", "sysfs")
    mount(f"{_OLD}/dev", "/dev", flags=Mount.BIND | Mount.RECURSIVE)
    os.makedirs("/run/lock", exist_ok=True)
    if not os.path.islink("/var/run"):
        mount("/run", "/var/run", flags=Mount.BIND)


def _bind(bind: BindMount) -> None:
    source = _OLD + bind.source
    target = Path(bind.target)
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.mkdir() if os.path.isdir(source) else target.touch()
    mount(source, bind.target, flags=Mount.BIND | Mount.RECURSIVE)
    if bind.read_only:
        mount("none", bind.target, flags=Mount.BIND | Mount.REMOUNT | Mount.READ_ONLY)
