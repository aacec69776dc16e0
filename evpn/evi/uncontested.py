"""What nobody contests, as nearly all routes of a fabric: the short way for very many of them at once.

A MAC/IP route is uncontested if no other path names its MAC or its IP, and neither is a host's of ours, or a duplicate
that is held, or has ever moved. Then there is nothing to compare. All else goes the long way, through `BridgeDomain`
and `Addresses`, to the same end. So it is with hosts of ours that nobody has ever heard of.
"""

from collections.abc import Iterable, Sequence

from evpn.evi.bridge_domain import BridgeDomain
from evpn.evi.entries import LocalMac
from evpn.evi.journal import Learnt
from evpn.evi.mobility import Claim
from evpn.rib.path import Path
from evpn.values import MacAddress
from evpn.wire.routes import MacIpRoute
from evpn.wire.routes.mac_ip import are_all, ips_of, macs_of


def import_paths(domain: BridgeDomain, paths: Sequence[Path]) -> None:
    """Best paths of routes that had none before; they share their attributes."""
    if _import_all(domain, paths):
        return
    remote, local, highest, dirty = domain.remote, domain.local, domain.highest_seen, domain.dirty
    remote_ips, bound = domain.addresses.remote, domain.addresses.bindings.of_ip
    room = len(remote) + len(paths) <= domain.overflow.most and not domain.overflow.waiting
    calm = room and not domain.frozen and not (paths and paths[0].attributes.mobility.sequence)
    for path in paths:
        route = path.route
        if calm and type(route) is MacIpRoute:
            mac, ip = route.mac, route.ip
            known = mac in remote or mac in local or mac in highest
            if not known and ip not in remote_ips and ip not in bound:
                remote[mac] = alone = (path,)
                dirty.macs[mac] = path
                if ip:
                    remote_ips[ip] = alone
                    dirty.ips[ip] = path
                continue
        domain.import_path(path)


def _import_all(domain: BridgeDomain, paths: Sequence[Path]) -> bool:
    """By the column, if no other path, and no host of ours, has a MAC or an IP of theirs. False: nothing is done."""
    routes, count = [path.route for path in paths], len(paths)
    if not are_all(routes) or domain.frozen or domain.overflow.waiting or paths[0].attributes.mobility.sequence:
        return False
    macs, ips, addresses = macs_of(routes), ips_of(routes), domain.addresses
    known = (domain.remote, domain.local, domain.highest_seen)
    bound = (addresses.remote, addresses.bindings.of_ip) if any(ips) else ()
    alone = len(set(macs)) == count and (not bound or (all(ips) and len(set(ips)) == count))
    if not alone or len(domain.remote) + count > domain.overflow.most:
        return False
    if not all(table.keys().isdisjoint(macs) for table in known if table):
        return False
    if not all(table.keys().isdisjoint(ips) for table in bound if table):
        return False
    sole = list(zip(paths, strict=True))
    domain.remote.update(zip(macs, sole, strict=True))
    domain.dirty.macs.update(zip(macs, paths, strict=True))
    if bound:
        addresses.remote.update(zip(ips, sole, strict=True))
        domain.dirty.ips.update(zip(ips, paths, strict=True))
    return True


def withdraw_paths(domain: BridgeDomain, paths: Sequence[Path]) -> None:
    """Paths of routes that have none any more."""
    remote, local, highest, dirty = domain.remote, domain.local, domain.highest_seen, domain.dirty
    remote_ips, bound = domain.addresses.remote, domain.addresses.bindings.of_ip
    calm = not domain.frozen and not domain.overflow.waiting
    for path in paths:
        route, alone = path.route, (path,)
        if calm and type(route) is MacIpRoute:
            mac, ip = route.mac, route.ip
            known = remote.get(mac) != alone or mac in local or mac in highest
            if not known and (not ip or (remote_ips.get(ip) == alone and ip not in bound)):
                del remote[mac]
                dirty.macs[mac] = None
                if ip:
                    del remote_ips[ip]
                    dirty.ips[ip] = None
                continue
        domain.withdraw_path(path)


def learn(domain: BridgeDomain, macs: Iterable[MacAddress], port: int) -> bool:
    """Hosts that nobody knew spoke on a port of ours. False, and nothing done, unless that is so of each of them.

    Nothing changes for the rows of such a MAC: it has none, and nobody wants one.
    """
    found, addresses = dict.fromkeys(macs), domain.addresses.bindings.of_mac
    known = (domain.local, domain.remote, domain.highest_seen, addresses)
    if domain.frozen or len(domain.local) + len(found) > domain.max_macs:
        return False
    if not all(table.keys().isdisjoint(found) for table in known):
        return False
    domain.local.update(dict.fromkeys(found, LocalMac(port, False, Claim(domain.vtep))))
    domain.dirty.claims.update(found)
    domain.events.append(Learnt(list(found), port))
    return True
