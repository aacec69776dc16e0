"""`evpn diff`: every way in which the kernel can differ from what is wanted, and all that is no difference."""

from collections.abc import Callable
from errno import EINTR, ENOBUFS, ENOSPC
from typing import Any

import pytest

from evpn.agent import diff
from evpn.agent.configure import configure
from evpn.dataplane.entries import NTF_EXT_LEARNED, NTF_SELF, NUD_NOARP, NUD_PERMANENT, NUD_REACHABLE
from evpn.netlink.errors import NetlinkError
from tests.agent.test_strategies import a_vtep_with
from tests.agent.vtep import Vtep, a_mac, a_vtep, gone, tell
from tests.builders import CONFIGURATION, DEVICE_LINK, IP1, IP2, M1, M2, RR1, RR2, VTEP2, VTEP3, a_mac_route, settings
from tests.fakes import FakeKernel
from tests.kernel_rows import BRIDGE, DEVICE, PORT

M1_TEXT, M2_TEXT = "02:00:00:00:00:01", "02:00:00:00:00:02"
UNNOTICED = "not noticed before: evpn refresh, or the next level check, repairs it"


def walk(kernel: FakeKernel) -> diff.Walk:
    """Two parts: the FDB rows, and the neighbors."""
    return lambda bridge, devices: iter([(kernel.dump(DEVICE, bridge)[0], []), ([], kernel.dump(DEVICE, bridge)[1])])


def look(vtep: Vtep, of: diff.Walk | None = None) -> tuple[list[tuple[Any, ...]], int]:
    """Each difference without its VNI, and how many rows were compared."""
    rows = [row for row in diff.rows(vtep.core, None, of or walk(vtep.kernel)) if row and "ok" not in row]
    assert all(row["vni"] == 100 for row in rows[:-1])
    return [tuple(row.values())[1:] for row in rows[:-1]], rows[-1]["compared"]


def differences(vtep: Vtep) -> list[tuple[Any, ...]]:
    return look(vtep)[0]


@pytest.fixture
def told(vtep: Vtep) -> Vtep:
    """A flood row, a MAC in both FDBs, a sticky one, an IP of the first."""
    tell(vtep, a_vtep(), a_mac(M1), a_mac(M1, ip=IP1), a_mac(M2, sticky=True))
    return vtep


def test_what_is_as_wanted_does_not_differ(told: Vtep) -> None:
    assert look(told) == ([], 4)


DRIFT: dict[str, tuple[Callable[[FakeKernel], object], list[tuple[str, ...]]]] = {
    "no row in the VXLAN device": (
        lambda kernel: kernel.tunnel.pop((DEVICE, M1)),
        [("mac", M1_TEXT, "differs", "in the bridge only", "10.0.0.2")],
    ),
    "no row in the bridge": (
        lambda kernel: kernel.bridge.pop((BRIDGE, M1)),
        [("mac", M1_TEXT, "differs", "10.0.0.2 not in the bridge", "10.0.0.2")],
    ),
    "neither": (
        lambda kernel: (kernel.tunnel.pop((DEVICE, M1)), kernel.bridge.pop((BRIDGE, M1))),
        [("mac", M1_TEXT, "missing", "", "10.0.0.2")],
    ),
    "another VTEP": (
        lambda kernel: kernel.put_tunnel(M1, VTEP3, NUD_REACHABLE, NTF_SELF | NTF_EXT_LEARNED),
        [("mac", M1_TEXT, "differs", "10.0.0.30", "10.0.0.2")],
    ),
    "no longer sticky": (
        lambda kernel: kernel.put_bridge(M2, DEVICE, NUD_REACHABLE, NTF_EXT_LEARNED),
        [("mac", M2_TEXT, "differs", "10.0.0.2", "10.0.0.2 sticky")],
    ),
    "no neighbor": (
        lambda kernel: kernel.neighbors.pop((BRIDGE, IP1)),
        [("neighbor", "192.0.2.1", "missing", "", M1_TEXT)],
    ),
    "no flood row": (
        lambda kernel: kernel.flood.pop((DEVICE, VTEP2)),
        [("flood", "10.0.0.2", "missing", "", "flood row")],
    ),
    "marked like ours": (
        lambda kernel: (
            kernel.put_tunnel(b"\2\0\0\0\0\7", VTEP3, NUD_REACHABLE, NTF_SELF | NTF_EXT_LEARNED),  # type: ignore[arg-type]
            kernel.put_bridge(b"\2\0\0\0\0\7", DEVICE, NUD_REACHABLE, NTF_EXT_LEARNED),  # type: ignore[arg-type]
            kernel.put_neighbor(IP2, M2, NUD_NOARP, NTF_EXT_LEARNED, 186),
        ),
        [
            ("mac", "02:00:00:00:00:07", "not wanted", "10.0.0.30", ""),
            ("neighbor", "192.0.2.2", "not wanted", M2_TEXT, ""),
        ],
    ),
}


@pytest.mark.parametrize("drift", DRIFT)
def test_what_the_agent_has_not_heard_of_is_found_and_repaired_by_a_level_check(told: Vtep, drift: str) -> None:
    change, expected = DRIFT[drift]
    told.kernel.deaf = True
    change(told.kernel)
    told.kernel.events()
    told.kernel.deaf = False
    before = dict(told.kernel.tunnel), dict(told.kernel.bridge), dict(told.kernel.neighbors), dict(told.kernel.flood)

    assert differences(told) == [(*row, UNNOTICED) for row in expected]

    kernel = told.kernel
    assert (kernel.tunnel, kernel.bridge, kernel.neighbors, kernel.flood) == before, "nothing is changed"
    told.level_check()
    assert differences(told) == []
    assert told.core.kernel.drift == len(expected)


def test_rows_of_others_and_of_local_hosts_are_no_difference(told: Vtep) -> None:
    kernel = told.kernel
    others = [b"\2\0\0\0\0" + bytes((n,)) for n in range(7, 10)]
    kernel.put_tunnel(others[0], VTEP3, NUD_PERMANENT, NTF_SELF)  # type: ignore[arg-type]
    kernel.put_bridge(others[1], DEVICE, NUD_NOARP)  # type: ignore[arg-type]
    kernel.frame(others[2], PORT)  # type: ignore[arg-type]
    kernel.put_neighbor(IP2, M2, NUD_PERMANENT, 0, 0)
    kernel.flood[DEVICE, VTEP3] = None
    kernel.flood_marked.discard(DEVICE)  # as an append without the mark does

    assert look(told) == ([], 4)


def test_a_refused_row_tells_why(vtep: Vtep) -> None:
    vtep.kernel.refuse = {M1: ENOSPC}
    tell(vtep, a_mac(M1))
    vtep.settle(1)

    rows = differences(vtep)

    assert rows == [
        ("mac", M1_TEXT, "differs", "in the bridge only", "10.0.0.2", "refused 2x: ENOSPC (No space left on device)")
    ]


def test_what_waits_for_the_end_of_the_routes_says_so(told: Vtep) -> None:
    for peer in (RR1, RR2):
        told.speaker.state(peer, "down")
    told.restart()
    told.settle()

    rows = differences(told)

    assert {row[2:] for row in rows if row[0] == "neighbor"} == {
        ("not wanted", M1_TEXT, "", "removed once the routes are complete")
    }
    assert {row[0] for row in rows} == {"flood", "mac", "neighbor"}
    assert len(rows) == 4


def test_a_device_that_is_not_there_is_one_difference(told: Vtep) -> None:
    told.kernel.remove_link(DEVICE)
    told.settle()

    (row,) = differences(told)

    assert row[:5] == ("device", "vxlan100", "missing", "", "static-l2")
    assert row[5] == told.core.instances.problems[100]  # type: ignore[index]


def test_what_changes_between_two_looks_is_no_difference(told: Vtep) -> None:
    """The first look finds a MAC that is withdrawn before the second one."""
    looks = 0

    def changing(bridge: int, devices: object) -> Any:
        nonlocal looks
        looks += 1
        if looks == 2:
            tell(told, gone(a_mac_route(M1), a_mac_route(M1, IP1)))
            tell(told, a_mac(M1, VTEP3))
        return walk(told.kernel)(bridge, ())

    del told.kernel.tunnel[DEVICE, M1]

    assert look(told, changing) == ([], 3)
    assert looks == 2


def test_an_interrupted_dump_is_begun_again(told: Vtep) -> None:
    looks = 0

    def interrupted(bridge: int, devices: object) -> Any:
        nonlocal looks
        looks += 1
        yield [], []
        if looks < 4:
            raise NetlinkError(EINTR, "dump of neighbours")
        yield from walk(told.kernel)(bridge, ())

    assert look(told, interrupted) == ([], 4)


@pytest.mark.parametrize(("error", "looks"), [(EINTR, 8), (ENOBUFS, 1)])
def test_what_cannot_be_read_is_a_difference(told: Vtep, error: int, looks: int) -> None:
    asked = 0

    def broken(bridge: int, devices: object) -> Any:
        nonlocal asked
        asked += 1
        raise NetlinkError(error, "dump of neighbours")

    (row,) = look(told, broken)[0]

    assert row[:3] == ("device", "vxlan100", "not read")
    assert row[5] == str(NetlinkError(error, "dump of neighbours"))
    assert asked == looks


def test_a_device_made_again_meanwhile_is_looked_at_instead(told: Vtep) -> None:
    looks = 0

    def changing(bridge: int, devices: object) -> Any:
        nonlocal looks
        looks += 1
        if looks == 1:
            told.kernel.remove_link(DEVICE)
            told.settle()
            told.kernel.add_link(DEVICE_LINK._replace(ifindex=77))
            told.settle()
        return iter([told.kernel.dump(77, bridge)])

    assert look(told, changing) == ([], 4)


def test_rows_of_a_vni_that_is_served_no_longer_are_not_wanted(told: Vtep) -> None:
    for peer in (RR1, RR2):
        told.speaker.state(peer, "down")
    told.settle()
    told.core.peers.synced = False
    configure(told.core, settings(CONFIGURATION.replace("[{vni: 100}]", "[{vni: 200}]")), told.now)

    rows = [row for row in diff.rows(told.core, None, walk(told.kernel)) if row.get("vni") == 100]

    assert {(row["kind"], row["difference"]) for row in rows} == {
        ("flood", "not wanted"),
        ("mac", "not wanted"),
        ("neighbor", "not wanted"),
    }


# Other strategies


@pytest.mark.parametrize(("strategy", "compared"), [("multicast", 0), ("static-flood", 1)])
def test_what_a_device_has_learnt_by_itself_is_no_difference(strategy: str, compared: int) -> None:
    vtep = a_vtep_with(strategy)
    tell(vtep, a_vtep(), a_mac(M1), a_mac(M1, ip=IP1))

    vtep.kernel.put_tunnel(M1, VTEP2, NUD_REACHABLE, NTF_SELF)
    vtep.kernel.put_bridge(M1, DEVICE, NUD_REACHABLE)
    vtep.settle()

    assert look(vtep) == ([], compared)


def test_on_demand_what_is_asked_for_is_wanted_and_nothing_else() -> None:
    vtep = a_vtep_with("dynamic-l3")
    tell(vtep, a_mac(M1), a_mac(M1, ip=IP1), a_mac(M2), a_mac(M2, ip=IP2))
    assert look(vtep) == ([], 0)

    vtep.kernel.miss(IP1)
    vtep.settle()
    assert look(vtep) == ([], 2)

    del vtep.kernel.neighbors[DEVICE, IP1]
    vtep.kernel.put_tunnel(M2, VTEP2, NUD_REACHABLE, NTF_SELF | NTF_EXT_LEARNED)
    vtep.kernel.events()
    assert [row[:3] for row in differences(vtep)] == [
        ("mac", M2_TEXT, "not wanted"),
        ("neighbor", "192.0.2.1", "missing"),
    ]


def test_a_neighbor_of_ours_on_the_bridge_is_not_wanted_where_the_device_answers() -> None:
    vtep = a_vtep_with("static-l3")
    tell(vtep, a_mac(M1), a_mac(M1, ip=IP1))
    assert look(vtep) == ([], 2)

    vtep.kernel.put_neighbor(IP1, M1, NUD_NOARP, NTF_EXT_LEARNED, 186)
    vtep.kernel.events()

    found, compared = look(vtep)
    assert [row[:4] for row in found] == [("neighbor", "192.0.2.1", "not wanted", M1_TEXT)]
    assert compared == 3


def test_a_neighbor_that_is_somebody_elses_instead_says_whose(told: Vtep) -> None:
    told.kernel.put_neighbor(IP1, M1, NUD_NOARP, NTF_EXT_LEARNED, 11)
    told.kernel.events()

    assert [row[:5] for row in differences(told)] == [
        ("neighbor", "192.0.2.1", "differs", f"{M1_TEXT} of zebra", M1_TEXT)
    ]
