"""UPDATEs as their peer reads them."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evpn.exabgp.extension.attributes import Session, checked, complete, unpack
from evpn.exabgp.extension.table import share
from evpn.exabgp.extension.updates import Announcement, announce, withdraw
from evpn.text import parse_ip
from evpn.wire import as_path
from evpn.wire import attributes as wire_attributes
from evpn.wire.as_path import AS_SEQUENCE, CONFED_SEQUENCE, AsPathSegment
from evpn.wire.attributes import PathAttributes
from evpn.wire.communities import mac_mobility
from evpn.wire.errors import WireError
from evpn.wire.pmsi import ingress_replication
from evpn.wire.routes import UnknownRoute

from .made import NEXT_HOP, nlri, said, session

IBGP = Session(65000, 65000, True, 4096)
EBGP = Session(65000, 65001, True, 4096)
OLD = Session(65000, 65001, False, 4096)

routes = st.lists(st.binary(min_size=1, max_size=255).map(lambda body: UnknownRoute(200, body).encode()), max_size=200)
sizes = st.sampled_from([4096, 65535])


@given(routes, sizes, st.sampled_from([NEXT_HOP, parse_ip("2001:db8::3")]))
def test_every_route_is_sent_once_in_messages_that_fit(given_routes: list[bytes], size: int, next_hop: bytes) -> None:
    session = IBGP._replace(size=size)
    announced = list(announce(share(b"", next_hop, ""), given_routes, session))
    withdrawn = list(withdraw(given_routes, session))

    for messages in (announced, withdrawn):
        assert all(len(message) <= size for message in messages)
    assert [r.encode() for m in announced for r in said(m).announced] == given_routes
    assert [r.encode() for m in withdrawn for r in said(m).withdrawn] == given_routes
    assert {said(message).next_hop for message in announced} <= {next_hop}


def test_messages_are_full() -> None:
    many = [UnknownRoute(200, number.to_bytes(33)).encode() for number in range(10_000)]

    messages = list(announce(share(b"", NEXT_HOP, ""), many, IBGP))

    assert all(4096 - len(message) < len(many[0]) for message in messages[:-1])


@pytest.mark.parametrize("missing", range(4))
def test_a_message_may_be_full_to_its_last_octet_and_no_further(missing: int) -> None:
    (alone,) = announce(share(b"", NEXT_HOP, ""), [UnknownRoute(200, bytes(98)).encode()], IBGP)
    both = [UnknownRoute(200, bytes(98)).encode(), UnknownRoute(200, bytes(48)).encode()]

    messages = list(announce(share(b"", NEXT_HOP, ""), both, IBGP._replace(size=len(alone) + 50 - missing)))

    assert [len(said(message).announced) for message in messages] == ([1, 1] if missing else [2])


def test_the_routes_come_before_the_attributes() -> None:
    (message,) = announce(share(b"", NEXT_HOP, ""), [UnknownRoute(200, b"x").encode()], IBGP)

    assert message[23:25] == b"\x90\x0e"


@pytest.mark.parametrize(
    ("session", "path", "preference"),
    [(IBGP, (), 100), (EBGP, (65000,), None), (OLD, (65000,), None)],
    ids=["internal", "external", "external, two-octet AS numbers"],
)
@pytest.mark.parametrize(
    "given_attributes", [b"", wire_attributes.encode(PathAttributes())], ids=["none", "empty path"]
)
def test_what_is_left_out_is_what_the_session_wants(
    session: Session, path: tuple[int, ...], preference: int | None, given_attributes: bytes
) -> None:
    attributes, faults = wire_attributes.decode(complete(given_attributes, session), session.asn4)

    assert not faults
    assert tuple(chain(*(segment.as_numbers for segment in attributes.as_path))) == path
    assert attributes.local_preference == preference


def test_what_is_given_is_kept() -> None:
    given_attributes = PathAttributes(
        med=5,
        local_preference=200,
        extended=(mac_mobility(7),),
        pmsi=ingress_replication(100, NEXT_HOP),
        communities=(b"\xfd\xe8\0\1",),
    )

    attributes, faults = wire_attributes.decode(complete(wire_attributes.encode(given_attributes), IBGP))

    assert (attributes, faults) == (given_attributes, ())


@pytest.mark.parametrize("session", [EBGP, OLD], ids=["external", "external, two-octet AS numbers"])
def test_what_belongs_to_one_as_does_not_leave_it(session: Session) -> None:
    """RFC 4271 section 5.1.5, RFC 4456 section 8; RFC 7606 section 7 has the neighbor count it as a fault."""
    inside = PathAttributes(local_preference=200, originator_id=NEXT_HOP, cluster_list=(NEXT_HOP,), med=5)

    attributes, faults = wire_attributes.decode(complete(wire_attributes.encode(inside), session), session.asn4, True)

    assert faults == ()
    assert attributes == PathAttributes(as_path=as_path.decode(_path(65000), True), med=5)


def test_large_as_numbers_pass_an_old_speaker_in_as4_path() -> None:
    path = wire_attributes.encode(PathAttributes(as_path=as_path.decode(_path(4200000000, 7), True)))

    assert b"\x40\x02\x06\x02\x02\x5b\xa0\x00\x07" in complete(path, OLD)
    attributes, _ = wire_attributes.decode(complete(path, OLD), False)
    assert attributes.as_numbers == {4200000000, 7}


@pytest.mark.parametrize(
    ("packed", "reason"),
    [
        ("400101", "overruns"),
        ("40", "cut short"),
        ("40010100 40010100", "twice"),
        ("400304 0a000003", "words"),
        ("800e05 0019460000", "words"),
        ("c01007 00000000000000", "EXTENDED"),
        ("400204 02010001", "AS_PATH"),
        ("c01106 020100011170", "four octets go into AS_PATH"),
        ("c01208 000111700a000003", "four octets go into AS_PATH"),
        ("d0ff1000" + 4096 * "00", "leave room"),
    ],
)
def test_attributes_that_cannot_be_sent_are_refused(packed: str, reason: str) -> None:
    with pytest.raises(WireError, match=reason):
        checked(bytes.fromhex(packed))


def test_a_path_that_an_old_speaker_has_no_room_for_is_refused() -> None:
    def path(length: int) -> bytes:
        return wire_attributes.encode(
            PathAttributes(as_path=tuple(AsPathSegment(AS_SEQUENCE, (4200000000,) * 100) for _ in range(length)))
        )

    with pytest.raises(WireError, match="leave room"):
        checked(path(8))
    assert len(complete(checked(path(5)), OLD)) < 3500


def test_aggregators_and_confederations_for_an_old_speaker() -> None:
    """RFC 6793 section 4.2.2: no confederation in AS4_PATH, the aggregator in both forms when it needs both."""
    confederation = AsPathSegment(CONFED_SEQUENCE, (4200000001,))
    path = wire_attributes.encode(PathAttributes(as_path=(confederation, AsPathSegment(AS_SEQUENCE, (7,)))))
    found = {one.code: one.value for one in unpack(complete(path + bytes.fromhex("c00708fa56ea000a000003"), OLD))}

    assert 17 not in found
    assert found[7].hex() == "5ba00a000003"
    assert found[18].hex() == "fa56ea000a000003"


def _path(*numbers: int) -> bytes:
    return bytes((2, len(numbers))) + b"".join(number.to_bytes(4) for number in numbers)


@pytest.mark.parametrize(
    ("peer_as", "aigp", "told"), [(65000, False, True), (65000, True, True), (65001, False, False), (65001, True, True)]
)
def test_the_metric_of_the_domain_leaves_it_where_that_is_configured(peer_as: int, aigp: bool, told: bool) -> None:
    metric = bytes.fromhex("801a0b 01000b 0000000000000005")
    negotiated = session(peer_as=peer_as, aigp=aigp)

    (message,) = Announcement(share(metric, NEXT_HOP, "helper"), [nlri("A")]).messages(negotiated)

    assert (metric in message) == told
