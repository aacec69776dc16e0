"""What a configuration file means: frozen, complete, validated once by `evpn.config.load`."""

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from evpn.values import IpAddress, MacAddress, RouteDistinguisher, RouteTarget, RouteTargetPattern, Vni


class Strategy(Enum):
    """How a VXLAN device is fed (docs/strategies.md)."""

    MULTICAST = "multicast"
    STATIC_FLOOD = "static-flood"
    STATIC_L2 = "static-l2"
    STATIC_L3 = "static-l3"
    DYNAMIC_L3 = "dynamic-l3"


class LearnNeighbors(Enum):
    """Where local IP addresses come from."""

    KERNEL = "kernel"
    SNOOP = "snoop"


class DuplicateAction(Enum):
    WARN = "warn"
    FREEZE = "freeze"


@dataclass(frozen=True, slots=True)
class NeighborSettings:
    """One BGP neighbor; times in seconds."""

    address: IpAddress
    peer_as: int
    hold_time: int
    password: str | None = field(repr=False)
    passive: bool
    ebgp_multihop: int | None
    graceful_restart: int
    """0 switches it off."""
    max_routes: int


class EspProposal(Enum):
    """How ESP protects packets; each encrypts and authenticates at once."""

    AES128GCM16 = "aes128gcm16"
    AES256GCM16 = "aes256gcm16"
    CHACHA20POLY1305 = "chacha20poly1305"


@dataclass(frozen=True, slots=True)
class Ipsec:
    """ESP around the VXLAN packets, negotiated by strongSwan (docs/ipsec.md)."""

    vteps: tuple[str, ...]
    """Prefixes, as text: nothing but a template reads them."""
    psk: str | None = field(repr=False)
    """None: certificates."""
    certificate: str | None
    ca: str | None
    esp_proposal: EspProposal
    nat_traversal: bool


@dataclass(frozen=True, slots=True)
class Host:
    mac: MacAddress
    ip: tuple[IpAddress, ...]
    sticky: bool
    port: str | None
    """The port of the bridge that it is on; None: not known."""


@dataclass(frozen=True, slots=True)
class DuplicateDetection:
    moves: int
    seconds: int
    action: DuplicateAction
    recovery: int
    """Seconds after which a duplicate is forgotten by itself (RFC 9161 section 3.7); 0: never."""


@dataclass(frozen=True, slots=True)
class Multicast:
    group: IpAddress
    device: str | None
    """None: the device that has the VTEP address."""
    ttl: int


@dataclass(frozen=True, slots=True)
class MulticastOptions:
    """`Multicast` before the VNI is known."""

    group: IpAddress | None
    """None: derived from the VNI."""
    device: str | None
    ttl: int


@dataclass(frozen=True, slots=True)
class VniOptions:
    """All about a VNI that is not its identity: what `defaults` gives to a VNI found by `discover`."""

    create: bool
    strategy: Strategy
    rfc8365: bool
    """Automatic route targets in the form of RFC 8365 section 5.1.2.1."""
    import_targets: frozenset[RouteTargetPattern] | None
    """None: derived from the VNI."""
    export_targets: tuple[RouteTarget, ...] | None
    """None: derived from the AS and the VNI."""
    neighbor_suppression: bool
    learn_neighbors: frozenset[LearnNeighbors]
    port: int
    mtu: int | None
    ports: tuple[str, ...]
    hosts: tuple[Host, ...]
    duplicate_detection: DuplicateDetection
    announce_moves: bool
    multicast: MulticastOptions
    flood: bool
    idle_timeout: int
    max_macs: int
    max_remote_macs: int


@dataclass(frozen=True, slots=True)
class VniSettings:
    """One VNI with every default filled in."""

    vni: Vni
    device: str
    bridge: str
    create: bool
    strategy: Strategy
    rd: RouteDistinguisher
    import_targets: frozenset[RouteTargetPattern]
    export_targets: tuple[RouteTarget, ...]
    neighbor_suppression: bool
    learn_neighbors: frozenset[LearnNeighbors]
    port: int
    mtu: int | None
    """None: derived from the underlay when the device is made."""
    ports: tuple[str, ...]
    hosts: tuple[Host, ...]
    duplicate_detection: DuplicateDetection
    announce_moves: bool
    """Tell the local hosts, by gratuitous ARP or unsolicited NA, that a host has moved to this VTEP."""
    multicast: Multicast
    """Used by the strategy `multicast` only."""
    flood: bool
    """Used by the strategy `static-l3` only: keep the all-zero rows."""
    idle_timeout: int
    """Used by the strategy `dynamic-l3` only."""
    max_macs: int
    max_remote_macs: int


@dataclass(frozen=True, slots=True)
class Settings:
    """A whole VTEP."""

    path: Path
    """The file it came from."""
    vtep: IpAddress
    router_id: IpAddress
    local_as: int
    local_address: IpAddress
    neighbors: tuple[NeighborSettings, ...]
    run_dir: Path
    control_group: str | None
    """Whose members may use the control socket, beside its owner and root."""
    metrics: tuple[str, int] | None
    """Host and TCP port of the Prometheus endpoint."""
    discover: bool
    defaults: VniOptions
    """What a discovered VNI gets (`evpn.config.derive.vni_settings`)."""
    vnis: tuple[VniSettings, ...]
    hold_on_session_loss: int
    firewall: bool
    """Take VXLAN packets from known VTEPs only."""
    ipsec: Ipsec | None
