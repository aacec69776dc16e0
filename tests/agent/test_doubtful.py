"""What is told of a row that was written unheard at about that time may be older than that, and is asked for."""

import pytest

from evpn.wire.update import encode_announce
from tests.builders import IP1, IP2, M1, M2, RR1, VTEP2, a_mac_route, attributes, rd_of
from tests.kernel_rows import neighbor_row, tunnel_row

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
    told = [tunnel_row(M1, VTEP2), neighbor_row(IP1, M1), neighbor_row(IP1, M1, gone=True)]
    assert [doubtful(row) for row in told] == [deaf] * 3
    assert not any(doubtful(row) for row in (tunnel_row(M2, VTEP2), neighbor_row(IP2, M1)))
