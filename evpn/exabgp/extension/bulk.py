"""The bulk form, for programs: attributes once, many routes, in hexadecimal.

announce evpn bulk [id N] [attributes HEX] next-hop HEX nlri HEX [nlri HEX ...]
withdraw evpn bulk [id N] nlri HEX [nlri HEX ...]
"""

from typing import NamedTuple

from evpn.exabgp.extension.attributes import checked
from evpn.exabgp.extension.table import Keyed, keyed

_NEXT_HOP_SIZES = (4, 16)


class Bulk(NamedTuple):
    attributes: bytes
    next_hop: bytes
    routes: list[Keyed]


def parse(words: list[str], announce: bool) -> Bulk:
    """All of the line or none of it: a `ValueError` or `WireError` names what cannot be used."""
    values = _values(words)
    routes = [route for text in values.pop("nlri", []) for route in keyed(_octets("nlri", text))]
    if not routes:
        raise ValueError("nlri: there is none")
    attributes = _octets("attributes", *values.pop("attributes", [""]))
    next_hop = _octets("next-hop", *values.pop("next-hop", [""]))
    if values:
        raise ValueError(f"{next(iter(values))!r} is not one of: id, attributes, next-hop, nlri")
    if announce and len(next_hop) not in _NEXT_HOP_SIZES:
        raise ValueError(f"next-hop: {len(next_hop)} octets, not 4 or 16")
    return Bulk(checked(attributes), next_hop, routes)


def _values(words: list[str]) -> dict[str, list[str]]:
    if len(words) % 2:
        raise ValueError(f"{words[-1][:40]!r} is not followed by a value")
    values: dict[str, list[str]] = {}
    for word, text in zip(words[::2], words[1::2], strict=True):
        if word in values and word != "nlri":
            raise ValueError(f"{word!r} is there twice")
        values.setdefault(word, []).append(text)
    return values


def _octets(word: str, text: str) -> bytes:
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raise ValueError(f"{word}: {text[:40]!r} is not hexadecimal") from None
