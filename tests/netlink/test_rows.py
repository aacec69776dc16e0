"""Hosts known beforehand: from any row of a MAC to any other, what the kernel holds is what was wanted."""

from errno import EBUSY, ENODEV, ENOENT, ENOSPC, EOPNOTSUPP
from itertools import product

import pytest

from evpn.dataplane.batches import RowChanges, placed
from evpn.dataplane.dataplane import Dataplane
from evpn.dataplane.entries import NTF_EXT_LEARNED, NTF_STICKY, NUD_NOARP, HostRow, Kind, MacRow, NeighborRow, mac_row
from evpn.delta import Changes
from evpn.netlink import neighbor, rows
from evpn.netlink.messages import Refusal, split
from evpn.values import IpAddress, MacAddress, Vni
from tests.builders import BRIDGE_LINK, DEVICE_LINK, LINKS, M1, VTEP2, VTEP3, a_segment
from tests.fakes import FakeKernel, Row
from tests.kernel_rows import BRIDGE, DEVICE, OTHER_PORT, PORT

V100 = Vni(100)
MARK, STICKY = NTF_EXT_LEARNED, NTF_STICKY
Wish = HostRow | MacRow | None
WISHES: dict[str, Wish] = {
    "nothing": None,
    "host": HostRow(PORT, sticky=False),
    "sticky host": HostRow(PORT, sticky=True),
    "host elsewhere": HostRow(OTHER_PORT, sticky=False),
    "sticky host elsewhere": HostRow(OTHER_PORT, sticky=True),
    "remote": mac_row(VTEP2),
    "sticky remote": mac_row(VTEP2, sticky=True),
}


class Site:
    """VNI 100 between wishes and a kernel that is not listened to."""

    def __init__(self) -> None:
        self.kernel = FakeKernel(*LINKS)
        self.dataplane = Dataplane()
        self.dataplane.add(V100)
        self.dataplane.attach(V100, DEVICE_LINK, BRIDGE_LINK)
        del self.dataplane.unobserved[V100]

    def want(self, wish: Wish, removals: bool) -> None:
        segment = self.dataplane.segments[V100]
        segment.hosts.want(M1, wish if isinstance(wish, HostRow) else None)
        segment.macs.want(M1, wish if isinstance(wish, MacRow) else None)
        self.dataplane.touch(V100)
        while batch := self.dataplane.batch(9, removals):
            refused = rows.refused(self.kernel.apply(rows.encode(batch)))
            assert refused == {}
            self.dataplane.settle(batch, refused, 0.0)

    def row(self) -> Row | None:
        return self.kernel.bridge.get((BRIDGE, M1))


def row_of(wish: Wish) -> Row | None:
    if wish is None:
        return None
    port = wish.port if isinstance(wish, HostRow) else DEVICE
    return Row(port, NUD_NOARP, MARK | STICKY) if wish.sticky else Row(port, flags=MARK)


@pytest.mark.parametrize("path", list(product(WISHES, repeat=3)), ids=" - ".join)
def test_every_row_becomes_every_other(path: tuple[str, ...]) -> None:
    site = Site()
    for name in path:
        site.want(WISHES[name], removals=True)

        assert site.row() == row_of(WISHES[name])
        assert bool(site.kernel.tunnel) == isinstance(WISHES[name], MacRow)


@pytest.mark.parametrize("path", list(product(list(WISHES)[1:], repeat=3)), ids=" - ".join)
def test_before_anything_may_be_removed_it_takes_its_place_all_the_same(path: tuple[str, ...]) -> None:
    site = Site()
    for name in path:
        site.want(WISHES[name], removals=False)

        assert site.row() == row_of(WISHES[name])

    site.want(WISHES[path[-1]], removals=True)
    assert site.row() == row_of(WISHES[path[-1]])
    assert bool(site.kernel.tunnel) == isinstance(WISHES[path[-1]], MacRow)


def hosts(old: HostRow | None, new: HostRow | None) -> list[RowChanges]:
    return [RowChanges(a_segment(), Kind.HOST, Changes([M1], [old], [new]))]


def numbers(items: list[bytes]) -> list[int]:
    return [message.sequence for message in split(b"".join(items))]


def test_a_host_that_only_moves_has_a_row_all_the_time() -> None:
    moved = hosts(HostRow(PORT, sticky=False), HostRow(OTHER_PORT, sticky=False))

    assert numbers(rows.encode(moved)) == [0]


@pytest.mark.parametrize("errno", [ENOENT, ENODEV, EOPNOTSUPP])
def test_a_row_that_is_gone_with_its_port_counts_as_removed(errno: int) -> None:
    (removal,) = numbers(rows.encode(hosts(HostRow(PORT, sticky=False), None)))

    assert rows.refused([Refusal(removal, errno)]) == {}
    assert rows.refused([Refusal(removal, EBUSY)]) == {0: EBUSY}


@pytest.mark.parametrize("errno", [ENODEV, EOPNOTSUPP, ENOSPC])
def test_a_host_on_a_port_that_is_none_is_refused(errno: int) -> None:
    written = hosts(HostRow(PORT, sticky=True), HostRow(OTHER_PORT, sticky=False))
    deletion, write = numbers(rows.encode(written))  # what was sticky is deleted first

    assert rows.refused([Refusal(deletion, ENOENT), Refusal(write, errno)]) == {0: errno}


IPS = [IpAddress(bytes((10, 0, 0, last))) for last in range(1, 5)]
IPS6 = [IpAddress(bytes(15) + bytes((last,))) for last in range(2, 5)]
MACS = [MacAddress(bytes((2, 0, 0, 0, 0, last))) for last in range(1, 8)]
BATCH = [
    RowChanges(
        a_segment(),
        Kind.MAC,
        Changes.of(
            [
                (MACS[0], None, mac_row(VTEP2)),
                (MACS[1], mac_row(VTEP2), None),
                (MACS[2], None, mac_row(VTEP2, sticky=True)),
                (MACS[3], mac_row(VTEP2), mac_row(VTEP3)),
                (MACS[4], mac_row(VTEP2, tunnel=False), None),
                (MACS[5], mac_row(VTEP2, router=True), mac_row(VTEP2)),
                (MACS[6], mac_row(VTEP3), None),
            ]
        ),
    ),
    RowChanges(
        a_segment(),
        Kind.NEIGHBOR,
        Changes.of(
            [
                (IPS[0], None, NeighborRow(MACS[0], False)),
                (IPS6[0], None, NeighborRow(MACS[1], True)),
                (IPS[1], NeighborRow(MACS[1], False), None),
                (IPS6[1], NeighborRow(MACS[1], False), None),
                (IPS[2], None, NeighborRow(MACS[2], True)),
                (IPS[3], NeighborRow(MACS[3], True), NeighborRow(MACS[4], False)),
            ]
        ),
    ),
]
"""Of all sorts."""


def one_by_one() -> set[tuple[int, bytes]]:
    """The messages that `BATCH` is, each packed by itself: their place and the rest."""
    home = BATCH[0].segment.neighbor_device
    packed = [
        (0, neighbor.remote_mac(0, DEVICE, MACS[0], VTEP2)),
        (1, neighbor.delete_tunnel_row(3, DEVICE, MACS[1], VTEP2)),
        (1, neighbor.delete_bridge_row(3, DEVICE, MACS[1])),
        (2, neighbor.sticky_mac(4, DEVICE, MACS[2], VTEP2)),
        (3, neighbor.remote_mac(6, DEVICE, MACS[3], VTEP3)),
        (4, neighbor.delete_bridge_row(9, DEVICE, MACS[4])),
        (5, neighbor.delete_tunnel_row(11, DEVICE, MACS[5], VTEP2)),
        (5, neighbor.delete_bridge_row(11, DEVICE, MACS[5])),
        (5, neighbor.remote_mac(10, DEVICE, MACS[5], VTEP2)),
        (6, neighbor.delete_tunnel_row(13, DEVICE, MACS[6], VTEP3)),
        (6, neighbor.delete_bridge_row(13, DEVICE, MACS[6])),
        (7, neighbor.neighbor(14, home, IPS[0], MACS[0])),
        (8, neighbor.neighbor(16, home, IPS6[0], MACS[1], router=True)),
        (9, neighbor.delete_neighbor(19, home, IPS[1])),
        (10, neighbor.delete_neighbor(21, home, IPS6[1])),
        (11, neighbor.neighbor(22, home, IPS[2], MACS[2], router=True)),
        (12, neighbor.neighbor(24, home, IPS[3], MACS[4])),
    ]
    return {(place, octets) for place, octets in packed}


def test_what_is_packed_together_is_what_each_would_be_alone() -> None:
    alone = sorted((message.sequence, message) for _, octets in one_by_one() for message in split(octets))
    together = sorted((message.sequence, message) for message in split(b"".join(rows.encode(BATCH))))

    assert together == alone


def test_a_refusal_leads_to_its_change_whatever_was_packed_together() -> None:
    for place, octets in one_by_one():
        for message in split(octets):
            assert rows.refused([Refusal(message.sequence, EBUSY)]) == {place: EBUSY}
            segment, _, key = placed(BATCH, place)
            assert segment in (BATCH[0].segment, BATCH[1].segment)
            assert key in octets


def test_a_block_is_no_longer_than_what_the_kernel_takes_at_once() -> None:
    macs = [MacAddress(b"\2\0" + number.to_bytes(4)) for number in range(5000)]
    items = rows.encode([RowChanges(a_segment(), Kind.MAC, Changes.of((mac, None, mac_row(VTEP2)) for mac in macs))])

    assert max(map(len, items)) <= 1 << 16
    assert numbers(items) == list(range(0, 10_000, 2))
