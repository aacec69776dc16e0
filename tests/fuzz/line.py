"""Lines of ExaBGP, and what an agent makes of them: each is a fact, nothing, or counted as unreadable."""

from evpn.agent.session import Session
from evpn.exabgp import messages
from evpn.exabgp.messages import Fact, Unreadable, UpdateReceived
from tests.builders import RR1, RR2
from tests.fuzz.agent import an_agent, check_rib, check_rows
from tests.fuzz.corpus import kept
from tests.wire.captured import captured

_HEAD = '{ "exabgp": "5.0.0", "time": 1795372569.4542913, "host" : "s1", "pid" : 27047, "ppid" : 1, "counter": 12, '
_PEER = f'"neighbor": {{ "address": {{ "local": "10.0.0.10", "peer": "{RR1}" }}, "asn": {{ "peer": 65000 }} '


def _packet(kind: str, category: int, body: bytes) -> str:
    message = f'"message": {{ "category": {category}, "header": "0xFFFF", "body": "0x{body.hex().upper()}" }}'
    return f'{_HEAD}"type": "{kind}", {_PEER}, "direction": "receive", {message} }} }}'


SEEDS = kept("recorded-line") | {
    name: line.encode()
    for name, line in {
        "update": _packet("update", 2, captured("frr-mac")),
        "open": _packet("open", 1, captured("frr-open")),
        "end-of-rib": _packet("update", 2, captured("frr-end-of-rib")),
        "notification": _packet("notification", 3, b"\6\4"),
        "refresh": _packet("refresh", 5, bytes.fromhex("00190246")),
        "up": f'{_HEAD}"type": "state", {_PEER}, "state": "up" }} }}',
        "down": f'{_HEAD}"type": "state", {_PEER}, "state": "down", "reason": "stop, message [shutting down]" }} }}',
        "shutdown": '{ "exabgp": "5.0.0", "type": "notification", "notification": "shutdown" }',
        "acknowledged": '{"type": "evpn-ack", "id": 7, "announced": 500, "withdrawn": 2, "pending": 9}',
        "failed": '{"type": "evpn-error", "id": "x", "error": "nlri: there is none"}',
        "routes": '{"type": "evpn-routes", "attributes": "400101004002004005040000006 4", "nlri": "0221"}',
        "peers": '{"type": "evpn-peers", "id": 3, "peers": [{"address": "10.0.0.252", "state": "up", "asn4": true,'
        ' "graceful-restart": 120, "families": ["l2vpn evpn"]}, {"address": "10.0.0.251", "state": "down"}]}',
        "words": "done\nerror\nexabgp 5.0.15",
    }.items()
}
WORDS = (
    *('"type"', '"neighbor"', '"address"', '"peer"', '"state"', '"reason"', '"direction"', '"receive"', '"message"'),
    *('"category"', '"body"', '"id"', '"announced"', '"withdrawn"', '"error"', '"attributes"', '"nlri"', '"peers"'),
    *('"asn4"', '"graceful-restart"', '"evpn-ack"', '"evpn-error"', '"evpn-routes"', '"evpn-peers"', '"notification"'),
    *('"shutdown"', '"up"', '"down"', "null", "true", "false", "1e400", "-1", "18446744073709551616", '"\\ud800"'),
    *(f'"{RR1}"', f'"{RR2}"', "\\n", "[", "]", "{", "}"),
)
LONGEST = 4096


def check(octets: bytes) -> None:
    core = an_agent()
    session = Session(core)
    known = set(core.peers.peers)
    lines = octets.split(b"\n")
    unreadable = 0
    for line in lines:
        fact = messages.decode(line)
        _check_fact(line, fact)
        unreadable += isinstance(fact, Unreadable)
        for answer in session.hear(fact, 1.0) if fact is not None else ():
            assert answer.endswith(b"\n") and answer.count(b"\n") == 1 and answer.isascii()
    assert session.unreadable == unreadable
    assert set(core.peers.peers) == known, "a line made a neighbor"
    core.settle(1.0)
    check_rib(core.rib)
    check_rows(core)


def _check_fact(line: bytes, fact: Fact | None) -> None:
    assert messages.decode(line) == fact
    assert line.startswith(b"{") or fact is None
    assert not isinstance(fact, Unreadable) or fact.line == line
    assert not isinstance(fact, UpdateReceived) or line.find(fact.body[:1].hex().encode()) or not fact.body
