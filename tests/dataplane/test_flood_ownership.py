"""Somebody appends a flood row of his own: the mark of all flood rows of the device is gone (RFC 8365 section 9)."""

import pytest

from evpn.dataplane.entries import NTF_SELF, NUD_NOARP, NUD_PERMANENT
from evpn.netlink.neighbor import flood
from evpn.values import IpAddress
from tests.agent.vtep import Vtep, a_vtep, gone, tell
from tests.builders import VTEP2, VTEP3, a_multicast_route, rd_of
from tests.kernel_rows import DEVICE

FOREIGN = IpAddress(bytes((10, 0, 0, 40)))
EVERYTHING = [(DEVICE, VTEP2), (DEVICE, VTEP3), (DEVICE, FOREIGN)]


def append_without_mark(vtep: Vtep, far: IpAddress) -> None:
    """`bridge fdb append 00:00:00:00:00:00 dev vxlan100 dst FAR`."""
    told = bytearray(flood(1, DEVICE, far))
    told[24:27] = (NUD_NOARP | NUD_PERMANENT).to_bytes(2, "little") + bytes([NTF_SELF])
    assert vtep.kernel.apply([bytes(told)]) == []


@pytest.fixture
def appended() -> Vtep:
    """Two VTEPs that we flood to, and the row of somebody else."""
    vtep = Vtep()
    vtep.peer_up()
    tell(vtep, a_vtep(VTEP2), a_vtep(VTEP3))
    append_without_mark(vtep, FOREIGN)
    vtep.settle()
    assert list(vtep.kernel.flood) == EVERYTHING
    assert vtep.kernel.flood_marked == set()
    return vtep


def leave(vtep: Vtep, far: IpAddress) -> None:
    tell(vtep, gone(a_multicast_route(far, rd_of(far))))


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("checked", [False, True])
def test_the_row_of_a_vtep_that_leaves_later_goes_and_the_foreign_one_stays(appended, restarted, checked) -> None:
    if restarted:
        appended.restart()
        appended.peer_up()
        tell(appended, a_vtep(VTEP2), a_vtep(VTEP3))
    if checked:
        appended.level_check()
    assert list(appended.kernel.flood) == EVERYTHING

    leave(appended, VTEP2)

    assert list(appended.kernel.flood) == [(DEVICE, VTEP3), (DEVICE, FOREIGN)]


def test_a_row_that_waits_for_its_removal_stays_ours_at_a_level_check(appended) -> None:
    appended.restart()
    appended.peer_up(end_of_rib=False)
    tell(appended, a_vtep(VTEP2), a_vtep(VTEP3))
    leave(appended, VTEP2)
    appended.level_check()
    assert list(appended.kernel.flood) == EVERYTHING

    appended.peer_up()
    appended.settle()

    assert list(appended.kernel.flood) == [(DEVICE, VTEP3), (DEVICE, FOREIGN)]


def test_what_nobody_announces_any_more_after_a_restart_and_has_no_mark_stays(appended) -> None:
    appended.restart()
    appended.peer_up()
    tell(appended, a_vtep(VTEP3))

    assert list(appended.kernel.flood) == EVERYTHING
