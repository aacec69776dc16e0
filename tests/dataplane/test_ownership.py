import pytest

from evpn.dataplane.entries import (
    NTF_EXT_LEARNED,
    NTF_OFFLOADED,
    NTF_SELF,
    NTF_STICKY,
    NUD_NOARP,
    NUD_PERMANENT,
    NUD_REACHABLE,
    NUD_STALE,
)
from evpn.dataplane.ownership import Owner, classify, is_our_neighbor, is_static
from evpn.values import MacAddress
from tests.builders import IP1, M1, VTEP2, mac
from tests.kernel_rows import BRIDGE, DEVICE, PORT, bridge_row, flood_row, neighbor_row, tunnel_row

MARK, STICKY = NTF_EXT_LEARNED, NTF_STICKY
OTHER_BRIDGE, OTHER_DEVICE = 3, 4


@pytest.mark.parametrize(
    ("row", "owner"),
    [
        (bridge_row(M1, DEVICE, flags=MARK), Owner.BRIDGE),
        (bridge_row(M1, DEVICE, NUD_NOARP, MARK | STICKY), Owner.BRIDGE),
        (bridge_row(M1, DEVICE, NUD_PERMANENT, MARK), Owner.OWN),
        (bridge_row(M1, DEVICE, NUD_PERMANENT), Owner.OWN),
        (bridge_row(M1, PORT, NUD_PERMANENT), Owner.OWN),
        (bridge_row(M1, BRIDGE, NUD_PERMANENT), Owner.OWN),
        (bridge_row(M1, PORT), Owner.LOCAL),
        (bridge_row(M1, PORT, NUD_STALE), Owner.LOCAL),
        (bridge_row(M1, PORT, NUD_NOARP), Owner.LOCAL),
        (bridge_row(M1, PORT, NUD_NOARP, STICKY), Owner.LOCAL),
        (bridge_row(M1, PORT, flags=MARK), Owner.HOST),
        (bridge_row(M1, PORT, NUD_NOARP, MARK | STICKY), Owner.HOST),
        (bridge_row(M1, PORT, NUD_NOARP, MARK), Owner.LOCAL),
        (bridge_row(M1, PORT, flags=MARK | NTF_OFFLOADED), Owner.LOCAL),
        (bridge_row(M1, PORT, NUD_PERMANENT, MARK), Owner.OWN),
        (bridge_row(M1, DEVICE), Owner.FOREIGN_BRIDGE),
        (bridge_row(M1, DEVICE, NUD_NOARP, STICKY), Owner.FOREIGN_BRIDGE),
        (tunnel_row(M1, VTEP2), Owner.TUNNEL),
        (tunnel_row(M1, VTEP2, flags=NTF_SELF), Owner.FOREIGN_TUNNEL),
        (tunnel_row(M1, VTEP2, NUD_PERMANENT, NTF_SELF), Owner.FOREIGN_TUNNEL),
        (tunnel_row(M1, b"")._replace(nexthop_id=7), Owner.TUNNEL),
        (flood_row(VTEP2), Owner.FLOOD),
        (flood_row(VTEP2, marked=False), Owner.FLOOD),
        (bridge_row(mac("33:33:00:00:00:01"), PORT, NUD_PERMANENT), Owner.NONE),
        (bridge_row(MacAddress(b""), PORT), Owner.NONE),
        (bridge_row(M1, PORT, bridge=OTHER_BRIDGE), Owner.NONE),
        (tunnel_row(M1, VTEP2, device=OTHER_DEVICE), Owner.NONE),
        (tunnel_row(M1, b""), Owner.NONE),
    ],
)
def test_whose_row_it_is(row, owner: Owner) -> None:
    assert classify(row, DEVICE, BRIDGE) is owner


@pytest.mark.parametrize(
    ("state", "static"), [(NUD_REACHABLE, False), (NUD_STALE, False), (NUD_NOARP, True), (NUD_PERMANENT, True)]
)
def test_what_no_frame_has_made_is_static(state: int, static: bool) -> None:
    assert is_static(bridge_row(M1, PORT, state)) == static


@pytest.mark.parametrize(("flags", "protocol", "ours"), [(MARK, 186, True), (0, 186, False), (MARK, 11, False)])
def test_a_neighbor_is_ours_by_mark_and_protocol_together(flags: int, protocol: int, ours: bool) -> None:
    assert is_our_neighbor(neighbor_row(IP1, M1, flags=flags, protocol=protocol)) == ours
