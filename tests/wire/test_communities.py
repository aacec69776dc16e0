from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evpn.text import parse_mac, parse_route_target
from evpn.values import ExtendedCommunity, MacAddress
from evpn.wire import communities
from evpn.wire.communities import EsiLabel, Mobility, format_community, parse_community

from .strategies import extended_communities, labels, macs, mobilities, octets

WORDS = {
    "target:65000:100": "0002 fde8 00000064",
    "target:4200000000:77": "0202 fa56ea00 004d",
    "target:65000L:77": "0202 0000fde8 004d",
    "target:10.0.0.3:100": "0102 0a000003 0064",
    "encap:vxlan": "030c 00000000 0008",
    "encap:geneve": "030c 00000000 0013",
    "encap:7": "030c 00000000 0007",
    "mac-mobility:5": "0600 00 00 00000005",
    "mac-mobility:4294967295:sticky": "0600 01 00 ffffffff",
    "default-gateway": "030d 000000000000",
    "router-mac:02:aa:bb:cc:dd:ee": "0603 02aabbccddee",
    "es-import:02:aa:bb:cc:dd:ee": "0602 02aabbccddee",
    "arp-nd:0x0b": "0608 0b 00 00000000",
    "esi-label:100": "0601 00 0000 000064",
    "esi-label:0:single-active": "0601 01 0000 000000",
    "0x0606020000007fff": "0606 02 0000007fff",
    "0x0604000105dc0000": "0604 0001 05dc 0000",
    "0x060002000000000a": "0600 02 00 0000000a",
    "0x030c00000001000a": "030c 00000001 000a",
}


@pytest.mark.parametrize(("words", "hexadecimal"), WORDS.items(), ids=WORDS)
def test_words_and_octets_say_the_same_both_ways(words: str, hexadecimal: str) -> None:
    assert parse_community(words).hex() == hexadecimal.replace(" ", "")
    assert format_community(bytes.fromhex(hexadecimal)) == words


@given(extended_communities | st.tuples(st.sampled_from((0, 1, 2, 3, 6)), octets(7)).map(lambda c: bytes(c[:1]) + c[1]))
def test_any_community_survives_being_written_down(community: ExtendedCommunity) -> None:
    assert parse_community(format_community(community)) == community


@given(st.tuples(st.sampled_from((0x00, 0x03, 0x06)), st.integers(0, 15), octets(6)))
def test_words_are_never_short_of_octets(parts: tuple[int, int, bytes]) -> None:
    community = bytes(parts[:2]) + parts[2]

    assert parse_community(format_community(community)) == community


@pytest.mark.parametrize(
    "spelling",
    ["esi-label:7:1", "esi-label:7:single-active"],
)
def test_the_mode_of_a_segment_may_be_its_flag(spelling: str) -> None:
    assert parse_community(spelling) == communities.esi_label(7, single_active=True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "target",
        "target:",
        "target:1",
        "target:65000:4294967296",
        "target:4200000000:65536",
        "encap:",
        "encap:65536",
        "encap:vlan",
        "mac-mobility",
        "mac-mobility:-1",
        "mac-mobility:4294967296",
        "mac-mobility:5:stuck",
        "mac-mobility:5:",
        "mac-mobility:\u0665",
        "default-gateway:1",
        "router-mac:1",
        "es-import:02:aa",
        "arp-nd:0x100",
        "arp-nd:0x",
        "arp-nd:256",
        "arp-nd:0x+1",
        "esi-label:16777216",
        "esi-label:1:2",
        "0x12",
        "0x00 02 fd e8 00 0",
        "0xzz02fde800000064",
        "origin:65000:1",
        "Target:65000:1",
    ],
)
def test_what_is_refused_is_told_what_would_be_accepted(text: str) -> None:
    with pytest.raises(ValueError, match=r"target:65000:100, encap:vxlan.* 0x and 16 hexadecimal digits") as caught:
        parse_community(text)
    assert repr(text) in str(caught.value)


@given(st.text())
def test_any_text_is_a_community_or_a_value_error(text: str) -> None:
    with suppress(ValueError):
        assert len(parse_community(text)) == 8


@pytest.mark.parametrize(
    ("target", "local"), [("65000:100", 100), ("65000:268435556", 0x10000064), ("4200000000:77", 77), ("10.0.0.3:9", 9)]
)
def test_the_local_part_of_a_target_is_what_follows_its_administrator(target: str, local: int) -> None:
    assert communities.local_part(parse_route_target(target)) == local.to_bytes(4)


@pytest.mark.parametrize(
    "hexadecimal", ["0003fde800000064", "4002fde800000064", "0302000000000000", "0602000000000000"]
)
def test_only_three_types_are_route_targets(hexadecimal: str) -> None:
    assert not communities.is_route_target(bytes.fromhex(hexadecimal))
    assert communities.is_route_target(parse_route_target("65000:100"))


@given(mobilities)
def test_mobility_is_read_as_written(mobility: Mobility) -> None:
    assert communities.mac_mobility_of(communities.mac_mobility(*mobility)) == mobility


@given(labels, st.booleans())
def test_an_esi_label_is_read_as_written(label: int, single_active: bool) -> None:
    assert communities.esi_label_of(communities.esi_label(label, single_active)) == EsiLabel(label, single_active)


@given(macs)
def test_macs_are_read_as_written(mac: MacAddress) -> None:
    assert communities.router_mac_of(communities.router_mac(mac)) == mac
    assert communities.es_import_of(communities.es_import(mac)) == mac


@given(st.integers(0, 255))
def test_flags_of_neighbours_are_read_as_written(flags: int) -> None:
    assert communities.arp_nd_of(communities.arp_nd(flags)) == flags


def test_a_reader_has_nothing_to_say_of_another_kind() -> None:
    other = parse_route_target("65000:100")

    assert communities.encapsulation_of(other) is None
    assert communities.mac_mobility_of(other) is None
    assert communities.router_mac_of(other) is None
    assert communities.es_import_of(other) is None
    assert communities.arp_nd_of(other) is None
    assert communities.esi_label_of(other) is None
    assert not communities.is_default_gateway(other)


def test_each_flag_has_the_bit_of_its_rfc() -> None:
    assert communities.router_mac(parse_mac("02:00:00:00:00:01"))[:2] == b"\6\3"
    assert communities.arp_nd(communities.ROUTER | communities.OVERRIDE | communities.IMMUTABLE)[2] == 0x0B
    assert communities.esi_label(0, single_active=True)[2] == communities.SINGLE_ACTIVE
    assert communities.encapsulation()[7] == communities.VXLAN
