"""VXLAN packets are taken from those VTEPs alone that type 3 routes name (RFC 7348 section 7; docs/isolation.md).

A set of nftables is kept equal to the flood lists, and a rule drops what comes to a VXLAN port from elsewhere. The set
outlives the agent, as rows do, and a VTEP is taken from it only when the routes are complete.
"""

import logging

from evpn.agent.core import Core
from evpn.delta import DeltaTable
from evpn.netlink.nft import NftError, apply, elements
from evpn.text import format_ip, parse_ip
from evpn.values import IpAddress

log = logging.getLogger(__name__)

PAUSE, RETRY, LEVEL_CHECK = 0.2, 5.0, 60.0
_SET = "vteps"

_RULES = """\
add table {family} evpn
add set {family} evpn vteps {{ type {type}; }}
add counter {family} evpn refused
add chain {family} evpn input {{ type filter hook input priority filter; policy accept; }}
flush chain {family} evpn input
add rule {family} evpn input udp dport {{ {ports} }} {family} saddr != @vteps counter name refused drop
"""


class Firewall:
    """Owner of the set: `vteps` has desired, actual and what differs."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.vteps: DeltaTable[IpAddress, bool] = DeltaTable()
        self.family = _family(core.settings.vtep)
        self._ports: frozenset[int] | None = None
        """Of the rule as it stands; empty: there is none; None: not known."""
        self._settled: float | None = None
        self._checked = 0.0
        self._due: float | None = None
        self._failing = False

    def settle(self, now: float) -> None:
        """At most five times a second: a process has to be started for each change."""
        if (self._settled is not None and now - self._settled < PAUSE) or (self._failing and now < (self._due or 0)):
            self._due = self._due or (self._settled or 0) + PAUSE
            return
        self._settled, self._due = now, None
        try:
            if self.core.settings.firewall:
                self._keep(now)
            elif self._ports != frozenset():
                self._remove()
            self._failing = False
        except NftError as error:
            if not self._failing:
                log.error("vxlan packets not filtered as configured error=%s", error)
            self._failing, self._ports, self._due = True, None, now + RETRY

    def next_due(self) -> float | None:
        if self._due is None and self.core.settings.firewall:
            return self._checked + LEVEL_CHECK
        return self._due

    def _keep(self, now: float) -> None:
        named = {vtep for domain in self.core.fabric.domains.values() for vtep in domain.flood}
        for vtep in self.vteps.desired.keys() - named:
            self.vteps.want(vtep, None)
        for vtep in named - self.vteps.desired.keys():
            self.vteps.want(vtep, True)
        ports = frozenset(vni.port for vni in self.core.instances.served.values()) or frozenset({4789})
        if self._ports is None or now - self._checked >= LEVEL_CHECK:
            self._check(now)
        try:
            self._write(ports)
        except NftError:  # most likely somebody has flushed all rules
            self._check(now)
            self._write(ports)

    def _check(self, now: float) -> None:
        """What the kernel holds: of an agent before us, or after somebody has flushed all rules."""
        found = elements(self.family, "evpn", _SET)
        self._checked, self._ports = now, None
        self.vteps.observe_all({parse_ip(text): True for text in found or ()})

    def _write(self, ports: frozenset[int]) -> None:
        """One transaction: rules when they are others, then what the set has too few, and too many once in sync."""
        text = self._rules(ports) if ports != self._ports else ""
        added = [change.key for change in self.vteps.batch(len(self.vteps.writes))]
        gone = [change.key for change in self.vteps.batch(len(self.vteps.removals), removals=True)]
        gone = gone if self.core.peers.synced else []
        text += self._elements("add", added) + self._elements("delete", gone)
        if not text:
            return
        apply(text)
        self._ports = ports
        for vtep in added:
            self.vteps.observe(vtep, True)
        for vtep in gone:
            self.vteps.observe(vtep, None)

    def _rules(self, ports: frozenset[int]) -> str:
        kind = "ipv4_addr" if self.family == "ip" else "ipv6_addr"
        shown = ", ".join(map(str, sorted(ports)))
        return _RULES.format(family=self.family, type=kind, ports=shown)

    def _elements(self, verb: str, vteps: list[IpAddress]) -> str:
        shown = ", ".join(map(format_ip, vteps))
        return f"{verb} element {self.family} evpn {_SET} {{ {shown} }}\n" if vteps else ""

    def _remove(self) -> None:
        """No longer configured, or by an agent before us."""
        self._ports = frozenset()
        remove(self.core.settings.vtep)
        self.vteps.observe_all({})


def remove(vtep: IpAddress) -> None:
    """The table of a VTEP with an address of this family, if there is one."""
    family = _family(vtep)
    if elements(family, "evpn", _SET) is not None:
        apply(f"delete table {family} evpn\n")


def _family(vtep: IpAddress) -> str:
    return "ip" if len(vtep) == 4 else "ip6"
