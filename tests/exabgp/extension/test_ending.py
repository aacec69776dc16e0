"""How ExaBGP ends, told by its exit code."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

EVPN = Path(sys.executable).with_name("evpn")

CONFIGURATION = """
process helper {{ run {program}; encoder json; }}
neighbor 127.0.0.1 {{
  router-id 127.0.0.2; local-address 127.0.0.2; local-as 65000; peer-as 65000; passive true;
  family {{ l2vpn evpn; }}
  api {{ processes [ helper ]; neighbor-changes; }}
}}
"""


def exabgp(directory: Path, program: str) -> subprocess.Popen[bytes]:
    (directory / "exabgp.conf").write_text(CONFIGURATION.format(program=program))
    environment = {**os.environ, "exabgp.api.cli": "false", "exabgp.daemon.drop": "false", "exabgp.log.enable": "false"}
    return subprocess.Popen(
        [str(EVPN), "exabgp", str(directory / "exabgp.conf")],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_a_helper_that_keeps_dying_is_a_failure(tmp_path: Path) -> None:
    with exabgp(tmp_path, "/bin/false") as process:
        assert process.wait(60) == 1


def test_a_stop_that_was_asked_for_is_none(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    program = tmp_path / "helper"
    program.write_text(f"#!/bin/sh\ntouch {ready}\nexec cat\n")
    program.chmod(0o755)
    with exabgp(tmp_path, str(program)) as process:
        deadline = time.monotonic() + 30
        while not ready.exists():
            assert time.monotonic() < deadline, "the helper was not started"
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
