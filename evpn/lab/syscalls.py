"""The three system calls a node needs and Python 3.11 has not: unshare(2), mount(2), umount2(2)."""

import ctypes
import os
from enum import IntFlag

_LIBC = ctypes.CDLL(None, use_errno=True)
_MNT_DETACH = 2


class Clone(IntFlag):
    """Namespaces, from linux/sched.h."""

    MOUNT = 0x00020000
    UTS = 0x04000000
    IPC = 0x08000000
    PID = 0x20000000
    NET = 0x40000000


class Mount(IntFlag):
    """Flags of mount(2), from linux/mount.h."""

    NONE = 0
    READ_ONLY = 1
    REMOUNT = 32
    BIND = 4096
    RECURSIVE = 16384
    PRIVATE = 1 << 18


def unshare(namespaces: Clone) -> None:
    _check(_LIBC.unshare(int(namespaces)), "unshare", "new namespaces")


def mount(source: str, target: str, kind: str = "", flags: Mount = Mount.NONE, options: str = "") -> None:
    result = _LIBC.mount(
        os.fsencode(source),
        os.fsencode(target),
        kind.encode() or None,
        ctypes.c_ulong(int(flags)),
        os.fsencode(options) or None,
    )
    _check(result, "mount", f"{kind or source} on {target}")


def unmount(target: str) -> None:
    """Detach, even while something in it is open."""
    _check(_LIBC.umount2(os.fsencode(target), _MNT_DETACH), "unmount", target)


def _check(result: int, call: str, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{call} {what}: {os.strerror(code)}")
