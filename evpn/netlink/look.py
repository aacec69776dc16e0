"""All rows of bridge domains, as `evpn.dataplane.comparison` takes them in; made for a thread of its own."""

from collections import defaultdict
from collections.abc import Sequence

from evpn.dataplane.comparison import Found
from evpn.netlink.columns import Place, Table
from evpn.netlink.constants import AF_BRIDGE, AF_INET, AF_INET6
from evpn.netlink.dump import dump_table
from evpn.netlink.neighbor import NeighborMessage
from evpn.values import Vni

_WHOLE_DUMP = 8
"""From so many bridge domains on one dump of everything is cheaper than one for each."""


def look(places: Sequence[Place]) -> dict[Vni, Found]:
    """Raises a `NetlinkError`, EINTR where the tables change all the time."""
    if len(places) >= _WHOLE_DUMP:
        tables = [dump_table(places, family) for family in (AF_INET, AF_INET6)]
        return _sorted(places, dump_table(places, AF_BRIDGE), tables)
    found: dict[Vni, Found] = {}
    for place in places:
        devices = sorted({place.bridge, place.home})
        tables = [dump_table([place], family, ifindex=device) for device in devices for family in (AF_INET, AF_INET6)]
        found |= _sorted([place], dump_table([place], AF_BRIDGE, master=place.bridge), tables)
    return found


def _sorted(places: Sequence[Place], fdb: Table, neighbors: Sequence[Table]) -> dict[Vni, Found]:
    """By bridge domain."""
    of_device = {place.device: place.vni for place in places}
    of_bridge = {place.bridge: place.vni for place in places}
    rows: defaultdict[Vni | None, list[NeighborMessage]] = defaultdict(list)
    for row in fdb.rows:
        rows[of_device.get(row.ifindex) or of_bridge.get(row.master)].append(row)
    others: defaultdict[Vni | None, list[NeighborMessage]] = defaultdict(list)
    for row in (row for table in neighbors for row in table.rows):
        others[of_device.get(row.ifindex) or of_bridge.get(row.ifindex)].append(row)
    found: dict[Vni, Found] = {}
    for place in places:
        both, single = fdb.pairs(place.device)
        bound = {ip: row for table in neighbors for ip, row in table.bound[place.home].items()}
        found[place.vni] = Found(both, bound, [*single, *rows[place.vni]], [*others[place.vni]])
    return found
