"""Messages made of as many of the smallest pieces as fit: sixteen times the octets may not take much more than that.

Time is compared with time, both of this process alone and the least of some: 16 times for what is linear, 256 for what
is quadratic. Memory is counted.
"""

import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from time import thread_time

import pytest

from evpn.exabgp import messages
from evpn.exabgp.extension import bulk, framing, grammar
from evpn.netlink import events, neighbor
from evpn.netlink.errors import NetlinkError
from evpn.packet import sighting
from evpn.text import parse_ip
from evpn.values import ZERO_ESI, EthernetTag, IpAddress, RouteDistinguisher
from evpn.wire import attributes, update
from evpn.wire import open as bgp_open
from evpn.wire.attribute_rules import Attribute
from evpn.wire.attributes import PathAttributes, encode_one
from evpn.wire.errors import WireError
from evpn.wire.routes import IpPrefixRoute, UnknownRoute
from tests.packet.hosts import advertisement

SMALL, LARGE = 4000, 64000
_QUADRATIC = (LARGE // SMALL) ** 2
_ALLOWED = _QUADRATIC / 3

_serial = count()
_VTEP = parse_ip("10.0.0.2")
_NOWHERE = parse_ip("0.0.0.0")


def _body(*given: Attribute) -> bytes:
    block = b"".join(map(encode_one, given))
    return bytes(2) + len(block).to_bytes(2) + block


def _reach(nlri: bytes) -> Attribute:
    return Attribute(0x80, 14, b"\x00\x19\x46\x04" + _VTEP + b"\0" + nlri)


def _with(flags: int, code: int, value: bytes) -> bytes:
    """A new one each time: what has been read is remembered."""
    return _body(Attribute(0x80, 4, next(_serial).to_bytes(4)), Attribute(flags, code, value), _reach(b"\x06\x00"))


def _prefixes(size: int) -> bytes:
    """None leads anywhere."""
    tags = (EthernetTag(number.to_bytes(4)) for number in range(size // 36))
    rd = RouteDistinguisher(bytes(8))
    routes = [IpPrefixRoute(rd, ZERO_ESI, tag, IpAddress(_NOWHERE), 0, IpAddress(_NOWHERE), 0) for tag in tags]
    return update.encode_announce(routes, _VTEP, PathAttributes())


def _repeated(size: int) -> bytes:
    block = encode_one(_reach(b"\x06\x00")) + next(_serial).to_bytes(4).join((b"\x80\x04\x04", b""))
    block += b"\xc0\x63\x00" * (size // 3)
    return bytes(2) + len(block).to_bytes(2) + block


def _datagram(kind: int, head: bytes, size: int) -> bytes:
    payload = head + b"\x04\x00\x7f\x00" * (size // 4)
    return (16 + len(payload)).to_bytes(4, "little") + kind.to_bytes(2, "little") + bytes(10) + payload


def _packet(size: int) -> bytes:
    body = update.encode_withdraw([UnknownRoute(6, b"")] * (size // 4))
    return b'{"type":"update","neighbor":{"direction":"receive","message":{"category":2,"body":"0x%s"}}}' % (
        body.hex().encode()
    )


def _open(size: int) -> bytes:
    parameters = b"\x02\x00\x02\x02\x00" * (size // 5)
    return bytes(9) + b"\xff\xff" + len(parameters).to_bytes(2) + parameters


def _line(head: str, piece: str) -> Callable[[int], list[str]]:
    return lambda size: (head + piece * (size // len(piece))).split()


READERS: dict[str, tuple[Callable[..., object], Callable[[int], object]]] = {
    "unknown routes": (update.decode, lambda size: _body(_reach(b"\x06\x00" * (size // 2)))),
    "withdrawn routes": (update.decode, lambda size: update.encode_withdraw([UnknownRoute(6, b"")] * (size // 2))),
    "malformed routes": (update.decode, lambda size: _body(_reach(b"\x02\x00" * (size // 2)))),
    "prefixes to nowhere": (update.decode, _prefixes),
    "repeated attributes": (update.decode, _repeated),
    "AS path": (update.decode, lambda size: _with(0x40, 2, b"\x02\x01\0\0\0\1" * (size // 6))),
    "old AS path": (
        lambda body: update.decode(body, asn4=False),
        lambda size: _body(
            Attribute(0x40, 2, next(_serial).to_bytes(2).join((b"\2\1", b"\2\1\0\1" * (size // 8)))),
            Attribute(0xC0, 17, b"\2\1\0\0\0\1" * (size // 12)),
            _reach(b"\x06\x00"),
        ),
    ),
    "communities": (update.decode, lambda size: _with(0xC0, 16, b"\0\2\0\1\0\0\0\1" * (size // 8))),
    "framing": (framing.check, lambda size: _body(_reach(b"\x06\x00" * (size // 2)))),
    "framing of attributes": (framing.check, _repeated),
    "capabilities": (bgp_open.decode, _open),
    "attributes of a row": (neighbor.decode, lambda size: _datagram(28, bytes(12), size)),
    "attributes of a link": (events.decode, lambda size: _datagram(16, bytes(16), size)),
    "messages": (events.decode, lambda size: (b"\x10\0\0\0\x18\0" + bytes(10)) * (size // 16)),
    "options of an advertisement": (
        sighting.decode,
        lambda size: advertisement(options=(b"\x0e\x01" + bytes(6)) * (size // 8)),
    ),
    "a line": (messages.decode, _packet),
    "nesting": (messages.decode, lambda size: b'{"x":' + b"[" * size),
    "routes of a command": (
        lambda words: bulk.parse(words, True),
        _line("attributes 400101 next-hop 0a000003", " nlri 0600"),
    ),
    "attributes in words": (
        lambda words: grammar.parse(words, True),
        _line("raw nlri 0x0600 next-hop self", " attribute [ 0x63 0xc0 0x ]"),
    ),
    "an AS path in words": (
        lambda words: grammar.parse(words, True),
        _line("raw nlri 0x0600 next-hop self as-path [", " ( 1 )"),
    ),
    "brackets": (lambda words: grammar.parse(words, True), _line("mac-ip vni ", "[")),
}


@pytest.mark.parametrize("reader, made", READERS.values(), ids=READERS)
def test_time_grows_with_the_octets(reader: Callable[..., object], made: Callable[[int], object]) -> None:
    small, large = (min(_spent(reader, made(size)) for _ in range(3)) for size in (SMALL, LARGE))

    assert large < small * _ALLOWED + 0.001


def _spent(reader: Callable[..., object], given: object) -> float:
    start = thread_time()
    with suppress(WireError, NetlinkError, ValueError):
        reader(given)
    return thread_time() - start


def test_what_peers_make_up_is_not_remembered() -> None:
    """Each of these left half a megabyte, and 32768 of them were kept."""
    bodies = [_repeated(4000) for _ in range(8)] + [_with(0xC0, 8, bytes(4) * 900) for _ in range(8)]

    tracemalloc.start()
    try:
        for body in bodies:
            update.decode(body)
        left, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert left < 100_000


def test_short_attributes_without_fault_are_remembered_up_to_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attributes, "_MOST", 10)
    monkeypatch.setattr(attributes, "_remembered", {})

    for number in range(25):
        attributes.decode(b"\x40\x01\x01\x00\x40\x02\x00\x80\x04\x04" + number.to_bytes(4))

    assert len(attributes._remembered) == 5
