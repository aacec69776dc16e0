"""Hosts known beforehand: from any row of a MAC to any other, what the kernel holds is what was wanted."""

from errno import EBUSY, ENODEV, ENOENT, ENOSPC, EOPNOTSUPP
from itertools import product

import pytest

from evpn.dataplane.dataplane import Dataplane, RowChange
from evpn.dataplane.entries import HostRow, Kind, MacRow, mac_row
from evpn.delta import Change
from evpn.netlink import rows
from evpn.netlink.constants import NTF_EXT_LEARNED, NTF_STICKY, NUD_NOARP
from evpn.netlink.messages import Refusal
from evpn.values import Vni
from tests.builders import BRIDGE_LINK, DEVICE_LINK, LINKS, M1, VTEP2, a_segment
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
        while changes := self.dataplane.batch(9, removals):
            batch = rows.encode(changes)
            refused = rows.refused(batch, self.kernel.apply(batch.messages))
            assert refused == {}
            self.dataplane.settle(changes, refused, 0.0)

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


def test_a_host_that_only_moves_has_a_row_all_the_time() -> None:
    moved = Change(M1, HostRow(PORT, sticky=False), HostRow(OTHER_PORT, sticky=False))

    assert len(rows.encode([RowChange(a_segment(), Kind.HOST, moved)]).messages) == 1


@pytest.mark.parametrize("errno", [ENOENT, ENODEV, EOPNOTSUPP])
def test_a_row_that_is_gone_with_its_port_counts_as_removed(errno: int) -> None:
    removal = Change(M1, HostRow(PORT, sticky=False), None)
    batch = rows.encode([RowChange(a_segment(), Kind.HOST, removal)])

    assert rows.refused(batch, [Refusal(0, errno)]) == {}
    assert rows.refused(batch, [Refusal(0, EBUSY)]) == {0: EBUSY}


@pytest.mark.parametrize("errno", [ENODEV, EOPNOTSUPP, ENOSPC])
def test_a_host_on_a_port_that_is_none_is_refused(errno: int) -> None:
    written = Change(M1, HostRow(PORT, sticky=True), HostRow(OTHER_PORT, sticky=False))
    batch = rows.encode([RowChange(a_segment(), Kind.HOST, written)])

    assert len(batch.messages) == 2  # what was sticky is deleted first
    assert rows.refused(batch, [Refusal(0, ENOENT), Refusal(1, errno)]) == {0: errno}
