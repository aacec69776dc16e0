from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evpn.text import format_mac, parse_mac, parse_route_target
from evpn.values import ExtendedCommunity, MacAddress
from evpn.wire import communities
from evpn.wire.communities import Mobility, format_community, parse_community

from .strategies import extended_communities, labels, macs, mobilities, octets

WORDS = {
    "target:65000:100": "0002 fde8 00000064",
    "target:4200000000:77": "0202 fa56ea00 004d",
    "target:65000L:77": "0202 0000fde8 004d",
    "target:10.0.0.3:100": "0102 0a000003 0064",
    "encap:vxlan": "030c 00000000 0008",
    "encap:geneve": "030c 00000000 0013",
    "encap:mpls-in-udp": "030c 00000000 000d",
    "encap:20": "030c 00000000 0014",
    "mac-mobility:5": "0600 00 00 00000005",
    "mac-mobility:4294967295:sticky": "0600 01 00 ffffffff",
    "default-gateway": "030d 000000000000",
    "router-mac:02:aa:bb:cc:dd:ee": "0603 02aabbccddee",
    "es-import:02:aa:bb:cc:dd:ee": "0602 02aabbccddee",
    "arp-nd:0x0b": "0608 0b 00 00000000",
    "esi-label:100": "0601 00 0000 000064",
    "esi-label:0:single-active": "0601 01 0000 000000",
    "origin:65000:100": "0003 fde8 00000064",
    "origin:10.0.0.3:100": "0103 0a000003 0064",
    "origin:4200000000:77": "0203 fa56ea00 004d",
    "l2-attributes:backup": "0604 0001 0000 0000",
    "l2-attributes:primary+control-word:1500": "0604 0006 05dc 0000",
    "l2-attributes:0:1500": "0604 0000 05dc 0000",
    "l2-attributes:backup+0x18:9000": "0604 0019 2328 0000",
    "e-tree:0:leaf": "0605 01 0000 000000",
    "e-tree:16777215": "0605 00 0000 ffffff",
    "df-election:default": "0606 00 0000 00 0000",
    "df-election:hrw:ac-df": "0606 01 4000 00 0000",
    "df-election:highest-preference:0:32767": "0606 02 0000 00 7fff",
    "df-election:lowest-preference:dont-preempt+time-sync:1": "0606 03 9000 00 0001",
    "df-election:31": "0606 1f 0000 00 0000",
    "i-sid:100": "0607 000064 000000",
    "i-sid:16777215:0xc00001": "0607 ffffff c00001",
    "multicast-flags:igmp-proxy+mld-proxy": "0609 0003 00000000",
    "multicast-flags:segmentation+0x4": "0609 0084 00000000",
    "evi-rt:65000:100": "060a fde8 00000064",
    "evi-rt:10.0.0.3:100": "060b 0a000003 0064",
    "evi-rt:4200000000:77": "060c fa56ea00 004d",
    "service-carving:3900000000": "060f e8754700 0000",
    "service-carving:3900000000:32768": "060f e8754700 8000",
    "link-bandwidth:10000": "0610 00 0000002710",
    "link-bandwidth:3:weight": "0610 01 0000000003",
    "bandwidth:65000:125000000": "4004 fde8 4cee6b28",
    "redirect:65000:1": "8008 fde8 00000001",
    "redirect:10.0.0.3:1": "8108 0a000003 0001",
    "redirect-to-nexthop": "0800 0000 00000000",
    "l2info:19:0:1500:111": "800a 13 00 05dc 006f",
    "mup:1:2": "0c00 0001 00000002",
    "0x0606420000007fff": "0606 42 0000 00 7fff",
    "0x0604000105dc0001": "0604 0001 05dc 0001",
    "0x0605000001000064": "0605 00 0001 000064",
    "0x4004fde87fc00000": "4004 fde8 7fc00000",
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


@given(st.tuples(st.sampled_from((0, 1, 2, 3, 6, 8, 0x0C, 0x40, 0x80, 0x81, 0x82)), st.integers(0, 16), octets(6)))
def test_words_are_never_short_of_octets(parts: tuple[int, int, bytes]) -> None:
    community = bytes(parts[:2]) + parts[2]

    assert parse_community(format_community(community)) == community


@pytest.mark.parametrize("sub_type", range(0x11))
def test_zeros_are_words_of_every_kind_of_evpn_that_has_any(sub_type: int) -> None:
    unnamed = {0x0D, 0x0E}  # a type of IPv6, which needs twenty octets, and one of a draft
    text = format_community(bytes((6, sub_type)) + bytes(6))

    assert text.startswith("0x") == (sub_type in unnamed)


@pytest.mark.parametrize(
    ("spelling", "same"),
    [
        ("esi-label:7:1", "esi-label:7:single-active"),
        ("esi-label:7:all-active", "esi-label:7"),
        ("65000:100", "target:65000:100"),
        ("10.0.0.3:100", "target:10.0.0.3:100"),
        ("encap:8", "encap:vxlan"),
        ("encap:VXLAN", "encap:vxlan"),
        ("arp-nd:router", "arp-nd:0x01"),
        ("arp-nd:router+override", "arp-nd:0x03"),
        ("arp-nd:immutable", "arp-nd:8"),
        ("df-election:0", "df-election:default"),
        ("df-election:2:0x8000:5", "df-election:highest-preference:dont-preempt:5"),
        ("multicast-flags:3", "multicast-flags:mld-proxy+igmp-proxy"),
        ("e-tree:5:1", "e-tree:5:leaf"),
        ("link-bandwidth:5:0", "link-bandwidth:5:mbps"),
    ],
)
def test_more_than_one_spelling(spelling: str, same: str) -> None:
    assert parse_community(spelling) == parse_community(same)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("target", "not like target:65000:100: '' is not a route target"),
        ("target:", "not like target:65000:100: '' is not a route target"),
        ("target:1", "not like target:65000:100: '1' is not a route target"),
        ("target:65000:4294967296", "is not a route target"),
        ("target:4200000000:65536", "is not a route target"),
        ("65000:", "not like target:65000:100"),
        ("encap:", "not like encap:vxlan: '' is not one of l2tpv3, gre, "),
        ("encap:65536", "'65536' is not a number from 0 to 65535"),
        ("encap:vlan", "'vlan' is not one of"),
        ("mac-mobility", "not like mac-mobility:5 or mac-mobility:5:sticky: '' is not 1 to 2 fields"),
        ("mac-mobility:-1", "'-1' is not a number"),
        ("mac-mobility:4294967296", "'4294967296' is not a number from 0 to 4294967295"),
        ("mac-mobility:1_0", "'1_0' is not a number"),
        ("mac-mobility:5:stuck", "'stuck' is not sticky"),
        ("mac-mobility:5:", "'5:' is not 1 to 2 fields"),
        ("mac-mobility:\u0665", "'\u0665' is not a number"),
        ("default-gateway:1", "not like default-gateway: '1' is too much"),
        ("router-mac:1", "'1' is not a MAC address"),
        ("es-import:02:aa", "'02:aa' is not a MAC address"),
        ("arp-nd:0x100", "'0x100' is not a number from 0 to 255"),
        ("arp-nd:0x", "'0x' is not a number"),
        ("arp-nd:256", "'256' is not a number"),
        ("arp-nd:0x+1", "'0x' is not a number"),
        ("arp-nd:router+", "'' is not one of router, override, immutable or a number"),
        ("arp-nd:host", "'host' is not one of router, override, immutable or a number"),
        ("esi-label:16777216", "'16777216' is not a number from 0 to 16777215"),
        ("esi-label:1:2", "'2' is not single-active or all-active"),
        ("df-election:modulo", "'modulo' is not one of default, hrw, highest-preference, lowest-preference"),
        ("df-election:32", "'32' is not a number from 0 to 31"),
        ("df-election:hrw:ac-df:5:6", "'hrw:ac-df:5:6' is not 1 to 3 fields"),
        ("evi-rt:1", "not like evi-rt:65000:100: '1' is not a route target"),
        ("bandwidth:65536:1", "'65536' is not a number from 0 to 65535"),
        ("l2info:1:2:3", "'1:2:3' is not 4 fields"),
        ("0x12", "'12' is not 16 hexadecimal digits"),
        ("0x00 02 fd e8 00 0", "is not 16 hexadecimal digits"),
        ("0xzz02fde800000064", "is not like 0x030c000000000008"),
    ],
)
def test_what_is_refused_is_told_what_would_be_accepted(text: str, reason: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_community(text)
    assert str(caught.value).startswith(f"{text!r} is not like ")
    assert reason in str(caught.value)


@pytest.mark.parametrize("text", ["", "vlan:5", "Target:65000:1", ":5", "-1:5"])
def test_an_unknown_name_is_told_all_names(text: str) -> None:
    with pytest.raises(ValueError, match=r"none of arp-nd, .*, target, or 0x and 16 hexadecimal digits$") as caught:
        parse_community(text)
    assert all(name in str(caught.value) for name in communities.EXAMPLES)


def test_examples_are_ones() -> None:
    for name, example in communities.EXAMPLES.items():
        for text in example.split(" or "):
            assert text.startswith(name)
            parse_community(text)


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
def test_an_esi_label_says_whether_one_link_is_active(label: int, single_active: bool) -> None:
    mode = ":single-active" if single_active else ""

    assert format_community(communities.esi_label(label, single_active)) == f"esi-label:{label}{mode}"


@given(macs)
def test_macs_are_read_as_written(mac: MacAddress) -> None:
    assert communities.router_mac_of(communities.router_mac(mac)) == mac
    assert format_community(communities.es_import(mac)) == f"es-import:{format_mac(mac)}"


@given(st.integers(0, 255))
def test_flags_of_neighbours_are_read_as_written(flags: int) -> None:
    assert communities.arp_nd_of(communities.arp_nd(flags)) == flags


def test_a_reader_has_nothing_to_say_of_another_kind() -> None:
    other = parse_route_target("65000:100")

    assert communities.encapsulation_of(other) is None
    assert communities.mac_mobility_of(other) is None
    assert communities.router_mac_of(other) is None
    assert communities.arp_nd_of(other) is None
    assert not communities.is_default_gateway(other)


def test_each_flag_has_the_bit_of_its_rfc() -> None:
    assert communities.router_mac(parse_mac("02:00:00:00:00:01"))[:2] == b"\6\3"
    assert communities.arp_nd(communities.ROUTER | communities.OVERRIDE | communities.IMMUTABLE)[2] == 0x0B
    assert communities.esi_label(0, single_active=True)[2] == communities.SINGLE_ACTIVE
    assert communities.encapsulation()[7] == communities.VXLAN
