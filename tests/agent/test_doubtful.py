"""What is told of a row that was written unheard at about that time may be older than that, and is asked for.

Not if it says what is believed anyway: the echoes of what was written just before, which were heard.
"""

import pytest

from evpn.dataplane.entries import NTF_EXT_LEARNED, NUD_FAILED
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
