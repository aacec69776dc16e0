"""RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR and RTM_DELADDR, read (rtnetlink(7)).

A reader of our own: a link takes 10 us, pyroute2's message class 160 us, and bytes that are not a link can only end in
`NetlinkError`. Of the hundred attributes of a device this reads the dozen that concern a VTEP.
"""

from struct import Struct
from typing import NamedTuple

from evpn.dataplane.link import Link
from evpn.netlink.constants import (
    IFA_ADDRESS,
    IFA_LOCAL,
    IFF_RUNNING,
    IFF_UP,
    IFLA_ADDRESS,
    IFLA_BR_AGEING_TIME,
    IFLA_BR_VLAN_FILTERING,
    IFLA_BRPORT_LEARNING,
    IFLA_BRPORT_NEIGH_SUPPRESS,
    IFLA_IFNAME,
    IFLA_INFO_DATA,
    IFLA_INFO_KIND,
    IFLA_INFO_SLAVE_DATA,
    IFLA_INFO_SLAVE_KIND,
    IFLA_LINK,
    IFLA_LINKINFO,
    IFLA_MASTER,
    IFLA_MTU,
    IFLA_PROTINFO,
    IFLA_VXLAN_COLLECT_METADATA,
    IFLA_VXLAN_GROUP,
    IFLA_VXLAN_GROUP6,
    IFLA_VXLAN_ID,
    IFLA_VXLAN_L2MISS,
    IFLA_VXLAN_L3MISS,
    IFLA_VXLAN_LEARNING,
    IFLA_VXLAN_LINK,
    IFLA_VXLAN_LOCAL,
    IFLA_VXLAN_LOCAL6,
    IFLA_VXLAN_PORT,
    IFLA_VXLAN_PROXY,
    IFLA_VXLAN_TTL,
)
from evpn.netlink.errors import malformed
from evpn.netlink.messages import attributes, number
from evpn.values import IpAddress, MacAddress

_IFINFOMSG = Struct("=BxHiII")  # family, device type, ifindex, flags, change mask
_IFADDRMSG = Struct("=BBBBI")  # family, prefix length, flags, scope, ifindex
_UNSPECIFIED = (bytes(4), bytes(16))
_USER_HZ = 100  # ticks a second in what the kernel tells, whatever its own are


class Address(NamedTuple):
    ifindex: int
    ip: IpAddress


class Port(NamedTuple):
    """The bridge's own word (AF_BRIDGE) about one of its ports."""

    ifindex: int
    master: int
    learning: bool | None
    neighbor_suppression: bool | None


def family_of(payload: bytes) -> int:
    """AF_BRIDGE when the bridge speaks about a port, AF_UNSPEC when it is about the device itself."""
    family: int = _head(payload)[0]
    return family


def decode_link(payload: bytes) -> Link | None:
    """A device; None for the partial messages some drivers send, which say nothing about its properties."""
    _, _, ifindex, flags, _ = _head(payload)
    told = attributes(payload, _IFINFOMSG.size)
    if IFLA_IFNAME not in told or IFLA_MTU not in told:
        return None
    of_kind = attributes(told.get(IFLA_LINKINFO, b""))
    link = Link(
        ifindex,
        _text(told[IFLA_IFNAME]),
        MacAddress(told.get(IFLA_ADDRESS, b"")),
        number(told[IFLA_MTU]),
        kind=_text(of_kind.get(IFLA_INFO_KIND, b"")),
        up=bool(flags & IFF_UP),
        running=bool(flags & IFF_RUNNING),
        master=number(told.get(IFLA_MASTER, b"")),
        parent=number(told.get(IFLA_LINK, b"")),
    )
    properties = attributes(of_kind.get(IFLA_INFO_DATA, b"")) if link.kind in ("vxlan", "bridge") else {}
    if link.kind == "vxlan":
        link = _with_vxlan(link, properties)
    elif link.kind == "bridge":
        ageing = number(properties.get(IFLA_BR_AGEING_TIME, b"")) / _USER_HZ
        link = link._replace(vlan_filtering=_on(properties, IFLA_BR_VLAN_FILTERING), ageing=ageing)
    if _text(of_kind.get(IFLA_INFO_SLAVE_KIND, b"")) == "bridge":
        learning, suppression = _port_flags(of_kind.get(IFLA_INFO_SLAVE_DATA, b""))
        link = link._replace(port_learning=learning, neighbor_suppression=suppression)
    return link


def decode_port(payload: bytes) -> Port:
    _, _, ifindex, _, _ = _head(payload)
    told = attributes(payload, _IFINFOMSG.size)
    return Port(ifindex, number(told.get(IFLA_MASTER, b"")), *_port_flags(told.get(IFLA_PROTINFO, b"")))


def decode_name(payload: bytes) -> tuple[int, str]:
    """ifindex and name of a device that is no more."""
    _, _, ifindex, _, _ = _head(payload)
    return ifindex, _text(attributes(payload, _IFINFOMSG.size).get(IFLA_IFNAME, b""))


def decode_address(payload: bytes) -> Address:
    """IFA_LOCAL where there is one: IFA_ADDRESS is then the other end of a point-to-point link."""
    if len(payload) < _IFADDRMSG.size:
        raise malformed(f"address message of {len(payload)} octets")
    ifindex = _IFADDRMSG.unpack_from(payload)[4]
    told = attributes(payload, _IFADDRMSG.size)
    return Address(ifindex, IpAddress(told.get(IFA_LOCAL) or told.get(IFA_ADDRESS, b"")))


def _head(payload: bytes) -> tuple[int, int, int, int, int]:
    """Family, device type, ifindex, flags, change mask."""
    if len(payload) < _IFINFOMSG.size:
        raise malformed(f"link message of {len(payload)} octets")
    return _IFINFOMSG.unpack_from(payload)


def _with_vxlan(link: Link, told: dict[int, bytes]) -> Link:
    return link._replace(
        vni=number(told.get(IFLA_VXLAN_ID, b"")),
        local=_ip(told, IFLA_VXLAN_LOCAL, IFLA_VXLAN_LOCAL6),
        port=int.from_bytes(told.get(IFLA_VXLAN_PORT, b"")),
        learning=_on(told, IFLA_VXLAN_LEARNING),
        proxy=_on(told, IFLA_VXLAN_PROXY),
        l2miss=_on(told, IFLA_VXLAN_L2MISS),
        l3miss=_on(told, IFLA_VXLAN_L3MISS),
        group=_ip(told, IFLA_VXLAN_GROUP, IFLA_VXLAN_GROUP6),
        external=_on(told, IFLA_VXLAN_COLLECT_METADATA),
        parent=number(told.get(IFLA_VXLAN_LINK, b"")),  # IFLA_LINK does not have it
        ttl=number(told.get(IFLA_VXLAN_TTL, b"")),
    )


def _port_flags(nested: bytes) -> tuple[bool | None, bool | None]:
    told = attributes(nested)
    learning = _on(told, IFLA_BRPORT_LEARNING) if IFLA_BRPORT_LEARNING in told else None
    suppression = _on(told, IFLA_BRPORT_NEIGH_SUPPRESS) if IFLA_BRPORT_NEIGH_SUPPRESS in told else None
    return learning, suppression


def _on(told: dict[int, bytes], kind: int) -> bool:
    return number(told.get(kind, b"")) != 0


def _ip(told: dict[int, bytes], *kinds: int) -> IpAddress:
    for kind in kinds:
        if (value := told.get(kind, b"")) and value not in _UNSPECIFIED:
            return IpAddress(value)
    return IpAddress(b"")


def _text(value: bytes) -> str:
    return value.rstrip(b"\0").decode(errors="surrogateescape")
