"""What the kernel takes its time for, made by a thread and taken by the loop part by part.

A dump of a million rows takes the kernel minutes, and each of its parts longer than routes should have to wait.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from errno import EAGAIN
from queue import Empty, Queue
from typing import TypeVar

from evpn.netlink.errors import NetlinkError

Part = TypeVar("Part")

_AHEAD = 4
"""Parts made before they are taken."""
_PAUSE = 0.002
"""Seconds that the loop waits for one at a time: without a pause it would go round and round."""


def in_thread(parts: Callable[[], Iterator[Part]]) -> Iterator[Part | None]:
    """What `parts` yields, or raises; None while there is none yet. If no more are wanted, at most one more is made."""
    ready: Queue[tuple[Part] | Exception | None] = Queue(_AHEAD)
    closed = threading.Event()

    def work() -> None:
        try:
            for part in parts():
                ready.put((part,))
                if closed.is_set():
                    return
            ready.put(None)
        except Exception as error:  # whoever takes the parts has to judge it
            ready.put(error)

    try:
        threading.Thread(target=work, name="dump", daemon=True).start()
    except RuntimeError:
        raise NetlinkError(EAGAIN, "thread for a dump") from None
    try:
        yield from _taken(ready)
    finally:
        closed.set()
        with suppress(Empty):
            while True:
                ready.get_nowait()


def _taken(ready: "Queue[tuple[Part] | Exception | None]") -> Iterator[Part | None]:
    while True:
        try:
            part = ready.get(timeout=_PAUSE)
        except Empty:
            yield None
            continue
        if isinstance(part, Exception):
            try:
                raise part
            finally:
                del part  # its traceback has this frame: a cycle that would keep all that was made until then
        if part is None:
            return
        yield part[0]
