"""ExaBGP as a whole while nothing happens: it sleeps, and is there when its timers are due."""

import os
import pwd
import re
import socket
import subprocess
from pathlib import Path

from .loopback import KEEPALIVE, OPEN, PATIENCE, PROGRAM, Peer, accepted, opening

NOTIFICATION = 3
HOLD_TIME_EXPIRED = b"\4\0"

CONFIGURATION = """
process helper {{ run /bin/cat; encoder json; }}
neighbor 127.0.0.1 {{
  router-id 10.0.0.3; local-address 127.0.0.3; local-as 65000; peer-as 65000; connect {port}; hold-time 3;
  family {{ l2vpn evpn; }}
  api {{ processes [ helper ]; }}
}}
neighbor 127.0.0.4 {{
  router-id 10.0.0.3; local-address 127.0.0.3; local-as 65000; peer-as 65000; passive true;
  family {{ l2vpn evpn; }}
}}
"""


def sleeps(process: subprocess.Popen[bytes]) -> int:
    """How often it has gone to sleep by itself."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    found = re.search(r"^voluntary_ctxt_switches:\s+(\d+)", status, re.MULTILINE)
    assert found
    return int(found[1])


def test_timers_of_a_silent_session_are_kept_by_an_exabgp_that_sleeps(tmp_path: Path) -> None:
    """A hold time of three seconds: a keepalive each second, and the end of the session in the fourth."""
    environment = {**os.environ, "exabgp.api.cli": "false", "exabgp.daemon.user": pwd.getpwuid(os.getuid()).pw_name}
    configuration = tmp_path / "exabgp.conf"
    with socket.create_server(("127.0.0.1", 0)) as server, (tmp_path / "log").open("wb") as log:
        configuration.write_text(CONFIGURATION.format(port=server.getsockname()[1]))
        command = [str(PROGRAM), "exabgp", str(configuration)]
        with subprocess.Popen(command, env=environment, stdout=log, stderr=log) as process:
            with Peer(accepted(server, process)) as peer:
                peer.send(OPEN, opening())
                peer.send(KEEPALIVE)
                heard = [message(peer) for _ in range(5)]  # OPEN, KEEPALIVE, End-of-RIB, two KEEPALIVEs of a session
                before = sleeps(process)
                while heard[-1][0] != NOTIFICATION:
                    heard.append(message(peer))
                slept = sleeps(process) - before
            process.terminate()
            assert process.wait(PATIENCE) == 0

    assert heard[-1] == (NOTIFICATION, HOLD_TIME_EXPIRED)
    keepalives = [kind for kind, _ in heard[:-1]].count(KEEPALIVE)
    assert keepalives >= 4
    assert slept < 40  # a hundred in each second, if it looked around as ExaBGP does


def message(peer: Peer) -> tuple[int, bytes]:
    head = peer.read(19)
    return head[18], peer.read(int.from_bytes(head[16:18]) - 19)
