"""Requests of the control socket: `show`, and `reload`."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evpn.agent import devices, status
from evpn.agent.configure import check_reload, configure
from evpn.agent.core import Core
from evpn.agent.host import HostError, check
from evpn.config import accepted
from evpn.config.available import require_available
from evpn.config.load import ConfigError, load
from evpn.netlink.errors import NetlinkError
from evpn.netlink.links import Links
from evpn.values import Vni

log = logging.getLogger(__name__)

Row = dict[str, Any]


class Requests:
    def __init__(self, core: Core, links: Links) -> None:
        self.core = core
        self.links = links

    def answer(self, request: Row) -> Iterator[Row]:
        """Rows for one request; a `ValueError` says what is wrong with it."""
        match request.get("command"):
            case "show":
                return self._show(request.get("what"), request.get("vni"))
            case "reload":
                return self._reload(Path(str(request.get("config"))))
        raise ValueError(f"command {request.get('command')!r} is not known to this agent; accepted: show, reload")

    def _show(self, what: Any, vni: Any) -> Iterator[Row]:
        if not isinstance(what, str) or what not in status.SHOW:
            raise ValueError(f"show {what!r} is not known to this agent; accepted: {', '.join(status.SHOW)}")
        if vni is not None and not (isinstance(vni, int) and vni in self.core.fabric.domains):
            known = ", ".join(map(str, self.core.fabric.domains)) or "none"
            raise ValueError(f"VNI {vni} is not configured; configured: {known}")
        return status.SHOW[what](self.core, None if vni is None else Vni(vni), time.monotonic())

    def _reload(self, path: Path) -> Iterator[Row]:
        """The old configuration goes on unless the new one is right as a whole."""
        try:
            settings = load(path)
            require_available(settings)
            check_reload(self.core.settings, settings)
            check(settings, bgp=False)
            devices.make(settings, self.links)
            accepted.keep(settings)
        except (ConfigError, HostError, NetlinkError, OSError) as error:
            log.error("configuration not reloaded, the old one goes on error=%s", error)
            raise ValueError(str(error)) from None
        configure(self.core, settings, time.monotonic())
        log.info("configuration reloaded file=%s vnis=%d", path, len(settings.vnis))
        yield {"vnis": len(settings.vnis), "neighbors": len(settings.neighbors)}
