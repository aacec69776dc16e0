"""Remote MACs for which there is no room: no rows, no bindings, but not forgotten, for a place may become free. Pure.

What waits here is in the RIB in any case: this is a name for it, and no more memory than a peer's `max-routes` allows.
"""

from evpn.rib.path import Path
from evpn.values import MacAddress, RouteKey


class Overflow:
    """Owner of MAC -> route key -> path, in the order in which they came."""

    def __init__(self, most: int) -> None:
        self.most = most
        """Remote MACs that are taken; those of our own hosts are no matter."""
        self.waiting: dict[MacAddress, dict[RouteKey, Path]] = {}

    def put(self, mac: MacAddress, path: Path) -> bool:
        """True when it is the first one of its MAC."""
        is_new = mac not in self.waiting
        self.waiting.setdefault(mac, {})[path.route.key] = path
        return is_new

    def remove(self, mac: MacAddress, path: Path) -> bool:
        """Whether it has been waiting."""
        paths = self.waiting.get(mac)
        if paths is None or paths.pop(path.route.key, None) is None:
            return False
        if not paths:
            del self.waiting[mac]
        return True

    def take(self) -> list[Path]:
        """Those of the MAC that has waited for longest."""
        return list(self.waiting.pop(next(iter(self.waiting))).values())
