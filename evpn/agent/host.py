"""Does the configuration fit this host? Looked at before anything is changed; nothing here changes anything."""

import errno
import grp
import os
import pwd
import socket
from collections.abc import Iterator, Mapping, Set
from contextlib import suppress
from itertools import chain

from evpn.agent.strategies import plan_of
from evpn.config.settings import LearnNeighbors, Settings, VniOptions, VniSettings
from evpn.dataplane.attach import TWO_FAMILIES, choose, is_of_other_family, vxlan_by_vni
from evpn.dataplane.link import Link
from evpn.dataplane.plan import unfit
from evpn.netlink.capabilities import CHOWN, NET_ADMIN, NET_RAW, has
from evpn.netlink.dump import dump_addresses, dump_links
from evpn.netlink.errors import NetlinkError
from evpn.netlink.isolation import is_isolated
from evpn.rib.path import is_martian
from evpn.text import format_ip
from evpn.values import IpAddress

BGP_PORT = 179


class HostError(Exception):
    """The host is not as the configuration needs it: one line, exit code 1."""


def check(settings: Settings, bgp: bool = True) -> None:
    """Raise the first problem. `bgp`: also that we can listen for BGP, which the agent need not."""
    problem = next(look(settings), None)
    if problem is not None:
        raise HostError(f"{settings.path}: {problem}")
    if bgp:
        check_identity(os.getuid(), os.getgid())
        check_port(settings.local_address)


def look(settings: Settings) -> Iterator[str]:
    """Every problem of this host, as it is now."""
    check_privilege()
    try:
        links = {link.ifindex: link for link in dump_links()}
        addresses = [address.ip for address in dump_addresses()]
        ours = {link.name for link in links.values() if link.kind == "vxlan" and is_isolated(link.name)}
    except NetlinkError as error:
        raise HostError(f"the kernel does not list its devices: {error}") from None
    return chain(_snooping(settings), _grouping(settings), problems(settings, links, addresses, ours))


def check_privilege() -> None:
    if not has(NET_ADMIN):
        raise HostError("no CAP_NET_ADMIN: found an unprivileged process; accepted: root, or a service with it")


def check_identity(user: int, group: int) -> None:
    """ExaBGP takes half a root for one that has privileges to drop, and ends when it cannot."""
    if bool(user) == bool(group):
        return
    with suppress(KeyError):  # a user without a name
        if pwd.getpwuid(user).pw_gid == group:
            return
    found = f"found user {user} with group {group}"
    raise HostError(f"{found}: ExaBGP refuses one of both to be root's; accepted: root with its group, or neither")


def control_group(settings: Settings) -> int | None:
    """The group that the control socket can be given; None: none is asked for, or it cannot be had."""
    if settings.control_group is None or next(_grouping(settings), None):
        return None
    return grp.getgrnam(settings.control_group).gr_gid


def _grouping(settings: Settings) -> Iterator[str]:
    """Only root may give a file to a group that it is not in."""
    name = settings.control_group
    if name is None:
        return
    try:
        group = grp.getgrnam(name).gr_gid
    except KeyError:
        yield f"control-group: no group {name} on this host; accepted: the name of a group"
        return
    if group not in (os.getegid(), *os.getgroups()) and not has(CHOWN):
        yield f"control-group: this process is not in group {name}; accepted: a group of its user, or root"


def _snooping(settings: Settings) -> Iterator[str]:
    """To hear what hosts say takes another privilege."""
    asked: list[tuple[str, VniOptions | VniSettings]] = [("defaults", settings.defaults)] if settings.discover else []
    asked += [(f"vnis[{index}]", vni) for index, vni in enumerate(settings.vnis)]
    for key, vni in asked:
        if LearnNeighbors.SNOOP in vni.learn_neighbors and not has(NET_RAW):
            yield f"{key}.learn-neighbors: snoop needs CAP_NET_RAW; accepted: a service with it, or [kernel], or []"


def problems(
    settings: Settings, links: Mapping[int, Link], addresses: list[IpAddress], ours: Set[str] = frozenset()
) -> Iterator[str]:
    """Every problem of the devices and addresses; pure. `ours`: devices that an agent has made, and may make again."""
    for key, wanted in (("vtep-address", settings.vtep), ("local-address", settings.local_address)):
        if wanted not in addresses:
            known = ", ".join(format_ip(ip) for ip in addresses if len(ip) == len(wanted) and not is_martian(ip))
            yield f"{key}: {format_ip(wanted)} is on no interface; accepted: one of {known or 'none there is'}"
    by_name = {link.name: link for link in links.values()}
    by_vni = vxlan_by_vni(links)
    for index, vni in enumerate(settings.vnis):
        device = choose(by_vni.get(vni.vni, []), vni.device, settings.vtep)
        again = device is not None and vni.create and device.name in ours
        for problem in _vni_problems(vni, device, by_name, settings.vtep, again):
            yield f"vnis[{index}]: {problem}"


def check_port(address: IpAddress) -> None:
    """BGP's port, as ExaBGP will bind it."""
    family = socket.AF_INET if len(address) == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((format_ip(address), BGP_PORT))
            listener.listen(1)
        except OSError as error:
            if error.errno == errno.EACCES:
                why = f"found a process that may not listen on {format_ip(address)} port {BGP_PORT}"
                raise HostError(f"no CAP_NET_BIND_SERVICE: {why}; accepted: root, or a service with it") from None
            tentative = len(address) == 16 and error.errno == errno.EADDRNOTAVAIL
            accepted = (
                "an address that duplicate address detection is done with; `ip address` calls it tentative before"
                if tentative
                else "a port that no other BGP speaker has"
            )
            found = f"{format_ip(address)} port {BGP_PORT}: {(error.strerror or str(error)).lower()}"
            raise HostError(f"{found}; accepted: {accepted}") from None


def _vni_problems(
    vni: VniSettings, device: Link | None, by_name: Mapping[str, Link], vtep: IpAddress, again: bool
) -> Iterator[str]:
    """`again`: the device may be made again."""
    named = by_name.get(vni.device)
    if named is not None and named.kind != "vxlan":
        yield f"device {vni.device}: found a device of kind {named.kind or 'none'}; accepted: vxlan"
    elif named is not None and named.vni != vni.vni:
        yield f"device {vni.device}: found VNI {named.vni}; accepted: {vni.vni}"
    if device is not None and device.local != vtep:
        found = format_ip(device.local) or "none"
        why = f"; {TWO_FAMILIES}" if is_of_other_family(device, vtep) else ""
        yield f"device {device.name}: found local address {found}; accepted: {format_ip(vtep)}, the vtep-address{why}"
    if device is not None and device.port != vni.port and not again:
        yield f"device {device.name}: found UDP port {device.port}; accepted: {vni.port}"
    unfitness = unfit(device, plan_of(vni)) if device is not None and not again else None
    if unfitness is not None:
        yield f"strategy: {unfitness}; accepted: a device made so, or none, and create: true"
    bridge = by_name.get(vni.bridge)
    if bridge is not None and bridge.kind != "bridge":
        yield f"bridge {vni.bridge}: found a device of kind {bridge.kind or 'none'}; accepted: bridge"
    names = {link.ifindex: link.name for link in by_name.values()}
    if device is not None and device.master and (bridge is None or device.master != bridge.ifindex):
        yield f"device {device.name}: found in bridge {names.get(device.master, device.master)}; accepted: {vni.bridge}"
    for name in vni.ports if vni.create else ():
        port = by_name.get(name)  # one that is not there is put into the bridge when it comes
        if port is not None and port.master and (bridge is None or port.master != bridge.ifindex):
            yield f"ports: {name}: found in {names.get(port.master, port.master)}; accepted: in {vni.bridge} or in none"
