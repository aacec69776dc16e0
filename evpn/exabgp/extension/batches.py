"""Several UPDATEs of a peer in one turn of ExaBGP's loop, and their lines to a helper in one write.

Surface: `Peer.run`, which takes one message. A turn looks at every peer, process, callback and socket, for which it
needs half as long as for an UPDATE that is only passed on. Here a peer that has more goes on until its share of time is
used up.
"""

from time import monotonic
from typing import Any

from exabgp.reactor.peer import ACTION, Peer

from evpn.exabgp.extension.outbox import gathered, outboxes

SHARE = 0.001
"""Seconds; a message that takes longer, as those that ExaBGP decodes, is the only one of its turn, as ever."""

PAUSE = 0.25
"""Seconds between two turns of a peer that is held back."""

_RECEIVED, _RAN = "receive-update", "_evpn_ran"

_stock_run = Peer.run


def install() -> None:
    Peer.run = run


def run(self: Any) -> Any:
    """The first line goes out before the second message is looked at: nobody waits for the end of a batch."""
    if is_held_back(self):
        return ACTION.LATER
    began, received = monotonic(), self.stats[_RECEIVED]
    self.__dict__[_RAN] = began
    action = _stock_run(self)
    if not _has_more(self, action, received, began) or self.neighbor["rate-limit"]:
        return action
    with gathered(self.reactor.processes):
        while _has_more(self, action, received, began):
            received = self.stats[_RECEIVED]
            action = _stock_run(self)
    return action


def is_held_back(peer: Any) -> bool:
    """Whether a helper has more to take than it can: TCP then slows the peer down, and memory stays bounded.

    What the peer says meanwhile is not lost, but late. Now and then it has its turn, so that the session lives.
    """
    if peer.proto is None or monotonic() - peer.__dict__.get(_RAN, 0.0) >= PAUSE:
        return False
    return any(outbox.is_high for outbox in outboxes(peer.reactor.processes).values())


def _has_more(peer: Any, action: Any, received: int, began: float) -> bool:
    return action == ACTION.NOW and peer.stats[_RECEIVED] > received and monotonic() - began < SHARE
