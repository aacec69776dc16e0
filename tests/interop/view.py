"""FRR's view of the EVPN routes of a fabric."""

from typing import Any

from .frr import Frr, until

Row = dict[str, Any]


class View:
    """FRR's table of EVPN routes, by what a test asks about."""

    def __init__(self, frr: Frr) -> None:
        self.frr = frr

    def mac(self, mac: str, vtep: str) -> Row | None:
        """Its path to the MAC-only route of a VTEP."""
        return self._path(f"[2]:[0]:[48]:[{mac}]", vtep)

    def ips(self, mac: str, vtep: str) -> dict[str, Row]:
        """IP -> its path to the MAC/IP route of a VTEP."""
        of, found = f"[2]:[0]:[48]:[{mac}]:[", self.paths()
        paths = {prefix: _through(vtep, found[prefix]) for prefix in found if prefix.startswith(of)}
        return {prefix[:-1].rpartition("[")[2]: path for prefix, path in paths.items() if path}

    def multicast(self, vtep: str) -> Row | None:
        return self._path(f"[3]:[0]:[32]:[{vtep}]", vtep)

    def established(self) -> set[str]:
        peers = self.frr.vtysh_json("show bgp l2vpn evpn summary json").get("peers", {})
        return {peer for peer, row in peers.items() if row["state"] == "Established"}

    def flaps(self, peer: str) -> int:
        """How many times a session has been lost."""
        return int(self.frr.vtysh_json(f"show bgp neighbors {peer} json")[peer]["connectionsDropped"])

    def _path(self, prefix: str, vtep: str) -> Row | None:
        return _through(vtep, self.paths().get(prefix, []))

    def paths(self) -> dict[str, list[Row]]:
        """Prefix -> its paths under all route distinguishers, once FRR has a verdict on each of them."""
        return until(self._decided, every=0.02)[0]

    def _decided(self) -> tuple[dict[str, list[Row]]] | None:
        """None while a path waits for best path selection: its version and best path are still to come."""
        found = self._shown()
        waits = any("processScheduled" in path for paths in found.values() for path in paths)
        return None if waits else (found,)

    def _shown(self) -> dict[str, list[Row]]:
        shown = self.frr.vtysh_json("show bgp l2vpn evpn route detail json")
        found: dict[str, list[Row]] = {}
        for rd, routes in shown.items():
            if not isinstance(routes, dict):
                continue
            for prefix, route in routes.items():
                if isinstance(route, dict):
                    for path in route["paths"]:
                        paths = path if isinstance(path, list) else [path]
                        found.setdefault(prefix, []).extend({**one, "rd": rd} for one in paths)
        return found


def _through(vtep: str, paths: list[Row]) -> Row | None:
    return next((path for path in paths if any(hop["ip"] == vtep for hop in path["nexthops"])), None)


def sequence_of(path: Row) -> int:
    """Of the MAC mobility community; 0 without one."""
    words = path["extendedCommunity"]["string"].replace(",", " ").split()
    return next((int(word[3:]) for word in words if word.startswith("MM:")), 0)


def same_update(path: Row | None, known: Row | None) -> bool:
    """One and the same UPDATE: FRR works out the second of its arrival anew each time, and is one off now and then."""
    if path is None or known is None:
        return False
    apart = abs(path["lastUpdate"]["epoch"] - known["lastUpdate"]["epoch"])
    return apart <= 1 and all(path.get(key) == known.get(key) for key in path | known if key != "lastUpdate")
