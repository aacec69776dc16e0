"""A RIB for tests, and what is looked at in it."""

from evpn.rib.path import Path
from evpn.rib.table import Rib
from tests.builders import M1, M2, a_mac_route

ROUTE = a_mac_route(M1)
OTHER = a_mac_route(M2)


def a_rib(*paths: Path) -> Rib:
    rib = Rib()
    for path in paths:
        rib.announce(path.peer, [path])
    return rib


def best(rib: Rib) -> Path | None:
    return rib.best(ROUTE.key)[0]
