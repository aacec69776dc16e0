"""strongSwan in namespaces: charon with a directory, a socket and a log of its own, and what swanctl says to it."""

import os
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from .frr import Namespace, until

CHARON = "/usr/sbin/charon-systemd"
_CONFIGURATION = """\
charon-systemd {{
    plugins {{
        include /etc/strongswan.d/charon/*.conf
        vici {{
            load = yes
            socket = {socket}
        }}
    }}
    filelog {{
        log {{
            path = {log}
            flush_line = yes
        }}
    }}
}}
swanctl {{
    plugins {{
        include /etc/strongswan.d/charon/*.conf
    }}
}}
"""


class StrongSwan:
    """`directory` is what /etc/swanctl is for the one of the system."""

    def __init__(self, namespace: Namespace, directory: Path) -> None:
        self.namespace = namespace
        self.directory = directory
        self._socket = directory / "vici"
        self._log = directory / "log"
        self._uri = f"unix://{self._socket}"

    def __enter__(self) -> Self:
        assert shutil.which("swanctl") and Path(CHARON).exists(), "no swanctl or charon-systemd: install strongSwan"
        self.directory.mkdir(parents=True)
        configuration = self.directory / "strongswan.conf"
        configuration.write_text(_CONFIGURATION.format(socket=self._uri, log=self._log))
        self._environment = {
            **os.environ,
            "STRONGSWAN_CONF": str(configuration),
            "SWANCTL_DIR": str(self.directory),
        }
        self._process = subprocess.Popen(self.namespace.command(CHARON), env=self._environment)
        until(self._socket.exists, 60)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.terminate()
        self._process.wait(30)

    def load(self, text: str) -> str:
        """`swanctl --load-all` of one file; what it says."""
        file = self.directory / "swanctl.conf"
        file.touch(0o600)
        file.write_text(text)
        return self.swanctl("--load-all", "--file", str(file))

    def log(self) -> str:
        return self._log.read_text()

    def swanctl(self, *arguments: str) -> str:
        command = self.namespace.command("swanctl", *arguments, "--uri", self._uri)
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout
