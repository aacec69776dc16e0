"""How a VXLAN device is fed: what it does by itself, and which rows it gets from us (RFC 7348; docs/strategies.md)."""

from collections.abc import Iterator
from typing import NamedTuple

from evpn.dataplane.link import Link
from evpn.text import format_ip
from evpn.values import NO_IP, IpAddress


class Plan(NamedTuple):
    """Of one VNI; the defaults are those of the strategy `static-l2`."""

    name: str = "static-l2"
    learning: bool = False
    """The device and its port of the bridge learn from the tunnel's frames."""
    proxy: bool = False
    """The device answers ARP and ND itself, from neighbors on it; else the bridge does, from those on the bridge."""
    misses: bool = False
    """The device tells whom it does not know, and only those it has asked for get rows."""
    group: IpAddress = NO_IP
    """Multicast group for broadcast, unknown and multicast frames; empty: none."""
    underlay: str | None = None
    """Device that the group is joined on; None: the one with the VTEP address."""
    ttl: int = 0
    """Of packets to the group; 0: the kernel's default."""
    flood: bool = True
    """A row for each VTEP that wants a copy of such frames."""
    macs: bool = True
    neighbors: bool = True

    @property
    def suppression(self) -> bool:
        """The port's flag by which the bridge answers."""
        return self.neighbors and not self.proxy


STATIC_L2 = Plan()


def is_made_for(device: Link, plan: Plan) -> bool:
    """Whether the flags that a device has for its whole life are those of the plan."""
    return (device.proxy, device.l2miss, device.l3miss) == (plan.proxy, plan.misses, plan.misses)


def unfit(device: Link, plan: Plan) -> str | None:
    """Why a device cannot serve, whatever is changed about it."""
    if is_made_for(device, plan):
        return None
    wanted = "proxy l2miss l3miss" if plan.misses else "proxy" if plan.proxy else "noproxy nol2miss nol3miss"
    return f"{device.name} has to be made again for {plan.name}: with {wanted}, which the kernel cannot change"


def advice(device: Link, plan: Plan) -> Iterator[str]:
    """What of a device that others made is not as planned, with the command that mends it."""
    name = device.name
    if device.learning and not plan.learning:
        yield f"{name} learns from the tunnel: ip link set {name} type vxlan nolearning"
    if plan.learning and not device.learning:
        yield f"{name} does not learn from the tunnel: ip link set {name} type vxlan learning"
    if device.port_learning is not None and device.port_learning != plan.learning:
        does, flag = ("learns", "off") if device.port_learning else ("does not learn", "on")
        yield f"the bridge {does} from {name}: bridge link set dev {name} learning {flag}"
    if plan.suppression and device.neighbor_suppression is False:
        yield f"{name} does not suppress ARP and ND: bridge link set dev {name} neigh_suppress on"
    if plan.group and device.group != plan.group:
        where = f"group {format_ip(plan.group)} dev {plan.underlay or _underlay(device)}"
        yield f"{name} has not the multicast group of its VNI: ip link set {name} type vxlan {where}"


def _underlay(device: Link) -> str:
    """For a shell to find out: the device that has the VTEP address."""
    return f"$(ip -o address show to {format_ip(device.local)} | cut -d' ' -f2)" if device.local else "DEVICE"
