"""Rows of bridge domains, as `evpn.dataplane.comparison` takes them in; made for a thread of its own.

The kernel resumes a dump of FDB rows by counting from the beginning, every 430 rows: what it costs grows with the
square of the rows, and it holds RTNL meanwhile. A row that is asked for by its key costs the same however many there
are. Of 100 000 remote MACs the bridge's rows take 0.4 s to dump and the VXLAN device's, which come after them, another
0.9 s; either takes 0.11 s to ask for. Of a million the bridge's rows alone take more than a minute to dump. So who
looks at very many says how far the dump has to go (`Reach`), and even so it is given up where there are too many.
"""

import sys
from collections import defaultdict
from collections.abc import Callable, Container, Sequence
from enum import Enum
from functools import partial
from typing import NamedTuple

from evpn.dataplane.comparison import Found, Question
from evpn.dataplane.entries import AF_BRIDGE
from evpn.netlink.asking import Asker
from evpn.netlink.columns import Place, Table
from evpn.netlink.constants import AF_INET, AF_INET6
from evpn.netlink.dump import ask, dump_table
from evpn.netlink.neighbor import NeighborMessage, get_neighbor
from evpn.values import MacAddress, Vni

MANY = 1 << 14
"""Remote MACs up to which a dump is as quick as anything else."""
MOST = 1 << 17
"""Remote MACs up to which the bridge's rows are dumped: a second."""
_WHOLE_DUMP = 8
"""From so many bridge domains on one dump of everything is cheaper than one for each."""


class Reach(Enum):
    """What is dumped. Neighbors, whose dump costs the same for each, always are, and what is on local ports."""

    USUAL = "everything; where that is very many rows, of the VXLAN device those only whose MAC the bridge knows"
    """Flood rows are not found then, nor rows that the device alone has. Where it is too many, the same as PORTS."""
    PORTS = "nothing of the VXLAN device, nor what the bridge has on its port"
    STRANGERS = "everything but the rows of known MACs"


class Domain(NamedTuple):
    """What of a bridge domain is looked at."""

    place: Place
    ports: tuple[int, ...] = ()
    """ifindexes of the other ports of its bridge."""
    reach: Reach = Reach.USUAL
    known: Container[MacAddress] = ()
    """Remote MACs that are believed in."""


class Looker:
    """Keeps the memory that answers are read into."""

    def __init__(self, many: int = MANY, most: int = MOST) -> None:
        self._asker = Asker()
        self._many = many
        self._most = most

    def look(self, domains: Sequence[Domain], give_way: Callable[[], bool] = lambda: False) -> dict[Vni, Found]:
        """Raises a `NetlinkError`, EINTR where the tables change all the time.

        `give_way`: whether to stop looking for strangers; nothing is found then.
        """
        places = [domain.place for domain in domains]
        if len(places) >= _WHOLE_DUMP and all(domain.reach is Reach.USUAL for domain in domains):
            everything = dump_table(places, AF_BRIDGE, enough=self._are_many)
            if not self._are_many(everything):
                return _sorted(places, everything, [dump_table(places, family) for family in (AF_INET, AF_INET6)])
        found: dict[Vni, Found] = {}
        for domain in domains:
            found |= self._look(domain, give_way)
        return found

    def answer(self, place: Place, question: Question) -> dict[Vni, Found]:
        """Raises a `NetlinkError`."""
        table = Table([place])
        self._asker.bridge_rows(table, place.device, question.macs)
        self._asker.tunnel_rows(table, place.device, question.macs)
        found = _sorted([place], table, [])[place.vni]
        neighbors = ask([get_neighbor(place.home, ip) for ip in question.ips])
        return {place.vni: found._replace(neighbors=[*neighbors])}

    def _look(self, domain: Domain, give_way: Callable[[], bool]) -> dict[Vni, Found]:
        """Of one bridge domain."""
        place, flood, remote = domain.place, True, True
        if domain.reach is Reach.USUAL:
            fdb = dump_table([place], AF_BRIDGE, master=place.bridge, enough=self._are_many)
            if self._are_many(fdb):
                fdb, flood, remote = self._known_to_the_bridge(domain), False, False
        elif domain.reach is Reach.PORTS:
            fdb, flood, remote = Table([place]), False, False
            fdb.rows += _on_ports(domain)
        else:
            known = {place.device: domain.known}
            fdb = dump_table([place], AF_BRIDGE, place.device, enough=lambda table: give_way(), known=known)
            if give_way():
                return {}
            fdb.rows += _on_ports(domain)
            remote = False
        devices = sorted({place.bridge, place.home})
        neighbors = [dump_table([place], family, device) for device in devices for family in (AF_INET, AF_INET6)]
        found = _sorted([place], fdb, neighbors)[place.vni]
        return {place.vni: found._replace(flood=flood, remote=remote)}

    def _are_many(self, table: Table) -> bool:
        return table.most > self._many

    def _known_to_the_bridge(self, domain: Domain) -> Table:
        """What the bridge has, and of these MACs what the VXLAN device has: of a host that came to us, too."""
        place, device = domain.place, domain.place.device
        fdb = dump_table([place], AF_BRIDGE, device, enough=lambda table: _is_done(table, device, self._most))
        if fdb.most > self._most:
            fdb = Table([place])
        fdb.rows += _on_ports(domain)
        macs = dict.fromkeys(row.lladdr for row in fdb.rows if row.master == place.bridge)
        macs.update(fdb.bridge[device])
        self._asker.tunnel_rows(fdb, device, [mac for mac in macs if mac not in fdb.tunnel[device]])
        return fdb


def _on_ports(domain: Domain) -> list[NeighborMessage]:
    """Of the bridge itself, and of its ports but the VXLAN device."""
    found: list[NeighborMessage] = []
    for port in (domain.place.bridge, *domain.ports):
        enough = partial(_is_done, device=port, most=sys.maxsize)
        found += dump_table([domain.place], AF_BRIDGE, port, enough=enough).rows
    return found


def _is_done(table: Table, device: int, most: int) -> bool:
    """A dump by device has the rows that the bridge has on it, then those of the device itself."""
    return table.most > most or bool(table.tunnel[device]) or bool(table.rows and not table.rows[-1].master)


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
