"""ExaBGP's Adj-RIB-Out with the EVPN family taken out of it and kept in a `Table`; other families stay as they are.

Surface: `exabgp.rib.OutgoingRIB`, which `RIB` looks up by name in its own module for each neighbour.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import exabgp.rib
from exabgp.bgp.message import Action
from exabgp.bgp.message.open.capability.refresh import REFRESH
from exabgp.bgp.message.refresh import RouteRefresh
from exabgp.protocol.family import AFI, SAFI
from exabgp.rib.outgoing import OutgoingRIB

from evpn.exabgp.extension.changes import EvpnChange, change_of
from evpn.exabgp.extension.table import Table, keyed, share
from evpn.exabgp.extension.updates import Announcement, Withdrawal

EVPN_FAMILY = (AFI.l2vpn, SAFI.evpn)

CONFIGURATION = ""
"""The owner of the routes of the configuration file."""


class Frame(RouteRefresh):  # type: ignore[misc]  # ExaBGP has no types
    """BoRR or EoRR (RFC 7313), for a peer that negotiated it: `flush adj-rib out` asks for it whoever the peer is."""

    def messages(self, negotiated: Any, include_withdraw: bool) -> Iterator[bytes]:
        if negotiated.refresh == REFRESH.ENHANCED:
            yield from super().messages(negotiated, include_withdraw)


class EvpnOutgoingRib(OutgoingRIB):  # type: ignore[misc]  # ExaBGP has no types
    """Lives longer than a session: ExaBGP keeps one for each neighbour's name, over flaps and reloads."""

    families: list[tuple[int, int]]

    def __init__(self, cache: bool, families: list[tuple[int, int]]) -> None:
        self.evpn = Table()
        super().__init__(cache, families)

    def pending(self) -> bool:
        return bool(self.evpn.dirty) or self.evpn.refresh or bool(super().pending())

    def pending_elsewhere(self) -> bool:
        """Of other families."""
        return bool(super().pending())

    def updates(self, grouped: bool) -> Iterator[Any]:
        """Withdrawals first, then one group for each attribute set, then ExaBGP's other families."""
        batch = self.evpn.drain()
        if batch.withdrawn:
            yield Withdrawal(batch.withdrawn)
        if batch.refresh:
            yield Frame(*EVPN_FAMILY, RouteRefresh.start)
        for shared, routes in batch.announced:
            yield Announcement(shared, routes)
        if batch.refresh:
            yield Frame(*EVPN_FAMILY, RouteRefresh.end)
        yield from super().updates(grouped)

    def reset(self) -> None:
        """The session is lost. Without `adj-rib-out` nothing is kept for the next one."""
        self.evpn.down()
        if not self.cache:
            self.evpn.clear()
        with self._other_families():
            super().reset()

    def clear(self) -> None:
        self.evpn.clear()
        super().clear()

    def replace_restart(self, previous: Iterable[Any], new: Iterable[Any]) -> None:
        """The session is established."""
        with self._other_families():
            super().replace_restart(previous, new)
        self.evpn.up()

    def resend(self, enhanced_refresh: bool, family: tuple[int, int] | None = None) -> None:
        if family in (None, EVPN_FAMILY) and EVPN_FAMILY in self.families:
            self.evpn.resend(bool(enhanced_refresh))
        if family != EVPN_FAMILY:
            with self._other_families():
                super().resend(enhanced_refresh, family)

    def withdraw(self, families: Iterable[tuple[int, int]] | None = None) -> None:
        if EVPN_FAMILY in (families or self.families):
            self.evpn.withdraw_all()
        with self._other_families():
            super().withdraw(families)

    def delete_cached_family(self, families: Iterable[tuple[int, int]]) -> None:
        """At a reload: the neighbour may no longer be configured for EVPN."""
        if EVPN_FAMILY not in families:
            self.evpn.clear()
        super().delete_cached_family(families)

    def add_to_rib(self, change: Any, force: bool = False) -> None:
        if not isinstance(change, EvpnChange):
            super().add_to_rib(change, force)
            return
        shared = share(change.attributes.packed, change.nlri.nexthop.pack(), CONFIGURATION)
        self.evpn.announce(shared, keyed(change.nlri.pack_nlri()))

    def del_from_rib(self, change: Any) -> None:
        if not isinstance(change, EvpnChange):
            super().del_from_rib(change)
            return
        self.evpn.withdraw([key for key, _ in keyed(change.nlri.pack_nlri())], CONFIGURATION)

    def cached_changes(
        self, families: Iterable[tuple[int, int]] | None = None, actions: Iterable[int] = (Action.ANNOUNCE,)
    ) -> Iterator[Any]:
        """What `show adj-rib out` prints."""
        yield from super().cached_changes(families, actions)
        wanted = self.families if families is None else families
        if EVPN_FAMILY in self.families and EVPN_FAMILY in wanted and Action.ANNOUNCE in actions:
            for shared, nlri in self.evpn:
                yield change_of(nlri, shared.attributes, shared.next_hop)

    @contextmanager
    def _other_families(self) -> Iterator[None]:
        """ExaBGP's own methods walk `families` and put what they find through the slow path, route by route."""
        families = self.families
        self.families = [family for family in families if family != EVPN_FAMILY]
        try:
            yield
        finally:
            self.families = families


def install() -> None:
    exabgp.rib.OutgoingRIB = EvpnOutgoingRib
