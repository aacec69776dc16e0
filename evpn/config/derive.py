"""What `auto` stands for: route distinguishers (RFC 7432 section 7.9) and targets (RFC 8365 section 5.1.2.1, FRR).

Pure, and used at run time too, for the VNIs that `discover` finds.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from evpn.config.settings import Multicast, Settings, VniOptions, VniSettings
from evpn.values import IpAddress, RouteDistinguisher, RouteTarget, RouteTargetPattern, Vni

_RFC8365_VXLAN = 0x1000_0000
"""A-bit 0 (derived automatically), type 1 (VXLAN), domain 0, then the VNI."""
_RD_NUMBERS = 0xFFFF


class _Allocated(bytes):
    """An RD that nobody wrote and that no VNI owns by its number; it equals the same one written in full."""

    __slots__ = ()


def natural_rd(router_id: IpAddress, vni: Vni) -> RouteDistinguisher | None:
    """`router-id:VNI`; None for a VNI that does not fit in 16 bits."""
    return _rd(router_id, vni) if vni <= _RD_NUMBERS else None


def allocate_rd(router_id: IpAddress, vni: Vni, taken: Collection[RouteDistinguisher]) -> RouteDistinguisher:
    """`router-id:N`, N being the VNI modulo 65535 or the first free number after it.

    The same VNIs in the same order always get the same numbers, so a restart does not change a route.
    """
    for offset in range(_RD_NUMBERS):
        rd = _rd(router_id, (vni - 1 + offset) % _RD_NUMBERS + 1)
        if rd not in taken:
            return RouteDistinguisher(_Allocated(rd))
    raise ValueError(f"no RD is left for VNI {vni} among the {_RD_NUMBERS} of the router-id")


def is_allocated(rd: RouteDistinguisher) -> bool:
    """Whether it is one of `allocate_rd`: it depends on which other VNIs there were."""
    return isinstance(rd, _Allocated)


def keep_rds(
    router_id: IpAddress, entries: Iterable[VniSettings], served: Mapping[Vni, RouteDistinguisher]
) -> dict[Vni, VniSettings]:
    """The entries, but an allocated RD stays the one that its VNI is served with, unless another VNI owns that now."""
    wanted = {entry.vni: entry for entry in entries}
    chosen = {vni: entry.rd for vni, entry in wanted.items() if not is_allocated(entry.rd)}
    taken = set(chosen.values())
    for vni in wanted.keys() - chosen.keys():
        if vni in served and is_allocated(served[vni]) and served[vni] not in taken:
            chosen[vni] = served[vni]
    taken.update(chosen.values())
    for vni in sorted(wanted.keys() - chosen.keys()):
        chosen[vni] = allocate_rd(router_id, vni, taken)
        taken.add(chosen[vni])
    return {vni: replace(entry, rd=chosen[vni]) for vni, entry in wanted.items()}


def export_target(local_as: int, vni: Vni, rfc8365: bool) -> RouteTarget:
    """`AS:VNI`, always with an administrator of two octets, which cuts a longer AS, as FRR does."""
    return RouteTarget(b"\0\2" + (local_as & 0xFFFF).to_bytes(2) + _local_part(vni, rfc8365))


def import_target(vni: Vni, rfc8365: bool) -> RouteTargetPattern:
    """`*:VNI`: in eBGP every VTEP exports under an AS of its own."""
    return RouteTargetPattern(_local_part(vni, rfc8365))


def multicast_group(vtep: IpAddress, vni: Vni) -> IpAddress:
    """239.0.0.0/8 or ff05::/64, and the VNI in the last octets."""
    return IpAddress(b"\xef" + vni.to_bytes(3) if len(vtep) == 4 else b"\xff\5" + vni.to_bytes(14))


def vni_settings(
    settings: Settings, vni: Vni, device: str, bridge: str, taken: Collection[RouteDistinguisher]
) -> VniSettings:
    """A VNI that was discovered, with the defaults; `taken` are the RDs of all the others."""
    rd = allocate_rd(settings.router_id, vni, taken)
    return complete(settings.defaults, vni, device, bridge, rd, settings.vtep, settings.local_as)


def complete(
    options: VniOptions, vni: Vni, device: str, bridge: str, rd: RouteDistinguisher, vtep: IpAddress, local_as: int
) -> VniSettings:
    """Options and an identity, with all that is derived from it."""
    imports, exports, multicast = options.import_targets, options.export_targets, options.multicast
    group = multicast_group(vtep, vni) if multicast.group is None else multicast.group
    return VniSettings(
        vni=vni,
        device=device,
        bridge=bridge,
        create=options.create,
        strategy=options.strategy,
        rd=rd,
        import_targets=frozenset((import_target(vni, options.rfc8365),)) if imports is None else imports,
        export_targets=(export_target(local_as, vni, options.rfc8365),) if exports is None else exports,
        neighbor_suppression=options.neighbor_suppression,
        learn_neighbors=options.learn_neighbors,
        port=options.port,
        mtu=options.mtu,
        ports=options.ports,
        hosts=options.hosts,
        duplicate_detection=options.duplicate_detection,
        announce_moves=options.announce_moves,
        multicast=Multicast(group, multicast.device, multicast.ttl),
        flood=options.flood,
        idle_timeout=options.idle_timeout,
        max_macs=options.max_macs,
        max_remote_macs=options.max_remote_macs,
    )


def _rd(router_id: IpAddress, number: int) -> RouteDistinguisher:
    return RouteDistinguisher(b"\0\1" + router_id + number.to_bytes(2))


def _local_part(vni: Vni, rfc8365: bool) -> bytes:
    return ((_RFC8365_VXLAN if rfc8365 else 0) | vni).to_bytes(4)
