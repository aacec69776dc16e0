"""VXLAN packets are taken from those VTEPs alone that type 3 routes name (RFC 7348 section 7; docs/isolation.md).

A set of nftables is kept equal to the flood lists, and a rule drops what comes to a VXLAN port from elsewhere. The set
outlives the agent, as rows do, and a VTEP is taken from it only when the routes are complete. `nft` runs beside the
loop: rows and routes do not wait for it.
"""

import logging
from functools import partial
from typing import NamedTuple

from evpn.agent.aside import Aside
from evpn.agent.core import Core
from evpn.config.firewall import CHAIN, TABLE, family_of, owner_of, rules, sets
from evpn.config.ipsec import vxlan_ports
from evpn.config.settings import Settings
from evpn.dataplane.entries import MacRow
from evpn.dataplane.segment import Segment
from evpn.delta import DeltaTable
from evpn.netlink.nft import NftError, NftTimeoutError, apply, elements, names_of_sets, rules_of
from evpn.text import format_ip, parse_ip
from evpn.values import IpAddress

log = logging.getLogger(__name__)

PAUSE, RETRY, LEVEL_CHECK = 0.2, 5.0, 10.0
RETRY_HANGING = 60.0


class Wanted(NamedTuple):
    """As things are when a job begins."""

    settings: Settings
    vteps: set[IpAddress]
    ports: frozenset[int]
    synced: bool


class Firewall:
    """Owner of the set: `vteps` has desired, actual and what differs. A job that runs owns all but `core`."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.vteps: DeltaTable[IpAddress, bool] = DeltaTable()
        self._ports: frozenset[int] | None = None
        """Of the rules as they stand; empty: there are none; None: not known."""
        self._settled: float | None = None
        self._checked = 0.0
        self._due: float | None = None
        self._failing = False
        self._aside = Aside()
        self._asked = 0.0
        """When it was asked last whether the job is over."""

    def settle(self, now: float) -> None:
        """At most five times a second: a process has to be started for each change."""
        if self._aside.busy:
            self._asked = now
            return
        if (self._settled is not None and now - self._settled < PAUSE) or (self._failing and now < (self._due or 0)):
            self._due = self._due or (self._settled or 0) + PAUSE
            return
        self._settled, self._asked, self._due = now, now, None
        if self.core.settings.firewall:
            self._aside.start(partial(self._try, now, self._wanted()))
        elif self._ports != frozenset():
            self._aside.start(partial(self._try, now, None))

    def _try(self, now: float, wanted: Wanted | None) -> None:
        try:
            if wanted is not None:
                self._keep(now, wanted)
            else:
                self._remove()
            self._failing = False
        except NftError as error:
            if not self._failing:
                log.error("vxlan packets not filtered as configured error=%s", error)
            wait = RETRY_HANGING if isinstance(error, NftTimeoutError) else RETRY
            self._failing, self._ports, self._due = True, None, now + wait

    def next_due(self) -> float | None:
        if self._aside.busy:
            return self._asked + PAUSE
        if self._due is None and self.core.settings.firewall:
            return self._checked + LEVEL_CHECK
        return self._due

    def _wanted(self) -> Wanted:
        synced = self.core.peers.synced
        named = {vtep for domain in self.core.fabric.domains.values() for vtep in domain.flood}
        return Wanted(self.core.settings, named if synced else named | self._adopted(), self._wanted_ports(), synced)

    def _keep(self, now: float, wanted: Wanted) -> None:
        for vtep in self.vteps.desired.keys() - wanted.vteps:
            self.vteps.want(vtep, None)
        for vtep in wanted.vteps - self.vteps.desired.keys():
            self.vteps.want(vtep, True)
        if not self._ports or now - self._checked >= LEVEL_CHECK:
            self._check(now, wanted.settings)
        try:
            self._write(wanted)
        except NftError:  # most likely somebody has flushed all rules
            self._check(now, wanted.settings)
            self._write(wanted)

    def _adopted(self) -> set[IpAddress]:
        """VTEPs of rows that an earlier agent has left: as long as frames go there, some come from there."""
        segments = self.core.dataplane.segments.values()
        flooded = {vtep for segment in segments for vtep in segment.flood.actual}
        return flooded | {row.vtep for segment in segments if not segment.plan.flood for row in _remote(segment)}

    def _wanted_ports(self) -> frozenset[int]:
        """Those of the configuration, and of devices that others have made."""
        segments = self.core.dataplane.segments.values()
        found = {attached.device.port for segment in segments if (attached := segment.attachment)}
        return frozenset(vxlan_ports(self.core.settings)) | found or frozenset({4789})

    def _check(self, now: float, settings: Settings) -> None:
        """What the kernel holds: of an agent before us, or after somebody has flushed all rules."""
        family, owner = _names(settings)
        found = elements(family, TABLE, f"vteps_{owner}")
        self._checked = now
        self.vteps.observe_all({parse_ip(text): True for text in found or ()})
        held = elements(family, TABLE, f"ports_{owner}") or set()
        ours = [handle for handle, whose in rules_of(family, TABLE, CHAIN).items() if whose == owner]
        self._ports = frozenset(map(int, held)) if len(ours) == 2 else None
        if len(ours) not in (0, 2):
            apply("".join(f"delete rule {family} {TABLE} {CHAIN} handle {handle}\n" for handle in ours))

    def _write(self, wanted: Wanted) -> None:
        """One transaction: rules when they are others, then what the set has too few, and too many once in sync."""
        settings, _, ports, synced = wanted
        text = sets(settings, ports) if ports != self._ports else ""
        text += rules(settings) if self._ports is None else ""
        added = self.vteps.batch(len(self.vteps.writes)).keys
        gone = self.vteps.batch(len(self.vteps.removals), removals=True).keys
        gone = gone if synced else []
        text += _elements(settings, "add", added) + _elements(settings, "delete", gone)
        if not text:
            return
        apply(text)
        self._ports = ports
        for vtep in added:
            self.vteps.observe(vtep, True)
        for vtep in gone:
            self.vteps.observe(vtep, None)

    def _remove(self) -> None:
        """No longer configured, or by an agent before us."""
        self._ports = frozenset()
        remove(self.core.settings)
        self.vteps.observe_all({})


def _elements(settings: Settings, verb: str, vteps: list[IpAddress]) -> str:
    family, owner = _names(settings)
    shown = ", ".join(map(format_ip, vteps))
    return f"{verb} element {family} {TABLE} vteps_{owner} {{ {shown} }}\n" if vteps else ""


def _names(settings: Settings) -> tuple[str, str]:
    return family_of(settings.vtep), owner_of(settings)


def _remote(segment: Segment) -> list[MacRow]:
    return [row for row in segment.macs.actual.values() if row.tunnel]


def remove(settings: Settings) -> None:
    """What the agent of this configuration has, and the table when no other one has anything in it."""
    family, owner = _names(settings)
    known = names_of_sets(family, TABLE)
    if f"vteps_{owner}" not in known:
        return
    if all(name.endswith(f"_{owner}") for name in known):
        apply(f"delete table {family} {TABLE}\n")
        return
    ours = [handle for handle, whose in rules_of(family, TABLE, CHAIN).items() if whose == owner]
    text = "".join(f"delete rule {family} {TABLE} {CHAIN} handle {handle}\n" for handle in ours)
    text += "".join(f"delete set {family} {TABLE} {name}_{owner}\n" for name in ("vteps", "ports"))
    apply(text + f"delete counter {family} {TABLE} refused_{owner}\n")
