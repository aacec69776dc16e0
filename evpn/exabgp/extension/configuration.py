"""EVPN in the configuration file: `announce { l2vpn { evpn mac-ip ...; } }`, with the words of the API.

Surfaces: `ParseAnnounce.register`, `Configuration.__init__`, which has the list of the words of each section,
`Neighbor.ip_self`, which knows `next-hop self` for IP families only, `Neighbor.reset_rib`, the check that `validate -r`
does for each route, and `ParseProcess.add_api`, which starts the process behind `evpn exabgp cli`.
"""

from typing import Any

from exabgp.bgp.neighbor import Neighbor
from exabgp.configuration import check
from exabgp.configuration.announce import ParseAnnounce
from exabgp.configuration.configuration import Configuration
from exabgp.configuration.process import API_PREFIX, ParseProcess
from exabgp.protocol.family import AFI

from evpn.exabgp.extension import grammar
from evpn.exabgp.extension.changes import EvpnChange, change_of
from evpn.exabgp.extension.table import keyed, share
from evpn.exabgp.extension.updates import Announcement

_stock_init = Configuration.__init__
_stock_ip_self = Neighbor.ip_self
_stock_reset_rib = Neighbor.reset_rib
_stock_check = check._check_route_generation
_stock_add_api = ParseProcess.add_api


def install() -> None:
    ParseAnnounce.register("evpn", "extend-name", "l2vpn")(parse)
    Configuration.__init__ = initialise
    Neighbor.ip_self = ip_self
    Neighbor.reset_rib = reset_rib
    check._check_route_generation = check_route
    ParseProcess.add_api = add_api


def parse(tokeniser: Any) -> list[Any]:
    """The words of one line; an error in them is ExaBGP's to show, with the number of the line."""
    words = []
    while word := tokeniser():
        words.append(word)
    parsed = grammar.parse(words, announce=True)
    return [change_of(parsed.nlri, parsed.attributes, parsed.next_hop)]


def initialise(self: Any, *arguments: Any, **options: Any) -> None:
    _stock_init(self, *arguments, **options)
    self._structure[self.announce_l2vpn.name]["commands"].append("evpn")


def ip_self(self: Any, afi: int) -> Any:
    if afi != AFI.l2vpn:
        return _stock_ip_self(self, afi)
    grammar.own_address(self)
    return self["local-address"]


def reset_rib(self: Any) -> None:
    """An End-of-RIB asked for in a session that is over is none of the next one's."""
    _stock_reset_rib(self)
    self.eor.clear()


def check_route(neighbor: Any, change: Any, negotiated: Any) -> bool:
    """ExaBGP's own check reads its encoding back, and cannot read all of EVPN (an IPv6 next hop, two labels)."""
    if not isinstance(change, EvpnChange):
        return bool(_stock_check(neighbor, change, negotiated))
    nlri = change.nlri.pack_nlri()
    shared = share(change.attributes.packed, change.nlri.nexthop.pack(), "")
    messages = list(Announcement(shared, [nlri]).messages(negotiated))
    return len(messages) == 1 and len(keyed(nlri)) == 1


def add_api(self: Any) -> None:
    """ExaBGP runs itself again by argv[0]; that is `evpn` here, which wants to know which of its commands."""
    _stock_add_api(self)
    for name, process in self.processes.items():
        if name.startswith(API_PREFIX) and process["run"][-1:] != ["exabgp"]:
            process["run"].append("exabgp")
