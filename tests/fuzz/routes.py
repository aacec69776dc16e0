"""What peers say, one message after the other, from UPDATE to the rows that are wanted in the kernel.

An input is a row of items: an octet for what happens and to which peer, two for a length, and a body of an UPDATE.
"""

from collections.abc import Iterator

from evpn.wire import update
from tests.builders import RR1, RR2
from tests.fuzz.agent import an_agent, check_rib, check_rows
from tests.wire.captured import UPDATES, captured

LONGEST = 4096
WORDS = ()

_PEERS = (RR1, RR2)
_DOWN, _UP, _LATER = 13, 14, 15


def _item(what: int, body: bytes = b"", peer: int = 0) -> bytes:
    return bytes((what << 4 | peer,)) + len(body).to_bytes(2) + body


SEEDS = {
    **{name: _item(0, captured(name)) for name in UPDATES},
    "two-peers": b"".join(_item(0, captured("frr-mac"), peer) for peer in range(2)),
    "moved": _item(0, captured("frr-mac")) + _item(0, captured("frr-mac-moved"), 1),
    "withdrawn": _item(0, captured("frr-mac-ip-v4")) + _item(0, captured("frr-withdraw-all")),
    "lost": _item(0, captured("frr-multicast")) + _item(_DOWN) + _item(_LATER) + _item(_UP) + _item(_LATER),
}


def check(octets: bytes) -> None:
    core, now = an_agent(), 0.0
    for what, peer, body in _items(octets):
        if what == _DOWN:
            core.peer_down(peer, "", now)
        elif what == _UP:
            core.peer_up(peer, now)
        elif what == _LATER:
            now += 100.0
            core.settle(now)
        else:
            core.update_received(peer, body)
    while not core.rib.is_settled:
        core.settle(now)
    check_rib(core.rib)
    core.settle(now)
    check_rows(core)
    for paths in list(core.rib.routes.values()):
        for path in paths:
            core.update_received(path.peer, update.encode_withdraw([path.route]))
    core.settle(now)
    assert core.rib.routes == {} and not any(core.rib.paths_of.values())
    for segment in core.dataplane.segments.values():
        assert not (segment.macs.desired or segment.flood.desired or segment.neighbors.desired)


def _items(octets: bytes) -> Iterator[tuple[int, str, bytes]]:
    while octets:
        end = 3 + int.from_bytes(octets[1:3])
        yield octets[0] >> 4, _PEERS[octets[0] & 1], octets[3:end]
        octets = octets[end:]
