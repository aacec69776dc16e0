"""Path attributes (RFC 4271 section 4.3), read with the rules of RFC 7606; MP_REACH and MP_UNREACH are `update`'s.

`attribute_rules` says what is well formed and what becomes of the rest; here is only what the values mean.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TypeAlias

from evpn.values import ExtendedCommunity, IpAddress, MacAddress, RouteTarget, RouteTargetPattern
from evpn.wire import as_path, communities
from evpn.wire import attribute_rules as rules
from evpn.wire.as_path import AsPath
from evpn.wire.attribute_rules import OPTIONAL, TRANSITIVE, Attribute
from evpn.wire.communities import Mobility
from evpn.wire.errors import WireError
from evpn.wire.pmsi import PmsiTunnel

IGP, EGP, INCOMPLETE = 0, 1, 2

_AS_TRANS = b"\x5b\xa0"
_READ = (set(rules.RULES) | {rules.MP_REACH, rules.MP_UNREACH}) - {rules.ATOMIC_AGGREGATE}


@dataclass(frozen=True)
class PathAttributes:
    """What the routes of an UPDATE share; the next hop travels with them and is not here.

    No slots: what is worked out from the communities is kept beside them.
    """

    origin: int = IGP
    as_path: AsPath = ()
    med: int | None = None
    local_preference: int | None = None
    communities: tuple[bytes, ...] = ()
    originator_id: IpAddress | None = None
    cluster_list: tuple[IpAddress, ...] = ()
    extended: tuple[ExtendedCommunity, ...] = ()
    pmsi: PmsiTunnel | None = None
    large_communities: tuple[bytes, ...] = ()
    unknown: tuple[Attribute, ...] = ()  # the transitive ones that mean nothing here

    @cached_property
    def as_numbers(self) -> frozenset[int]:
        """Every AS on the way, for the loop check."""
        return frozenset(chain.from_iterable(segment.as_numbers for segment in self.as_path))

    @cached_property
    def as_path_length(self) -> int:
        return as_path.length(self.as_path)

    @cached_property
    def route_targets(self) -> frozenset[RouteTarget]:
        return frozenset(RouteTarget(value) for value in self.extended if communities.is_route_target(value))

    @cached_property
    def import_patterns(self) -> frozenset[RouteTargetPattern]:
        """Whatever an import may name to get these routes: the targets, and their local parts."""
        local_parts = {communities.local_part(target) for target in self.route_targets}
        return frozenset(map(RouteTargetPattern, self.route_targets)) | local_parts

    @cached_property
    def mobility(self) -> Mobility:
        return next(filter(None, map(communities.mac_mobility_of, self.extended)), Mobility())

    @cached_property
    def vxlan(self) -> bool:
        """Whether VXLAN may carry it; to say nothing is to say yes, as FRR has it (RFC 8365 section 5.1.3 does not)."""
        tunnels = {communities.encapsulation_of(value) for value in self.extended} - {None}
        return not tunnels or communities.VXLAN in tunnels

    @cached_property
    def default_gateway(self) -> bool:
        return any(map(communities.is_default_gateway, self.extended))

    @cached_property
    def immovable(self) -> bool:
        """Whether the MAC stays where it is: sticky, or a default gateway's (RFC 7432 sections 7.7, 10.1)."""
        return self.mobility.sticky or self.default_gateway

    @cached_property
    def arp_nd(self) -> int | None:
        """Flags of the first such community; others are not looked at (RFC 9047 section 3.2)."""
        return next((flags for flags in map(communities.arp_nd_of, self.extended) if flags is not None), None)

    @cached_property
    def router_mac(self) -> MacAddress | None:
        return next(filter(None, map(communities.router_mac_of, self.extended)), None)


_MOST, _LONGEST, _MOST_FAULTS = 1 << 14, 256, 4
"""Blocks that are remembered, octets and faults of one: 0.1 GiB at the worst. What a peer can make up would be 17."""

_Decoded: TypeAlias = tuple[PathAttributes, tuple[WireError, ...]]
_remembered: dict[tuple[bytes, bool, bool | None], _Decoded] = {}


def decode(octets: bytes, asn4: bool = True, external: bool | None = None) -> _Decoded:
    """Whatever can be read, and what was wrong; the same octets give the same object, for very many UPDATEs share them.

    `external` is said of the peer; without it nothing is asked that depends on the kind of session.
    """
    key = (octets, asn4, external)
    known = _remembered.get(key)
    if known is not None:
        return known
    decoded = _decode(octets, asn4, external)
    if len(octets) <= _LONGEST and len(decoded[1]) <= _MOST_FAULTS:
        if len(_remembered) >= _MOST:
            _remembered.clear()
        _remembered[key] = decoded
    return decoded


def _decode(octets: bytes, asn4: bool, external: bool | None) -> _Decoded:
    found, faults = rules.carve(octets)
    if external is not None:
        faults += rules.obey_session(found, external)
    faults += [WireError(f"no {rules.RULES[code].name}") for code in (rules.ORIGIN, rules.AS_PATH) if code not in found]
    sound = {}
    for code, attribute in found.items():
        fault = rules.fault_of(attribute, asn4)
        if fault:
            faults.append(fault)
        else:
            sound[code] = attribute
    return _read(sound, asn4), tuple(faults)


def encode(attributes: PathAttributes) -> bytes:
    """In the order of their codes, with four-octet AS numbers."""
    a = attributes
    given = [
        Attribute(TRANSITIVE, rules.ORIGIN, bytes((a.origin,))),
        Attribute(TRANSITIVE, rules.AS_PATH, as_path.encode(a.as_path)),
        *a.unknown,
    ]
    if a.med is not None:
        given.append(Attribute(OPTIONAL, rules.MED, a.med.to_bytes(4)))
    if a.local_preference is not None:
        given.append(Attribute(TRANSITIVE, rules.LOCAL_PREF, a.local_preference.to_bytes(4)))
    if a.originator_id is not None:
        given.append(Attribute(OPTIONAL, rules.ORIGINATOR_ID, a.originator_id))
    if a.pmsi is not None:
        given.append(Attribute(OPTIONAL | TRANSITIVE, rules.PMSI_TUNNEL, a.pmsi.encode()))
    lists: tuple[tuple[int, int, tuple[bytes, ...]], ...] = (
        (OPTIONAL | TRANSITIVE, rules.COMMUNITIES, a.communities),
        (OPTIONAL, rules.CLUSTER_LIST, a.cluster_list),
        (OPTIONAL | TRANSITIVE, rules.EXTENDED_COMMUNITIES, a.extended),
        (OPTIONAL | TRANSITIVE, rules.LARGE_COMMUNITIES, a.large_communities),
    )
    given += [Attribute(flags, code, b"".join(items)) for flags, code, items in lists if items]
    return b"".join([encode_one(attribute) for attribute in sorted(given, key=lambda attribute: attribute.code)])


def encode_one(attribute: Attribute) -> bytes:
    flags, code, value = attribute
    if len(value) > 255:
        return bytes((flags | rules.EXTENDED_LENGTH, code)) + len(value).to_bytes(2) + value
    return bytes((flags, code, len(value))) + value


def _read(sound: dict[int, Attribute], asn4: bool) -> PathAttributes:
    """From well-formed attributes; none of this can fail."""
    values = {code: attribute.value for code, attribute in sound.items()}
    pmsi = values.get(rules.PMSI_TUNNEL)
    originator = values.get(rules.ORIGINATOR_ID)
    return PathAttributes(
        origin=values.get(rules.ORIGIN, b"\0")[0],
        as_path=_whole_path(values, asn4),
        med=_number(values.get(rules.MED)),
        local_preference=_number(values.get(rules.LOCAL_PREF)),
        communities=tuple(_items(values.get(rules.COMMUNITIES, b""), 4)),
        originator_id=None if originator is None else IpAddress(originator),
        cluster_list=tuple(map(IpAddress, _items(values.get(rules.CLUSTER_LIST, b""), 4))),
        extended=tuple(map(ExtendedCommunity, _items(values.get(rules.EXTENDED_COMMUNITIES, b""), 8))),
        pmsi=None if pmsi is None else PmsiTunnel.decode(pmsi),
        large_communities=tuple(_items(values.get(rules.LARGE_COMMUNITIES, b""), 12)),
        unknown=tuple(sound[code] for code in sorted(sound) if code not in _READ and sound[code].flags & TRANSITIVE),
    )


def _whole_path(values: dict[int, bytes], asn4: bool) -> AsPath:
    path = as_path.decode(values.get(rules.AS_PATH, b""), asn4)
    if asn4 or rules.AS4_PATH not in values:
        return path
    aggregator = values.get(rules.AGGREGATOR, _AS_TRANS)
    if rules.AS4_AGGREGATOR in values and aggregator[:2] != _AS_TRANS:
        return path  # somebody on the way aggregated without knowing of AS4_PATH (RFC 6793 section 4.2.3)
    return as_path.merge(path, as_path.decode(values[rules.AS4_PATH], asn4=True))


def _number(value: bytes | None) -> int | None:
    return None if value is None else int.from_bytes(value)


def _items(value: bytes, size: int) -> list[bytes]:
    return [value[at : at + size] for at in range(0, len(value), size)]
