"""Network devices as the dataplane sees them."""

from typing import NamedTuple

from evpn.values import NO_IP, IpAddress, MacAddress


class Link(NamedTuple):
    """One device; the fields that concern another kind of device keep their default."""

    ifindex: int
    name: str
    mac: MacAddress
    mtu: int
    kind: str = ""
    """IFLA_INFO_KIND: `vxlan`, `bridge`, `veth` ... or empty."""
    up: bool = False
    """Administratively up."""
    running: bool = False
    """Operationally up."""
    master: int = 0
    """ifindex of the bridge it is a port of, 0 for none."""
    vni: int = 0
    local: IpAddress = NO_IP
    """VXLAN source address; empty when the device has none."""
    port: int = 0
    """VXLAN destination UDP port."""
    learning: bool = False
    """VXLAN device learns from the tunnel (not `nolearning`)."""
    proxy: bool = False
    l2miss: bool = False
    l3miss: bool = False
    group: IpAddress = NO_IP
    external: bool = False
    """Collect-metadata VXLAN device, without a VNI of its own."""
    port_learning: bool | None = None
    """IFLA_BRPORT_LEARNING; None when it is no bridge port or not told."""
    neighbor_suppression: bool | None = None
    """IFLA_BRPORT_NEIGH_SUPPRESS; None when it is no bridge port or not told."""
    parent: int = 0
    """Underlay device of a VXLAN device, device under a VLAN, other end of a veth; 0 for none."""
    ttl: int = 0
    """VXLAN outer TTL, 0 for the default."""
    vlan_filtering: bool = False
    """A VLAN-aware bridge."""
    ageing: float = 0.0
    """Seconds after which a bridge forgets a host that is silent; 0 for other devices."""
