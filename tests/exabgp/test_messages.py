import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evpn.exabgp import messages
from evpn.exabgp.messages import (
    Acknowledged,
    CommandFailed,
    NotificationReceived,
    OpenReceived,
    PeerDown,
    PeersListed,
    PeerState,
    PeerUp,
    RefreshReceived,
    RoutesTold,
    ShutdownAnnounced,
    Unreadable,
    UpdateReceived,
    decode,
)

PEER = "10.77.0.2"
SAMPLES = Path(__file__).parents[3] / "shared" / "reference" / "exabgp-samples.jsonl"


def a_line(kind: str, rest: str, direction: str = "receive") -> bytes:
    """As ExaBGP 5.0 spells it, blanks included."""
    return (
        '{ "exabgp": "5.0.0", "time": 1795372569.4542913, "host" : "s1", "pid" : 27047, "ppid" : 1, "counter": 12, '
        f'"type": "{kind}", "neighbor": {{ "address": {{ "local": "10.77.0.1", "peer": "{PEER}" }}, '
        '"asn": { "local": 65000, "peer": 65000 }, "router-id": "10.77.0.1" '
        f', "direction": "{direction}", {rest} }} }}'
    ).encode()


def a_packet(category: int, body: str, direction: str = "receive") -> bytes:
    message = f'"message": {{ "category": {category}, "header": "0xFFFF", "body": "0x{body}" }}'
    return a_line({1: "open", 2: "update", 3: "notification", 4: "keepalive"}.get(category, "x"), message, direction)


@pytest.mark.parametrize(
    ("line", "fact"),
    [
        (a_packet(2, "00000006800F03001946"), UpdateReceived(PEER, bytes.fromhex("00000006800f03001946"))),
        (a_packet(1, "04FDE8"), OpenReceived(PEER, b"\x04\xfd\xe8")),
        (a_packet(3, "0604"), NotificationReceived(PEER, 6, 4)),
        (a_packet(5, "00190046"), RefreshReceived(PEER, 0)),
        (a_packet(5, "00190146"), RefreshReceived(PEER, 1)),
        (a_packet(5, "00190246"), RefreshReceived(PEER, 2)),
        (a_line("state", '"state": "up"'), PeerUp(PEER)),
        (
            a_line("state", '"state": "down", "reason": "stop, message [shutting down]"'),
            PeerDown(PEER, "stop, message [shutting down]"),
        ),
        (b'{ "exabgp": "5.0.0", "type": "notification", "notification": "shutdown" }', ShutdownAnnounced()),
        (b'{"type": "evpn-ack", "id": 7, "announced": 500, "withdrawn": 2, "pending": 9}', Acknowledged(7, 500, 2)),
        (b'{"type": "evpn-error", "id": 7, "error": "nlri: there is none"}', CommandFailed(7, "nlri: there is none")),
        (b'{"type": "evpn-error", "id": null, "error": "what"}', CommandFailed(0, "what")),
        (b'{"type": "evpn-error", "id": "words", "error": "what"}', CommandFailed(0, "what")),
        (b'{"type": "evpn-routes", "attributes": "4001", "nlri": "0221"}', RoutesTold(b"\x40\x01", b"\2\x21")),
        (
            b'{"type": "evpn-peers", "id": 3, "peers": [{"address": "10.77.0.2", "state": "up", "asn4": true,'
            b' "graceful-restart": 120, "families": ["l2vpn evpn"]}, {"address": "10.77.0.3", "state": "down"}]}',
            PeersListed(3, (PeerState(PEER, True, True, 120), PeerState("10.77.0.3", False, True, 0))),
        ),
    ],
)
def test_what_a_line_says(line: bytes, fact: messages.Fact) -> None:
    assert decode(line) == fact


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"done",
        b"error",
        b"exabgp 5.0.15",
        b"{}",
        a_packet(4, ""),
        a_packet(2, "00000006800F03001946", direction="send"),
        a_packet(9, "00"),
        a_packet(3, "06"),
        a_packet(5, "001900"),
        a_packet(5, "00010201"),
        a_line("state", '"state": "connected"'),
        a_line("negotiated", '"negotiated": {}'),
        b'{"type": "evpn-of-the-future"}',
        b'{"type": "signal", "notification": "SIGTERM"}',
    ],
)
def test_what_means_nothing_to_us(line: bytes) -> None:
    assert decode(line) is None


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b'{"type": 7}',
        b'{"type": "state", "neighbor": []}',
        a_packet(2, "0"),
        a_packet(2, "xyz"),
        b'{"type": "evpn-ack", "announced": "many"}',
        b'{"type": "evpn-routes", "nlri": "xyz"}',
        b'{"type": "evpn-peers", "peers": [{"state": "up"}]}',
        b'{"type": "\xff\xfe"}',
        b'{"x": ' + b"[" * 100_000,
    ],
)
def test_what_cannot_be_read_is_said_to_be_so(line: bytes) -> None:
    assert decode(line) == Unreadable(line)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
FIELDS = st.dictionaries(
    st.sampled_from(["type", "neighbor", "id", "peers", "error", "notification", "announced"]),
    JSON | st.sampled_from(["state", "update", "evpn-ack", "evpn-error", "evpn-peers"]),
)


@given(
    st.binary() | st.binary().map(lambda octets: b"{" + octets) | FIELDS.map(lambda found: json.dumps(found).encode())
)
def test_no_line_is_too_strange(line: bytes) -> None:
    decode(line)


@given(st.binary(max_size=300))
def test_the_octets_of_an_update_come_through_as_they_are(body: bytes) -> None:
    assert decode(a_packet(2, body.hex())) == UpdateReceived(PEER, body)


EXPECTED = {
    ("any", "state up"): PeerUp,
    ("any", "state down"): PeerDown,
    ("any", "shutdown"): ShutdownAnnounced,
    ("packets", "open"): OpenReceived,
    ("packets", "update"): UpdateReceived,
    ("packets", "wire"): UpdateReceived,
    ("packets", "route refresh"): RefreshReceived,
    ("packets", "notification"): NotificationReceived,
}


def test_every_recorded_line_is_the_fact_that_its_title_says() -> None:
    """In the other modes of ExaBGP's encoder the octets are elsewhere: those lines mean nothing, but can be read."""
    if not SAMPLES.exists():
        pytest.skip("the recorded lines are not here")

    for sample in map(json.loads, SAMPLES.read_text().splitlines()):
        expected = next(
            (
                kind
                for (mode, what), kind in EXPECTED.items()
                if (mode, what) == (sample["mode"], sample["what"][: len(what)])
            ),
            type(None),
        )
        assert type(decode(sample["line"].encode())) is expected, sample["what"]
