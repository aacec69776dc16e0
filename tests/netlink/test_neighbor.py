import pytest
from hypothesis import given
from hypothesis import strategies as st

from evpn.dataplane.entries import (
    AF_BRIDGE,
    NTF_EXT_LEARNED,
    NTF_MASTER,
    NTF_ROUTER,
    NTF_SELF,
    NTF_STICKY,
    NUD_NOARP,
    NUD_PERMANENT,
    NUD_REACHABLE,
    RTM_DELNEIGH,
    RTM_NEWNEIGH,
)
from evpn.netlink import neighbor
from evpn.netlink.constants import AF_INET, AF_INET6, NLM_F_APPEND, NLM_F_CREATE, NLM_F_REPLACE, NLM_F_REQUEST
from evpn.netlink.errors import NetlinkError
from evpn.netlink.messages import HEADER, attribute, split
from evpn.netlink.neighbor import NeighborMessage
from evpn.values import NO_IP, ZERO_MAC, IpAddress, MacAddress

MAC = MacAddress(bytes.fromhex("505433000001"))
VTEP = IpAddress(bytes((10, 0, 0, 2)))
VTEP6 = IpAddress(bytes.fromhex("20010db8000000000000000000000002"))
HOST = IpAddress(bytes((192, 0, 2, 2)))

REPLACE = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_REPLACE
APPEND = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_APPEND

vteps = st.one_of(st.binary(min_size=4, max_size=4), st.binary(min_size=16, max_size=16)).map(IpAddress)
macs = st.binary(min_size=6, max_size=6).map(MacAddress)
sequences = st.integers(0, 0xFFFFFFFF)
indices = st.integers(1, 0x7FFFFFFF)


def row(packed: bytes) -> tuple[int, NeighborMessage]:
    """The flags of the only message, and what it says."""
    (part,) = split(packed)
    (message,) = neighbor.decode(packed)
    return part.flags, message


def fdb(kind: int, state: int, flags: int, mac: MacAddress = MAC, vtep: IpAddress = VTEP) -> NeighborMessage:
    return NeighborMessage(kind, AF_BRIDGE, 9, state, flags, 0, 0, mac, vtep, 0, 0, 0, 0, 0, None)


BOTH, TUNNEL = NTF_SELF | NTF_MASTER | NTF_EXT_LEARNED, NTF_SELF | NTF_EXT_LEARNED
ROWS = {
    "remote MAC": (neighbor.remote_mac(7, 9, MAC, VTEP), REPLACE, fdb(RTM_NEWNEIGH, NUD_REACHABLE, BOTH)),
    "remote MAC of a router": (
        neighbor.remote_mac(7, 9, MAC, VTEP, router=True),
        REPLACE,
        fdb(RTM_NEWNEIGH, NUD_REACHABLE, BOTH | NTF_ROUTER),
    ),
    "deleted tunnel row": (
        neighbor.delete_tunnel_row(7, 9, MAC, VTEP),
        NLM_F_REQUEST,
        fdb(RTM_DELNEIGH, 0, NTF_SELF),
    ),
    "deleted bridge row": (
        neighbor.delete_bridge_row(7, 9, MAC),
        NLM_F_REQUEST,
        fdb(RTM_DELNEIGH, 0, NTF_MASTER, vtep=NO_IP),
    ),
    "host on a local port": (
        neighbor.host(7, 9, MAC),
        REPLACE,
        fdb(RTM_NEWNEIGH, NUD_REACHABLE, NTF_MASTER | NTF_EXT_LEARNED, vtep=NO_IP),
    ),
    "flood row": (
        neighbor.flood(7, 9, VTEP),
        APPEND,
        fdb(RTM_NEWNEIGH, NUD_PERMANENT | NUD_NOARP, TUNNEL, mac=ZERO_MAC),
    ),
    "deleted flood row": (
        neighbor.delete_flood(7, 9, VTEP6),
        NLM_F_REQUEST,
        fdb(RTM_DELNEIGH, 0, NTF_SELF, mac=ZERO_MAC, vtep=VTEP6),
    ),
}


@pytest.mark.parametrize("packed, how, message", ROWS.values(), ids=list(ROWS))
def test_an_fdb_row_says_what_was_asked_for(packed: bytes, how: int, message: NeighborMessage) -> None:
    assert row(packed) == (how, message)


def test_a_remote_mac_takes_the_octets_that_were_measured() -> None:
    assert neighbor.remote_mac(7, 9, MAC, VTEP) == bytes.fromhex(
        "30000000 1c00 0105 07000000 00000000"  # length, RTM_NEWNEIGH, REQUEST|CREATE|REPLACE, sequence, port id
        "07 000000 09000000 0200 16 00"  # AF_BRIDGE, ifindex, REACHABLE, SELF|MASTER|EXT_LEARNED
        "0a00 0200 505433000001 0000"  # NDA_LLADDR
        "0800 0100 0a000002"  # NDA_DST
    )


def test_a_sticky_mac_is_the_marked_row_and_the_sticky_one_over_it_under_one_number() -> None:
    packed = neighbor.sticky_mac(7, 9, MAC, VTEP)
    sticky = NTF_SELF | NTF_MASTER | NTF_STICKY

    assert [(part.sequence, part.flags) for part in split(packed)] == [(7, REPLACE), (7, REPLACE)]
    assert neighbor.decode(packed) == [
        fdb(RTM_NEWNEIGH, NUD_REACHABLE, BOTH),
        fdb(RTM_NEWNEIGH, NUD_REACHABLE | NUD_NOARP, sticky),
    ]


def test_a_sticky_host_is_the_marked_row_and_the_sticky_one_over_it_under_one_number() -> None:
    packed = neighbor.host(7, 9, MAC, sticky=True)

    assert [(part.sequence, part.flags) for part in split(packed)] == [(7, REPLACE), (7, REPLACE)]
    assert neighbor.decode(packed) == [
        fdb(RTM_NEWNEIGH, NUD_REACHABLE, NTF_MASTER | NTF_EXT_LEARNED, vtep=NO_IP),
        fdb(RTM_NEWNEIGH, NUD_NOARP, NTF_MASTER | NTF_STICKY, vtep=NO_IP),
    ]


@pytest.mark.parametrize("router, flags", [(False, NTF_EXT_LEARNED), (True, NTF_EXT_LEARNED | NTF_ROUTER)])
@pytest.mark.parametrize("ip, family", [(HOST, AF_INET), (VTEP6, AF_INET6)])
def test_a_neighbor_carries_our_mark_and_the_router_flag(ip: IpAddress, family: int, router: bool, flags: int) -> None:
    how, message = row(neighbor.neighbor(7, 9, ip, MAC, router))

    assert how == REPLACE
    assert message == NeighborMessage(RTM_NEWNEIGH, family, 9, NUD_NOARP, flags, 1, 0, MAC, ip, 0, 0, 186, 0, 0, None)


@pytest.mark.parametrize("ip, family", [(HOST, AF_INET), (VTEP6, AF_INET6)])
def test_a_neighbor_is_deleted_by_its_address(ip: IpAddress, family: int) -> None:
    how, message = row(neighbor.delete_neighbor(7, 9, ip))

    assert how == NLM_F_REQUEST
    assert (message.type, message.family, message.ifindex, message.dst) == (RTM_DELNEIGH, family, 9, ip)


@given(sequences, indices, macs, vteps)
def test_whatever_is_packed_is_whole_and_comes_back(
    sequence: int, ifindex: int, mac: MacAddress, ip: IpAddress
) -> None:
    for make in (neighbor.remote_mac, neighbor.delete_tunnel_row, neighbor.sticky_mac):
        packed = make(sequence, ifindex, mac, ip)
        assert {part.sequence for part in split(packed)} == {sequence}
        assert {(row.ifindex, row.lladdr, row.dst) for row in neighbor.decode(packed)} == {(ifindex, mac, ip)}
    (told,) = neighbor.decode(neighbor.neighbor(sequence, ifindex, ip, mac))
    assert (told.ifindex, told.lladdr, told.dst) == (ifindex, mac, ip)


def test_a_datagram_may_hold_many_rows_and_other_messages() -> None:
    packed = [neighbor.delete_bridge_row(number, number + 1, MAC) for number in range(5)]
    done = HEADER.pack(20, 3, 2, 0, 0) + bytes(4)

    assert [row.ifindex for row in neighbor.decode(b"".join(packed) + done)] == [1, 2, 3, 4, 5]


def test_a_view_of_a_buffer_decodes_like_its_octets() -> None:
    packed = neighbor.remote_mac(7, 9, MAC, VTEP)

    assert neighbor.decode(memoryview(bytearray(packed))) == neighbor.decode(packed)


def test_everything_the_kernel_tells_is_read_and_the_unknown_skipped() -> None:
    packed = neighbor.delete_bridge_row(7, 9, MAC)
    told = [
        attribute(3, bytes(4) + (150).to_bytes(4, "little") + bytes(8)),
        attribute(9, b"\3\0\0\0"),
        attribute(13, b"\5\0\0\0"),
        attribute(15, bytes(4)),
        attribute(0x8000 | 14, attribute(1, b"\1")),
        attribute(999, b"something new"),
    ]
    longer = HEADER.pack(40 + sum(map(len, told)), *HEADER.unpack_from(packed)[1:]) + packed[16:]

    (row,) = neighbor.decode(longer + b"".join(told))

    assert (row.used, row.master, row.nexthop_id, row.lladdr) == (150, 3, 5, MAC)


@pytest.mark.parametrize("cut", range(1, 48))
def test_a_row_cut_short_is_our_error(cut: int) -> None:
    with pytest.raises(NetlinkError):
        neighbor.decode(neighbor.remote_mac(7, 9, MAC, VTEP)[:cut])


@given(st.binary(max_size=120), st.sampled_from([28, 29, 30, 16]))
def test_no_octets_raise_anything_but_our_error(octets: bytes, kind: int) -> None:
    for datagram in (octets, HEADER.pack(HEADER.size + len(octets), kind, 0, 0, 0) + octets):
        try:
            neighbor.decode(datagram)
        except NetlinkError:
            continue
