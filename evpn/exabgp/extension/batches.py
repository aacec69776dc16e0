"""Several UPDATEs of a peer in one turn of ExaBGP's loop, and their lines to a helper in one write.

Surface: `Peer.run`, which takes one message. A turn looks at every peer, process, callback and socket, for which it
needs half as long as for an UPDATE that is only passed on. Here a peer that has more goes on until its share of time is
used up.
"""

from time import monotonic
from typing import Any

from exabgp.reactor.peer import ACTION, Peer

from evpn.exabgp.extension.outbox import gathered

SHARE = 0.001
"""Seconds; a message that takes longer, as those that ExaBGP decodes, is the only one of its turn, as ever."""

_RECEIVED = "receive-update"

_stock_run = Peer.run


def install() -> None:
    Peer.run = run


def run(self: Any) -> Any:
    """The first line goes out before the second message is looked at: nobody waits for the end of a batch."""
    began, received = monotonic(), self.stats[_RECEIVED]
    action = _stock_run(self)
    if not _has_more(self, action, received, began) or self.neighbor["rate-limit"]:
        return action
    with gathered(self.reactor.processes):
        while _has_more(self, action, received, began):
            received = self.stats[_RECEIVED]
            action = _stock_run(self)
    return action


def _has_more(peer: Any, action: Any, received: int, began: float) -> bool:
    return action == ACTION.NOW and peer.stats[_RECEIVED] > received and monotonic() - began < SHARE
