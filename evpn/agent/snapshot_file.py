"""The snapshot in the run-dir: read once when ExaBGP knows nothing of us, written every few seconds if it has changed.

Routes are gathered and written in a thread, for a disk may be slow; the loop only copies a table. It need not outlive a
crash of the machine, after which it is of another boot.
"""

import logging
import os
import stat
import threading
import time
from contextlib import suppress
from pathlib import Path

from evpn.agent import snapshot
from evpn.agent.core import Core
from evpn.agent.moves import rarely
from evpn.agent.snapshot import Origin, SnapshotError
from evpn.evi.originate import Announcement
from evpn.files import replacing
from evpn.text import format_ip
from evpn.values import RouteKey

log = logging.getLogger(__name__)

NAME = "snapshot"
INTERVAL = 5.0
"""Seconds between two, at least."""
STILL_TRUE = snapshot.MOST_AGE / 6
"""Seconds after which one is written although nothing has changed, lest it be too old."""
_PATIENCE = 2.0
"""Seconds that an end waits for a slow disk."""
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class SnapshotFile:
    def __init__(self, core: Core, boot_id: Path = _BOOT_ID) -> None:
        self.path = core.settings.run_dir / NAME
        self.failures = 0
        self._core = core
        self._boot_id = boot_id
        self._due = core.started + INTERVAL
        self._seen = -1
        """How many routes had been sent when it was looked at last."""
        self._confirm_at = float("-inf")
        self._written = 0
        """Hash of the lines in the file."""
        self._thread: threading.Thread | None = None

    def recall(self) -> None:
        """As if ExaBGP told it. Without a file there is nothing to say, and one that is unfit is no reason to stop."""
        try:
            age, routes, told = snapshot.unpack(_read(self.path), self._here())
        except FileNotFoundError:
            return
        except OSError as error:
            log.warning("snapshot ignored path=%s reason=%s", self.path, (error.strerror or str(error)).lower())
            return
        except SnapshotError as reason:
            log.warning("snapshot ignored path=%s reason=%s", self.path, reason)
            return
        taken = sum(self._core.recall(attributes, nlri) for attributes, nlri in told)
        if routes and not taken:
            log.warning("snapshot ignored path=%s reason=none of its VNIs is served", self.path)
        else:
            log.info("snapshot read age=%.0f routes=%d of=%d", age, taken, routes)

    def settle(self, now: float) -> None:
        """Write it in the background, if it is time."""
        if now < self.next_due():
            return
        self._due = now + INTERVAL
        if self._core.dataplane.unobserved or (self._thread is not None and self._thread.is_alive()):
            return  # which hosts are here is not known yet, or the disk is slow
        routes, is_due = self._take(), now >= self._confirm_at
        if is_due:
            self._confirm_at = now + STILL_TRUE
        thread = threading.Thread(target=self._write, args=(routes, is_due), name="snapshot", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            self._seen, self._confirm_at = -1, float("-inf")  # it is as due as before
            self._failed(str(error))
            return
        self._thread = thread

    def next_due(self) -> float:
        changed = self._core.announcer.sent != self._seen
        return self._due if changed else max(self._due, self._confirm_at)

    def close(self) -> None:
        """The last word, at an end that is not sudden."""
        if self._thread is not None:
            self._thread.join(_PATIENCE)
            if self._thread.is_alive():
                return
        if not self._core.dataplane.unobserved:
            self._write(self._take(), True)

    def _take(self) -> dict[RouteKey, Announcement]:
        """What is wanted, not what was told: while all is told again, the told ones are not what they were."""
        self._seen = self._core.announcer.sent
        return self._core.announcer.routes.desired.copy()

    def _write(self, routes: dict[RouteKey, Announcement], even_if_same: bool) -> None:
        count, lines = snapshot.body(routes.values())
        if hash(lines) == self._written and not even_if_same:
            return
        try:
            octets = snapshot.pack(self._here(), count, lines)
            with replacing(self.path) as stream:
                stream.write(octets)
            self._written = hash(lines)
        except OSError as error:
            self._failed((error.strerror or str(error)).lower())

    def _failed(self, reason: str) -> None:
        self.failures += 1
        if rarely(self.failures):
            log.warning("snapshot not written path=%s error=%s", self.path, reason)

    def _here(self) -> Origin:
        boot = ""
        with suppress(OSError):
            boot = self._boot_id.read_text(errors="replace").strip()
        return Origin(boot, format_ip(self._core.settings.vtep), time.clock_gettime(time.CLOCK_BOOTTIME))


def _read(path: Path) -> bytes:
    """A file; whatever else has that name must neither be waited for nor followed."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise SnapshotError("not a file")
        octets = stream.read(snapshot.MOST_OCTETS + 1)
    if len(octets) > snapshot.MOST_OCTETS:
        raise SnapshotError("too long")
    return octets
