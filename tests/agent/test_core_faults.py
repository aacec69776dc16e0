"""What others do to our rows, what the kernel refuses or does not tell, devices that come and go."""

from errno import EBUSY, EINVAL, ENOBUFS, ENOMEM, ENOSPC, EPERM

import pytest

from evpn.agent import status
from evpn.dataplane.entries import NTF_SELF, NTF_STICKY, NUD_NOARP, NUD_PERMANENT, RTM_GETNEIGH
from evpn.netlink.errors import describe
from evpn.netlink.events import AddressChanged, PortChanged
from tests.agent.vtep import BRIDGE_ROW, MARK, TUNNEL_ROW, Vtep, a_mac, a_vtep, gone, our_macs, tell
from tests.builders import (
    DEVICE_LINK,
    IP1,
    M1,
    M2,
    VTEP2,
    VTEP3,
    a_mac_route,
)
from tests.kernel_rows import BRIDGE, DEVICE, PORT, bridge_row, tunnel_row


def test_rows_that_others_remove_are_put_back(vtep: Vtep) -> None:
    tell(vtep, a_mac(M1, ip=IP1))

    vtep.kernel.drop_bridge(M1)
    vtep.kernel.drop_tunnel(M1)
    vtep.kernel.drop_neighbor(IP1)
    vtep.settle()

    assert vtep.kernel.bridge[BRIDGE, M1] == BRIDGE_ROW
    assert vtep.kernel.tunnel[DEVICE, M1] == TUNNEL_ROW
    assert (BRIDGE, IP1) in vtep.kernel.neighbors


def test_rows_of_others_are_never_touched(vtep: Vtep) -> None:
    kernel = vtep.kernel
    kernel.put_tunnel(M1, VTEP3, NUD_PERMANENT, NTF_SELF)
    kernel.put_bridge(M2, DEVICE, NUD_NOARP)
    kernel.put_neighbor(IP1, M2, NUD_PERMANENT, 0, 0)
    kernel.flood[DEVICE, VTEP3] = None
    vtep.level_check()
    before = dict(kernel.bridge), dict(kernel.tunnel), dict(kernel.neighbors), dict(kernel.flood)

    tell(vtep, a_mac(M1, ip=IP1), a_mac(M2))
    tell(vtep, gone(a_mac_route(M1, IP1), a_mac_route(M2)))

    assert (kernel.bridge, kernel.tunnel, kernel.neighbors, kernel.flood) == before


def test_what_others_give_up_is_ours_to_write(vtep: Vtep) -> None:
    kernel = vtep.kernel
    kernel.put_tunnel(M1, VTEP3, NUD_PERMANENT, NTF_SELF)
    kernel.put_neighbor(IP1, M2, NUD_PERMANENT, 0, 0)
    tell(vtep, a_mac(M1, ip=IP1))

    kernel.drop_tunnel(M1)
    kernel.drop_neighbor(IP1)
    vtep.settle()

    assert kernel.tunnel[DEVICE, M1] == TUNNEL_ROW
    assert kernel.neighbors[BRIDGE, IP1].where == M1


@pytest.mark.parametrize("sticky", [False, True])
def test_a_refused_row_is_not_tried_again_before_its_time(vtep: Vtep, sticky: bool) -> None:
    vtep.kernel.refuse = {M1: ENOSPC}

    tell(vtep, a_mac(M1, sticky=sticky), a_mac(M2))
    tries = vtep.kernel.writes
    vtep.settle()
    assert vtep.kernel.writes == tries
    assert (DEVICE, M2) in vtep.kernel.tunnel

    vtep.kernel.refuse = {}
    vtep.settle(seconds=61)
    assert (DEVICE, M1) in vtep.kernel.tunnel
    assert vtep.core.dataplane.pending == 0


def test_lost_notifications_are_made_up_for_by_a_dump(vtep: Vtep) -> None:
    tell(vtep, a_mac(M1))

    vtep.kernel.deaf = True
    vtep.kernel.drop_tunnel(M1)
    vtep.kernel.frame(M2, PORT)
    vtep.settle()
    vtep.kernel.deaf = False
    vtep.settle()

    assert vtep.kernel.tunnel[DEVICE, M1] == TUNNEL_ROW
    assert our_macs(vtep) == {M2: 0}


def test_silent_drift_is_found_by_a_level_check_and_counted(vtep: Vtep) -> None:
    tell(vtep, a_mac(M1))
    del vtep.kernel.tunnel[DEVICE, M1]

    vtep.level_check()

    assert vtep.kernel.tunnel[DEVICE, M1] == TUNNEL_ROW
    assert vtep.core.kernel.drift == 1


def test_a_device_that_goes_down_and_up_has_its_rows_again(vtep: Vtep) -> None:
    tell(vtep, a_vtep(), a_mac(M1))
    vtep.kernel.frame(M2, PORT)
    vtep.settle()

    vtep.kernel.change_link(DEVICE, up=False)
    vtep.settle()
    assert vtep.announcements() == {}

    vtep.kernel.change_link(DEVICE, up=True)
    vtep.settle()
    assert vtep.kernel.tunnel == {(DEVICE, M1): TUNNEL_ROW}
    assert our_macs(vtep) == {M2: 0}


def test_a_device_made_again_has_its_rows_again(vtep: Vtep) -> None:
    tell(vtep, a_vtep(), a_mac(M1))

    vtep.kernel.remove_link(DEVICE)
    vtep.settle()
    assert (vtep.kernel.flood, vtep.announcements()) == ({}, {})

    vtep.kernel.add_link(DEVICE_LINK._replace(ifindex=77))
    vtep.settle()
    assert list(vtep.kernel.tunnel) == [(77, M1)]
    assert list(vtep.kernel.flood) == [(77, VTEP2)]
    assert len(vtep.announcements()) == 1


def test_a_device_that_leaves_its_bridge_and_joins_again_has_its_rows_again(vtep: Vtep) -> None:
    tell(vtep, a_vtep(), a_mac(M1))

    vtep.kernel.change_link(DEVICE, master=0)
    vtep.settle()
    assert vtep.announcements() == {}
    assert vtep.core.instances.problems == {100: "vxlan100 is in no bridge"}

    vtep.kernel.change_link(DEVICE, master=BRIDGE)
    vtep.settle()
    assert vtep.kernel.bridge[BRIDGE, M1] == BRIDGE_ROW
    assert len(vtep.announcements()) == 1


def test_flags_of_a_port_that_change_are_known_and_change_nothing(vtep: Vtep) -> None:
    writes = vtep.kernel.writes

    vtep.core.kernel.link_event(PortChanged(DEVICE, BRIDGE, learning=False, neighbor_suppression=True))
    vtep.core.kernel.link_event(AddressChanged(DEVICE, IP1, present=True))
    vtep.settle()

    assert vtep.core.dataplane.links[DEVICE].neighbor_suppression
    assert vtep.kernel.writes == writes


def test_a_miss_is_no_row(vtep: Vtep) -> None:
    vtep.core.kernel.row_event(tunnel_row(M1, VTEP3)._replace(type=RTM_GETNEIGH), vtep.now)
    vtep.settle()

    assert vtep.core.dataplane.pending == 0


def test_without_echoes_of_our_writes_everything_is_as_with_them(vtep: Vtep) -> None:
    vtep.kernel.filtered = True

    tell(vtep, a_vtep(), a_mac(M1, ip=IP1))
    vtep.kernel.frame(M2, PORT)
    vtep.settle()
    tell(vtep, a_mac(M2, VTEP3, sequence=1))
    assert our_macs(vtep) == {}
    assert vtep.kernel.bridge[BRIDGE, M2] == BRIDGE_ROW
    tell(vtep, a_mac(M2, VTEP3, sequence=1, sticky=True))
    assert vtep.kernel.bridge[BRIDGE, M2].flags == MARK | NTF_STICKY

    vtep.kernel.frame(M1, PORT)
    vtep.settle()
    assert our_macs(vtep) == {M1: 1}
    assert list(vtep.kernel.tunnel) == [(DEVICE, M2)]
    assert vtep.core.dataplane.pending == 0


def test_a_sticky_mac_of_a_peer_that_turns_up_here_is_an_alert(vtep: Vtep, caplog: pytest.LogCaptureFixture) -> None:
    tell(vtep, a_mac(M1, sticky=True))

    for _ in range(3):
        vtep.core.kernel.row_event(bridge_row(M1, PORT), vtep.now)
    vtep.settle()

    alerts = [record.getMessage() for record in caplog.records if "does not move" in record.getMessage()]
    assert alerts == [
        f"mac is another's and does not move vni=100 mac={M1.hex(':')} port=tap0 vtep=10.0.0.2 count={count}"
        for count in (1, 2)
    ]


def test_what_others_change_is_counted_once_it_is_right_again_and_our_own_echoes_are_not(
    vtep: Vtep, caplog: pytest.LogCaptureFixture
) -> None:
    tell(vtep, a_mac(M1, ip=IP1), a_mac(M2, sticky=True))
    tell(vtep, a_mac(M1, VTEP3, IP1), a_mac(M2, VTEP3))
    assert vtep.core.kernel.disturbances.repaired == 0

    for times in (1, 2, 3):
        vtep.kernel.drop_tunnel(M1)
        vtep.kernel.drop_bridge(M1)
        vtep.settle()
        assert vtep.core.kernel.disturbances.repaired == times

    told = [record.getMessage() for record in caplog.records if "row of ours" in record.getMessage()]
    row = f"row of ours was changed and is written again vni=100 kind=mac key={M1.hex()} by=unknown"
    assert told == [f"{row} times={times}" for times in (1, 2)]


def test_a_row_that_others_change_and_no_route_wants_any_more_is_not_counted(vtep: Vtep) -> None:
    tell(vtep, a_mac(M1))

    vtep.kernel.drop_tunnel(M1)
    tell(vtep, gone(a_mac_route(M1)))

    assert vtep.core.kernel.disturbances.repaired == 0
    assert vtep.kernel.tunnel == {}


def test_rows_that_go_with_their_device_were_changed_by_nobody(vtep: Vtep) -> None:
    tell(vtep, a_vtep(), a_mac(M1))

    vtep.kernel.change_link(DEVICE, up=False)
    vtep.settle()
    vtep.kernel.change_link(DEVICE, up=True)
    vtep.settle()

    assert vtep.kernel.tunnel == {(DEVICE, M1): TUNNEL_ROW}
    assert vtep.core.kernel.disturbances.repaired == 0


@pytest.mark.parametrize("error", [EBUSY, ENOBUFS, ENOMEM, EPERM, EINVAL])
def test_whatever_the_kernel_refuses_a_row_with_is_shown_by_its_name(vtep: Vtep, error: int) -> None:
    vtep.kernel.refuse = {M1: error}

    tell(vtep, a_mac(M1), a_mac(M2))

    shown = {row["mac"]: row["kernel"] for row in status.SHOW["mac"](vtep.core, None, vtep.now)}
    assert list(shown.values()) == [f"refused: {describe(error)}", "installed"]
