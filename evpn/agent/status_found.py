"""`evpn show mac|neigh|rib|local|events ADDRESS`: one host among a million, found by its key."""

from collections.abc import Iterable, Iterator
from itertools import chain

from evpn.agent.core import Core
from evpn.agent.status_hosts import event_rows, local_rows, mac_rows, neighbor_rows
from evpn.agent.status_routes import paths
from evpn.agent.status_rows import Rows, domains_of, in_slices, rows_of
from evpn.evi.bridge_domain import BridgeDomain
from evpn.rib.path import Path
from evpn.values import IpAddress, MacAddress, RouteKey, Vni
from evpn.wire.routes import MacIpRoute

Address = MacAddress | IpAddress

_KEYS = 10_000
"""Compared in a turn: two milliseconds."""
_MAC_SIZE = 6
_MAC_AT, _IP_AT = 13, 19
"""In the key of a MAC/IP route; the originator of an inclusive multicast route is where the MAC is."""


def macs(core: Core, vni: Vni | None, address: Address, now: float) -> Rows:
    """A MAC, or all that have an IP."""
    for domain in domains_of(core, vni):
        segment = core.dataplane.segments[domain.vni]
        for mac in _macs(domain, address):
            yield from mac_rows(core, domain, segment, mac)


def neighbors(core: Core, vni: Vni | None, address: Address, now: float) -> Rows:
    """An IP, or all of a MAC."""
    for domain in domains_of(core, vni):
        segment = core.dataplane.segments[domain.vni]
        for ip in _ips(domain, address):
            yield from neighbor_rows(core, domain, segment, ip)


def local(core: Core, vni: Vni | None, address: Address, now: float) -> Rows:
    for domain in domains_of(core, vni):
        for mac in _macs(domain, address):
            yield from local_rows(core, domain, mac)


def events(core: Core, vni: Vni | None, address: Address, now: float) -> Rows:
    for domain in domains_of(core, vni):
        for mac in _macs(domain, address):
            yield from event_rows(core, core.moves.journal.entries(domain.vni, mac), now)


def rib(core: Core, vni: Vni | None, address: Address, now: float) -> Rows:
    """Also what nothing imports, or what is not used, which is filed nowhere: all keys are compared, and no more."""
    found = ([key for key in keys if _names(key, address)] for keys in in_slices(core.rib.routes, _KEYS))
    return rows_of(found, lambda key: paths(core, vni, key))


def _names(key: RouteKey, address: Address) -> bool:
    """Whether the route is of this MAC or IP."""
    return key[_MAC_AT:_IP_AT] == address or key[_IP_AT:] == address or (key[0] == 3 and key[_MAC_AT:] == address)


def _macs(domain: BridgeDomain, address: Address) -> Iterable[MacAddress]:
    if len(address) == _MAC_SIZE:
        return [MacAddress(address)]
    ip = IpAddress(address)
    binding = domain.addresses.bindings.of_ip.get(ip)
    ours = [binding.mac] if binding else []
    return dict.fromkeys(chain(ours, (route.mac for route in _routes(domain.addresses.remote.get(ip, ())))))


def _ips(domain: BridgeDomain, address: Address) -> Iterable[IpAddress]:
    if len(address) != _MAC_SIZE:
        return [IpAddress(address)]
    mac = MacAddress(address)
    ours = domain.addresses.bindings.of_mac.get(mac, ())
    return dict.fromkeys(chain(ours, (route.ip for route in _routes(domain.remote.get(mac, ())) if route.ip)))


def _routes(paths: Iterable[Path]) -> Iterator[MacIpRoute]:
    return (path.route for path in paths if isinstance(path.route, MacIpRoute))
