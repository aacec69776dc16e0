from collections.abc import Callable
from struct import Struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evpn.dataplane.link import Link
from evpn.netlink import events, link_message, neighbor
from evpn.netlink.errors import NetlinkError
from evpn.netlink.events import AddressChanged, LinkChanged, LinkRemoved, Overrun, PortChanged, PortLeft
from evpn.netlink.messages import HEADER, attribute
from evpn.values import IpAddress, MacAddress

NEWLINK, DELLINK, NEWADDR, DELADDR = 16, 17, 20, 21
UNSPEC, BRIDGE = 0, 7
UP, RUNNING = 0x01, 0x40
MAC = MacAddress(bytes.fromhex("020000000001"))
LINK = Struct("=BxHiII")
ADDRESS = Struct("=BBBBI")


def message(kind: int, payload: bytes) -> bytes:
    return HEADER.pack(HEADER.size + len(payload), kind, 0, 0, 0) + payload


def number(kind: int, value: int, octets: int = 4) -> bytes:
    return attribute(kind, value.to_bytes(octets, "little"))


def link(kind: int, family: int, told: bytes, flags: int = UP | RUNNING) -> bytes:
    return message(kind, LINK.pack(family, 1, 5, flags, 0xFFFFFFFF) + told)


def nested(kind: int, *parts: bytes) -> bytes:
    return attribute(0x8000 | kind, b"".join(parts))


BASIC = attribute(3, b"vx100\0") + attribute(1, MAC) + number(4, 1450)
VXLAN = nested(
    18,
    attribute(1, b"vxlan\0"),
    nested(
        2,
        number(1, 100),
        attribute(4, bytes((10, 0, 0, 1))),
        number(3, 2),
        attribute(5, b"\x09"),
        attribute(7, b"\0"),
        attribute(11, b"\1"),
        attribute(13, b"\1"),
        attribute(14, b"\1"),
        attribute(15, (4789).to_bytes(2)),
        attribute(2, bytes((239, 0, 0, 100))),
        attribute(25, b"\0"),
    ),
    attribute(4, b"bridge\0"),
    nested(5, attribute(8, b"\0"), attribute(32, b"\1")),
)
DEVICE = Link(
    5,
    "vx100",
    MAC,
    1450,
    kind="vxlan",
    up=True,
    running=True,
    master=3,
    vni=100,
    local=IpAddress(bytes((10, 0, 0, 1))),
    port=4789,
    proxy=True,
    l2miss=True,
    l3miss=True,
    group=IpAddress(bytes((239, 0, 0, 100))),
    port_learning=False,
    neighbor_suppression=True,
    parent=2,
    ttl=9,
)


def test_a_device_is_told_with_all_that_concerns_it() -> None:
    assert events.decode(link(NEWLINK, UNSPEC, BASIC + number(10, 3) + VXLAN)) == [LinkChanged(DEVICE)]


def test_a_device_that_is_no_port_and_down() -> None:
    (event,) = events.decode(link(NEWLINK, UNSPEC, attribute(3, b"eth0\0") + number(4, 1500) + number(5, 8), flags=0))

    assert event == LinkChanged(Link(5, "eth0", MacAddress(b""), 1500, parent=8))


def test_an_unspecified_source_or_group_is_none() -> None:
    told = nested(18, attribute(1, b"vxlan\0"), nested(2, attribute(17, bytes(16)), attribute(2, bytes(4))))
    (event,) = events.decode(link(NEWLINK, UNSPEC, BASIC + told))

    assert isinstance(event, LinkChanged)
    assert (event.link.local, event.link.group) == (b"", b"")


def test_a_bridge_tells_whether_it_knows_vlans() -> None:
    told = nested(18, attribute(1, b"bridge\0"), nested(2, attribute(7, b"\1")))
    (event,) = events.decode(link(NEWLINK, UNSPEC, BASIC + told))

    assert isinstance(event, LinkChanged)
    assert event.link.vlan_filtering


def test_a_message_that_tells_nothing_of_the_device_is_no_event() -> None:
    assert events.decode(link(NEWLINK, UNSPEC, attribute(3, b"wlan0\0"))) == []


def test_a_removed_device() -> None:
    assert events.decode(link(DELLINK, UNSPEC, BASIC)) == [LinkRemoved(5, "vx100")]


def test_the_bridge_removing_a_port_does_not_remove_the_device() -> None:
    assert events.decode(link(DELLINK, BRIDGE, BASIC + number(10, 3))) == [PortLeft(5, 3)]


def test_the_bridge_telling_of_a_port_keeps_kind_and_vni_of_the_device() -> None:
    told = BASIC + number(10, 3) + nested(12, attribute(8, b"\1"), attribute(32, b"\0"))
    (event,) = events.decode(link(NEWLINK, BRIDGE, told))

    assert event == PortChanged(5, 3, True, False)
    assert isinstance(event, PortChanged)
    assert events.with_port(DEVICE, event) == DEVICE._replace(port_learning=True, neighbor_suppression=False)


def test_a_device_that_left_its_bridge_has_no_port_flags() -> None:
    assert events.with_port(DEVICE, PortLeft(5, 3)) == DEVICE._replace(
        master=0, port_learning=None, neighbor_suppression=None
    )


def test_leaving_a_former_bridge_late_does_not_undo_joining_the_next() -> None:
    assert events.with_port(DEVICE._replace(master=4), PortLeft(5, 3)) == DEVICE._replace(master=4)


@pytest.mark.parametrize("kind, present", [(NEWADDR, True), (DELADDR, False)])
@pytest.mark.parametrize(
    "told, ip",
    [
        (attribute(1, bytes((10, 0, 0, 9))) + attribute(2, bytes((10, 0, 0, 1))), bytes((10, 0, 0, 1))),
        (attribute(1, bytes(15) + b"\1"), bytes(15) + b"\1"),
    ],
    ids=["point-to-point", "IPv6"],
)
def test_an_address_is_our_end_of_the_link(kind: int, present: bool, told: bytes, ip: bytes) -> None:
    assert events.decode(message(kind, ADDRESS.pack(2, 32, 0, 0, 5) + told)) == [
        AddressChanged(5, IpAddress(ip), present)
    ]


def test_rows_are_their_own_events() -> None:
    packed = neighbor.remote_mac(1, 5, MAC, IpAddress(bytes((10, 0, 0, 2)))) + neighbor.delete_bridge_row(2, 5, MAC)

    assert events.decode(packed) == neighbor.decode(packed)


def test_an_overrun_told_in_words_is_one() -> None:
    assert events.decode(message(4, b"")) == [Overrun()]


def test_what_concerns_us_not_is_no_event() -> None:
    assert events.decode(message(24, bytes(12))) == []
    assert events.decode(b"") == []


@pytest.mark.parametrize("kind", [NEWLINK, DELLINK, NEWADDR, DELADDR])
def test_a_message_cut_short_is_our_error(kind: int) -> None:
    with pytest.raises(NetlinkError):
        events.decode(message(kind, b"\0\0\0"))


@pytest.mark.parametrize("read", [link_message.decode_link, link_message.decode_port, link_message.decode_name])
def test_a_link_cut_short_is_our_error_in_a_dump_as_well(read: Callable[[bytes], object]) -> None:
    """Where nothing has looked at the family before."""
    with pytest.raises(NetlinkError, match="link message of 4 octets"):
        read(bytes(4))


def test_a_name_of_any_octets_is_a_name() -> None:
    (event,) = events.decode(link(DELLINK, UNSPEC, attribute(3, b"\xff\xfe\0")))

    assert isinstance(event, LinkRemoved)
    assert event.name.encode(errors="surrogateescape") == b"\xff\xfe"


pieces = st.lists(st.tuples(st.integers(0, 40), st.binary(max_size=30)), max_size=8).map(
    lambda found: b"".join(attribute(kind, value) for kind, value in found)
)


@given(st.sampled_from([2, 4, 16, 17, 20, 21, 28, 29, 30]), st.one_of(st.binary(max_size=200), pieces), st.booleans())
def test_no_octets_raise_anything_but_our_error(kind: int, octets: bytes, framed: bool) -> None:
    fixed = LINK.pack(kind % 2 * BRIDGE, 1, 5, 0, 0) + BASIC
    for datagram in (octets, message(kind, octets), message(kind, fixed + nested(18, VXLAN, octets))):
        try:
            events.decode(datagram if framed else datagram + octets)
        except NetlinkError:
            continue


@given(st.integers(0, 400), st.integers(0, 255))
def test_a_damaged_octet_in_a_link_raises_nothing_but_our_error(place: int, octet: int) -> None:
    damaged = bytearray(link(NEWLINK, UNSPEC, BASIC + number(10, 3) + VXLAN))
    damaged[place % len(damaged)] = octet
    try:
        events.decode(bytes(damaged))
    except NetlinkError:
        return
