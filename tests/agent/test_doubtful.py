"""What is told of a row that was written unheard at about that time may be older than that, and is asked for.

Not if it says what is believed anyway: the echoes of what was written just before, which were heard.
"""

import pytest

from evpn.dataplane.entries import NTF_EXT_LEARNED, NTF_SELF, NUD_FAILED, NUD_NOARP, NUD_PERMANENT
from evpn.values import NO_IP
from evpn.wire.update import encode_announce, encode_withdraw
from tests.builders import IP1, IP2, M1, M2, RR1, VTEP2, VTEP3, a_mac_route, attributes, rd_of
from tests.kernel_rows import DEVICE, PORT, bridge_row, neighbor_row, tunnel_row

from .vtep import Vtep


@pytest.mark.parametrize("deaf", [True, False])
def test_rows_written_unheard_are_doubtful_by_mac_and_by_ip(deaf: bool) -> None:
    vtep = Vtep()
    vtep.peer_up()
    vtep.settle()
    vtep.core.kernel.deaf = deaf

    vtep.speaker.update(RR1, encode_announce([a_mac_route(M1, IP1, rd_of(VTEP2))], VTEP2, attributes()))
    vtep.settle()

    doubtful = vtep.core.kernel.is_doubtful
    told = [tunnel_row(M1, VTEP3), bridge_row(M1, PORT), bridge_row(M1, DEVICE, gone=True)]
    told += [neighbor_row(IP1, M2), neighbor_row(IP1, M1, protocol=11), neighbor_row(IP1, M1, gone=True)]
    assert [doubtful(row) for row in told] == [deaf] * 6
    echoes = [tunnel_row(M1, VTEP2), bridge_row(M1, DEVICE, flags=NTF_EXT_LEARNED), neighbor_row(IP1, M1)]
    assert not any(doubtful(row) for row in (*echoes, tunnel_row(M2, VTEP2), neighbor_row(IP2, M1)))


@pytest.mark.parametrize("deaf", [True, False])
def test_so_are_those_that_were_removed(deaf: bool) -> None:
    vtep = Vtep()
    vtep.peer_up()
    vtep.speaker.update(RR1, encode_announce([a_mac_route(M1, IP1, rd_of(VTEP2))], VTEP2, attributes()))
    vtep.settle()
    vtep.core.kernel.deaf = deaf
    vtep.speaker.update(RR1, encode_withdraw([a_mac_route(M1, IP1, rd_of(VTEP2))]))
    vtep.settle()

    doubtful = vtep.core.kernel.is_doubtful
    told = [tunnel_row(M1, VTEP2), bridge_row(M1, DEVICE, flags=NTF_EXT_LEARNED), neighbor_row(IP1, M1)]
    told += [bridge_row(M1, PORT), bridge_row(M1, PORT, gone=True)]
    assert [doubtful(row) for row in told] == [deaf] * 5
    echoes = [tunnel_row(M1, VTEP2, gone=True), bridge_row(M1, DEVICE, gone=True), neighbor_row(IP1, M1, gone=True)]
    echoes.append(neighbor_row(IP1, M1, state=NUD_FAILED))
    assert not any(map(doubtful, echoes))


def test_so_are_those_of_somebody_else_that_are_told_to_be_gone() -> None:
    """Who has asked for a row knows of one that will be told only later: what was deleted may be the one before."""
    vtep = Vtep()
    vtep.peer_up()
    vtep.core.kernel.deaf = True
    vtep.speaker.update(RR1, encode_announce([a_mac_route(M1, IP1, rd_of(VTEP2))], VTEP2, attributes()))
    vtep.settle()
    foreign = tunnel_row(M1, VTEP3, NUD_NOARP, NTF_SELF), neighbor_row(IP1, M2, NUD_PERMANENT, 0, protocol=0)
    for row in (bridge_row(M1, DEVICE, gone=True), *foreign):
        vtep.core.kernel.row_event(row, 0.0)

    doubtful = vtep.core.kernel.is_doubtful
    assert doubtful(tunnel_row(M1, VTEP3, gone=True))
    assert doubtful(neighbor_row(IP1, M2, gone=True))


def test_so_are_halves_that_are_not_what_they_look_like() -> None:
    vtep = Vtep()
    vtep.peer_up()
    vtep.core.kernel.deaf = True
    for mac, sticky in ((M1, False), (M2, True)):
        shared = attributes(sticky=sticky)
        vtep.speaker.update(RR1, encode_announce([a_mac_route(mac, rd=rd_of(VTEP2))], VTEP2, shared))
    vtep.settle()
    vtep.core.kernel.row_event(bridge_row(M2, DEVICE, gone=True), 0.0)

    doubtful = vtep.core.kernel.is_doubtful
    assert doubtful(tunnel_row(M1, NO_IP)._replace(nexthop_id=7)), "the tunnel's, without a VTEP"
    assert doubtful(tunnel_row(M2, VTEP2)), "not sticky any more"
