"""An agent's brain to be told anything, and what must be true of it whatever it was told."""

import logging
from ipaddress import ip_address
from itertools import pairwise

from evpn.agent.configure import configure
from evpn.agent.core import Core
from evpn.dataplane.batches import RowChanges, size_of
from evpn.dataplane.entries import Kind
from evpn.netlink import neighbor, rows
from evpn.packet.ethernet import is_station
from evpn.rib.best import rank
from evpn.rib.table import Rib
from evpn.values import IpAddress
from tests.builders import LINKS, OURS, RR1, RR2, settings

_SETTINGS = settings()


def an_agent() -> Core:
    """With VNI 100 on its devices, and two route reflectors whose sessions are up."""
    logging.disable(logging.CRITICAL)
    core = Core(_SETTINGS, 0.0)
    configure(core, _SETTINGS, 0.0)
    core.dataplane.links.update({link.ifindex: link for link in LINKS})
    core.instances.attach_devices()
    for address in (RR1, RR2):
        core.peer_up(address, 0.0)
    core.settle(0.0)
    return core


def check_rib(rib: Rib) -> None:
    counted: dict[str, int] = {}
    for key, paths in rib.routes.items():
        assert paths, "a route without a path"
        assert all(path.route.key == key for path in paths)
        order = [(path.rejection is not None, rank(path, rib.is_stale(key, path))) for path in paths]
        assert all(before < after for before, after in pairwise(order)), "of one peer once, and the best one first"
        assert rib.best(key)[0] == next((path for path in paths if path.rejection is None), None)
        for path in paths:
            counted[path.peer] = counted.get(path.peer, 0) + 1
    assert {peer: count for peer, count in rib.paths_of.items() if count} == counted


def check_rows(core: Core) -> None:
    """Nothing is written that no host or VTEP can be, and all of it can be packed."""
    for segment in core.dataplane.segments.values():
        for mac, row in segment.macs.desired.items():
            assert is_station(mac) and _is_another(row.vtep)
        for vtep in segment.flood.desired:
            assert _is_another(vtep)
        for ip, row in segment.neighbors.desired.items():
            assert is_station(row.mac) and len(ip) in (4, 16)
    for removals in (False, True):
        _check_packed(core.dataplane.batch(512, removals))


def _is_another(vtep: IpAddress) -> bool:
    """A unicast address of another host, by Python's own word and not by ours."""
    found = ip_address(vtep)
    odd = found.is_multicast or found.is_loopback or found.is_unspecified or found.is_link_local or found.is_reserved
    return vtep != OURS and len(vtep) == len(OURS) and not odd


def _check_packed(batch: list[RowChanges]) -> None:
    told = [row for item in rows.encode(batch) for row in neighbor.decode(item)]
    assert len(told) >= size_of(batch)
    assert {kind for _, kind, _ in batch} <= set(Kind)
