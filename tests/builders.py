"""Values for tests: build only what the test asserts about, the rest has a default.

Text in, values out: addresses and communities are written as people write them.
"""

from pathlib import Path as File

from evpn.agent.configure import configure
from evpn.agent.core import Core
from evpn.config.load import loads
from evpn.config.settings import Settings
from evpn.dataplane.link import Link
from evpn.dataplane.segment import Attachment, Segment
from evpn.evi.bridge_domain import BridgeDomain
from evpn.rib.path import Path, Rejection
from evpn.text import parse_ip, parse_mac, parse_rd
from evpn.values import NO_IP, ZERO_ESI, ZERO_TAG, ExtendedCommunity, IpAddress, MacAddress, Vni
from evpn.wire.attributes import PathAttributes
from evpn.wire.communities import arp_nd, encapsulation, mac_mobility, parse_community
from evpn.wire.pmsi import ingress_replication
from evpn.wire.routes import InclusiveMulticastRoute, MacIpRoute, Route
from tests.kernel_rows import BRIDGE, DEVICE, OTHER_PORT, PORT

OURS, VTEP2, VTEP3, VTEP4 = (parse_ip(f"10.0.0.{n}") for n in (10, 2, 30, 40))
"""VTEP2 is lower than ours, which decides between equal claims, VTEP3 and VTEP4 are higher."""

RR1, RR2 = "10.0.0.251", "10.0.0.252"
"""Two route reflectors."""

M1, M2, M3 = (parse_mac(f"02:00:00:00:00:0{n}") for n in (1, 2, 3))
IP1, IP2 = (parse_ip(f"192.0.2.{n}") for n in (1, 2))


def ip(text: str) -> IpAddress:
    return parse_ip(text)


def mac(text: str) -> MacAddress:
    return parse_mac(text)


def a_mac_route(mac: MacAddress = M1, ip: IpAddress = NO_IP, rd: str = "10.0.0.2:100", vni: int = 100) -> MacIpRoute:
    return MacIpRoute(parse_rd(rd), ZERO_ESI, ZERO_TAG, mac, ip, vni)


def a_multicast_route(vtep: IpAddress = VTEP2, rd: str = "10.0.0.2:100") -> InclusiveMulticastRoute:
    return InclusiveMulticastRoute(parse_rd(rd), ZERO_TAG, vtep)


def attributes(
    *communities: str,
    sequence: int = 0,
    sticky: bool = False,
    router: bool = False,
    endpoint: IpAddress | None = None,
    **others: object,
) -> PathAttributes:
    """Of routes of VNI 100 unless `communities` say otherwise; `endpoint` adds a PMSI tunnel attribute."""
    extended: list[ExtendedCommunity] = [parse_community(text) for text in communities or ("target:65000:100",)]
    extended.append(encapsulation())
    if sequence or sticky:
        extended.append(mac_mobility(sequence, sticky))
    if router:
        extended.append(arp_nd(0x01))
    if endpoint is not None:
        others["pmsi"] = ingress_replication(100, endpoint)
    return PathAttributes(extended=tuple(extended), **{"local_preference": 100, **others})  # type: ignore[arg-type]


def a_path(
    route: Route | None = None,
    vtep: IpAddress = VTEP2,
    peer: str = RR1,
    *,
    shared: PathAttributes | None = None,
    rejection: Rejection | None = None,
    sequence: int = 0,
    sticky: bool = False,
    router: bool = False,
) -> Path:
    """A route through `vtep`, as `peer` told it."""
    if shared is None:
        shared = attributes(sequence=sequence, sticky=sticky, router=router)
    return Path(peer, vtep, shared, route or a_mac_route(), rejection)


def a_mac_path(
    mac: MacAddress = M1,
    vtep: IpAddress = VTEP2,
    ip: IpAddress = NO_IP,
    sequence: int = 0,
    sticky: bool = False,
    router: bool = False,
) -> Path:
    """A MAC behind a VTEP, under the route distinguisher of that VTEP."""
    route = a_mac_route(mac, ip, rd=rd_of(vtep))
    return a_path(route, vtep, sequence=sequence, sticky=sticky, router=router)


def a_flood_path(vtep: IpAddress = VTEP2, endpoint: IpAddress | None = None) -> Path:
    shared = attributes(endpoint=vtep if endpoint is None else endpoint)
    return a_path(a_multicast_route(vtep, rd_of(vtep)), vtep, shared=shared)


def rd_of(vtep: IpAddress, vni: int = 100) -> str:
    return f"10.0.0.{vtep[-1]}:{vni}"


def a_domain(vni: int = 100, vtep: IpAddress = OURS, max_macs: int = 100, max_remote_macs: int = 1000) -> BridgeDomain:
    return BridgeDomain(Vni(vni), vtep, max_macs, max_remote_macs)


CONFIGURATION = """
vtep-address: 10.0.0.10
local-as: 65000
neighbors: [{address: 10.0.0.251}, {address: 10.0.0.252}]
vnis: [{vni: 100}]
"""


def settings(text: str = CONFIGURATION) -> Settings:
    return loads(text, File("vtep.yaml"))


def a_core(text: str = CONFIGURATION, now: float = 0.0) -> Core:
    """An agent's brain with its configuration, before it has heard anything."""
    configured = settings(text)
    core = Core(configured, now)
    configure(core, configured, now)
    return core


def a_link(ifindex: int, name: str, kind: str = "", **fields: object) -> Link:
    own = MacAddress(b"\x02\xff\0\0\0" + bytes((ifindex,)))
    return Link(ifindex, name, own, 1500, kind, up=True, running=True, **fields)  # type: ignore[arg-type]


BRIDGE_LINK = a_link(BRIDGE, "br100", "bridge")
DEVICE_LINK = a_link(DEVICE, "vxlan100", "vxlan", master=BRIDGE, vni=100, local=OURS, port=4789)
LINKS = (
    BRIDGE_LINK,
    DEVICE_LINK,
    a_link(PORT, "tap0", "tun", master=BRIDGE),
    a_link(OTHER_PORT, "tap1", "tun", master=BRIDGE),
)
"""A host with VNI 100 and two ports."""


def a_segment() -> Segment:
    """VNI 100 on its devices."""
    segment = Segment(Vni(100))
    segment.attachment = Attachment(DEVICE_LINK, BRIDGE_LINK)
    return segment
