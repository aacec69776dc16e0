"""Hosts known beforehand: from the configuration, and from `evpn host add`, which a restart forgets.

Owner of VNI -> MAC -> Host. Ports are named there and may come later; bridge domains know them by ifindex.
"""

from collections.abc import Iterator
from typing import NamedTuple

from evpn.agent.instances import Instances
from evpn.config.settings import Host
from evpn.dataplane.dataplane import Dataplane
from evpn.evi.bindings import Source
from evpn.evi.bridge_domain import BridgeDomain
from evpn.evi.entries import Expected
from evpn.evi.fabric import Fabric
from evpn.evi.journal import What
from evpn.text import format_ip, format_mac
from evpn.values import MacAddress, Vni


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
        """The configuration has the last word on a MAC that is in both."""
        configured = {
            (vni, host.mac): host for vni, settings in self._instances.served.items() for host in settings.hosts
        }
        for (vni, mac), host in {**self.added, **configured}.items():
            if vni in self._fabric.domains:
                yield Known(vni, host, (vni, mac) in configured)

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
        if (vni, mac) in self.added:
            del self.added[vni, mac]
            self._edits += 1
            return
        if any(known.vni == vni and known.host.mac == mac for known in self.all()):
            raise ValueError(f"{format_mac(mac)} is in the configuration; take it out there, and reload")
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
            domain = self._fabric.domains[vni]
            for mac in [mac for mac in domain.expected if mac not in hosts]:
                self._release(domain, mac)
            for host in hosts.values():
                link = ports.get(host.port or "")
                here = link is not None and self._dataplane.by_bridge.get(link.master) is self._dataplane.segments[vni]
                self._expect(domain, host, link.ifindex if link and here else 0)

    def _expect(self, domain: BridgeDomain, host: Host, port: int) -> None:
        if domain.expected.get(host.mac) != Expected(port, host.sticky):
            domain.expect(host.mac, port, host.sticky)
        bindings = domain.addresses.bindings
        for ip in list(bindings.of_mac.get(host.mac, ())):
            if bindings.of_ip[ip].source is Source.CONFIGURATION and ip not in host.ip:
                domain.addresses.release(ip, What.UNBOUND)
        for ip in host.ip:
            known = bindings.of_ip.get(ip)
            if known is None or (known.mac, known.source) != (host.mac, Source.CONFIGURATION):
                domain.addresses.configure(ip, host.mac)

    def _release(self, domain: BridgeDomain, mac: MacAddress) -> None:
        for ip in list(domain.addresses.bindings.of_mac.get(mac, ())):
            if domain.addresses.bindings.of_ip[ip].source is Source.CONFIGURATION:
                domain.addresses.release(ip, What.UNBOUND)
        segment = self._dataplane.segments[domain.vni]
        domain.unexpect(mac, seen=domain.local[mac].port != 0 and mac not in segment.hosts.actual)
