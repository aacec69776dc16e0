"""What goes on while a test does something else: commands, processes, and what must stay true."""

import os
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.namespaces import is_subscribed

from .frr import Namespace, until


class Watch:
    """The lines of a command that goes on, such as `bridge monitor fdb`; a monitor listens from the first moment."""

    def __init__(self, namespace: Namespace, *command: str) -> None:
        self.lines: deque[str] = deque()
        inside = tuple(namespace.command("stdbuf", "-oL", *command))
        self._process = subprocess.Popen(inside, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if "monitor" in command:
            until(lambda: is_subscribed(self._process.pid), every=0.005)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(40)
        self._reader.join(40)

    def about(self, *words: str) -> list[str]:
        """Lines with all of these words."""
        return [line for line in list(self.lines) if all(word in line for word in words)]

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))


def stays(question: Callable[[], Any], seconds: float, every: float = 0.1) -> None:
    """It is true all the time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert question()
        time.sleep(every)


def with_pid(pid: int, number: int) -> None:
    """A signal to a process that may have ended."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
