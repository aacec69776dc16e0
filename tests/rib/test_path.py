import pytest

from evpn.rib.path import Rejection, Speaker, is_martian, rejection
from evpn.wire.as_path import AS_SEQUENCE, AS_SET, AsPathSegment
from evpn.wire.attributes import PathAttributes
from evpn.wire.communities import encapsulation
from tests.builders import OURS, VTEP2, attributes, ip

SPEAKER = Speaker(OURS, ip("10.0.0.10"), 65000)
THROUGH_US = (AsPathSegment(AS_SEQUENCE, (65001, 65000)),)
MPLS, VXLAN = encapsulation(10), encapsulation()


@pytest.mark.parametrize(
    ("next_hop", "shared", "why"),
    [
        (VTEP2, attributes(), None),
        (OURS, attributes(), Rejection.OWN_NEXT_HOP),
        (ip("224.0.0.1"), attributes(), Rejection.MARTIAN_NEXT_HOP),
        (ip("2001:db8::2"), attributes(), Rejection.NEXT_HOP_FAMILY),
        (VTEP2, attributes(as_path=THROUGH_US), Rejection.AS_LOOP),
        (VTEP2, attributes(as_path=(AsPathSegment(AS_SET, (65000,)),)), Rejection.AS_LOOP),
        (VTEP2, attributes(originator_id=SPEAKER.router_id), Rejection.ORIGINATOR_LOOP),
        (VTEP2, attributes(originator_id=VTEP2), None),
        (VTEP2, attributes(cluster_list=(VTEP2, SPEAKER.router_id)), Rejection.CLUSTER_LOOP),
        (VTEP2, attributes(cluster_list=(VTEP2,)), None),
        (VTEP2, PathAttributes(extended=(MPLS,)), Rejection.ENCAPSULATION),
        (VTEP2, PathAttributes(extended=(MPLS, VXLAN)), None),
        (VTEP2, PathAttributes(), None),
    ],
)
def test_what_is_refused_and_why(next_hop, shared, why) -> None:
    assert rejection(SPEAKER, next_hop, shared) is why


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.1.2.3",
        "127.0.0.1",
        "169.254.1.1",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "ff02::1",
        "fe80::1",
        "::ffff:10.0.0.2",
    ],
)
def test_a_martian_is_never_the_far_end_of_a_tunnel(address: str) -> None:
    assert is_martian(ip(address))


@pytest.mark.parametrize("address", ["10.0.0.2", "169.253.1.1", "223.255.255.255", "2001:db8::2", "fc00::2"])
def test_a_unicast_address_is_no_martian(address: str) -> None:
    assert not is_martian(ip(address))


@pytest.mark.parametrize("octets", [b"", b"\n\0\0", bytes(12)])
def test_what_is_no_address_is_a_martian(octets: bytes) -> None:
    assert is_martian(octets)
