"""Remote MACs for which there is no room: no rows, no bindings, but not forgotten, for a place may become free. Pure.

What waits here is in the RIB in any case: this is a name for it, and no more memory than a peer's `max-routes` allows.
"""

from collections.abc import Iterator, Sized

from evpn.evi.journal import Event, News, What
from evpn.rib.path import Path
from evpn.values import MacAddress, RouteKey


class Overflow:
    """Owner of MAC -> route key -> path, in the order in which they came."""

    def __init__(self, most: int, events: list[News]) -> None:
        self.most = most
        """Remote MACs that are taken; those of our own hosts are no matter."""
        self.waiting: dict[MacAddress, dict[RouteKey, Path]] = {}
        self._events = events

    def keeps_out(self, mac: MacAddress, path: Path, present: bool, has_room: bool) -> bool:
        """Whether a path has to wait, or has waited until it went. `has_room`: it would be taken now."""
        waited = self._remove(mac, path)
        if not present:
            return waited
        if has_room:
            return False
        if mac not in self.waiting and not waited:
            self._events.append(Event(What.REMOTE_OVER_LIMIT, mac, vtep=path.next_hop))
        self.waiting.setdefault(mac, {})[path.route.key] = path
        return True

    def let_in(self, taken: Sized) -> Iterator[Path]:
        """Those that have waited for longest, MAC by MAC, while there is room among what is taken."""
        while self.waiting and len(taken) < self.most:
            yield from self.waiting.pop(next(iter(self.waiting))).values()

    def _remove(self, mac: MacAddress, path: Path) -> bool:
        """Whether it has been waiting."""
        paths = self.waiting.get(mac)
        if paths is None or paths.pop(path.route.key, None) is None:
            return False
        if not paths:
            del self.waiting[mac]
        return True
