"""EVPN in the configuration file: `announce { l2vpn { evpn mac-ip ...; } }`, with the words of the API.

Surfaces: `ParseAnnounce.register`, `Configuration.__init__`, which has the list of the words of each section,
`Configuration.reload`, `Neighbor.ip_self`, which knows `next-hop self` for IP families only, `Neighbor.reset_rib`, the
check that `validate -r` does for each route, and `ParseProcess.add_api`, which starts the process behind
`evpn exabgp cli`.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

from exabgp.bgp.neighbor import Neighbor
from exabgp.configuration import check
from exabgp.configuration.announce import ParseAnnounce
from exabgp.configuration.configuration import Configuration
from exabgp.configuration.core.format import tokens
from exabgp.configuration.process import API_PREFIX, ParseProcess
from exabgp.protocol.family import AFI
from exabgp.rib import RIB

from evpn.exabgp.extension import grammar
from evpn.exabgp.extension.changes import EvpnChange, change_of
from evpn.exabgp.extension.table import keyed, share
from evpn.exabgp.extension.updates import Announcement

_stock_init = Configuration.__init__
_stock_reload = Configuration.reload
_stock_ip_self = Neighbor.ip_self
_stock_reset_rib = Neighbor.reset_rib
_stock_check = check._check_route_generation
_stock_add_api = ParseProcess.add_api

_in_force: WeakSet[Any] = WeakSet()
"""Configurations that a file was read into."""


def install() -> None:
    ParseAnnounce.register("evpn", "extend-name", "l2vpn")(parse)
    Configuration.__init__ = initialise
    Configuration.reload = reload
    Neighbor.ip_self = ip_self
    Neighbor.reset_rib = reset_rib
    check._check_route_generation = check_route
    ParseProcess.add_api = add_api


def parse(tokeniser: Any) -> list[Any]:
    """The words of one line; an error in them is ExaBGP's to show, and has the line in it."""
    words = []
    while word := tokeniser():
        words.append(word)
    try:
        parsed = grammar.parse(words, announce=True)
    except ValueError as error:
        raise ValueError(f"{_place(tokeniser)}{error}") from None
    return [change_of(parsed.nlri, parsed.attributes, parsed.next_hop)]


def initialise(self: Any, *arguments: Any, **options: Any) -> None:
    _stock_init(self, *arguments, **options)
    self._structure[self.announce_l2vpn.name]["commands"].append("evpn")


def reload(self: Any) -> bool:
    """A file with a mistake changes nothing.

    ExaBGP announces the routes of each neighbor as it reads them, takes the processes behind the mistake for gone, and
    after one mistake takes no file any more. So a file is read by somebody else first, who has Adj-RIB-Outs of his own.
    """
    if self in _in_force:
        trial = Configuration(list(self._configurations), self._text)
        with _other_ribs():
            fits = _stock_reload(trial) is True
        if not fits:
            self._configurations.append(self._configurations.pop(0))
            self.error.set(str(trial.error) or f"{self._configurations[-1]} is not a file that can be read")
            return False
    if _stock_reload(self) is not True:
        return False
    _in_force.add(self)
    return True


@contextmanager
def _other_ribs() -> Iterator[None]:
    kept, RIB._cache = RIB._cache, {}
    try:
        yield
    finally:
        RIB._cache = kept


def _place(tokeniser: Any) -> str:
    """File and line, where it is in a file: ExaBGP tells the number of the statement."""
    name = getattr(tokeniser, "fname", "")
    if not name:
        return ""
    with open(name, errors="backslashreplace") as file:
        line = line_of([*tokeniser.tokens, ";"], file)
    return f"{name} line {line}: " if line else ""


def line_of(statement: list[str], lines: Iterable[str]) -> int | None:
    """Of the first one with these words: nothing that is wrong is read past."""
    for parsed in tokens(_joined(lines)):
        if [word for _, _, word in parsed] == statement:
            return int(parsed[0][0])
    return None


def _joined(lines: Iterable[str]) -> Iterator[str]:
    """With what a line that ends in a backslash goes on with, and an empty line for each that is taken so."""
    whole, taken = "", 0
    for line in lines:
        whole += line.rstrip()
        if whole.endswith("\\"):
            taken += 1
            continue
        yield from (whole, *[""] * taken)
        whole, taken = "", 0


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
    """ExaBGP runs itself again by argv[0]; that is `evpn exabgp` here, two words."""
    _stock_add_api(self)
    for name, process in self.processes.items():
        if name.startswith(API_PREFIX) and process["run"][-1:] != ["exabgp"]:
            process["run"][1:] = [process["run"][-1].removesuffix(" exabgp"), "exabgp"]
