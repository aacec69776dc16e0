"""`evpn show WHAT ADDRESS`: one host is found by its MAC or by any of its IPs, and nobody walks through the others."""

from collections.abc import Iterator
from typing import Any

import pytest

from evpn.agent import status, status_found
from evpn.agent.requests import Requests
from evpn.dataplane.entries import NUD_REACHABLE
from evpn.rib.path import Rejection
from evpn.values import MacAddress, Vni
from tests.agent.vtep import Vtep, a_mac, a_vtep, tell
from tests.builders import IP1, IP2, M1, M2, M3, RR1, RR2, VTEP3, a_core, a_mac_route, a_path, attributes
from tests.kernel_rows import PORT

M1_TEXT, M2_TEXT, M3_TEXT = "02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:03"
IP1_TEXT, IP2_TEXT = "192.0.2.1", "192.0.2.2"


class Unwalked(dict):  # type: ignore[type-arg]
    """A table of which only single keys may be asked for."""

    def __iter__(self) -> Iterator[Any]:
        raise AssertionError("walked through")

    keys = values = items = __iter__  # type: ignore[assignment]


@pytest.fixture
def fabric(vtep: Vtep) -> Vtep:
    """M1 has two IPs behind VTEP2, M3 is behind VTEP3, M2 is ours."""
    tell(vtep, a_vtep(), a_mac(M1), a_mac(M1, ip=IP1), a_mac(M1, ip=IP2), a_mac(M3, VTEP3))
    vtep.kernel.frame(M2, PORT)
    vtep.settle()
    return vtep


def find(vtep: Vtep, what: str, address: str, vni: int | None = None) -> list[dict[str, Any]]:
    request = {"command": "show", "what": what, "address": address, "vni": vni}
    return [row for row in Requests(vtep.core, links=None).answer(request) if row]  # type: ignore[arg-type]


@pytest.mark.parametrize("address", [M1_TEXT, M2_TEXT, M3_TEXT])
@pytest.mark.parametrize("what", ["mac", "local", "rib", "events"])
def test_a_mac_has_the_rows_that_the_whole_table_has_of_it(fabric: Vtep, what: str, address: str) -> None:
    key = "route" if what == "rib" else "mac"
    every = status.SHOW[what](fabric.core, None, fabric.now)
    expected = [{**row, "ago": 0} for row in every if address in row[key]]

    assert [{**row, "ago": 0} for row in find(fabric, what, address)] == expected


@pytest.mark.parametrize("address", [IP1_TEXT, IP2_TEXT])
def test_an_ip_leads_to_its_mac_and_to_its_route(fabric: Vtep, address: str) -> None:
    assert [row["mac"] for row in find(fabric, "mac", address)] == [M1_TEXT]
    assert [(row["ip"], row["mac"]) for row in find(fabric, "neigh", address)] == [(address, M1_TEXT)]
    assert [(row["route"], row["peer"]) for row in find(fabric, "rib", address)] == [
        (f"{M1_TEXT} {address}", peer) for peer in (RR1, RR2)
    ]


def test_a_mac_leads_to_its_ips(fabric: Vtep) -> None:
    assert [row["ip"] for row in find(fabric, "neigh", M1_TEXT)] == [IP1_TEXT, IP2_TEXT]


def test_an_ip_of_a_host_of_ours_leads_to_it(fabric: Vtep) -> None:
    fabric.kernel.put_neighbor(IP2, M2, NUD_REACHABLE, 0, 0)
    fabric.settle()

    assert M2_TEXT in [row["mac"] for row in find(fabric, "mac", IP2_TEXT)]
    assert ("local", M2_TEXT) in [(row["type"], row["mac"]) for row in find(fabric, "neigh", IP2_TEXT)]


def test_a_vtep_has_its_multicast_route(fabric: Vtep) -> None:
    assert [(row["name"], row["peer"]) for row in find(fabric, "rib", "10.0.0.2")] == [
        ("multicast", RR1),
        ("multicast", RR2),
    ]


@pytest.mark.parametrize("what", status.FIND)
def test_whom_nobody_knows_has_no_rows(fabric: Vtep, what: str) -> None:
    assert find(fabric, what, "02:00:00:00:00:99") == []
    assert find(fabric, what, "2001:db8::99") == []


@pytest.mark.parametrize("what", sorted(set(status.FIND) - {"rib"}))
@pytest.mark.parametrize("address", [M1_TEXT, IP1_TEXT, M2_TEXT])
def test_no_table_is_walked_through(fabric: Vtep, what: str, address: str) -> None:
    domain = fabric.core.fabric.domains[Vni(100)]
    domain.remote, domain.local = Unwalked(domain.remote), Unwalked(domain.local)
    domain.addresses.remote = Unwalked(domain.addresses.remote)
    domain.addresses.bindings.of_ip = Unwalked(domain.addresses.bindings.of_ip)

    find(fabric, what, address)


def test_a_route_that_is_not_used_is_found_in_slices() -> None:
    core = a_core()
    others = [a_mac_route(MacAddress(b"\2\1\0" + number.to_bytes(3))) for number in range(25_000)]
    core.rib.announce(RR1, [a_path(route, shared=attributes("target:65000:999")) for route in others])
    core.rib.announce(RR1, [a_path(a_mac_route(M1, IP1), rejection=Rejection.OWN_NEXT_HOP)])

    rows = list(status_found.rib(core, None, M1, 0.0))

    assert [row.get("route") for row in rows] == [None, None, f"{M1_TEXT} {IP1_TEXT}"]


@pytest.mark.parametrize(
    ("what", "address", "error"),
    [
        ("mac", "xyz", "address: .*xyz"),
        ("peers", M1_TEXT, "address: peers has none to look for; accepted: with mac, neigh, rib, local, events"),
    ],
)
def test_what_makes_no_sense_is_said(fabric: Vtep, what: str, address: str, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        find(fabric, what, address)
