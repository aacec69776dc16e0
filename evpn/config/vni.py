"""Entries of `vnis`, and `defaults` -> `VniSettings`: names, route distinguishers and targets, hosts."""

from typing import TypeVar

from msgspec import UNSET

from evpn.config import address
from evpn.config.derive import allocate_rd, complete, natural_rd
from evpn.config.errors import Where
from evpn.config.schema import DuplicateDetectionText, FileText, HostText, RouteTargetsText, VniText
from evpn.config.settings import DuplicateDetection, Host, MulticastOptions, VniOptions, VniSettings
from evpn.text import format_ip, format_mac, format_rd, parse_rd, parse_route_target, parse_route_target_pattern
from evpn.values import IpAddress, RouteDistinguisher, Vni

A = TypeVar("A", bound=bytes)


def convert_vnis(file: FileText, where: Where, vtep: IpAddress, router_id: IpAddress) -> tuple[VniSettings, ...]:
    """All entries, checked against each other."""
    numbers = _numbers(file.vnis, where)
    names = _names(file.vnis, numbers, where)
    rds = _rds(file.vnis, numbers, where, router_id)
    vnis = []
    for index, (entry, vni, (device, bridge), rd) in enumerate(zip(file.vnis, numbers, names, rds, strict=True)):
        options = convert_options(entry, where.at("vnis", index), vtep)
        vnis.append(complete(options, vni, device, bridge, rd, vtep, file.local_as))
    return tuple(vnis)


def convert_options(entry: VniText, where: Where, vtep: IpAddress) -> VniOptions:
    targets = entry.route_targets if isinstance(entry.route_targets, RouteTargetsText) else RouteTargetsText()
    at = where.at("route-targets")
    imports = exports = None
    if targets.import_ is not UNSET:
        patterns = enumerate(targets.import_)
        imports = frozenset(at.at("import", i).parse(parse_route_target_pattern, text) for i, text in patterns)
    if targets.export is not UNSET:
        exports = tuple(at.at("export", i).parse(parse_route_target, text) for i, text in enumerate(targets.export))
    return VniOptions(
        create=entry.create,
        strategy=entry.strategy,
        rfc8365=entry.rfc8365 if targets.rfc8365 is UNSET else targets.rfc8365,
        import_targets=imports,
        export_targets=exports,
        neighbor_suppression=entry.neighbor_suppression,
        learn_neighbors=frozenset(entry.learn_neighbors),
        port=entry.port,
        mtu=None if entry.mtu is UNSET else entry.mtu,
        ports=entry.ports,
        hosts=_hosts(entry.hosts, where),
        duplicate_detection=_duplicate_detection(entry.duplicate_detection),
        announce_moves=entry.announce_moves,
        multicast=_multicast(entry, where.at("multicast"), vtep),
        flood=entry.flood,
        idle_timeout=entry.idle_timeout,
        max_macs=entry.max_macs,
        max_remote_macs=entry.max_remote_macs,
    )


def _numbers(entries: tuple[VniText, ...], where: Where) -> list[Vni]:
    seen: dict[int, int] = {}
    for index, entry in enumerate(entries):
        at = where.at("vnis", index, "vni")
        if entry.vni is UNSET:
            raise at.wrong("missing; accepted: a VNI from 1 to 16777215")
        if entry.vni in seen:
            raise at.wrong(f"{entry.vni} is already vnis[{seen[entry.vni]}].vni; accepted: each VNI once")
        seen[entry.vni] = index
    return [Vni(number) for number in seen]


def _names(entries: tuple[VniText, ...], numbers: list[Vni], where: Where) -> list[tuple[str, str]]:
    """Device and bridge of each VNI; they and the ports serve one VNI only, and nothing is its own bridge."""
    names = [_device_and_bridge(entry, vni) for entry, vni in zip(entries, numbers, strict=True)]
    owners: dict[str, str] = {}
    for index, (entry, (device, _)) in enumerate(zip(entries, names, strict=True)):
        keys = {f"vnis[{index}].device": device} | {f"vnis[{index}].ports[{i}]": p for i, p in enumerate(entry.ports)}
        for key, name in keys.items():
            if name in owners:
                raise where.at(key).wrong(f"{name} is already {owners[name]}; accepted: each device once")
            owners[name] = key
    bridges: dict[str, str] = {}
    for index, (_, bridge) in enumerate(names):
        at = where.at("vnis", index, "bridge")
        if bridge in owners:
            raise at.wrong(f"{bridge} is already {owners[bridge]}; accepted: a device that is nothing else")
        if bridge in bridges:
            raise at.wrong(f"{bridge} is already {bridges[bridge]}; accepted: a bridge of its own for each VNI")
        bridges[bridge] = at.key
    _check_host_ports(entries, owners | bridges, where)
    return names


def _check_host_ports(entries: tuple[VniText, ...], owners: dict[str, str], where: Where) -> None:
    """The port of a host may be one of `ports`, or come from elsewhere; several hosts may share it, VNIs may not."""
    for index, entry in enumerate(entries):
        for number, host in enumerate(entry.hosts):
            if host.port is UNSET:
                continue
            at = where.at("vnis", index, "hosts", number, "port")
            owner = owners.setdefault(host.port, at.key)
            if not owner.startswith((f"vnis[{index}].ports", f"vnis[{index}].hosts")):
                raise at.wrong(f"{host.port} is already {owner}; accepted: a port of the bridge of this VNI")


def _device_and_bridge(entry: VniText, vni: Vni) -> tuple[str, str]:
    device = f"vxlan{vni}" if entry.device is UNSET else entry.device
    return device, f"br{vni}" if entry.bridge is UNSET else entry.bridge


def _rds(
    entries: tuple[VniText, ...], numbers: list[Vni], where: Where, router_id: IpAddress
) -> list[RouteDistinguisher]:
    """Written ones and those that are `router-id:VNI` first; the rest get what is left, lowest VNI first."""
    taken: dict[RouteDistinguisher, Vni] = {}
    chosen: dict[Vni, RouteDistinguisher] = {}
    for index, (entry, vni) in enumerate(zip(entries, numbers, strict=True)):
        at = where.at("vnis", index, "rd")
        rd = natural_rd(router_id, vni) if entry.rd == "auto" else at.parse(parse_rd, entry.rd)
        if rd is None:
            continue
        if rd in taken:
            raise at.wrong(f"{format_rd(rd)} is already the RD of VNI {taken[rd]}; accepted: an RD of its own")
        taken[rd], chosen[vni] = vni, rd
    for vni, index in sorted((vni, index) for index, vni in enumerate(numbers) if vni not in chosen):
        at = where.at("vnis", index, "rd")
        try:
            rd = allocate_rd(router_id, vni, taken)
        except ValueError as error:
            raise at.wrong(f"{error}; accepted: an RD written in full") from None
        taken[rd], chosen[vni] = vni, rd
    return [chosen[vni] for vni in numbers]


def _hosts(entries: tuple[HostText, ...], where: Where) -> tuple[Host, ...]:
    owners: dict[bytes, str] = {}
    hosts = []
    for index, entry in enumerate(entries):
        at = where.at("hosts", index)
        mac = _once(address.host_mac(at.at("mac"), entry.mac), owners, at.at("mac"))
        addresses = (address.host(at.at("ip", i), text) for i, text in enumerate(entry.ip))
        ips = tuple(_once(ip, owners, at.at("ip", i)) for i, ip in enumerate(addresses))
        hosts.append(Host(mac, ips, entry.sticky, None if entry.port is UNSET else entry.port))
    return tuple(hosts)


def _once(value: A, owners: dict[bytes, str], where: Where) -> A:
    if value in owners:
        text = format_mac(value) if len(value) == 6 else format_ip(value)
        raise where.wrong(f"{text} is already {owners[value]}; accepted: each address once")
    owners[value] = where.key
    return value


def _duplicate_detection(text: DuplicateDetectionText) -> DuplicateDetection:
    return DuplicateDetection(text.moves, text.seconds, text.action, text.recovery)


def _multicast(entry: VniText, where: Where, vtep: IpAddress) -> MulticastOptions:
    text = entry.multicast
    group = None if text.group is UNSET else address.multicast_group(where.at("group"), text.group, vtep)
    return MulticastOptions(group, None if text.device is UNSET else text.device, text.ttl)
