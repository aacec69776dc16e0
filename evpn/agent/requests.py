"""Requests of the control socket: `show`, `diff`, `host`, `clear`, `refresh`, and `reload`.

The shape of each is a `Struct`, and what is sent is held against it as a whole, before anything is done. An error names
the field, what was found there and what is accepted; null is as if the field were not there.
"""

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from evpn.agent import devices, diff, status
from evpn.agent.configure import check_reload, configure
from evpn.agent.core import Core
from evpn.agent.host import HostError, check
from evpn.config import accepted
from evpn.config.explain import explain
from evpn.config.load import ConfigError, load
from evpn.config.schema import Device, FileName, VniNumber
from evpn.config.settings import Host
from evpn.evi.addresses import is_martian_host
from evpn.evi.bridge_domain import BridgeDomain
from evpn.netlink.errors import NetlinkError
from evpn.netlink.links import Links
from evpn.text import format_ip, format_mac, parse_ip, parse_mac
from evpn.values import IpAddress, MacAddress, Vni

log = logging.getLogger(__name__)

Row = dict[str, Any]
T = TypeVar("T")


class Show(Struct, tag="show", tag_field="command", forbid_unknown_fields=True):
    what: Annotated[str, Meta(description=", ".join(status.SHOW))]
    vni: VniNumber | None = None
    address: Annotated[str, Meta(description="a MAC or IP address")] | None = None


class Diff(Struct, tag="diff", tag_field="command", forbid_unknown_fields=True):
    vni: VniNumber | None = None


class KnownHost(Struct, tag="host", tag_field="command", forbid_unknown_fields=True):
    """A host known beforehand, until the agent ends; to delete one, `vni` and `mac` are enough."""

    action: Literal["add", "del"]
    vni: VniNumber
    mac: Annotated[str, Meta(description="a MAC address")]
    ip: tuple[Annotated[str, Meta(description="an IPv4 or IPv6 address")], ...] | None = None
    port: Device | None = None
    sticky: bool | None = None


class Clear(Struct, tag="clear", tag_field="command", forbid_unknown_fields=True):
    what: Literal["duplicates"]
    vni: VniNumber | None = None
    address: Annotated[str, Meta(description="a MAC or IP address")] | None = None


class Refresh(Struct, tag="refresh", tag_field="command", forbid_unknown_fields=True):
    """Has no fields."""


class Reload(Struct, tag="reload", tag_field="command", forbid_unknown_fields=True):
    config: FileName


Request = Show | Diff | KnownHost | Clear | Refresh | Reload
_SHAPES: dict[str, type[Request]] = {
    "show": Show,
    "diff": Diff,
    "host": KnownHost,
    "clear": Clear,
    "refresh": Refresh,
    "reload": Reload,
}


class Requests:
    def __init__(self, core: Core, links: Links) -> None:
        self.core = core
        self.links = links

    def answer(self, request: Row) -> Iterator[Row]:
        """Rows for one request; a `ValueError` says what is wrong with it."""
        match parse(request):
            case Show() as show:
                return self._show(show)
            case Diff(vni):
                return diff.rows(self.core, None if vni is None else self._vni(vni))
            case KnownHost() as host:
                return self._host(host)
            case Clear() as clear:
                return self._clear(clear)
            case Refresh():
                return self._refresh()
            case Reload(config):
                return self._reload(Path(config))

    def _host(self, asked: KnownHost) -> Iterator[Row]:
        vni, mac = self._vni(asked.vni), _field("mac", parse_mac, asked.mac)
        if is_no_host(mac):
            raise ValueError(f"mac: {asked.mac} is no host's; accepted: a unicast MAC")
        if asked.action == "del":
            self.core.hosts.delete(vni, mac)
            yield {"vni": vni, "mac": format_mac(mac), "known": False}
            return
        ips = tuple(_field("ip", parse_ip, ip) for ip in asked.ip or ())
        if bad := [ip for ip in ips if is_martian_host(ip)]:
            raise ValueError(f"ip: {format_ip(bad[0])} is no host's; accepted: a unicast IP address")
        self.core.hosts.add(vni, Host(mac, ips, bool(asked.sticky), asked.port))
        yield {"vni": vni, "mac": format_mac(mac), "known": True, "until": "the agent ends; the configuration lasts"}

    def _clear(self, asked: Clear) -> Iterator[Row]:
        key = None if asked.address is None else _field("address", parse_address, asked.address)
        for domain in self._domains() if asked.vni is None else [self.core.fabric.domains[self._vni(asked.vni)]]:
            yield {"vni": domain.vni, "cleared": self.core.moves.clear(domain, time.monotonic(), key)}

    def _refresh(self) -> Iterator[Row]:
        """Both far sides are asked anew for all they have: the peers, as far as they are there, and the kernel."""
        self.core.kernel.look_again = True
        for peer in list(self.core.peers.peers.values()):
            peer.refresh_wanted = peer.up
            yield {"peer": peer.address, "asked": peer.up}

    def _domains(self) -> list[BridgeDomain]:
        return list(self.core.fabric.domains.values())

    def _vni(self, vni: int) -> Vni:
        if vni not in self.core.fabric.domains:
            known = ", ".join(map(str, self.core.fabric.domains)) or "none"
            raise ValueError(f"VNI {vni} is not configured; configured: {known}")
        return Vni(vni)

    def _show(self, asked: Show) -> Iterator[Row]:
        what, now = asked.what, time.monotonic()
        if what not in status.SHOW:
            raise ValueError(f"what: {what!r} is not known to this agent; accepted: {', '.join(status.SHOW)}")
        vni = None if asked.vni is None else self._vni(asked.vni)
        if asked.address is None:
            return status.SHOW[what](self.core, vni, now)
        address = _field("address", parse_address, asked.address)
        if what not in status.FIND:
            raise ValueError(f"address: {what} has none to look for; accepted: with {', '.join(status.FIND)}")
        return status.FIND[what](self.core, vni, address, now)

    def _reload(self, path: Path) -> Iterator[Row]:
        """The old configuration goes on unless the new one is right as a whole."""
        try:
            settings = load(path)
            check_reload(self.core.settings, settings)
            check(settings, bgp=False)
            with accepted.keeping(settings):  # first: there may be no room for it
                devices.make(settings, self.links)
            # a device made again is served at once: nothing of its VNI is withdrawn in between
            self.core.dataplane.links = {link.ifindex: link for link in self.links.list()}
        except (ConfigError, HostError, NetlinkError, OSError) as error:
            log.error("configuration not reloaded, the old one goes on error=%s", error)
            raise ValueError(str(error)) from None
        configure(self.core, settings, time.monotonic())
        log.info("configuration reloaded file=%s vnis=%d", path, len(settings.vnis))
        yield {"vnis": len(settings.vnis), "neighbors": len(settings.neighbors)}


def parse(request: Row) -> Request:
    """The shape that `command` names; a `ValueError` names the field that does not fit."""
    command = request.get("command")
    shape = _SHAPES.get(command) if isinstance(command, str) else None
    if shape is None:
        raise ValueError(f"command {command!r} is not known to this agent; accepted: {', '.join(_SHAPES)}")
    try:
        return msgspec.convert(request, shape)
    except msgspec.ValidationError as error:
        raise ValueError(str(explain(error, request, shape, ""))) from None


def parse_address(text: str) -> MacAddress | IpAddress:
    try:
        return parse_mac(text)
    except ValueError:
        return parse_ip(text)


def _field(name: str, parser: Callable[[str], T], text: str) -> T:
    try:
        return parser(text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def is_no_host(mac: MacAddress) -> bool:
    return bool(mac[0] & 1) or not any(mac)
