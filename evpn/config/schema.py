"""A configuration file as people write it: keys, shapes, ranges and defaults; `evpn.config.convert` gives it meaning.

The description of a type is what an error says is accepted.
"""

from typing import Annotated, Literal, NamedTuple

from msgspec import UNSET, Meta, Struct, UnsetType, field

from evpn.config.settings import DuplicateAction, EspProposal, LearnNeighbors, Strategy
from evpn.values import MAX_VNI


def _number(low: int, high: int, what: str) -> Meta:
    return Meta(ge=low, le=high, description=f"{what} from {low} to {high}")


class Length(NamedTuple):
    """Of a secret."""

    least: int
    most: int

    @property
    def pattern(self) -> str:
        return rf"\A[!-~]{{{self.least},{self.most}}}\Z"

    @property
    def words(self) -> str:
        return f"{self.least} to {self.most} printable ASCII characters without blanks"


PASSWORD, PSK = Length(1, 80), Length(16, 200)


def _secret(length: Length) -> Meta:
    return Meta(pattern=length.pattern, description=f"{length.words}, in quotes", extra={"secret": True})


VniNumber = Annotated[int, _number(1, MAX_VNI, "a VNI")]
AsNumber = Annotated[int, _number(1, (1 << 32) - 1, "an AS number")]
Port = Annotated[int, _number(1, 65535, "a port")]
Mtu = Annotated[int, _number(68, 65535, "an MTU")]
Ttl = Annotated[int, _number(1, 255, "a TTL")]
Hops = Annotated[int, _number(1, 255, "a number of hops")]
HoldTime = Annotated[int, Meta(ge=0, le=65535, description="0, or seconds from 3 to 65535")]
RestartTime = Annotated[int, Meta(ge=0, le=4095, description="seconds from 1 to 4095, or 0 for none")]
Hold = Annotated[int, _number(0, 86400, "seconds")]
Idle = Annotated[int, _number(1, 86400, "seconds")]
Moves = Annotated[int, _number(2, 1000, "a number of moves")]
RouteLimit = Annotated[int, _number(1, 1 << 24, "a number of routes")]
MacLimit = Annotated[int, _number(1, 1 << 24, "a number of MAC addresses")]
Device = Annotated[
    str,
    Meta(
        pattern=r"\A(?!\.{1,2}\Z)[!-$&-.0-9;-~]{1,15}\Z",
        description="an interface name of 1 to 15 characters without / : % or blanks",
    ),
]
Address = Annotated[str, Meta(description="an IPv4 or IPv6 address")]
MacText = Annotated[str, Meta(description="a MAC address in quotes")]
Rd = Annotated[str, Meta(description="auto, or a route distinguisher such as 10.0.0.3:100")]
Target = Annotated[str, Meta(description="a route target such as 65000:100")]
TargetPattern = Annotated[str, Meta(description='a route target such as 65000:100, or "*:100" for any administrator')]
Password = Annotated[str, _secret(PASSWORD)]
Secret = Annotated[str, _secret(PSK)]
PemName = Annotated[
    str,
    Meta(pattern=r"\A[A-Za-z0-9_.-]+\Z", description="the name of a file of swanctl, such as vtep.pem"),
]
Prefix = Annotated[str, Meta(description="a prefix such as 10.0.0.0/24")]
FileName = Annotated[str, Meta(pattern=r"\A[^\0]+\Z", description="a file name")]
RunDir = Annotated[str, Meta(pattern=r"\A/[^\0]{0,79}\Z", description="an absolute path of at most 80 characters")]
Group = Annotated[
    str,
    Meta(
        pattern=r"\A[A-Za-z_][A-Za-z0-9_.-]{0,30}\Z",
        description="the name of a group: 1 to 31 of A-Z a-z 0-9 _ . -, the first no digit",
    ),
]
Endpoint = Annotated[str, Meta(description="HOST:PORT such as 127.0.0.1:9479 or [::1]:9479")]


class NeighborText(Struct, rename="kebab", forbid_unknown_fields=True):
    address: Address
    peer_as: AsNumber | UnsetType = UNSET
    hold_time: HoldTime = 180
    password: Password | UnsetType = UNSET
    password_file: FileName | UnsetType = UNSET
    passive: bool = False
    ebgp_multihop: Hops | UnsetType = UNSET
    graceful_restart: RestartTime = 120
    max_routes: RouteLimit = 2_000_000


class RouteTargetsText(Struct, rename="kebab", forbid_unknown_fields=True):
    import_: tuple[TargetPattern, ...] | UnsetType = field(default=UNSET, name="import")
    export: tuple[Target, ...] | UnsetType = UNSET
    rfc8365: bool | UnsetType = UNSET


class HostText(Struct, rename="kebab", forbid_unknown_fields=True):
    mac: MacText
    ip: tuple[Address, ...] = ()
    sticky: bool = False
    port: Device | UnsetType = UNSET


class DuplicateDetectionText(Struct, rename="kebab", forbid_unknown_fields=True):
    moves: Moves = 5
    seconds: Idle = 180
    action: DuplicateAction = DuplicateAction.WARN
    recovery: Hold = 540


class MulticastText(Struct, rename="kebab", forbid_unknown_fields=True):
    group: Address | UnsetType = UNSET
    device: Device | UnsetType = UNSET
    ttl: Ttl = 5


class VniText(Struct, rename="kebab", forbid_unknown_fields=True):
    """One entry of `vnis`, or `defaults`, where `vni` is missing."""

    vni: VniNumber | UnsetType = UNSET
    device: Device | UnsetType = UNSET
    bridge: Device | UnsetType = UNSET
    create: bool = True
    strategy: Strategy = Strategy.STATIC_L2
    rd: Rd = "auto"
    route_targets: Literal["auto"] | RouteTargetsText = "auto"
    rfc8365: bool = False
    neighbor_suppression: bool = True
    learn_neighbors: tuple[LearnNeighbors, ...] = (LearnNeighbors.KERNEL, LearnNeighbors.SNOOP)
    port: Port = 4789
    mtu: Mtu | UnsetType = UNSET
    ports: tuple[Device, ...] = ()
    hosts: tuple[HostText, ...] = ()
    duplicate_detection: DuplicateDetectionText = field(default_factory=DuplicateDetectionText)
    announce_moves: bool = False
    multicast: MulticastText = field(default_factory=MulticastText)
    flood: bool = False
    idle_timeout: Idle = 300
    max_macs: MacLimit = 10000
    max_remote_macs: MacLimit = 2_000_000


class IpsecText(Struct, rename="kebab", forbid_unknown_fields=True):
    vteps: tuple[Prefix, ...]
    psk: Secret | UnsetType = UNSET
    psk_file: FileName | UnsetType = UNSET
    certificate: PemName | UnsetType = UNSET
    ca: PemName | UnsetType = UNSET
    esp_proposal: EspProposal = EspProposal.AES256GCM16
    nat_traversal: bool = False


class FileText(Struct, rename="kebab", forbid_unknown_fields=True):
    vtep_address: Address
    local_as: AsNumber
    neighbors: tuple[NeighborText, ...]
    router_id: Address | UnsetType = UNSET
    local_address: Address | UnsetType = UNSET
    run_dir: RunDir = "/run/evpn"
    control_group: Group | UnsetType = UNSET
    metrics: Endpoint | UnsetType = UNSET
    discover: bool = False
    defaults: VniText = field(default_factory=VniText)
    vnis: tuple[VniText, ...] = ()
    hold_on_session_loss: Hold = 300
    firewall: bool = False
    ipsec: IpsecText | UnsetType = UNSET
