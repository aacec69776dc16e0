"""AS_PATH and AGGREGATOR in words, as ExaBGP writes them (RFC 4271 section 4.3, RFC 5396)."""

from evpn.exabgp.extension.words import Words, number
from evpn.text import format_ip, parse_ip
from evpn.wire import as_path
from evpn.wire.as_path import AS_SEQUENCE, AS_SET, AsPathSegment
from evpn.wire.errors import WireError

_AGGREGATION = 255  # AS numbers in one segment
_OPENING = {"[": AS_SEQUENCE, "(": AS_SET}
_CLOSING = {AS_SEQUENCE: "]", AS_SET: ")"}


def parse_as_path(words: Words) -> bytes:
    """An AS number, or sequences `[ 1 2 ]` and sets `( 3 4 )` one after the other, or a set in a sequence."""
    path: list[AsPathSegment] = []
    if not words.following(*_OPENING):
        path.append(AsPathSegment(AS_SEQUENCE, (words.value("as-path", _as_number),)))
    while words.following(*_OPENING):
        path += _group(words, _OPENING[words.next("as-path")])
    return as_path.encode(tuple(path))


def describe_as_path(value: bytes) -> str:
    """Empty for what has no words: segments of confederations."""
    try:
        path = as_path.decode(value, asn4=True)
    except WireError:
        return ""
    if not path:
        return "as-path [ ]"
    if any(kind not in _CLOSING for kind, _ in path):
        return ""
    opening = {kind: text for text, kind in _OPENING.items()}
    return " ".join(("as-path", *(f"{opening[kind]} {' '.join(map(str, n))} {_CLOSING[kind]}" for kind, n in path)))


def parse_aggregator(words: Words) -> bytes:
    """`( 65000:10.0.0.3 )`, or without the brackets."""

    def parse(text: str) -> bytes:
        asn, colon, address = text.partition(":")
        router = parse_ip(address) if colon else b""
        if len(router) != 4:
            raise ValueError(f"{text!r} is not an aggregator such as ( 65000:10.0.0.3 )")
        return _as_number(asn).to_bytes(4) + router

    found = words.values("aggregator", parse)
    if len(found) != 1:
        raise ValueError(f"aggregator: {len(found)} of them")
    return found[0]


def describe_aggregator(value: bytes) -> str:
    return f"aggregator ( {int.from_bytes(value[:4])}:{format_ip(value[4:])} )" if len(value) == 8 else ""


def _group(words: Words, kind: int) -> list[AsPathSegment]:
    """What is inside of a bracket that is open."""
    found: list[AsPathSegment] = []
    numbers: list[int] = []
    while True:
        inner = kind == AS_SEQUENCE and words.following("(")
        if inner or words.following(_CLOSING[kind]):
            words.next("as-path")
            if numbers:
                found.append(AsPathSegment(kind, tuple(numbers)))
            if not inner:
                return found
            found += _group(words, AS_SET)
            numbers = []
        elif words.following(","):
            words.next("as-path")
        else:
            numbers.append(words.value("as-path", _as_number))
        if len(numbers) > _AGGREGATION:
            raise ValueError(f"as-path: more than {_AGGREGATION} AS numbers in a row")


def _as_number(text: str) -> int:
    """`65000`, or `1.10` as RFC 5396 writes the large ones."""
    high, dot, low = text.partition(".")
    if dot:
        half = number((1 << 16) - 1)
        return half(high) << 16 | half(low)
    return number((1 << 32) - 1)(text)
