"""`evpn show rib --vni N` among very many routes of other VNIs: nobody waits for the whole search."""

from itertools import islice

from evpn.agent import status_routes
from evpn.values import MacAddress, Vni
from tests.builders import M1, RR1, a_core, a_mac_route, a_path, attributes

ELSEWHERE = attributes("target:65000:999")


def test_a_search_that_finds_little_lets_others_have_their_turn() -> None:
    core = a_core()
    others = [a_mac_route(MacAddress(b"\2\1\0\0" + number.to_bytes(2))) for number in range(2500)]
    core.rib.announce(RR1, [a_path(route, shared=ELSEWHERE) for route in others])
    core.rib.announce(RR1, [a_path(a_mac_route(M1), shared=attributes("target:65000:100"))])

    rows = list(status_routes.rib(core, Vni(100), 0.0))

    assert [row.get("route") for row in rows] == [None, None, "02:00:00:00:00:01"]
    assert not any(rows[:2])


def test_where_everything_is_found_there_is_no_empty_row() -> None:
    core = a_core()
    routes = [a_mac_route(MacAddress(b"\2\1\0\0" + number.to_bytes(2))) for number in range(2500)]
    core.rib.announce(RR1, [a_path(route, shared=ELSEWHERE) for route in routes])

    assert all(islice(status_routes.rib(core, None, 0.0), 2500))
