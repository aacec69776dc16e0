"""OPEN (RFC 4271 section 4.2) and the capabilities that matter here (RFC 5492, 4760, 6793, 4724)."""

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple, TypeAlias

from evpn.values import IpAddress
from evpn.wire.errors import Disposition, WireError

Family: TypeAlias = tuple[int, int]

EVPN: Family = (25, 70)

_HEAD = Struct("!BHH4sB")  # version, AS, hold time, identifier, length of the optional parameters
_GRACEFUL_FAMILY = Struct("!HBB")  # AFI, SAFI, flags
_CAPABILITIES = 2
_EXTENDED = b"\xff\xff"  # in place of a length and of a type: lengths of two octets (RFC 9072)

_MULTIPROTOCOL, _GRACEFUL_RESTART, _ASN4 = 1, 64, 65

_TIME = 0xFFF  # under the flags
_FORWARDING_KEPT = 0x80


class GracefulRestart(NamedTuple):
    """RFC 4724 section 3."""

    time: int  # seconds
    families: dict[Family, bool]  # whether forwarding was kept over the restart


class Open(NamedTuple):
    version: int
    as_number: int  # the four-octet one when there is one
    hold_time: int
    router_id: IpAddress
    families: frozenset[Family]
    asn4: bool
    graceful_restart: GracefulRestart | None


def decode(body: bytes) -> Open:
    """A message without its header of 19 octets."""
    if len(body) < _HEAD.size:
        raise WireError(f"OPEN of {len(body)} octets", Disposition.RESET)
    version, asn, hold_time, router_id, _ = _HEAD.unpack_from(body)
    found: dict[int, list[bytes]] = {}
    for code, value in _capabilities(body):
        found.setdefault(code, []).append(value)
    asn4 = _last(found, _ASN4)
    graceful = _last(found, _GRACEFUL_RESTART)
    return Open(
        version,
        int.from_bytes(_sized(asn4, 4)) if asn4 is not None else asn,
        hold_time,
        IpAddress(router_id),
        frozenset(_family(_sized(value, 4)) for value in found.get(_MULTIPROTOCOL, ())),
        asn4 is not None,
        None if graceful is None else _graceful_restart(graceful),
    )


def _capabilities(body: bytes) -> Iterator[tuple[int, bytes]]:
    width, start = 1, _HEAD.size
    end = start + body[start - 1]
    if body[start - 1 : start + 1] == _EXTENDED:
        width, start = 2, start + 3
        end = start + int.from_bytes(body[start - 2 : start])
    if len(body) != end:
        raise WireError(f"OPEN of {len(body)} octets whose parameters say {end}", Disposition.RESET)
    for kind, parameter in _pieces(body[start:], width):
        if kind == _CAPABILITIES:
            yield from _pieces(parameter, 1)


def _pieces(octets: bytes, width: int) -> Iterator[tuple[int, bytes]]:
    """Type, length of so many octets, value."""
    at = 0
    while at < len(octets):
        start = at + 1 + width
        end = start + int.from_bytes(octets[at + 1 : start])
        if max(start, end) > len(octets):
            raise WireError(f"OPEN with parameter or capability {octets[at]} cut short", Disposition.RESET)
        yield octets[at], octets[start:end]
        at = end


def _last(found: dict[int, list[bytes]], code: int) -> bytes | None:
    return found[code][-1] if code in found else None


def _sized(value: bytes, size: int) -> bytes:
    if len(value) != size:
        raise WireError(f"capability of {len(value)} octets instead of {size}", Disposition.RESET)
    return value


def _family(value: bytes) -> Family:
    return int.from_bytes(value[:2]), value[3]


def _graceful_restart(value: bytes) -> GracefulRestart:
    if len(value) % _GRACEFUL_FAMILY.size != 2:
        raise WireError(f"graceful restart capability of {len(value)} octets", Disposition.RESET)
    families = {
        (afi, safi): bool(kept & _FORWARDING_KEPT) for afi, safi, kept in _GRACEFUL_FAMILY.iter_unpack(value[2:])
    }
    return GracefulRestart(int.from_bytes(value[:2]) & _TIME, families)
