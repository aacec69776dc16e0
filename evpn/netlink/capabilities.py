"""What this process may do, and what it leaves to the program that it becomes (capabilities(7))."""

import ctypes
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from struct import Struct

from evpn.netlink.errors import NetlinkError

CHOWN, NET_BIND_SERVICE, NET_ADMIN, NET_RAW = 0, 10, 12, 13
NEEDED = (NET_BIND_SERVICE, NET_ADMIN, NET_RAW)
"""Port 179; rows, devices, their settings and nftables; frames of the hosts."""

_STATUS = Path("/proc/self/status")
_VERSION_3 = 0x20080522
_HEADER = Struct("=Ii")  # version, process: 0 is this one
_SETS = Struct("=6I")  # effective, permitted, inheritable: the lower 32 capabilities, then the upper ones
_PR_CAP_AMBIENT, _RAISE, _CLEAR_ALL = 47, 2, 4

_libc = ctypes.CDLL(None, use_errno=True)


def has(capability: int, status: Path = _STATUS) -> bool:
    """It is in effect. Without NET_ADMIN rows can be read but not written, without NET_RAW no frame can be heard."""
    return bool(_set("CapEff", status) >> capability & 1)


def hand_on(wanted: Iterable[int] = NEEDED) -> None:
    """Whatever program this process becomes or starts has these of its capabilities, and no others.

    An ordinary user loses all of them with `exec` unless they are ambient, and then it has all that are: so the ambient
    set is what we choose, whoever started us with however much. Nothing to be done for root, who has all after `exec`.
    """
    if os.geteuid() == 0:
        return
    permitted = _set("CapPrm")
    handed = [capability for capability in wanted if permitted >> capability & 1]
    mask = sum(1 << capability for capability in handed)
    # effective and permitted stay: this process is not done yet
    _call(_libc.prctl, _PR_CAP_AMBIENT, _CLEAR_ALL, 0, 0, 0)
    _call(_libc.capset, _HEADER.pack(_VERSION_3, 0), _SETS.pack(*_halves(_set("CapEff"), permitted, mask)))
    for capability in handed:
        _call(_libc.prctl, _PR_CAP_AMBIENT, _RAISE, capability, 0, 0)


def _halves(*masks: int) -> list[int]:
    """As the kernel wants them: the lower halves of all, then the upper ones."""
    return [mask & 0xFFFFFFFF for mask in masks] + [mask >> 32 for mask in masks]


def _call(function: Callable[..., int], *arguments: int | bytes) -> None:
    words = [ctypes.c_ulong(word) if isinstance(word, int) else word for word in arguments]
    if function(*words):
        raise NetlinkError(ctypes.get_errno(), "hand on capabilities")


def _set(name: str, status: Path = _STATUS) -> int:
    for line in status.read_text().splitlines():
        found, _, value = line.partition(":")
        if found == name:
            return int(value, 16)
    return 0
