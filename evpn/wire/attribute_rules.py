"""What makes a path attribute well formed, and what becomes of an UPDATE where it is not (RFC 7606 section 7)."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from evpn.wire import as_path
from evpn.wire.errors import Disposition, WireError
from evpn.wire.pmsi import PmsiTunnel

OPTIONAL, TRANSITIVE, PARTIAL, EXTENDED_LENGTH = 0x80, 0x40, 0x20, 0x10

ORIGIN, AS_PATH, NEXT_HOP, MED, LOCAL_PREF, ATOMIC_AGGREGATE, AGGREGATOR, COMMUNITIES = range(1, 9)
ORIGINATOR_ID, CLUSTER_LIST, MP_REACH, MP_UNREACH, EXTENDED_COMMUNITIES = 9, 10, 14, 15, 16
AS4_PATH, AS4_AGGREGATOR, PMSI_TUNNEL, LARGE_COMMUNITIES = 17, 18, 22, 32

_OF_ROUTES = (bytes((MP_REACH,)), bytes((MP_UNREACH,)))


class Attribute(NamedTuple):
    flags: int
    code: int
    value: bytes


class Frame(NamedTuple):
    """Where in a block an attribute is."""

    start: int
    code: int
    flags: int
    value: int
    end: int


class Rule(NamedTuple):
    name: str
    flags: int
    well_formed: Callable[[bytes, bool], bool]  # of the value, with four-octet AS numbers or not
    disposition: Disposition = Disposition.WITHDRAW


def frames(block: bytes) -> Iterator[Frame]:
    """Attribute by attribute; raises where one overruns the block, after those before it.

    One that holds routes takes them along: they cannot be located, so the session is to be reset.
    """
    at, size = 0, len(block)
    while at < size:
        value = at + (4 if block[at] & EXTENDED_LENGTH else 3)
        end = value + int.from_bytes(block[at + 2 : value])
        if max(value, end) > size:
            head, disposition = block[at:value], Disposition.WITHDRAW
            if head[1:2] in _OF_ROUTES:
                disposition = Disposition.RESET
            what = "cut short" if value > size else "overruns its block"
            raise WireError(f"path attribute {what} at {at} of {size} octets: 0x{head.hex()}", disposition)
        yield Frame(at, block[at + 1], block[at], value, end)
        at = end


def carve(block: bytes) -> tuple[dict[int, Attribute], list[WireError]]:
    """By code, the first of each (RFC 7606 section 3 g); one fault for all that repeat it: there may be thousands."""
    found: dict[int, Attribute] = {}
    repeated: dict[int, WireError] = {}
    overruns: list[WireError] = []
    try:
        for frame in frames(block):
            if frame.code in found:
                if frame.code not in repeated:
                    repeated[frame.code] = WireError(f"path attribute {frame.code} is repeated", Disposition.DISCARD)
            else:
                flags = frame.flags & (OPTIONAL | TRANSITIVE | PARTIAL)
                found[frame.code] = Attribute(flags, frame.code, block[frame.value : frame.end])
    except WireError as overrun:
        overruns.append(overrun.with_traceback(None))
    return found, [*repeated.values(), *overruns]


def obey_session(found: dict[int, Attribute], external: bool) -> list[WireError]:
    """Drops what may not come from such a peer, however well formed (RFC 7606 sections 7.5, 7.9, 7.10)."""
    if not external:
        return [] if LOCAL_PREF in found else [WireError("no LOCAL_PREF from an internal peer")]
    internal = [code for code in (LOCAL_PREF, ORIGINATOR_ID, CLUSTER_LIST) if found.pop(code, None)]
    faults = [WireError(f"{RULES[code].name} from an external peer", Disposition.DISCARD) for code in internal]
    if AS_PATH in found and not found[AS_PATH].value:  # at least its own AS number is missing (RFC 4271 section 5.1.2)
        faults.append(WireError("empty AS_PATH from an external peer"))
    return faults


def fault_of(attribute: Attribute, asn4: bool) -> WireError | None:
    flags, code, value = attribute
    rule = RULES.get(code)
    if rule is None:
        return None if flags & OPTIONAL else WireError(f"well-known path attribute {code} is not known")
    if (flags ^ rule.flags) & (OPTIONAL | TRANSITIVE):
        return WireError(f"{rule.name} with flags {flags:#04x}")
    if not rule.well_formed(value, asn4):
        return WireError(f"{rule.name} of {len(value)} octets, 0x{value[:32].hex()}", rule.disposition)
    return None


def _sized(*sizes: int) -> Callable[[bytes, bool], bool]:
    return lambda value, asn4: len(value) in sizes


def _list_of(size: int) -> Callable[[bytes, bool], bool]:
    """Not empty, and whole items of this size."""
    return lambda value, asn4: len(value) > 0 and len(value) % size == 0


def _is_path(value: bytes, asn4: bool) -> bool:
    """Nobody's AS number is 0 (RFC 7607 section 2)."""
    try:
        path = as_path.decode(value, asn4)
    except WireError:
        return False
    return all(0 not in segment.as_numbers for segment in path)


def _is_aggregator(value: bytes, asn4: bool) -> bool:
    width = 4 if asn4 else 2
    return len(value) == width + 4 and any(value[:width])


def _is_tunnel(value: bytes, asn4: bool) -> bool:
    try:
        PmsiTunnel.decode(value)
    except WireError:
        return False
    return True


RULES = {
    ORIGIN: Rule("ORIGIN", TRANSITIVE, lambda value, asn4: value in (b"\0", b"\1", b"\2")),
    AS_PATH: Rule("AS_PATH", TRANSITIVE, _is_path),
    NEXT_HOP: Rule("NEXT_HOP", TRANSITIVE, lambda value, asn4: True),  # MP_REACH has it (RFC 4760 section 3)
    MED: Rule("MULTI_EXIT_DISC", OPTIONAL, _sized(4)),
    LOCAL_PREF: Rule("LOCAL_PREF", TRANSITIVE, _sized(4)),
    ATOMIC_AGGREGATE: Rule("ATOMIC_AGGREGATE", TRANSITIVE, _sized(0), Disposition.DISCARD),
    AGGREGATOR: Rule("AGGREGATOR", OPTIONAL | TRANSITIVE, _is_aggregator, Disposition.DISCARD),
    AS4_PATH: Rule(
        "AS4_PATH",
        OPTIONAL | TRANSITIVE,
        lambda value, asn4: asn4 or _is_path(value, True),  # not looked at between four-octet speakers
        Disposition.DISCARD,
    ),
    AS4_AGGREGATOR: Rule(
        "AS4_AGGREGATOR", OPTIONAL | TRANSITIVE, lambda value, asn4: _is_aggregator(value, True), Disposition.DISCARD
    ),
    COMMUNITIES: Rule("COMMUNITIES", OPTIONAL | TRANSITIVE, _list_of(4)),
    ORIGINATOR_ID: Rule("ORIGINATOR_ID", OPTIONAL, _sized(4)),
    CLUSTER_LIST: Rule("CLUSTER_LIST", OPTIONAL, _list_of(4)),
    EXTENDED_COMMUNITIES: Rule("EXTENDED_COMMUNITIES", OPTIONAL | TRANSITIVE, _list_of(8)),
    PMSI_TUNNEL: Rule("PMSI_TUNNEL", OPTIONAL | TRANSITIVE, _is_tunnel),
    LARGE_COMMUNITIES: Rule("LARGE_COMMUNITIES", OPTIONAL | TRANSITIVE, _list_of(12)),
}
