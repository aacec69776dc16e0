"""What `evpn show` has to say of a small fabric; every value is plain, so that it can be sent."""

from errno import ENOSPC

import msgspec
import pytest

from evpn.agent import status
from evpn.agent.configure import configure
from evpn.dataplane.entries import NTF_SELF, NUD_PERMANENT
from evpn.values import Vni
from tests.agent.vtep import Vtep, a_mac, a_vtep, tell
from tests.builders import CONFIGURATION, IP1, M1, M2, M3, RR1, RR2, VTEP3, a_mac_route, settings
from tests.kernel_rows import PORT


@pytest.fixture
def fabric(vtep: Vtep) -> Vtep:
    """M1 with an IP behind VTEP2, M2 behind tap0, M3 refused by the kernel."""
    vtep.kernel.refuse = {M3: ENOSPC}
    tell(vtep, a_vtep(), a_mac(M1, ip=IP1, sequence=2), a_mac(M3, VTEP3))
    vtep.kernel.frame(M2, PORT)
    vtep.settle()
    vtep.now = 90.0
    return vtep


@pytest.fixture
def troubled(fabric: Vtep) -> Vtep:
    """M2 goes to and fro between us and VTEP3."""
    for sequence in (1, 3, 5):
        tell(fabric, a_mac(M2, VTEP3, sequence=sequence))
        fabric.kernel.frame(M2, PORT)
        fabric.settle()
    return fabric


def show(vtep: Vtep, what: str, vni: int | None = None) -> list[dict]:
    return list(status.SHOW[what](vtep.core, None if vni is None else Vni(vni), vtep.now))


def picked(rows: list[dict], *keys: str) -> list[tuple]:
    return [tuple(row[key] for key in keys) for row in rows]


def test_summary(fabric: Vtep) -> None:
    (row,) = show(fabric, "summary")

    assert (row["vtep"], row["local-as"], row["uptime"]) == ("10.0.0.10", 65000, 90.0)
    assert (row["peers-up"], row["peers"], row["in-sync"]) == (2, 2, True)
    assert (row["vnis"], row["vnis-served"], row["routes"], row["announced"]) == (1, 1, 3, 2)
    assert (row["local-macs"], row["remote-macs"], row["rows-pending"]) == (1, 2, 1)


def test_peers(fabric: Vtep) -> None:
    fabric.speaker.state(RR2, "down", "hold timer expired")
    fabric.settle(seconds=10)

    assert picked(show(fabric, "peers"), "peer", "as", "state", "routes", "end-of-rib", "resets", "reason") == [
        (RR1, 65000, "up", 3, True, 0, ""),
        (RR2, 65000, "down", 0, True, 1, "hold timer expired"),
    ]


def test_vnis(fabric: Vtep) -> None:
    (row,) = show(fabric, "vni")

    assert (row["vni"], row["state"], row["device"], row["bridge"]) == (100, "served", "vxlan100", "br100")
    assert (row["rd"], row["import"], row["export"]) == ("10.0.0.10:100", ["*:100"], ["65000:100"])
    assert (row["local-macs"], row["remote-macs"], row["vteps"], row["pending"]) == (1, 2, 1, 1)


def test_what_a_device_of_somebody_elses_lacks_is_said_with_the_command(fabric: Vtep) -> None:
    fabric.kernel.change_link(2, learning=True)
    fabric.settle()
    (row,) = show(fabric, "vni")

    mend = "ip link set vxlan100 type vxlan nolearning"
    assert row["state"] == f"served, but vxlan100 learns from the tunnel: {mend}"


def test_a_vni_that_cannot_be_served_says_why(fabric: Vtep) -> None:
    fabric.kernel.change_link(2, up=False)
    fabric.settle()

    (row,) = show(fabric, "vni")

    assert row["state"] == "vxlan100 is down"


def test_macs(fabric: Vtep) -> None:
    keys = "mac", "type", "via", "sequence", "ip", "reason", "kernel"

    assert sorted(picked(show(fabric, "mac"), *keys)) == [
        ("02:00:00:00:00:01", "remote", "10.0.0.2", 2, ["192.0.2.1"], "only claim", "installed"),
        ("02:00:00:00:00:02", "local", "tap0", 0, [], "learnt", "installed"),
        ("02:00:00:00:00:03", "remote", "10.0.0.30", 0, [], "only claim", "refused: ENOSPC (No space left on device)"),
    ]


def test_a_mac_that_may_not_be_written_says_why(fabric: Vtep) -> None:
    fabric.kernel.drop_tunnel(M1)
    fabric.kernel.put_tunnel(M1, VTEP3, NUD_PERMANENT, NTF_SELF)
    fabric.settle()

    row = next(row for row in show(fabric, "mac") if row["mac"].endswith("01"))

    assert row["kernel"] == "static entry of somebody else"


def test_flood(fabric: Vtep) -> None:
    assert show(fabric, "flood") == [{"vni": 100, "vtep": "10.0.0.2", "rd": ["10.0.0.2:100"], "kernel": "installed"}]


def test_rib(fabric: Vtep) -> None:
    rows = [row for row in show(fabric, "rib") if row["route"].startswith("02:00:00:00:00:01")]

    assert picked(rows, "type", "name", "rd", "route", "next-hop", "peer", "best", "reason", "imported") == [
        (
            2,
            "mac-ip",
            "10.0.0.2:100",
            "02:00:00:00:00:01 192.0.2.1",
            "10.0.0.2",
            RR1,
            True,
            "lower peer address",
            [100],
        ),
        (2, "mac-ip", "10.0.0.2:100", "02:00:00:00:00:01 192.0.2.1", "10.0.0.2", RR2, False, "", [100]),
    ]
    assert picked(rows, "sequence", "sticky", "stale", "route-targets")[0] == (2, False, False, ["65000:100"])


def test_a_refused_path_says_why(vtep: Vtep) -> None:
    tell(vtep, a_mac(M1, vtep.settings.vtep), peers=[RR1])

    (row,) = show(vtep, "rib")

    assert (row["best"], row["reason"]) == (False, "next hop is our own VTEP")


def test_local(fabric: Vtep) -> None:
    assert show(fabric, "local") == [
        {
            "vni": 100,
            "mac": "02:00:00:00:00:02",
            "port": "tap0",
            "static": False,
            "announced": True,
            "sequence": 0,
        }
    ]


@pytest.mark.parametrize("what", status.SHOW)
def test_every_row_can_be_sent_and_has_the_columns_of_the_first(troubled: Vtep, what: str) -> None:
    rows = show(troubled, what)

    assert rows
    assert all(list(row) == list(rows[0]) for row in rows)
    assert all(msgspec.json.decode(msgspec.json.encode(row)) == row for row in rows)


@pytest.mark.parametrize("what", ["vni", "mac", "flood", "local"])
def test_one_vni_can_be_asked_for(fabric: Vtep, what: str) -> None:
    assert show(fabric, what, vni=100) == show(fabric, what)
    assert show(fabric, what, vni=200) == []


@pytest.mark.parametrize("what", status.SHOW)
def test_a_reload_between_two_rows_ends_nothing(troubled: Vtep, what: str) -> None:
    rows = status.SHOW[what](troubled.core, None, troubled.now)
    next(rows)

    one_peer_and_another_vni = CONFIGURATION.replace(", {address: 10.0.0.252}", "").replace("vni: 100", "vni: 200")
    configure(troubled.core, settings(one_peer_and_another_vni), troubled.now)
    troubled.settle()

    for row in rows:
        assert row


def test_a_withdrawal_between_two_rows_ends_nothing(fabric: Vtep) -> None:
    rows = status.SHOW["rib"](fabric.core, None, fabric.now)
    next(rows)

    fabric.core.rib.withdraw(RR1, [a_mac_route(M1, IP1)])

    assert all(list(rows))
