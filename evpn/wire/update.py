"""UPDATE (RFC 4271 section 4.3) as far as it is EVPN: MP_REACH and MP_UNREACH of AFI 25, SAFI 70 (RFC 4760, 7432).

A `WireError` is raised only where RFC 7606 wants the session reset; every other damage withdraws the routes that
can be named, discards an attribute or costs one route, and is listed in `faults`.
"""

from collections.abc import Sequence
from typing import NamedTuple

from evpn.values import NO_IP, IpAddress, MacAddress
from evpn.wire import attributes as path_attributes
from evpn.wire.attribute_rules import MP_REACH, MP_UNREACH, OPTIONAL, TRANSITIVE, Attribute, Frame, frames
from evpn.wire.attributes import PathAttributes
from evpn.wire.errors import Disposition, WireError
from evpn.wire.routes import IpPrefixRoute, MacIpRoute, Route, decode_routes, encode_routes
from evpn.wire.routes.ip_prefix import check_announced
from evpn.wire.routes.mac_ip import lead_somewhere

_EVPN = b"\x00\x19\x46"  # AFI 25, SAFI 70
_NEXT_HOP_SIZES = {4: 4, 16: 16, 32: 16}  # of the field -> of its address; 32 adds a link-local one (RFC 2545)


class Update(NamedTuple):
    announced: list[Route]
    withdrawn: list[Route]  # the treated as withdrawn among them
    next_hop: IpAddress
    attributes: PathAttributes | None  # None without MP_REACH
    faults: tuple[WireError, ...]
    end_of_rib: bool


class _Fields(NamedTuple):
    reach: bytes | None  # of MP_REACH, what follows AFI and SAFI; None when there is none for EVPN
    unreach: bytes | None
    shared: bytes  # the other attributes
    faults: list[WireError]


def decode(body: bytes, asn4: bool = True, external: bool | None = None) -> Update:
    """A message without its header of 19 octets; `external` tells which attributes its peer may and must send."""
    block = _attribute_block(body)
    reach, unreach, shared, bad_fields = _fields(block)
    withdrawn, faults = decode_routes(unreach or b"")
    if reach is None:
        end_of_rib = unreach == b"" and not shared and not bad_fields and len(body) == 4 + len(block)
        return Update([], withdrawn, NO_IP, None, (*bad_fields, *faults), end_of_rib)
    next_hop, nlri = _next_hop(reach)
    announced, bad_routes = decode_routes(nlri)
    attributes, bad_attributes = path_attributes.decode(shared, asn4, external)
    usable, refused, refusals = _usable(announced, attributes.router_mac)
    if any(fault.disposition is Disposition.WITHDRAW for fault in (*bad_fields, *bad_attributes)):
        usable, refused = [], announced
    withdrawn += refused
    faults += [*bad_fields, *bad_attributes, *bad_routes, *refusals]
    return Update(usable, withdrawn, next_hop, attributes, tuple(faults), False)


def encode(
    announced: Sequence[Route], withdrawn: Sequence[Route], next_hop: IpAddress, attributes: PathAttributes | None
) -> bytes:
    """The body of one UPDATE, whatever its size; the multiprotocol attributes come first (RFC 7606 section 5.1)."""
    parts = []
    if withdrawn:
        parts.append(path_attributes.encode_one(Attribute(OPTIONAL, MP_UNREACH, _EVPN + encode_routes(withdrawn))))
    if announced:
        value = _EVPN + bytes((len(next_hop),)) + next_hop + b"\0" + encode_routes(announced)
        parts.append(path_attributes.encode_one(Attribute(OPTIONAL, MP_REACH, value)))
    if attributes is not None:
        parts.append(path_attributes.encode(attributes))
    block = b"".join(parts)
    return bytes(2) + len(block).to_bytes(2) + block


def encode_announce(routes: Sequence[Route], next_hop: IpAddress, attributes: PathAttributes) -> bytes:
    return encode(routes, (), next_hop, attributes)


def encode_withdraw(routes: Sequence[Route]) -> bytes:
    return encode((), routes, NO_IP, None)


def _attribute_block(body: bytes) -> bytes:
    """Between the withdrawn routes and the NLRI of IPv4, neither of which is ours to read."""
    start = 4 + int.from_bytes(body[:2])
    end = start + int.from_bytes(body[start - 2 : start])
    if len(body) < start or len(body) < end:
        raise WireError(f"UPDATE of {len(body)} octets is shorter than its lengths say", Disposition.RESET)
    return body[start:end]


def _fields(block: bytes) -> _Fields:
    places: dict[int, Frame] = {}
    faults: list[WireError] = []
    try:
        for frame in frames(block):
            if frame.code not in (MP_REACH, MP_UNREACH):
                continue
            if frame.code in places:
                raise WireError(f"multiprotocol attribute {frame.code} is repeated", Disposition.RESET)
            places[frame.code] = frame
            if frame.flags & (OPTIONAL | TRANSITIVE) != OPTIONAL:
                faults.append(WireError(f"multiprotocol attribute {frame.code} with flags {frame.flags:#04x}"))
    except WireError as fault:
        if fault.disposition is Disposition.RESET or MP_REACH not in places:  # what hides behind cannot be withdrawn
            raise WireError(str(fault), Disposition.RESET) from None
    reach, unreach = (_of_evpn(block, places.get(code)) for code in (MP_REACH, MP_UNREACH))
    return _Fields(reach, unreach, _without(block, places), faults)


def _of_evpn(block: bytes, place: Frame | None) -> bytes | None:
    if place is None:
        return None
    if place.end - place.value < len(_EVPN):
        raise WireError(f"multiprotocol attribute {place.code} without a family", Disposition.RESET)
    family = block[place.value : place.value + len(_EVPN)]
    return block[place.value + len(_EVPN) : place.end] if family == _EVPN else None


def _without(block: bytes, places: dict[int, Frame]) -> bytes:
    for place in sorted(places.values(), reverse=True):
        block = block[: place.start] + block[place.end :]
    return block


def _next_hop(reach: bytes) -> tuple[IpAddress, bytes]:
    """And the NLRI behind it, which cannot be found when the size of the next hop is wrong (RFC 7606 section 7.11)."""
    size = reach[0] if reach else 0
    if size not in _NEXT_HOP_SIZES or len(reach) < size + 2:
        raise WireError(f"MP_REACH with a next hop of {size} octets in {len(reach)}", Disposition.RESET)
    return IpAddress(reach[1 : 1 + _NEXT_HOP_SIZES[size]]), reach[size + 2 :]


def _usable(routes: list[Route], router_mac: MacAddress | None) -> tuple[list[Route], list[Route], list[WireError]]:
    """Those that lead somewhere, those that do not, and why."""
    if lead_somewhere(routes):
        return routes, [], []
    refused: list[Route] = []
    faults: list[WireError] = []
    for route in routes:
        if type(route) is MacIpRoute:
            if not route.vni:  # only a withdrawal may leave it out
                refused.append(route)
                faults.append(WireError("MAC/IP route announced for VNI 0"))
        elif type(route) is IpPrefixRoute:
            try:
                check_announced(route, router_mac)
            except WireError as fault:
                refused.append(route)
                faults.append(fault.with_traceback(None))
    if not refused:
        return routes, refused, faults
    unusable = set(map(id, refused))
    return [route for route in routes if id(route) not in unusable], refused, faults
