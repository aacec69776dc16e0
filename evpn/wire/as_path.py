"""AS_PATH and AS4_PATH (RFC 4271 section 4.3, RFC 6793): segments of two- or four-octet AS numbers."""

from struct import Struct, pack, unpack_from
from typing import NamedTuple, TypeAlias

from evpn.wire.errors import WireError

AS_SET, AS_SEQUENCE, CONFED_SEQUENCE, CONFED_SET = 1, 2, 3, 4

_HEAD = Struct("!BB")  # segment type, number of AS numbers
_MOST_PER_SEGMENT = 255


class AsPathSegment(NamedTuple):
    kind: int
    as_numbers: tuple[int, ...]


AsPath: TypeAlias = tuple[AsPathSegment, ...]


def decode(value: bytes, asn4: bool) -> AsPath:
    width, letter = (4, "I") if asn4 else (2, "H")
    path, at = [], 0
    while at < len(value):
        if at + _HEAD.size > len(value):
            raise WireError("AS_PATH segment without its head")
        kind, count = _HEAD.unpack_from(value, at)
        at += _HEAD.size
        if not AS_SET <= kind <= CONFED_SET or not count or at + count * width > len(value):
            raise WireError(f"AS_PATH segment of type {kind} with {count} AS numbers")
        path.append(AsPathSegment(kind, unpack_from(f"!{count}{letter}", value, at)))
        at += count * width
    return tuple(path)


def encode(path: AsPath) -> bytes:
    """With four-octet AS numbers."""
    return b"".join([_HEAD.pack(kind, len(asns)) + pack(f"!{len(asns)}I", *asns) for kind, asns in path])


def length(path: AsPath) -> int:
    """As best path counts it: a set is one, a confederation none (RFC 4271 section 9.1.2.2, RFC 5065 section 5.3)."""
    return sum(_weight(segment) for segment in path)


def merge(path: AsPath, path4: AsPath) -> AsPath:
    """The whole path as known from its two-octet form and what AS4_PATH adds (RFC 6793 section 4.2.3).

    Confederation segments do not belong into AS4_PATH and are left out (RFC 6793 section 6).
    """
    path4 = tuple(segment for segment in path4 if segment.kind in (AS_SET, AS_SEQUENCE))
    surplus = length(path) - length(path4)
    if surplus < 0 or not path4:
        return path
    head: list[AsPathSegment] = []
    for segment in path:
        if surplus == 0:
            break
        if segment.kind == AS_SEQUENCE:
            segment = AsPathSegment(AS_SEQUENCE, segment.as_numbers[:surplus])  # noqa: PLW2901
        head.append(segment)
        surplus -= _weight(segment)
    return _joined((*head, *path4))


def _joined(path: AsPath) -> AsPath:
    """Neighbouring sequences as one."""
    joined: list[AsPathSegment] = []
    for kind, asns in path:
        last = joined[-1] if joined else None
        if last and kind == last.kind == AS_SEQUENCE and len(last.as_numbers) + len(asns) <= _MOST_PER_SEGMENT:
            joined[-1] = AsPathSegment(kind, last.as_numbers + asns)
        else:
            joined.append(AsPathSegment(kind, asns))
    return tuple(joined)


def _weight(segment: AsPathSegment) -> int:
    return {AS_SEQUENCE: len(segment.as_numbers), AS_SET: 1}.get(segment.kind, 0)
