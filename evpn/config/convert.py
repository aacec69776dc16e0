"""The shape of a file (`evpn.config.schema`) -> `Settings`: addresses, sessions, and what must agree with what."""

from pathlib import Path

from msgspec import UNSET

from evpn.config import address
from evpn.config.errors import Where
from evpn.config.ipsec import convert_ipsec
from evpn.config.schema import PASSWORD, FileText, NeighborText
from evpn.config.secret import secret
from evpn.config.settings import NeighborSettings, Settings, VniOptions
from evpn.config.vni import convert_options, convert_vnis
from evpn.text import format_ip
from evpn.values import IpAddress


def convert(file: FileText, path: Path, secrets: dict[str, str]) -> Settings:
    """`secrets` has the content of each file that a `password-file` or `psk-file` names."""
    where = Where(str(path))
    vtep = address.vtep(where.at("vtep-address"), file.vtep_address)
    router_id = _router_id(file, where.at("router-id"), vtep)
    local = vtep if file.local_address is UNSET else address.unicast(where.at("local-address"), file.local_address)
    if not file.vnis and not file.discover:
        raise where.at("vnis").wrong("missing; accepted: a list of one or more VNIs, or discover: true")
    return Settings(
        path=path,
        vtep=vtep,
        router_id=router_id,
        local_as=file.local_as,
        local_address=local,
        neighbors=_neighbors(file, where, local, secrets),
        run_dir=Path(file.run_dir),
        control_group=None if file.control_group is UNSET else file.control_group,
        metrics=None if file.metrics is UNSET else address.endpoint(where.at("metrics"), file.metrics),
        discover=file.discover,
        defaults=_defaults(file, where.at("defaults"), vtep),
        vnis=convert_vnis(file, where, vtep, router_id),
        hold_on_session_loss=file.hold_on_session_loss,
        firewall=file.firewall,
        ipsec=None if file.ipsec is UNSET else convert_ipsec(file.ipsec, where.at("ipsec"), vtep, secrets),
    )


def _router_id(file: FileText, where: Where, vtep: IpAddress) -> IpAddress:
    if file.router_id is not UNSET:
        return address.router_id(where, file.router_id)
    if len(vtep) != 4:
        raise where.wrong("missing, and vtep-address is no IPv4 address; accepted: an IPv4 address")
    return vtep


def _defaults(file: FileText, where: Where, vtep: IpAddress) -> VniOptions:
    if file.defaults.vni is not UNSET:
        raise where.at("vni").wrong(f"found {file.defaults.vni}; accepted: nothing, a VNI is an entry of vnis")
    return convert_options(file.defaults, where, vtep)


def _neighbors(file: FileText, where: Where, local: IpAddress, secrets: dict[str, str]) -> tuple[NeighborSettings, ...]:
    if not file.neighbors:
        raise where.at("neighbors").wrong("found an empty list; accepted: one or more neighbors")
    neighbors: dict[IpAddress, NeighborSettings] = {}
    for index, text in enumerate(file.neighbors):
        at = where.at("neighbors", index)
        neighbor = _neighbor(text, at, file.local_as, secrets)
        shown = format_ip(neighbor.address)
        if neighbor.address in neighbors:
            raise at.at("address").wrong(f"{shown} is already a neighbor; accepted: each address once")
        if neighbor.address == local:
            raise at.at("address").wrong(f"{shown} is the local-address; accepted: the address of another host")
        if len(neighbor.address) != len(local):
            wanted = f"{address.family(local)} address, as the local-address {format_ip(local)} is"
            raise at.at("address").wrong(f"found {shown}; accepted: {wanted}")
        neighbors[neighbor.address] = neighbor
    return tuple(neighbors.values())


def _neighbor(text: NeighborText, where: Where, local_as: int, secrets: dict[str, str]) -> NeighborSettings:
    if text.hold_time in (1, 2):
        raise where.at("hold-time").wrong(f"found {text.hold_time}; accepted: 0, or seconds from 3 to 65535")
    return NeighborSettings(
        address=address.unicast(where.at("address"), text.address),
        peer_as=local_as if text.peer_as is UNSET else text.peer_as,
        hold_time=text.hold_time,
        password=secret(where.at("password"), text.password, text.password_file, secrets, PASSWORD),
        passive=text.passive,
        ebgp_multihop=None if text.ebgp_multihop is UNSET else text.ebgp_multihop,
        graceful_restart=text.graceful_restart,
        max_routes=text.max_routes,
    )
