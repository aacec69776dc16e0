"""Hosts that come up together are heard of together, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evpn.dataplane.entries import NTF_EXT_LEARNED, NTF_STICKY, NUD_NOARP, NUD_PERMANENT, NUD_REACHABLE, NUD_STALE
from evpn.netlink import neighbor
from evpn.netlink.inbox import HEAD
from evpn.netlink.neighbor import NeighborMessage
from evpn.netlink.newcomers import HostsSeen, gathered
from evpn.values import MacAddress
from tests.builders import IP1, M1, M2, M3, VTEP2, mac
from tests.kernel_rows import BRIDGE, OTHER_PORT, PORT, bridge_row, miss_row, neighbor_row, notification, tunnel_row


def read(*datagrams: bytes) -> list[HostsSeen | int]:
    """With whatever was there before behind the end of each."""
    heads = b"".join(datagram.ljust(HEAD, b"\xee")[:HEAD] for datagram in datagrams)
    return gathered(heads, list(map(len, datagrams)))


@pytest.mark.parametrize("modern", [True, False])
def test_hosts_that_come_up_on_one_port_are_one_event(modern: bool) -> None:
    rows = [bridge_row(M1, PORT), bridge_row(M2, PORT)._replace(used=7), bridge_row(M3, PORT)]

    assert read(*(notification(row, modern) for row in rows)) == [HostsSeen(PORT, BRIDGE, [M1, M2, M3])]


def test_those_of_another_port_or_bridge_are_another_one() -> None:
    rows = [
        bridge_row(M1, PORT),
        bridge_row(M2, OTHER_PORT),
        bridge_row(M3, OTHER_PORT, bridge=9),
        bridge_row(M2, PORT),
    ]

    assert read(*map(notification, rows)) == [
        HostsSeen(PORT, BRIDGE, [M1]),
        HostsSeen(OTHER_PORT, BRIDGE, [M2]),
        HostsSeen(OTHER_PORT, 9, [M3]),
        HostsSeen(PORT, BRIDGE, [M2]),
    ]


OTHERS = {
    "gone": bridge_row(M2, PORT, gone=True),
    "stale": bridge_row(M2, PORT, NUD_STALE),
    "static": bridge_row(M2, PORT, NUD_NOARP),
    "an interface's": bridge_row(M2, PORT, NUD_PERMANENT),
    "marked": bridge_row(M2, PORT, flags=NTF_EXT_LEARNED),
    "sticky": bridge_row(M2, PORT, flags=NTF_STICKY),
    "in a VLAN": bridge_row(M2, PORT)._replace(vlan=10),
    "in no bridge": bridge_row(M2, PORT)._replace(master=0),
    "no host's": bridge_row(mac("01:00:5e:00:00:01"), PORT),
    "of a VXLAN device": tunnel_row(M2, VTEP2),
    "a neighbor": neighbor_row(IP1, M2),
    "a miss": miss_row(M2, IP1),
}


@pytest.mark.parametrize("what", OTHERS)
def test_anything_else_keeps_its_place(what: str) -> None:
    rows = [bridge_row(M1, PORT), OTHERS[what], bridge_row(M3, PORT)]

    assert read(*map(notification, rows)) == [HostsSeen(PORT, BRIDGE, [M1]), 1, HostsSeen(PORT, BRIDGE, [M3])]


def test_what_cannot_be_read_is_left_to_who_says_so() -> None:
    sound = notification(bridge_row(M1, PORT))
    wrong_length, wrong_attribute = bytearray(sound), bytearray(sound)
    wrong_length[0] = 80
    wrong_attribute[28] = 200

    assert read(bytes(wrong_length), bytes(wrong_attribute), sound) == [0, 1, HostsSeen(PORT, BRIDGE, [M1])]


def test_two_in_one_datagram_are_left_to_others() -> None:
    sound = notification(bridge_row(M1, PORT))

    assert read(sound + sound, b"") == [0, 1]


def test_one_by_one_they_are_rows_like_any() -> None:
    assert HostsSeen(PORT, BRIDGE, [M1, M2]).rows() == [
        bridge_row(M1, PORT)._replace(used=None),
        bridge_row(M2, PORT)._replace(used=None),
    ]


rows = st.builds(
    lambda kind, number, port, bridge, state, flags, vlan, used: NeighborMessage(
        *(kind, 7, port, state, flags, 0, 0, MacAddress(bytes((number & 3, 0, 0, 0, 0, number))), b""),
        *(vlan, bridge, 0, 0, 0, used),
    ),
    st.sampled_from([28, 28, 28, 29]),
    st.integers(0, 255),
    st.sampled_from([PORT, PORT, OTHER_PORT]),
    st.sampled_from([BRIDGE, BRIDGE, 0, 9]),
    st.sampled_from([NUD_REACHABLE, NUD_REACHABLE, NUD_REACHABLE, NUD_STALE, NUD_NOARP]),
    st.sampled_from([0, 0, 0, NTF_EXT_LEARNED]),
    st.sampled_from([0, 0, 0, 10]),
    st.sampled_from([0, 300, None]),
)


@given(st.lists(st.tuples(rows, st.booleans()), max_size=30))
def test_what_is_told_is_told_in_order_whichever_way(told: list[tuple[NeighborMessage, bool]]) -> None:
    datagrams = [notification(*each) for each in told]
    found: list[NeighborMessage] = []
    for each in read(*datagrams):
        found += neighbor.decode(datagrams[each]) if isinstance(each, int) else each.rows()

    one_by_one = [row for datagram in datagrams for row in neighbor.decode(datagram)]
    assert [row._replace(used=None) for row in found] == [row._replace(used=None) for row in one_by_one]
