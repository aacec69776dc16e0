"""What the kernel notifies, as facts: one datagram in, a list of events out.

RTM_NEWLINK and RTM_DELLINK have two meanings. Of family AF_UNSPEC they are about the device. Of family AF_BRIDGE they
are the bridge's, about one of its ports: RTM_DELLINK says that the port has left, not that the device is gone, and
RTM_NEWLINK carries the port's flags but neither kind nor VNI. `bridge link set` is told in that second way only.
"""

from typing import NamedTuple

from evpn.dataplane.entries import AF_BRIDGE, RTM_DELNEIGH, RTM_GETNEIGH, RTM_NEWNEIGH
from evpn.dataplane.link import Link
from evpn.netlink import link_message, neighbor
from evpn.netlink.constants import NLMSG_OVERRUN, RTM_DELADDR, RTM_DELLINK, RTM_NEWADDR, RTM_NEWLINK
from evpn.netlink.messages import HEADER, Message, split
from evpn.netlink.neighbor import NeighborMessage
from evpn.netlink.newcomers import HostsSeen
from evpn.values import IpAddress


class LinkChanged(NamedTuple):
    """A device, new or changed: all that is known of it."""

    link: Link


class LinkRemoved(NamedTuple):
    ifindex: int
    name: str


class PortChanged(NamedTuple):
    """A device is a port of this bridge, with these flags; its other properties did not change."""

    ifindex: int
    master: int
    learning: bool | None
    neighbor_suppression: bool | None


class PortLeft(NamedTuple):
    """A device is no longer a port of this bridge; the device may well live on."""

    ifindex: int
    master: int


class AddressChanged(NamedTuple):
    ifindex: int
    ip: IpAddress
    present: bool


class Overrun(NamedTuple):
    """Notifications were lost: whatever was known has to be dumped again."""


Event = NeighborMessage | HostsSeen | LinkChanged | LinkRemoved | PortChanged | PortLeft | AddressChanged | Overrun

_NEIGHBOR_TYPES = frozenset((RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH))


def decode(datagram: bytes) -> list[Event]:
    """The events of a datagram, in order; what concerns us not is skipped, what cannot be read is a `NetlinkError`."""
    if len(datagram) >= HEADER.size and HEADER.unpack_from(datagram)[1] in _NEIGHBOR_TYPES:
        return list(neighbor.decode(datagram))  # never mixed with others: nearly every notification ends here
    events = (_decode(message) for message in split(datagram))
    return [event for event in events if event is not None]


def with_port(link: Link, event: PortChanged | PortLeft) -> Link:
    """The device after the bridge's word about it."""
    if isinstance(event, PortChanged):
        return link._replace(
            master=event.master, port_learning=event.learning, neighbor_suppression=event.neighbor_suppression
        )
    if link.master not in (0, event.master):
        return link
    return link._replace(master=0, port_learning=None, neighbor_suppression=None)


def _decode(message: Message) -> Event | None:
    if message.type in (RTM_NEWLINK, RTM_DELLINK):
        of_bridge = link_message.family_of(message.payload) == AF_BRIDGE
        return _decode_port(message) if of_bridge else _decode_link(message)
    if message.type in (RTM_NEWADDR, RTM_DELADDR):
        address = link_message.decode_address(message.payload)
        return AddressChanged(address.ifindex, address.ip, message.type == RTM_NEWADDR)
    return Overrun() if message.type == NLMSG_OVERRUN else None


def _decode_port(message: Message) -> PortChanged | PortLeft:
    port = link_message.decode_port(message.payload)
    return PortChanged(*port) if message.type == RTM_NEWLINK else PortLeft(port.ifindex, port.master)


def _decode_link(message: Message) -> LinkChanged | LinkRemoved | None:
    if message.type == RTM_DELLINK:
        return LinkRemoved(*link_message.decode_name(message.payload))
    link = link_message.decode_link(message.payload)
    return LinkChanged(link) if link else None
