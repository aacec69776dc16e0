"""SIGHUP, which ExaBGP takes for "stop", made to run a command instead, where the environment names one.

Surfaces: `Signal.sighup`, and `Reactor._pending_adjribout`, for which ExaBGP forgets a SIGUSR1 when it comes while
routes wait to be sent; EVPN routes need not be waited for. The command (EVPN_RELOAD, a line for the shell) runs beside
the reactor; it tells ExaBGP to read its configuration again with SIGUSR1 to $EVPN_EXABGP_PID when that has changed.
SIGHUPs while it runs make it run once more.
"""

import os
import subprocess
from threading import Event, Thread
from typing import Any

from exabgp.logger import log
from exabgp.reactor.interrupt import Signal
from exabgp.reactor.loop import Reactor

VARIABLE = "EVPN_RELOAD"

_wanted = Event()
_running: list[Thread] = []


def install() -> None:
    Reactor._pending_adjribout = pending_elsewhere
    if os.environ.get(VARIABLE):
        Signal.sighup = sighup


def pending_elsewhere(self: Any) -> bool:
    return any(self._peers[name].neighbor.rib.outgoing.pending_elsewhere() for name in self.active_peers())


def sighup(self: Any, signum: int, frame: Any) -> None:
    """In the signal handler only the wish is noted; forking is done by a thread, which also waits for the child."""
    log.critical(lambda: "SIGHUP received, running the reload command", "reactor")
    _wanted.set()
    _running[:] = [thread for thread in _running if thread.is_alive()]
    if not _running:
        thread = Thread(target=_run, name="evpn-reload", daemon=True)
        _running.append(thread)
        thread.start()


def _run() -> None:
    command = os.environ[VARIABLE]
    environment = {**os.environ, "EVPN_EXABGP_PID": str(os.getpid())}
    # an `evpn exabgp` in the command must not take itself for the process of this one's command line
    environment.pop("exabgp_cli_pipe", None)
    while _wanted.is_set():
        _wanted.clear()
        try:
            status = subprocess.run(
                command, shell=True, stdin=subprocess.DEVNULL, env=environment, check=False
            ).returncode
        except OSError as error:
            log.error(lambda error=error: f"reload command did not start error={error}", "reactor")
        else:
            log.info(lambda status=status: f"reload command ended status={status}", "reactor")
