"""Requests of the control socket: `show`, `diff`, `host`, `clear`, `refresh`, and `reload`."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from evpn.agent import devices, diff, status
from evpn.agent.configure import check_reload, configure
from evpn.agent.core import Core
from evpn.agent.host import HostError, check
from evpn.config import accepted
from evpn.config.load import ConfigError, load
from evpn.config.schema import Device
from evpn.config.settings import Host
from evpn.evi.addresses import is_martian_host
from evpn.evi.bridge_domain import BridgeDomain
from evpn.netlink.errors import NetlinkError
from evpn.netlink.links import Links
from evpn.text import format_ip, format_mac, parse_ip, parse_mac
from evpn.values import IpAddress, MacAddress, Vni

log = logging.getLogger(__name__)

Row = dict[str, Any]


class Requests:
    def __init__(self, core: Core, links: Links) -> None:
        self.core = core
        self.links = links

    def answer(self, request: Row) -> Iterator[Row]:
        """Rows for one request; a `ValueError` says what is wrong with it."""
        match request.get("command"):
            case "show":
                return self._show(request.get("what"), request.get("vni"))
            case "diff":
                return self._diff(request.get("vni"))
            case "host":
                return self._host(request)
            case "clear":
                return self._clear(request)
            case "refresh":
                return self._refresh()
            case "reload":
                return self._reload(Path(str(request.get("config"))))
        known = "show, diff, host, clear, refresh, reload"
        raise ValueError(f"command {request.get('command')!r} is not known to this agent; accepted: {known}")

    def _host(self, request: Row) -> Iterator[Row]:
        """A host known beforehand, until the agent ends; `vni`, `mac`, and to add one `ip`, `port`, `sticky`."""
        vni = self._vni(request.get("vni"))
        mac = parse_mac(str(request.get("mac")))
        if is_no_host(mac):
            raise ValueError(f"{request['mac']} is no host's; accepted: a unicast MAC")
        if request.get("action") == "del":
            self.core.hosts.delete(vni, mac)
            yield {"vni": vni, "mac": format_mac(mac), "known": False}
            return
        ips = tuple(parse_ip(str(ip)) for ip in request.get("ip") or ())
        if bad := [ip for ip in ips if is_martian_host(ip)]:
            raise ValueError(f"{format_ip(bad[0])} is no host's; accepted: a unicast IP address")
        port = parse_port(str(request["port"])) if request.get("port") else None
        self.core.hosts.add(vni, Host(mac, ips, bool(request.get("sticky")), port))
        yield {"vni": vni, "mac": format_mac(mac), "known": True, "until": "the agent ends; the configuration lasts"}

    def _clear(self, request: Row) -> Iterator[Row]:
        if request.get("what") != "duplicates":
            raise ValueError(f"clear {request.get('what')!r} is not known to this agent; accepted: duplicates")
        vni, address = request.get("vni"), request.get("address")
        key = parse_address(str(address)) if address else None
        for domain in [self.core.fabric.domains[self._vni(vni)]] if vni is not None else self._domains():
            yield {"vni": domain.vni, "cleared": self.core.moves.clear(domain, time.monotonic(), key)}

    def _diff(self, vni: Any) -> Iterator[Row]:
        return diff.rows(self.core, None if vni is None else self._vni(vni))

    def _refresh(self) -> Iterator[Row]:
        """Both far sides are asked anew for all they have: the peers, as far as they are there, and the kernel."""
        self.core.kernel.look_again = True
        for peer in list(self.core.peers.peers.values()):
            peer.refresh_wanted = peer.up
            yield {"peer": peer.address, "asked": peer.up}

    def _domains(self) -> list[BridgeDomain]:
        return list(self.core.fabric.domains.values())

    def _vni(self, vni: Any) -> Vni:
        if not (isinstance(vni, int) and vni in self.core.fabric.domains):
            known = ", ".join(map(str, self.core.fabric.domains)) or "none"
            raise ValueError(f"VNI {vni} is not configured; configured: {known}")
        return Vni(vni)

    def _show(self, what: Any, vni: Any) -> Iterator[Row]:
        if not isinstance(what, str) or what not in status.SHOW:
            raise ValueError(f"show {what!r} is not known to this agent; accepted: {', '.join(status.SHOW)}")
        return status.SHOW[what](self.core, None if vni is None else self._vni(vni), time.monotonic())

    def _reload(self, path: Path) -> Iterator[Row]:
        """The old configuration goes on unless the new one is right as a whole."""
        try:
            settings = load(path)
            check_reload(self.core.settings, settings)
            check(settings, bgp=False)
            devices.make(settings, self.links)
            # a device made again is served at once: nothing of its VNI is withdrawn in between
            self.core.dataplane.links = {link.ifindex: link for link in self.links.list()}
            accepted.keep(settings)
        except (ConfigError, HostError, NetlinkError, OSError) as error:
            log.error("configuration not reloaded, the old one goes on error=%s", error)
            raise ValueError(str(error)) from None
        configure(self.core, settings, time.monotonic())
        log.info("configuration reloaded file=%s vnis=%d", path, len(settings.vnis))
        yield {"vnis": len(settings.vnis), "neighbors": len(settings.neighbors)}


def parse_address(text: str) -> MacAddress | IpAddress:
    try:
        return parse_mac(text)
    except ValueError:
        return parse_ip(text)


def parse_port(text: str) -> str:
    try:
        return msgspec.convert(text, Device)
    except msgspec.ValidationError:
        raise ValueError(f"{text} is no port; accepted: an interface name of 1 to 15 characters") from None


def is_no_host(mac: MacAddress) -> bool:
    return bool(mac[0] & 1) or not any(mac)
