"""`evpn show mac|local|neigh|duplicates|events`: hosts, ours and theirs."""

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain
from typing import TypeVar

from evpn.agent.core import Core
from evpn.agent.status_rows import Rows, domains_of, in_slices, kernel_state, rows_of
from evpn.dataplane.entries import Kind
from evpn.dataplane.segment import STATIC, Segment
from evpn.evi.bridge_domain import BridgeDomain
from evpn.evi.journal import Entry
from evpn.evi.paths import best_claim
from evpn.text import format_ip, format_mac
from evpn.values import IpAddress, MacAddress, Vni
from evpn.wire.routes import MacIpRoute

K = TypeVar("K")


def macs(core: Core, vni: Vni | None, now: float) -> Rows:
    """Every MAC that is anywhere: ours, a peer's, both."""
    for domain in domains_of(core, vni):
        segment = core.dataplane.segments[domain.vni]  # as it is now: a reload may come between two rows
        yield from rows_of(_either(domain.local, domain.remote), partial(mac_rows, core, domain, segment))


def local(core: Core, vni: Vni | None, now: float) -> Rows:
    """What we have learnt on our ports, and what became of it."""
    for domain in domains_of(core, vni):
        yield from rows_of(in_slices(domain.local), partial(local_rows, core, domain))


def neighbors(core: Core, vni: Vni | None, now: float) -> Rows:
    """Every IP that is anywhere: ours, a peer's, both."""
    for domain in domains_of(core, vni):
        segment = core.dataplane.segments[domain.vni]
        ours, theirs = domain.addresses.bindings.of_ip, domain.addresses.remote
        yield from rows_of(_either(ours, theirs), partial(neighbor_rows, core, domain, segment))


def duplicates(core: Core, vni: Vni | None, now: float) -> Rows:
    for domain in domains_of(core, vni):
        macs, ips, freezes = core.moves.detectors[domain.vni]
        for mac, ip, found in core.moves.duplicates(domain):
            recovers = macs.recovers_at(found) if mac else ips.recovers_at(found)
            frozen = mac in domain.frozen if mac else ip in domain.addresses.frozen
            yield {
                "vni": domain.vni,
                "mac": format_mac(mac) if mac else "",
                "ip": format_ip(ip) if ip else "",
                "moves": found.moves,
                "since": round(now - found.since, 1),
                "action": "freeze" if freezes else "warn",
                "frozen": frozen,
                "recovers-in": None if recovers is None else round(recovers - now, 1),
            }


def events(core: Core, vni: Vni | None, now: float) -> Rows:
    """What happened to MACs and their addresses, the latest last."""
    return event_rows(core, core.moves.journal.entries(vni), now)


def event_rows(core: Core, entries: Iterable[Entry], now: float) -> Rows:
    for when, number, event in entries:
        yield {
            "ago": round(now - when, 1),
            "vni": number,
            "mac": format_mac(event.mac),
            "event": event.what.value,
            "ip": format_ip(event.ip) if event.ip else "",
            "port": core.dataplane.port_name(event.port),
            "vtep": format_ip(event.vtep) if event.vtep else "",
            "sequence": event.sequence,
        }


def local_rows(core: Core, domain: BridgeDomain, mac: MacAddress) -> Rows:
    entry = domain.local.get(mac)
    if entry is not None:
        yield {
            "vni": domain.vni,
            "mac": format_mac(mac),
            "port": core.dataplane.port_name(domain.port_of(mac)),
            "static": entry.static,
            "announced": entry.claim is not None,
            "sequence": entry.claim.sequence if entry.claim else None,
        }


def neighbor_rows(core: Core, domain: BridgeDomain, segment: Segment, ip: IpAddress) -> Rows:
    binding, holder = domain.addresses.bindings.of_ip.get(ip), domain.addresses.holder(ip)
    found = domain.addresses.neighbor(ip)
    if binding is not None:
        yield {
            "vni": domain.vni,
            "ip": format_ip(ip),
            "mac": format_mac(binding.mac),
            "type": "local",
            "via": core.dataplane.port_name(domain.port_of(binding.mac)),
            "router": binding.router,
            "source": binding.source.value,
            "state": _binding_state(domain, ip, binding.mac, holder is not None),
        }
    if found is not None:
        mac, path = found
        yield {
            "vni": domain.vni,
            "ip": format_ip(ip),
            "mac": format_mac(mac),
            "type": "remote",
            "via": format_ip(path.next_hop),
            "router": bool((path.attributes.arp_nd or 0) & 1),
            "source": "bgp",
            "state": _suppression(core, segment, mac, ip),
        }


def _binding_state(domain: BridgeDomain, ip: IpAddress, mac: MacAddress, held: bool) -> str:
    if held:
        return "asked for" if domain.addresses.bindings.is_asked(ip) else "announced"
    return "lost to another VTEP" if domain.local_claim(mac) else "MAC is not local"


def _suppression(core: Core, segment: Segment, mac: MacAddress, ip: IpAddress) -> str:
    """Whether the bridge can answer for it: neighbor, FDB row and port flag are needed together."""
    row = kernel_state(core, segment, Kind.NEIGHBOR, segment.neighbors, ip)
    if ip in segment.foreign_neighbors:
        return STATIC
    if row != "installed":
        return row
    fdb = kernel_state(core, segment, Kind.MAC, segment.macs, mac)
    if fdb != "installed":
        return f"no FDB row: {fdb}"
    if segment.plan.proxy:
        return "installed"
    attached = segment.attachment
    flag = attached.device.neighbor_suppression if attached else None
    return "installed" if flag else "installed, but the port does not suppress"


def _either(ours: Iterable[K], theirs: Iterable[K]) -> Iterator[Iterable[K]]:
    """Keys of both as they are now, each once; of a million no more is done at once than to note them."""
    first, then = dict.fromkeys(ours), in_slices(theirs)
    return chain(in_slices(first), ([key for key in part if key not in first] for part in then))


def mac_rows(core: Core, domain: BridgeDomain, segment: Segment, mac: MacAddress) -> Rows:
    entry, owner = domain.local.get(mac), domain.owner(mac)
    if entry is not None and entry.claim is not None:
        expected = mac in domain.expected
        where = core.dataplane.port_name(domain.port_of(mac))
        reason = "known beforehand" if expected else "static" if entry.static else "learnt"
        kind, sequence, sticky = "local", entry.claim.sequence, entry.claim.sticky
        kernel = _host_row(core, segment, mac, domain.port_of(mac)) if expected else "installed"
    elif owner is not None:
        said = best_claim(tuple(path for path in domain.remote.get(mac, ()) if path.next_hop == owner.vtep))
        where, reason = format_ip(owner.vtep), owner.reason.value
        kind, sticky, sequence = "remote", owner.sticky, said[0].sequence if said else 0
        kernel = segment.reserved(mac) or kernel_state(core, segment, Kind.MAC, segment.macs, mac)
    else:
        return
    yield {
        "vni": domain.vni,
        "mac": format_mac(mac),
        "type": kind,
        "via": where,
        "sequence": sequence,
        "sticky": sticky,
        "ip": _addresses(domain, mac),
        "reason": reason,
        "kernel": kernel,
    }


def _host_row(core: Core, segment: Segment, mac: MacAddress, port: int) -> str:
    """What has become of the row of a host known beforehand; none is made before its port is known."""
    if not port:
        return "port not known"
    return segment.reserved_host(mac) or kernel_state(core, segment, Kind.HOST, segment.hosts, mac)


def _addresses(domain: BridgeDomain, mac: MacAddress) -> list[str]:
    ours = domain.addresses.bindings.of_mac.get(mac, ()) if domain.local_claim(mac) else ()
    paths = domain.remote.get(mac, ())
    theirs = [IpAddress(path.route.ip) for path in paths if isinstance(path.route, MacIpRoute) and path.route.ip]
    return list(dict.fromkeys(map(format_ip, [*ours, *theirs])))
