"""Hosts known beforehand: from the configuration, and from `evpn host add`, which a restart forgets.

Owner of VNI -> MAC -> Host. Ports are named there and may come later; bridge domains know them by ifindex.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from evpn.agent.instances import Instances
from evpn.config.settings import Host
from evpn.dataplane.dataplane import Dataplane
from evpn.dataplane.link import Link
from evpn.evi.bindings import Source
from evpn.evi.bridge_domain import BridgeDomain
from evpn.evi.entries import Expected
from evpn.evi.fabric import Fabric
from evpn.evi.foreknown import expect, unexpect
from evpn.text import format_ip, format_mac
from evpn.values import IpAddress, MacAddress, Vni


class Known(NamedTuple):
    vni: Vni
    host: Host
    configured: bool


class Hosts:
    def __init__(self, fabric: Fabric, dataplane: Dataplane, instances: Instances) -> None:
        self.added: dict[tuple[Vni, MacAddress], Host] = {}
        """By an operator, while the agent runs."""
        self._fabric = fabric
        self._dataplane = dataplane
        self._instances = instances
        self._edits = 0
        self._settled = (-1, -1)

    def all(self) -> Iterator[Known]:
        """The configuration has the last word on a MAC or an IP that is in both."""
        macs: set[tuple[Vni, MacAddress]] = set()
        ips: set[tuple[Vni, IpAddress]] = set()
        for vni, settings in self._instances.served.items():
            for host in settings.hosts:
                yield Known(vni, host, True)
                macs.add((vni, host.mac))
                ips.update((vni, ip) for ip in host.ip)
        for (vni, mac), host in self.added.items():
            if vni in self._instances.served and (vni, mac) not in macs:
                free = tuple(ip for ip in host.ip if (vni, ip) not in ips)
                yield Known(vni, replace(host, ip=free), False)

    def add(self, vni: Vni, host: Host) -> None:
        """A `ValueError` names what is already known otherwise."""
        for known in self.all():
            if known.vni != vni:
                continue
            if known.host.mac == host.mac and known.configured:
                raise ValueError(f"{format_mac(host.mac)} is in the configuration; change it there, and reload")
            both = set(known.host.ip) & set(host.ip)
            if known.host.mac != host.mac and both:
                raise ValueError(f"{format_ip(both.pop())} belongs to {format_mac(known.host.mac)} already")
        self.added[vni, host.mac] = host
        self._edits += 1

    def delete(self, vni: Vni, mac: MacAddress) -> None:
        added = self.added.pop((vni, mac), None)
        self._edits += 1
        if any(known.vni == vni and known.host.mac == mac for known in self.all()):
            raise ValueError(f"{format_mac(mac)} is in the configuration; take it out there, and reload")
        if added is None:
            raise ValueError(f"{format_mac(mac)} was not added in VNI {vni}")

    def settle(self) -> None:
        """Have the bridge domains expect exactly these, where their ports are now."""
        if self._settled == (self._edits, self._instances.changes):
            return
        self._settled = self._edits, self._instances.changes
        wanted: dict[Vni, dict[MacAddress, Host]] = {vni: {} for vni in self._fabric.domains}
        for vni, host, _ in self.all():
            wanted[vni][host.mac] = host
        ports = {link.name: link for link in self._dataplane.links.values()}
        for vni, hosts in wanted.items():
            if self._instances.is_arriving(vni):
                continue
            domain = self._fabric.domains[vni]
            for mac in [mac for mac in domain.expected if mac not in hosts]:
                self._release(domain, mac)
            for host in hosts.values():
                link = ports.get(host.port or "")
                self._expect(domain, host, link.ifindex if link and self._is_local(vni, link) else 0)

    def _is_local(self, vni: Vni, link: Link) -> bool:
        """A port of the bridge, and not the one to the tunnel."""
        attached = self._dataplane.segments[vni].attachment
        if attached is None or link.master != attached.bridge.ifindex:
            return False
        return link.ifindex != attached.device.ifindex

    def _expect(self, domain: BridgeDomain, host: Host, port: int) -> None:
        if domain.expected.get(host.mac) != Expected(port, host.sticky):
            expect(domain, host.mac, port, host.sticky)
        bindings = domain.addresses.bindings
        for ip in list(bindings.of_mac.get(host.mac, ())):
            if ip not in host.ip:
                domain.addresses.unconfigure(ip)
        for ip in host.ip:
            known = bindings.of_ip.get(ip)
            if known is None or (known.mac, known.source) != (host.mac, Source.CONFIGURATION):
                domain.addresses.configure(ip, host.mac)
        link = self._dataplane.links.get(domain.port_of(host.mac))
        if link is not None and not link.up:  # its row stays through that, what it said does not
            domain.addresses.release_all(host.mac)

    def _release(self, domain: BridgeDomain, mac: MacAddress) -> None:
        for ip in list(domain.addresses.bindings.of_mac.get(mac, ())):
            domain.addresses.unconfigure(ip)
        segment = self._dataplane.segments[domain.vni]
        unexpect(domain, mac, seen=domain.local[mac].port != 0 and mac not in segment.hosts.actual)
