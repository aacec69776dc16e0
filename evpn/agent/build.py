"""Putting the agent together: checks, devices, core, loop. Building is inert; `start` acts."""

import logging
import os
import time

from evpn.agent import devices
from evpn.agent.configure import configure
from evpn.agent.control import Control
from evpn.agent.core import Core
from evpn.agent.host import HostError, control_group, look
from evpn.agent.loop import Loop
from evpn.agent.requests import Requests
from evpn.config.settings import Settings
from evpn.dataplane.link import Link
from evpn.exabgp.pipe import Pipe
from evpn.netlink.errors import NetlinkError
from evpn.netlink.links import Links

__all__ = ["HostError", "start"]

log = logging.getLogger(__name__)


def start(settings: Settings, read_fd: int, write_fd: int) -> Loop:
    """The running agent: devices made, kernel looked at, first routes said.

    What is wrong with one VNI, or with the file by now, must not end the others' sessions: it is logged, and shown.
    """
    for problem in look(settings):
        log.warning("%s: %s", settings.path, problem)
    links = Links()
    try:
        links.open()
        devices.mend(settings, links)
    except NetlinkError as error:
        raise HostError(f"{settings.path}: {error}") from None
    os.umask(0o077)  # ExaBGP's, which we inherit, would leave a directory that nobody can enter
    settings.run_dir.mkdir(mode=0o755, parents=True, exist_ok=True)
    core = Core(settings, time.monotonic())
    configure(core, settings, core.started)
    control = Control(settings.run_dir, Requests(core, links).answer, control_group(settings))

    def plug(link: Link) -> None:
        devices.plug(core.settings, links, link)
        devices.keep_flags(core.settings, links, link)

    loop = Loop(core, Pipe(read_fd, write_fd), control, plug)
    loop.open()
    if settings.metrics is not None:
        from evpn.agent.metrics import serve

        serve(loop, *settings.metrics)
    return loop
