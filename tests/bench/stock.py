"""Stock ExaBGP 5.0.15 with one command more, so that it can be told EVPN routes at all: `announce evpn mac-ip`.

The command goes the shortest way that ExaBGP has: registered as its own ones are, done at once instead of queued as
they are, with ExaBGP's parsers, NLRI classes and Adj-RIB-Out. Nothing else of ExaBGP is touched.
"""

import sys
from typing import Any

from exabgp.application.main import main
from exabgp.bgp.message import Action
from exabgp.bgp.message.update.attribute import Attributes
from exabgp.bgp.message.update.nlri import evpn
from exabgp.bgp.message.update.nlri.qualifier import ESI, MAC, EthernetTag, Labels
from exabgp.configuration.announce.vpls import AnnounceVPLS
from exabgp.protocol.ip import IP
from exabgp.reactor.api.command.command import Command
from exabgp.reactor.api.command.limit import extract_neighbors, match_neighbors
from exabgp.rib.change import Change

_PARSERS = {
    "mac": lambda tokeniser: MAC(tokeniser()),
    "ip": lambda tokeniser: IP.create(tokeniser()),
    "vni": lambda tokeniser: Labels(None, raw_labels=[int(tokeniser())]),
    **{word: AnnounceVPLS.known[word] for word in ("rd", "next-hop", "extended-community")},
}


def announce_evpn(self: Any, reactor: Any, service: str, line: str, use_json: bool) -> bool:
    """`announce evpn mac-ip rd RD mac M ip A vni N next-hop A extended-community [ ... ]`."""
    descriptions, command = extract_neighbors(line)
    tokeniser = self.configuration.tokeniser.iterate
    tokeniser.replenish(command.split(" ")[3:])
    fields = {}
    while word := tokeniser():
        fields[word] = _PARSERS[word](tokeniser)
    attributes = Attributes()
    attributes.add(fields["extended-community"])
    key = fields["rd"], ESI(), EthernetTag(), fields["mac"], 48
    route = evpn.MAC(*key, fields["vni"], fields["ip"], nexthop=fields["next-hop"], action=Action.ANNOUNCE)
    peers = match_neighbors(reactor.peers(service), descriptions)
    reactor.configuration.inject_change(peers, Change(route, attributes))
    reactor.processes.answer_done(service)
    return True


if __name__ == "__main__":
    Command.register("announce evpn")(announce_evpn)
    sys.exit(main())
