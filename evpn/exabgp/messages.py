"""Lines from ExaBGP -> facts (ExaBGP's JSON encoder, `receive { packets; }`, and the extension's answers).

Of a packets line only the neighbor's address, the direction, the category and the body are used. A line that means
nothing to us is None; a line that cannot be read is an `Unreadable`, to be counted.
"""

from typing import NamedTuple

import msgspec

_EVPN = b"\x00\x19\x46"  # AFI 25, SAFI 70
_OPEN, _UPDATE, _NOTIFICATION, _KEEPALIVE, _REFRESH = 1, 2, 3, 4, 5


class UpdateReceived(NamedTuple):
    peer: str
    body: bytes
    """Without the 19 octets of header (RFC 4271 section 4.3)."""


class OpenReceived(NamedTuple):
    peer: str
    body: bytes


class RefreshReceived(NamedTuple):
    """ROUTE-REFRESH of EVPN: 0 is a request, 1 begins and 2 ends an answer (RFC 7313)."""

    peer: str
    subtype: int


class NotificationReceived(NamedTuple):
    peer: str
    code: int
    subcode: int


class PeerUp(NamedTuple):
    peer: str


class PeerDown(NamedTuple):
    peer: str
    reason: str


class PeerState(NamedTuple):
    """One session as the extension knows it, for an agent that was not there when it came up."""

    address: str
    up: bool
    asn4: bool
    graceful_restart: int


class PeersListed(NamedTuple):
    id: int
    peers: tuple[PeerState, ...]


class RoutesTold(NamedTuple):
    """Routes of ours that ExaBGP has from before: packed attributes that they share, and their NLRI."""

    attributes: bytes
    nlri: bytes


class Acknowledged(NamedTuple):
    id: int
    announced: int
    withdrawn: int


class CommandFailed(NamedTuple):
    id: int
    error: str


class ShutdownAnnounced(NamedTuple):
    """ExaBGP is about to end us."""


class Unreadable(NamedTuple):
    line: bytes


Fact = (
    UpdateReceived
    | OpenReceived
    | RefreshReceived
    | NotificationReceived
    | PeerUp
    | PeerDown
    | PeersListed
    | RoutesTold
    | Acknowledged
    | CommandFailed
    | ShutdownAnnounced
    | Unreadable
)


class _Address(msgspec.Struct):
    peer: str = ""


class _Message(msgspec.Struct):
    category: int = 0
    body: str = "0x"


class _Neighbor(msgspec.Struct):
    address: _Address = msgspec.field(default_factory=_Address)
    state: str = ""
    reason: str = ""
    direction: str = ""
    message: _Message | None = None


class _Peer(msgspec.Struct, rename={"graceful_restart": "graceful-restart"}):
    address: str
    state: str = "down"
    asn4: bool = True
    graceful_restart: int = 0


class _Line(msgspec.Struct):
    type: str = ""
    notification: str = ""
    neighbor: _Neighbor | None = None
    id: int | str | None = None
    """None in an answer to a line that had none; words only to somebody else's."""
    announced: int = 0
    withdrawn: int = 0
    error: str = ""
    attributes: str = ""
    nlri: str = ""
    peers: list[_Peer] = []


_decode = msgspec.json.Decoder(_Line).decode


def decode(line: bytes) -> Fact | None:
    """One line, without its newline."""
    if not line.startswith(b"{"):
        # answers of commands that are not ours: done, error, text of show commands
        return None
    try:
        parsed = _decode(line)
        if parsed.type.startswith("evpn-"):
            return _answer(parsed)
        return _event(parsed)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return Unreadable(line)


def _event(line: _Line) -> Fact | None:
    neighbor = line.neighbor
    if neighbor is None:
        return ShutdownAnnounced() if line.notification == "shutdown" else None
    peer = neighbor.address.peer
    if line.type == "state":
        if neighbor.state == "up":
            return PeerUp(peer)
        return PeerDown(peer, neighbor.reason) if neighbor.state == "down" else None
    if neighbor.message is None or neighbor.direction != "receive":
        return None
    return _packet(peer, neighbor.message.category, bytes.fromhex(neighbor.message.body[2:]))


def _packet(peer: str, category: int, body: bytes) -> Fact | None:
    if category == _UPDATE:
        return UpdateReceived(peer, body)
    if category == _OPEN:
        return OpenReceived(peer, body)
    if category == _REFRESH and len(body) == 4 and body[:2] + body[3:] == _EVPN:
        return RefreshReceived(peer, body[2])
    if category == _NOTIFICATION and len(body) >= 2:
        return NotificationReceived(peer, body[0], body[1])
    return None


def _answer(line: _Line) -> Fact | None:
    identity = line.id if isinstance(line.id, int) else 0
    if line.type == "evpn-ack":
        return Acknowledged(identity, line.announced, line.withdrawn)
    if line.type == "evpn-error":
        return CommandFailed(identity, line.error)
    if line.type == "evpn-routes":
        return RoutesTold(bytes.fromhex(line.attributes), bytes.fromhex(line.nlri))
    if line.type == "evpn-peers":
        states = (PeerState(peer.address, peer.state == "up", peer.asn4, peer.graceful_restart) for peer in line.peers)
        return PeersListed(identity, tuple(states))
    return None
