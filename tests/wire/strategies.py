"""Values of `evpn.wire` in all their variety, for hypothesis."""

from hypothesis import strategies as st

from evpn.values import MAX_ET, MAX_VNI, ZERO_MAC, EthernetSegmentIdentifier, EthernetTag, IpAddress, RouteDistinguisher
from evpn.wire.as_path import AsPathSegment
from evpn.wire.attribute_rules import RULES, Attribute
from evpn.wire.attributes import PathAttributes
from evpn.wire.communities import Mobility, encapsulation, mac_mobility
from evpn.wire.pmsi import INGRESS_REPLICATION, PmsiTunnel
from evpn.wire.routes import (
    EthernetAdRoute,
    EthernetSegmentRoute,
    InclusiveMulticastRoute,
    IpPrefixRoute,
    MacIpRoute,
    UnknownRoute,
)


def octets(size: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size)


def at_most(maximum: int) -> st.SearchStrategy[int]:
    return st.integers(0, maximum)


rds, esis, tags = (
    octets(8).map(RouteDistinguisher),
    octets(10).map(EthernetSegmentIdentifier),
    octets(4).filter(lambda tag: tag != MAX_ET).map(EthernetTag),
)
labels = at_most((1 << 24) - 1)
macs = octets(6).filter(lambda mac: mac != ZERO_MAC and not mac[0] & 1)
ips = (octets(4) | octets(16)).map(IpAddress)

vnis = st.integers(1, MAX_VNI)

ethernet_ad_routes = st.builds(EthernetAdRoute, rds, esis, tags, labels)
mac_ip_routes = st.builds(MacIpRoute, rds, esis, tags, macs, ips | st.just(b""), vnis, labels | st.none())
multicast_routes = st.builds(InclusiveMulticastRoute, rds, tags, ips)
ethernet_segment_routes = st.builds(EthernetSegmentRoute, rds, esis, ips)
unknown_routes = st.builds(UnknownRoute, st.integers(6, 255) | st.just(0), st.binary(max_size=255))


@st.composite
def ip_prefix_routes(draw: st.DrawFn) -> IpPrefixRoute:
    size = draw(st.sampled_from((4, 16)))
    length = draw(at_most(8 * size))
    host_bits = 8 * size - length
    prefix = draw(at_most((1 << length) - 1)) << host_bits
    gateway = IpAddress(draw(octets(size)))
    return IpPrefixRoute(
        draw(rds), draw(esis), draw(tags), IpAddress(prefix.to_bytes(size)), length, gateway, draw(labels)
    )


routes = st.one_of(
    ethernet_ad_routes,
    mac_ip_routes,
    multicast_routes,
    ethernet_segment_routes,
    ip_prefix_routes(),
    unknown_routes,
)

as_paths = st.lists(
    st.builds(
        AsPathSegment, st.integers(1, 4), st.lists(st.integers(1, (1 << 32) - 1), min_size=1, max_size=70).map(tuple)
    ),
    max_size=3,
).map(tuple)

mobilities = st.builds(Mobility, at_most((1 << 32) - 1), st.booleans())
extended_communities = octets(8) | st.builds(encapsulation) | mobilities.map(lambda m: mac_mobility(*m))

pmsi_tunnels = st.builds(PmsiTunnel, at_most(255), st.just(INGRESS_REPLICATION), labels, ips) | st.builds(
    PmsiTunnel, at_most(255), at_most(255).filter(lambda kind: kind != INGRESS_REPLICATION), labels, st.binary()
)

unknown_attributes = st.lists(
    st.builds(
        Attribute,
        st.sampled_from((0xC0, 0xE0)),
        at_most(255).filter(lambda code: code not in RULES and code not in (14, 15)),
        st.binary(max_size=300),
    ),
    max_size=3,
    unique_by=lambda attribute: attribute.code,
).map(lambda found: tuple(sorted(found, key=lambda attribute: attribute.code)))


def _tuples(items: st.SearchStrategy[bytes]) -> st.SearchStrategy[tuple[bytes, ...]]:
    return st.lists(items, max_size=40).map(tuple)


path_attributes = st.builds(
    PathAttributes,
    origin=at_most(2),
    as_path=as_paths,
    med=st.none() | at_most((1 << 32) - 1),
    local_preference=st.none() | at_most((1 << 32) - 1),
    communities=_tuples(octets(4)),
    originator_id=st.none() | octets(4),
    cluster_list=_tuples(octets(4)),
    extended=_tuples(extended_communities),
    pmsi=st.none() | pmsi_tunnels,
    large_communities=_tuples(octets(12)),
    unknown=unknown_attributes,
)
