import pytest
from hypothesis import given
from hypothesis import strategies as st

from evpn.text import parse_ip, parse_mac, parse_rd
from evpn.values import NO_IP, ZERO_ESI, ZERO_TAG, IpAddress
from evpn.wire import attributes as path_attributes
from evpn.wire.attribute_rules import Attribute
from evpn.wire.attributes import PathAttributes, encode_one
from evpn.wire.communities import encapsulation, parse_community
from evpn.wire.errors import Disposition, WireError
from evpn.wire.pmsi import ingress_replication
from evpn.wire.routes import InclusiveMulticastRoute, IpPrefixRoute, MacIpRoute, Route, encode_routes
from evpn.wire.update import Update, decode, encode, encode_announce, encode_withdraw

from .captured import UPDATES, captured, four_octet
from .strategies import ips, routes
from .strategies import path_attributes as any_attributes

RD = parse_rd("10.0.0.3:100")
VTEP = parse_ip("10.0.0.3")
MAC = MacIpRoute(RD, ZERO_ESI, ZERO_TAG, parse_mac("50:54:33:00:00:09"), NO_IP, 100)
OTHER = MAC._replace(mac=parse_mac("50:54:33:00:00:0a"))
PREFIX = IpPrefixRoute(RD, ZERO_ESI, ZERO_TAG, parse_ip("192.0.2.0"), 24, parse_ip("0.0.0.0"), 5000)
ATTRIBUTES = PathAttributes(extended=(encapsulation(), parse_community("target:65000:100")))
SHARED = path_attributes.encode(ATTRIBUTES)


def a_body(*parts: bytes, withdrawn: bytes = b"", nlri: bytes = b"") -> bytes:
    block = b"".join(parts)
    return len(withdrawn).to_bytes(2) + withdrawn + len(block).to_bytes(2) + block + nlri


def reach(*announced: Route, family: str = "001946", next_hop: bytes = VTEP, flags: int = 0x80) -> bytes:
    value = bytes.fromhex(family) + bytes((len(next_hop),)) + next_hop + b"\0" + encode_routes(announced)
    return encode_one(Attribute(flags, 14, value))


def unreach(*withdrawn: Route, family: str = "001946") -> bytes:
    return encode_one(Attribute(0x80, 15, bytes.fromhex(family) + encode_routes(withdrawn)))


def dispositions(update: Update) -> list[Disposition]:
    return [fault.disposition for fault in update.faults]


usable_routes = routes.filter(lambda route: not isinstance(route, IpPrefixRoute))


@given(
    st.lists(usable_routes, min_size=1, max_size=20),
    ips,
)
def test_an_announcement_is_decoded_to_what_was_encoded(many: list[Route], next_hop: IpAddress) -> None:
    body = encode_announce(many, next_hop, ATTRIBUTES)

    assert decode(body) == Update(many, [], next_hop, ATTRIBUTES, (), False)


@given(st.lists(routes, min_size=1, max_size=20))
def test_a_withdrawal_is_decoded_to_what_was_encoded(many: list[Route]) -> None:
    assert decode(encode_withdraw(many)) == Update([], many, NO_IP, None, (), False)


@given(st.lists(usable_routes, min_size=1), st.lists(routes, min_size=1), any_attributes)
def test_both_may_come_together(announced: list[Route], withdrawn: list[Route], attributes: PathAttributes) -> None:
    update = decode(encode(announced, withdrawn, VTEP, attributes))

    assert (update.announced, update.withdrawn) == (announced, withdrawn)
    assert update.attributes == attributes


@given(st.binary(max_size=300), st.booleans())
def test_any_octets_are_an_update_or_a_reset(body: bytes, asn4: bool) -> None:
    try:
        decode(body, asn4)
    except WireError as error:
        assert error.disposition is Disposition.RESET


@given(st.sampled_from(UPDATES), st.data())
def test_a_damaged_capture_is_an_update_or_a_reset(name: str, data: st.DataObject) -> None:
    body = bytearray(captured(name))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))

    try:
        decode(bytes(body))
    except WireError as error:
        assert error.disposition is Disposition.RESET


@pytest.mark.parametrize("name", UPDATES)
def test_a_truncated_capture_is_a_reset(name: str) -> None:
    body = captured(name)

    for end in range(len(body)):
        with pytest.raises(WireError) as caught:
            decode(body[:end])
        assert caught.value.disposition is Disposition.RESET


@pytest.mark.parametrize("name", UPDATES)
def test_a_capture_whose_block_is_truncated_is_an_update_or_a_reset(name: str) -> None:
    block = captured(name)[4:]

    for end in range(len(block)):
        try:
            update = decode(a_body(block[:end]), four_octet(name))
        except WireError as error:
            assert error.disposition is Disposition.RESET
        else:
            assert not update.announced or set(dispositions(update)) <= {Disposition.DISCARD}


@pytest.mark.parametrize("name", ["frr-end-of-rib", "exabgp-end-of-rib"])
def test_end_of_rib_is_an_empty_withdrawal_and_nothing_else(name: str) -> None:
    assert decode(captured(name)) == Update([], [], NO_IP, None, (), True)


@pytest.mark.parametrize(
    "body",
    [
        a_body(),
        a_body(unreach(family="000101")),
        a_body(unreach(MAC)),
        a_body(unreach(), SHARED),
        a_body(unreach(), nlri=b"\x18\xc0\0\2"),
        a_body(unreach(), withdrawn=b"\x18\xc0\0\2"),
        a_body(unreach(), reach(MAC), SHARED),
        a_body(b"\xc0" + unreach()[1:]),
    ],
    ids=[
        *("IPv4", "another family", "a withdrawal", "attributes", "IPv4 NLRI", "IPv4 withdrawal", "an announcement"),
        "a fault",
    ],
)
def test_anything_more_or_else_is_no_end_of_rib(body: bytes) -> None:
    assert not decode(body).end_of_rib


def test_other_families_are_not_looked_at() -> None:
    body = a_body(reach(family="000201", next_hop=bytes(24)), SHARED, nlri=b"\xff", withdrawn=b"\xff\xff")

    assert decode(body) == Update([], [], NO_IP, None, (), False)


def test_another_family_may_travel_beside_ours() -> None:
    update = decode(a_body(unreach(family="000201"), SHARED, reach(MAC)))

    assert update.announced == [MAC]
    assert update.attributes == ATTRIBUTES


@pytest.mark.parametrize("order", ["first", "last", "between"])
def test_attributes_are_the_same_object_wherever_the_routes_are(order: str) -> None:
    head, tail = SHARED[:4], SHARED[4:]
    body = {
        "first": a_body(reach(MAC), SHARED),
        "last": a_body(SHARED, reach(MAC)),
        "between": a_body(head, unreach(OTHER), reach(MAC), tail),
    }[order]

    assert decode(body).attributes is decode(a_body(reach(OTHER), SHARED)).attributes


def test_of_a_next_hop_of_32_octets_the_global_one_counts() -> None:
    both = parse_ip("2001:db8::3") + parse_ip("fe80::3")

    assert decode(a_body(reach(MAC, next_hop=both), SHARED)).next_hop == parse_ip("2001:db8::3")


@pytest.mark.parametrize(
    "shared",
    [b"", SHARED[:4], SHARED + b"\xc0\x20\x01\0", SHARED[:-3], SHARED + b"\xc0", SHARED.replace(b"\1\1\0", b"\1\1\3")],
    ids=["none", "no AS_PATH", "malformed", "overrun", "cut in its head", "bad ORIGIN"],
)
def test_bad_attributes_withdraw_what_is_announced(shared: bytes) -> None:
    update = decode(a_body(unreach(OTHER), reach(MAC), shared))

    assert update.announced == []
    assert update.withdrawn == [OTHER, MAC]
    assert Disposition.WITHDRAW in dispositions(update)


@pytest.mark.parametrize("external", [False, True], ids=["no LOCAL_PREF", "empty AS_PATH"])
def test_what_the_kind_of_session_asks_for_is_missed(external: bool) -> None:
    assert decode(a_body(reach(MAC), SHARED), external=external).withdrawn == [MAC]


def test_a_withdrawal_needs_no_attributes_on_any_kind_of_session() -> None:
    assert (
        decode(a_body(unreach(MAC)), external=False).faults == decode(a_body(unreach(MAC)), external=True).faults == ()
    )


def test_a_multiprotocol_attribute_with_wrong_flags_withdraws_what_is_announced() -> None:
    assert decode(a_body(reach(MAC, flags=0xC0), SHARED)).withdrawn == [MAC]


def test_a_discarded_attribute_leaves_the_announcement() -> None:
    update = decode(a_body(reach(MAC), SHARED, SHARED))

    assert update.announced == [MAC]
    assert set(dispositions(update)) == {Disposition.DISCARD}


def test_a_bad_route_costs_neither_its_neighbours_nor_the_session() -> None:
    bad = OTHER.encode().replace(bytes((0x30,)) + OTHER.mac, bytes((0x28,)) + OTHER.mac)
    value = bytes.fromhex("001946 04") + VTEP + b"\0" + bad + MAC.encode()

    update = decode(a_body(encode_one(Attribute(0x80, 14, value)), SHARED))

    assert update.announced == [MAC]
    assert dispositions(update) == [Disposition.WITHDRAW]


def test_a_bad_withdrawal_does_not_hurt_what_is_announced() -> None:
    value = bytes.fromhex("001946") + bytes((2, 5)) + bytes(5)

    update = decode(a_body(encode_one(Attribute(0x80, 15, value)), reach(MAC), SHARED))

    assert update.announced == [MAC]
    assert dispositions(update) == [Disposition.WITHDRAW]


def test_a_prefix_that_leads_nowhere_is_withdrawn_and_the_others_stay() -> None:
    nowhere = PREFIX._replace(vni=0)

    update = decode(a_body(reach(MAC, nowhere, PREFIX), SHARED))

    assert update.announced == [MAC, PREFIX]
    assert update.withdrawn == [nowhere]
    assert dispositions(update) == [Disposition.WITHDRAW]


def test_a_withdrawn_prefix_needs_no_label() -> None:
    assert decode(encode_withdraw([PREFIX._replace(vni=0)])).faults == ()


RESETS = {
    "no lengths": b"\0\0\0",
    "withdrawn routes too long": bytes.fromhex("0005 0000"),
    "attributes too long": bytes.fromhex("0000 0005 4001"),
    "MP_REACH twice": a_body(reach(MAC), reach(OTHER), SHARED),
    "MP_REACH twice, of two families": a_body(reach(MAC), reach(family="000201"), SHARED),
    "MP_UNREACH twice": a_body(unreach(MAC), unreach(OTHER)),
    "MP_REACH without a family": a_body(bytes.fromhex("800e020019"), SHARED),
    "MP_UNREACH without a family": a_body(bytes.fromhex("800f020019")),
    "MP_REACH without a next hop": a_body(bytes.fromhex("800e03001946"), SHARED),
    "next hop of five octets": a_body(reach(MAC, next_hop=bytes(5)), SHARED),
    "next hop cut short": a_body(bytes.fromhex("800e06001946040a00"), SHARED),
    "routes that cannot be carved": a_body(reach(MAC)[:2] + bytes((reach(MAC)[2] - 1,)) + reach(MAC)[3:-1], SHARED),
    "withdrawals that cannot be carved": a_body(bytes.fromhex("800f05001946") + b"\2\x21"),
    "MP_UNREACH that overruns behind MP_REACH": a_body(reach(MAC), SHARED, unreach(MAC)[:-1]),
    "MP_UNREACH cut short behind MP_REACH": a_body(reach(MAC), SHARED, unreach(MAC)[:2]),
    "overrun in front of MP_REACH": a_body(SHARED[:-3] + reach(MAC)[:10]),
}


@pytest.mark.parametrize("body", RESETS.values(), ids=RESETS)
def test_routes_that_cannot_be_located_reset_the_session(body: bytes) -> None:
    with pytest.raises(WireError) as caught:
        decode(body)
    assert caught.value.disposition is Disposition.RESET


def test_an_announcement_has_its_routes_in_front() -> None:
    multicast = InclusiveMulticastRoute(parse_rd("10.0.0.2:2"), ZERO_TAG, parse_ip("10.0.0.2"))
    attributes = PathAttributes(
        local_preference=100,
        extended=(encapsulation(), parse_community("target:65000:100")),
        pmsi=ingress_replication(100, parse_ip("10.0.0.2")),
    )

    assert encode_announce([multicast], parse_ip("10.0.0.2"), attributes) == bytes.fromhex(
        "0000 004c 800e1c 001946 04 0a000002 00 0311 00010a0000020002 00000000 20 0a000002"
        "400101 00 4002 00 400504 00000064 c01010 030c000000000008 0002fde800000064 c01609 0006000064 0a000002"
    )
