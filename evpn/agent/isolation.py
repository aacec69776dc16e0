"""The chains that keep bridges of ours isolated, looked after: whoever reloads his own rules may flush all of them."""

import logging
from functools import partial

from evpn.agent.aside import Aside
from evpn.agent.core import Core
from evpn.netlink.errors import NetlinkError
from evpn.netlink.isolation import chain_of, guard, guarded, is_isolated
from evpn.netlink.nft import NftError

log = logging.getLogger(__name__)

PAUSE, LEVEL_CHECK = 1.0, 60.0
_EXPOSED = "bridges not isolated, what is inside of the tunnel reaches this host"


class Isolation:
    """Bridges that an agent has made: they bear the settings that we give, and the configuration names them."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self._looked: float | None = None
        self._changes = -1
        self._problem: str | None = None
        self._guarded = True
        """Whether there were bridges of ours at the last look; there may have been before the first one."""
        self._aside = Aside()

    def settle(self, now: float) -> None:
        """Once a minute, and a second after devices have become others, or at once if nothing was done lately."""
        if self._aside.busy:
            self._looked = now  # to be asked again a second later, not at once
            return
        if now < self.next_due():
            return
        self._looked, self._changes = now, self.core.instances.changes
        try:
            bridges = self._bridges()
        except NetlinkError as error:
            self._changes = -1  # they are looked at again a second later
            self._tell(str(error), "bridges not looked at, to be tried again")
            return
        if bridges or self._guarded:
            self._aside.start(partial(self._look_after, bridges))
        else:
            self._tell(None)

    def _look_after(self, bridges: list[str]) -> None:
        self._guarded = bool(bridges)
        self._tell(self._guard(bridges))

    def _tell(self, problem: str | None, what: str = _EXPOSED) -> None:
        if problem != self._problem:
            self._problem = problem
            if problem:
                log.warning("%s error=%s", what, problem)

    def next_due(self) -> float:
        if self._looked is None:
            return 0.0
        return self._looked + (LEVEL_CHECK if self._changes == self.core.instances.changes else PAUSE)

    def _bridges(self) -> list[str]:
        served, segments = self.core.instances.served, self.core.dataplane.segments
        named = {vni.bridge for vni in served.values() if vni.create}
        attached = [found.bridge.name for segment in segments.values() if (found := segment.attachment)]
        return [name for name in attached if name in named and is_isolated(name)]

    def _guard(self, bridges: list[str]) -> str | None:
        try:
            present = guarded()
        except (NftError, NetlinkError) as error:
            return str(error) if bridges else None
        problems = [f"{name}: {why}" for name in bridges if chain_of(name) not in present and (why := guard(name))]
        return problems[0] if problems else None
