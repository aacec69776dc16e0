import pytest

from evpn.evi.mobility import Claim
from evpn.evi.originate import Instance, inclusive_multicast, mac_ip, mac_ip_key, macs_alone
from evpn.text import parse_rd, parse_route_target
from evpn.values import Vni
from evpn.wire.communities import Mobility
from evpn.wire.routes import InclusiveMulticastRoute, MacIpRoute, decode_routes
from tests.builders import IP1, M1, M2, M3, OURS, VTEP2, ip
from tests.builders import mac as a_mac

INSTANCE = Instance(Vni(0x012345), OURS, parse_rd("10.0.0.10:100"), (parse_route_target("65000:100"),))
RT = bytes.fromhex("0002fde800000064")
VXLAN = bytes.fromhex("030c000000000008")


def test_a_mac_route_octet_by_octet() -> None:
    """RFC 7432 section 7.2; the label is the VNI as it is, not shifted (RFC 8365 section 5.1.3)."""
    announcement = mac_ip(INSTANCE, M1, Claim(OURS))

    assert announcement.nlri.hex(" ") == " ".join(
        [
            "02 21",
            "00 01 0a 00 00 0a 00 64",  # route distinguisher
            "00 00 00 00 00 00 00 00 00 00",  # ESI
            "00 00 00 00",  # Ethernet tag (RFC 7432 section 6.1)
            "30 02 00 00 00 00 01",
            "00",
            "01 23 45",
        ]
    )


@pytest.mark.parametrize("address", [IP1, ip("2001:db8::1")])
def test_a_mac_ip_route_carries_its_address(address) -> None:
    (route,), _ = decode_routes(mac_ip(INSTANCE, M1, Claim(OURS), address).nlri)

    assert isinstance(route, MacIpRoute)
    assert (route.mac, route.ip, route.vni) == (M1, address, 0x012345)
    assert route.key == mac_ip_key(INSTANCE, M1, address)


def test_a_first_announcement_has_target_and_encapsulation_and_no_mobility() -> None:
    assert mac_ip(INSTANCE, M1, Claim(OURS)).attributes.extended == (RT, VXLAN)


@pytest.mark.parametrize("claim", [Claim(OURS, 1), Claim(OURS, 0, sticky=True), Claim(OURS, (1 << 32) - 1)])
def test_a_mac_that_has_moved_or_may_not_says_so(claim: Claim) -> None:
    shared = mac_ip(INSTANCE, M1, claim).attributes

    assert shared.extended[:2] == (RT, VXLAN)
    assert shared.mobility == Mobility(claim.sequence, claim.sticky)


def test_routes_of_many_macs_are_what_they_are_one_by_one() -> None:
    claims = {M1: Claim(OURS), M2: None, M3: Claim(OURS, 3), a_mac("02:00:00:00:00:04"): Claim(OURS)}

    keys, routes = macs_alone(INSTANCE, claims)

    assert keys == [mac_ip_key(INSTANCE, mac) for mac in claims]
    assert routes == {mac_ip_key(INSTANCE, mac): mac_ip(INSTANCE, mac, one) for mac, one in claims.items() if one}
    assert macs_alone(INSTANCE, {}) == ([], {})


def test_routes_with_the_same_mobility_share_their_attributes() -> None:
    a, b = mac_ip(INSTANCE, M1, Claim(OURS, 3)), mac_ip(INSTANCE, M1, Claim(VTEP2, 3), IP1)

    assert a.attributes is b.attributes


def test_a_multicast_route_octet_by_octet() -> None:
    """RFC 7432 section 7.3; ingress replication to us, with the VNI (RFC 6514 section 5, RFC 8365 section 5.1.3)."""
    key, announcement = inclusive_multicast(INSTANCE)

    assert announcement.nlri.hex(" ") == "03 11 00 01 0a 00 00 0a 00 64 00 00 00 00 20 0a 00 00 0a"
    assert announcement.attributes.extended == (RT, VXLAN)
    assert announcement.attributes.pmsi is not None
    assert announcement.attributes.pmsi.encode().hex(" ") == "00 06 01 23 45 0a 00 00 0a"
    (route,), _ = decode_routes(announcement.nlri)
    assert isinstance(route, InclusiveMulticastRoute)
    assert key == route.key


def test_over_ipv6_the_flood_endpoint_is_ipv6() -> None:
    vtep = ip("2001:db8::10")

    _, announcement = inclusive_multicast(INSTANCE._replace(vtep=vtep))

    assert announcement.nlri.endswith(b"\x80" + vtep)
    assert announcement.attributes.pmsi is not None
    assert announcement.attributes.pmsi.endpoint == vtep


def test_every_export_target_is_there() -> None:
    targets = (parse_route_target("65000:100"), parse_route_target("10.0.0.3:7"))

    shared = mac_ip(INSTANCE._replace(export_targets=targets), M1, Claim(OURS)).attributes

    assert shared.route_targets == set(targets)
