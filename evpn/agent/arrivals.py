"""VNIs that came later than routes, or import others than before: what the RIB knows already, a slice of it a turn.

From the first moment every change comes the usual way, by `Fabric.apply`. So a route is imported as it is when its turn
comes, whatever it was before, and one that has come both ways is there once. One walk through the RIB does for all VNIs
that wait for one.
"""

from evpn.evi.bridge_domain import BridgeDomain
from evpn.evi.fabric import Fabric
from evpn.rib.path import Path
from evpn.rib.table import Rib
from evpn.values import MacAddress, RouteKey, Vni

SLICE = 500
"""Routes that are imported, or MACs of which routes are given up, in a turn."""
PASSED_OVER = 10
"""A route that nobody waits for takes so much less than one that is imported."""


class Arrivals:
    def __init__(self, rib: Rib, fabric: Fabric) -> None:
        self._rib = rib
        self._fabric = fabric
        self._sifted: dict[Vni, list[MacAddress]] = {}
        """MACs that may have routes of targets that are imported no more; these go first, and make room."""
        self._waiting: set[Vni] = set()
        """For the next walk."""
        self._walking: set[Vni] = set()
        self._left: list[RouteKey] = []

    def begin(self, domain: BridgeDomain, sift: bool = False) -> None:
        """Its targets are known to the fabric. `sift`: it may have imported by others before."""
        self.forget(domain.vni)
        self._waiting.add(domain.vni)
        if sift:
            self._fabric.sift_floods(domain)
            self._sifted[domain.vni] = [*domain.remote, *domain.overflow.waiting]

    def forget(self, vni: Vni) -> None:
        self._sifted.pop(vni, None)
        self._waiting.discard(vni)
        self._walking.discard(vni)

    def __contains__(self, vni: Vni) -> bool:
        return vni in self._waiting or vni in self._walking

    @property
    def is_settled(self) -> bool:
        return not (self._waiting or self._walking)

    def settle(self) -> bool:
        """A slice of what is left; whether the last of it is done by that."""
        if self.is_settled:
            return False
        if self._sifted:
            self._sift(*next(iter(self._sifted.items())))
        if not self._sifted:
            self._walk()
        return self.is_settled

    def _sift(self, vni: Vni, macs: list[MacAddress]) -> None:
        self._fabric.sift(self._fabric.domains[vni], macs[-SLICE:], self._is_best)
        del macs[-SLICE:]
        if not macs:
            del self._sifted[vni]

    def _is_best(self, path: Path) -> bool:
        return path == self._rib.usable(path.route.key)

    def _walk(self) -> None:
        if not self._walking:
            self._walking, self._waiting = self._waiting, set()
            self._left = list(self._rib.routes)
            self._left.reverse()  # who has come first is let in first
        found: list[Path] = []
        looked = 0
        while self._left and looked < SLICE * PASSED_OVER and len(found) < SLICE:
            looked += 1
            path = self._rib.usable(self._left.pop())
            if path is not None and self._is_awaited(path):
                found.append(path)
        self._fabric.import_known(found, self._walking)
        if not self._left:
            self._walking = set()

    def _is_awaited(self, path: Path) -> bool:
        return any(domain.vni in self._walking for domain in self._fabric.importers(path.attributes))
