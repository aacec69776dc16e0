"""Bridges, VXLAN devices and ports: everything that is not per MAC, changed through pyroute2.

pyroute2 0.9 in a synchronous program: `IPRoute` runs a private asyncio loop inside each call, starts no thread,
installs nothing globally and holds four file descriptors. Its price is memory: 24 MB and 0.15 s, whichever part of it
is imported (its `__init__` pulls in all of it, asyncio included, and that alone is 11 MB). So it is loaded by the first
change: a VTEP whose devices are all there runs without it. What the kernel says is read by
`evpn.netlink.dump`, with the reader of links that serves the notifications as well.
"""

import errno
import os
import socket
import time
from collections.abc import Callable, Sequence
from struct import Struct
from threading import Thread
from typing import Any, TypeVar

from evpn.dataplane.entries import AF_BRIDGE, NTF_EXT_LEARNED
from evpn.dataplane.link import Link
from evpn.netlink import neighbor
from evpn.netlink.constants import NLM_F_REQUEST, RTM_DELLINK
from evpn.netlink.dump import dump_addresses, dump_links, dump_neighbors, read_link
from evpn.netlink.errors import NetlinkError
from evpn.netlink.groups import users
from evpn.netlink.isolation import guard, isolate
from evpn.netlink.messages import HEADER
from evpn.text import format_ip, format_mac
from evpn.values import NO_IP, ZERO_MAC, IpAddress, MacAddress

_ATTEMPTS = 8
_PAUSE = 0.0005
"""Seconds until the kernel is asked again for a device whose name and VNI were not free yet."""
_IFINFOMSG_OF = Struct("=B3xi8x")  # family, ifindex

T = TypeVar("T")


class Links:
    """Changes devices, and writes an attribute only when it differs: a needless change of a link is told to everybody,
    and there are daemons that flush what they have on it."""

    def __init__(self) -> None:
        self._route: Any = None  # pyroute2 has no types
        self._deletions: list[Thread] = []

    def open(self) -> None:
        """Nothing yet: see above."""

    def load(self) -> None:
        """Be ready for changes, when time matters."""
        self._ask("load", lambda route: None)

    def close(self) -> None:
        if self._route is not None:
            self._route.close()
        self._route = None
        for deleting in self._deletions:
            deleting.join()

    def list(self) -> Sequence[Link]:
        return dump_links()

    def addresses(self) -> dict[IpAddress, int]:
        """The host's own addresses -> ifindex."""
        return {address.ip: address.ifindex for address in dump_addresses()}

    def create_bridge(self, name: str, mac: MacAddress | None = None, mtu: int | None = None) -> Link:
        """A bridge without STP, isolated from the host (`evpn.netlink.isolation`).

        Its MAC address is set, at random if not given: an automatic one changes as ports come and go, and each change
        flushes the neighbours.
        """
        address = format_mac(mac or _random_mac())
        options: dict[str, object] = {"kind": "bridge", "address": address, "br_stp_state": 0}
        bridge = self._create(name, options, mtu)
        guard(name)  # the agent looks after it from then on, and says so when it cannot be had
        return bridge

    def create_vxlan(
        self,
        name: str,
        vni: int,
        local: IpAddress,
        *,
        port: int = 4789,
        learning: bool = False,
        proxy: bool = False,
        l2miss: bool = False,
        l3miss: bool = False,
        mtu: int | None = None,
        group: IpAddress = NO_IP,
        device: int = 0,
        ttl: int = 0,
    ) -> Link:
        """A VXLAN device; VNI, port, `proxy`, `l2miss`, `l3miss` and the rule about checksums are for its whole life.

        Over IPv6 it sends UDP checksums, which any receiver takes, and takes packets without (RFC 7348 section 5: MUST
        be accepted; RFC 6935 allows it): switches send none, and Linux drops those if not told otherwise.
        """
        options: dict[str, object] = {
            "kind": "vxlan",
            "vxlan_id": vni,
            "vxlan_port": port,
            "vxlan_learning": int(learning),
            "vxlan_proxy": int(proxy),
            "vxlan_l2miss": int(l2miss),
            "vxlan_l3miss": int(l3miss),
            _by_family("vxlan_local", local): format_ip(local),
        }
        if len(local) == 16:
            options["vxlan_udp_zero_csum6_rx"] = 1
        if group:
            options[_by_family("vxlan_group", group)] = format_ip(group)
        if device:
            options["vxlan_link"] = device
        if ttl:
            options["vxlan_ttl"] = ttl
        return self._create(name, options, mtu)

    def set_vxlan(
        self, device: int | str, *, learning: bool, group: IpAddress = NO_IP, underlay: int = 0, ttl: int = 0
    ) -> bool:
        """What can be changed of a VXLAN device; True when something was.

        A device that has had a group stays bound to the `underlay` of that, for which the kernel knows no word.
        """
        link = _existing(device)
        regrouped = link.group != group or (bool(group) and link.parent != underlay)
        options: dict[str, object] = {}
        if link.learning != learning:
            options["vxlan_learning"] = int(learning)
        if link.ttl != ttl and (group or regrouped):
            options["vxlan_ttl"] = ttl
        if options:
            self._set(link, kind="vxlan", **options)
        if regrouped:
            self._regroup(link, group, underlay)
        return bool(options) or regrouped

    def _regroup(self, link: Link, group: IpAddress, underlay: int) -> None:
        """Leave one group, and join another.

        One after the other: a group that changes its device in one step leaves a row behind that sends to the old one.
        Linux 6.15 and later join and leave at once, earlier ones when the device comes up and goes down, by which its
        rows for unicast go.
        """
        left = _group(link.local, NO_IP)
        down = False
        if link.group:
            joined = users(link.group, link.parent)
            self._set(link, **left)
            if link.up and users(link.group, link.parent) == joined:
                self._set(link, **_group(link.local, link.group, link.parent))
                self.set_up(link.ifindex, False)
                self._set(link, **left)
                down = True
        if group:
            joined = users(group, underlay)
            self._set(link, **_group(link.local, group, underlay))
            if link.up and users(group, underlay) == joined:
                self.set_up(link.ifindex, False)
                down = True
        if down:
            self.set_up(link.ifindex)

    def drop_flood(self, device: int) -> None:
        """Flood rows with our mark, which another group would take from them all."""
        for row in dump_neighbors(AF_BRIDGE, device):
            if row.ifindex == device and row.lladdr == ZERO_MAC and row.dst and row.flags & NTF_EXT_LEARNED:
                _tell(neighbor.delete_flood(1, device, row.dst))

    def set_mtu(self, device: int | str, mtu: int) -> bool:
        """True when it was another one."""
        link = _existing(device)
        if link.mtu != mtu:
            self._set(link, mtu=mtu)
        return link.mtu != mtu

    def rename(self, device: int | str, name: str) -> None:
        """A device may be up meanwhile, for Linux 6.2 and later."""
        self._set(_existing(device), ifname=name)

    def set_port(self, port: int | str, learning: bool | None = None, neigh_suppress: bool | None = None) -> bool:
        """Flags of a bridge port; True when one was another."""
        link = _existing(port)
        options: dict[str, object] = {}
        if learning is not None and learning != link.port_learning:
            options["learning"] = int(learning)
        if neigh_suppress is not None and neigh_suppress != link.neighbor_suppression:
            options["neigh_suppress"] = int(neigh_suppress)
        if options:
            self._ask(f"set port {link.name}", lambda route: route.brport("set", index=link.ifindex, **options))
        return bool(options)

    def enslave(self, port: int | str, bridge: int | str) -> None:
        """Makes a device a port of a bridge; of none with 0."""
        link, master = _existing(port), _existing(bridge).ifindex if bridge else 0
        if link.master != master:
            self._set(link, master=master)

    def set_up(self, device: int | str, up: bool = True) -> None:
        link = _existing(device)
        if link.up != up:
            self._set(link, state="up" if up else "down")

    def delete(self, ifindex: int) -> None:
        """Removes a device; one that is gone already is fine."""
        try:
            self._ask(f"delete device {ifindex}", lambda route: route.link("del", index=ifindex))
        except NetlinkError as error:
            if error.errno != errno.ENODEV:
                raise

    def replace(self, ifindex: int, make: Callable[[], T]) -> T:
        """Delete a device and make another one of its name and VNI.

        The kernel answers a deletion when nobody can see the device any more, a grace period after it was gone. A
        thread waits for that; the other device is made as soon as the kernel lets us, in a fraction of the time.
        """
        deleting = Thread(target=_delete, args=(ifindex,), name="deletion")
        deleting.start()
        self._deletions = [one for one in self._deletions if one.is_alive()] + [deleting]
        while True:
            last = not deleting.is_alive()
            try:
                return make()
            except NetlinkError as error:
                if last or error.errno != errno.EEXIST:
                    raise
                time.sleep(_PAUSE)

    def _create(self, name: str, options: dict[str, object], mtu: int | None) -> Link:
        if mtu:
            options["mtu"] = mtu
        self._ask(f"create {name}", lambda route: route.link("add", ifname=name, **options))
        link = _existing(name)
        try:
            isolate(name)
        except OSError as error:
            self.delete(link.ifindex)
            raise NetlinkError(error.errno or errno.EIO, f"create {name}: {error.filename}") from error
        return link

    def _set(self, link: Link, **options: object) -> None:
        what = " ".join(f"{key}={value}" for key, value in options.items() if key != "kind")
        self._ask(f"set {link.name} {what}", lambda route: route.link("set", index=link.ifindex, **options))

    def _ask(self, what: str, question: Callable[[Any], T]) -> T:
        """pyroute2's answer, and its exceptions as ours."""
        from pyroute2 import IPRoute
        from pyroute2.netlink import exceptions as theirs

        for _ in range(_ATTEMPTS):
            try:
                if self._route is None:
                    self._route = IPRoute()
                return question(self._route)
            except theirs.NetlinkDumpInterrupted:
                continue
            except theirs.NetlinkError as error:
                raise NetlinkError(error.code, what) from error
            except OSError as error:
                raise NetlinkError(error.errno or errno.EIO, what) from error
        raise NetlinkError(errno.EINTR, what)


def _group(local: IpAddress, group: IpAddress, underlay: int = 0) -> dict[str, object]:
    """A group of the family of the local address, or none."""
    any_address = "0.0.0.0" if len(local) == 4 else "::"
    options: dict[str, object] = {_by_family("vxlan_group", local): format_ip(group) if group else any_address}
    return {"kind": "vxlan", **options, **({"vxlan_link": underlay} if underlay else {})}


def _delete(ifindex: int) -> None:
    wanted = _IFINFOMSG_OF.pack(socket.AF_UNSPEC, ifindex)
    _tell(HEADER.pack(HEADER.size + len(wanted), RTM_DELLINK, NLM_F_REQUEST, 1, 0) + wanted)


def _tell(message: bytes) -> None:
    """Without pyroute2, which is not for two threads; what was refused is still there."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as opened:
        opened.send(message)


def _existing(device: int | str) -> Link:
    link = read_link(device)
    if link is None:
        raise NetlinkError(errno.ENODEV, f"device {device}")
    return link


def _by_family(option: str, ip: IpAddress) -> str:
    return f"{option}6" if len(ip) == 16 else option


def _random_mac() -> MacAddress:
    """Locally administered, unicast."""
    return MacAddress(b"\x02" + os.urandom(5))
