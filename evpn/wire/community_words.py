"""Words of the extended communities that only pass through: people write and read them, nothing here acts on them.

EVPN's (RFC 8214, 8317, 8584, 9251, 9722, 9784, 9785) and those that ExaBGP takes for its other families. What follows
the name is a few fields with colons between them; a field of flags is their names with `+` between them, or a number.
"""

from collections.abc import Callable, Mapping
from struct import Struct, pack, unpack

from evpn.text import format_route_target, parse_route_target
from evpn.values import MAX_VNI

Parse = Callable[[str], bytes]
"""What follows the name and its colon -> the community; a `ValueError` says what is wrong with it."""

Format = Callable[[bytes], str]
"""The community -> its words; reserved octets are not looked at."""

_OCTET, _SHORT, _WORD = 0xFF, 0xFFFF, 0xFFFFFFFF

Flags = Mapping[str, int]
"""Names of bits."""

ARP_ND_FLAGS: Flags = {"router": 0x01, "override": 0x02, "immutable": 0x08}

_LAYER2_FLAGS: Flags = {"backup": 0x0001, "primary": 0x0002, "control-word": 0x0004}
_E_TREE_FLAGS: Flags = {"leaf": 0x01}
_DF_CAPABILITIES: Flags = {"dont-preempt": 0x8000, "ac-df": 0x4000, "time-sync": 0x1000}
_DF_ALGORITHMS: Flags = {"default": 0, "hrw": 1, "highest-preference": 2, "lowest-preference": 3}
_MULTICAST_FLAGS: Flags = {"igmp-proxy": 0x0001, "mld-proxy": 0x0002, "segmentation": 0x0080}
_UNITS: Flags = {"mbps": 0, "weight": 1}

_LAYER2_ATTRIBUTES = b"\x06\x04"
_E_TREE = b"\x06\x05"
_DF_ELECTION = b"\x06\x06"
_I_SID = b"\x06\x07"
_MULTICAST = b"\x06\x09"
_SERVICE_CARVING = b"\x06\x0f"
_LINK_BANDWIDTH = b"\x06\x10"
_BANDWIDTH = b"\x40\x04"
_LAYER2_INFO = b"\x80\x0a"
_MUP = b"\x0c\x00"
_TO_NEXT_HOP = b"\x08\x00"

_ROUTE_TARGET = 0x02
_ADMINISTERED = {
    "origin": (b"\x00\x03", b"\x01\x03", b"\x02\x03"),
    "redirect": (b"\x80\x08", b"\x81\x08", b"\x82\x08"),
    "evi-rt": (b"\x06\x0a", b"\x06\x0b", b"\x06\x0c"),
}
"""Written as a route target is: the types for an AS number of two octets, an IPv4 address, and one of four."""

_L2_INFO_FIELDS = Struct("!BBHH")
_DF_FIELDS = Struct("!BHxH")  # algorithm, capabilities, preference


def number(text: str, maximum: int) -> int:
    """Decimal, or hexadecimal behind 0x."""
    hexadecimal = text[:2] == "0x"
    digits = text[2:] if hexadecimal else text
    # int() would also take signs, blanks, underscores and the digits of other scripts
    plain = digits.isascii() and digits.isalnum() and len(digits) <= 20
    try:
        value = int(digits, 16 if hexadecimal else 10) if plain else -1
    except ValueError:
        value = -1
    if not 0 <= value <= maximum:
        raise ValueError(f"{text!r} is not a number from 0 to {maximum}")
    return value


def named(text: str, names: Flags, maximum: int) -> int:
    """One of the names, or its number."""
    if text in names:
        return names[text]
    if text[:1].isdigit():
        return number(text, maximum)
    raise ValueError(f"{text!r} is not one of {', '.join(names)} or a number")


def flags(text: str, names: Flags, maximum: int) -> int:
    """`router+override`, or a number, or both."""
    value = 0
    for part in text.split("+"):
        value |= named(part, names, maximum)
    return value


def fields(text: str, at_least: int, at_most: int) -> list[str]:
    """Between the colons; empty where the last ones are left out."""
    parts = text.split(":") if text else []
    if at_most == 0 and parts:
        raise ValueError(f"{text!r} is too much")
    if not at_least <= len(parts) <= at_most or "" in parts:
        raise ValueError(f"{text!r} is not {at_least if at_least == at_most else f'{at_least} to {at_most}'} fields")
    return parts + [""] * (at_most - len(parts))


def _name_of(value: int, names: Flags) -> str:
    return next((name for name, number in names.items() if number == value), str(value))


def _names_of(value: int, names: Flags) -> str:
    """`0` for none; bits without a name as one number behind the names."""
    found = [name for name, bit in names.items() if value & bit]
    rest = value & ~sum(names.values())
    return "+".join([*found, f"{rest:#x}"] if rest else found) or "0"


def _joined(name: str, *values: str, omitted: str = "0") -> str:
    """Without the last fields where they are what is meant when they are left out."""
    kept = list(values)
    while len(kept) > 1 and kept[-1] == omitted:
        kept.pop()
    return ":".join((name, *kept))


def _parse_administered(heads: tuple[bytes, ...]) -> Parse:
    def parse(rest: str) -> bytes:
        target = parse_route_target(rest)
        return heads[target[0]] + target[2:]

    return parse


def _format_administered(name: str, kind: int) -> Format:
    return lambda c: f"{name}:{format_route_target(bytes((kind, _ROUTE_TARGET)) + c[2:])}"


def _parse_layer2_attributes(rest: str) -> bytes:
    control, mtu = fields(rest, 1, 2)
    return _LAYER2_ATTRIBUTES + pack("!HHxx", flags(control, _LAYER2_FLAGS, _SHORT), number(mtu or "0", _SHORT))


def _format_layer2_attributes(community: bytes) -> str:
    control, mtu = unpack("!HHxx", community[2:])
    return _joined("l2-attributes", _names_of(control, _LAYER2_FLAGS), str(mtu))


def _parse_e_tree(rest: str) -> bytes:
    label, leaf = fields(rest, 1, 2)
    octet = flags(leaf or "0", _E_TREE_FLAGS, _OCTET)
    return _E_TREE + bytes((octet, 0, 0)) + number(label, MAX_VNI).to_bytes(3)


def _format_e_tree(community: bytes) -> str:
    return _joined("e-tree", str(int.from_bytes(community[5:])), _names_of(community[2], _E_TREE_FLAGS))


def _parse_df_election(rest: str) -> bytes:
    algorithm, capabilities, preference = fields(rest, 1, 3)
    return _DF_ELECTION + _DF_FIELDS.pack(
        named(algorithm, _DF_ALGORITHMS, 31),
        flags(capabilities or "0", _DF_CAPABILITIES, _SHORT),
        number(preference or "0", _SHORT),
    )


def _format_df_election(community: bytes) -> str:
    algorithm, capabilities, preference = _DF_FIELDS.unpack(community[2:])
    names = _name_of(algorithm, _DF_ALGORITHMS), _names_of(capabilities, _DF_CAPABILITIES)
    return _joined("df-election", *names, str(preference))


def _parse_i_sid(rest: str) -> bytes:
    first, following = fields(rest, 1, 2)
    return _I_SID + number(first, MAX_VNI).to_bytes(3) + number(following or "0", MAX_VNI).to_bytes(3)


def _format_i_sid(community: bytes) -> str:
    following = int.from_bytes(community[5:])
    return _joined("i-sid", str(int.from_bytes(community[2:5])), f"{following:#x}", omitted="0x0")


def _parse_multicast_flags(rest: str) -> bytes:
    return _MULTICAST + pack("!Hxxxx", flags(rest, _MULTICAST_FLAGS, _SHORT))


def _parse_service_carving(rest: str) -> bytes:
    seconds, fraction = fields(rest, 1, 2)
    return _SERVICE_CARVING + pack("!IH", number(seconds, _WORD), number(fraction or "0", _SHORT))


def _format_service_carving(community: bytes) -> str:
    return _joined("service-carving", *map(str, unpack("!IH", community[2:])))


def _parse_link_bandwidth(rest: str) -> bytes:
    value, unit = fields(rest, 1, 2)
    octet = named(unit or "mbps", _UNITS, _OCTET)
    return _LINK_BANDWIDTH + bytes((octet,)) + number(value, (1 << 40) - 1).to_bytes(5)


def _format_link_bandwidth(community: bytes) -> str:
    value, unit = str(int.from_bytes(community[3:])), _name_of(community[2], _UNITS)
    return _joined("link-bandwidth", value, unit, omitted="mbps")


def _parse_bandwidth(rest: str) -> bytes:
    asn, octets = fields(rest, 2, 2)
    return _BANDWIDTH + pack("!Hf", number(asn, _SHORT), number(octets, 10**18))


def _format_bandwidth(community: bytes) -> str:
    asn, octets = unpack("!Hf", community[2:])
    return f"bandwidth:{asn}:{octets:.0f}"


def _parse_layer2_info(rest: str) -> bytes:
    kind, control, mtu, preference = fields(rest, 4, 4)
    octets = number(kind, _OCTET), number(control, _OCTET), number(mtu, _SHORT), number(preference, _SHORT)
    return _LAYER2_INFO + _L2_INFO_FIELDS.pack(*octets)


def _parse_mup(rest: str) -> bytes:
    first, second = fields(rest, 2, 2)
    return _MUP + pack("!HI", number(first, _SHORT), number(second, _WORD))


def _parse_to_next_hop(rest: str) -> bytes:
    fields(rest, 0, 0)
    return _TO_NEXT_HOP + bytes(6)


PARSE: dict[str, Parse] = {
    **{name: _parse_administered(heads) for name, heads in _ADMINISTERED.items()},
    "l2-attributes": _parse_layer2_attributes,
    "e-tree": _parse_e_tree,
    "df-election": _parse_df_election,
    "i-sid": _parse_i_sid,
    "multicast-flags": _parse_multicast_flags,
    "service-carving": _parse_service_carving,
    "link-bandwidth": _parse_link_bandwidth,
    "bandwidth": _parse_bandwidth,
    "l2info": _parse_layer2_info,
    "mup": _parse_mup,
    "redirect-to-nexthop": _parse_to_next_hop,
}

FORMAT: dict[bytes, Format] = {
    **{
        head: _format_administered(name, kind)
        for name, heads in _ADMINISTERED.items()
        for kind, head in enumerate(heads)
    },
    _LAYER2_ATTRIBUTES: _format_layer2_attributes,
    _E_TREE: _format_e_tree,
    _DF_ELECTION: _format_df_election,
    _I_SID: _format_i_sid,
    _MULTICAST: lambda c: f"multicast-flags:{_names_of(int.from_bytes(c[2:4]), _MULTICAST_FLAGS)}",
    _SERVICE_CARVING: _format_service_carving,
    _LINK_BANDWIDTH: _format_link_bandwidth,
    _BANDWIDTH: _format_bandwidth,
    _LAYER2_INFO: lambda c: ":".join(map(str, ("l2info", *_L2_INFO_FIELDS.unpack(c[2:])))),
    _MUP: lambda c: ":".join(map(str, ("mup", *unpack("!HI", c[2:])))),
    _TO_NEXT_HOP: lambda _: "redirect-to-nexthop",
}

EXAMPLES = {
    "origin": "origin:65000:100",
    "redirect": "redirect:65000:100",
    "evi-rt": "evi-rt:65000:100",
    "l2-attributes": "l2-attributes:primary+control-word:1500",
    "e-tree": "e-tree:100:leaf",
    "df-election": "df-election:highest-preference:dont-preempt:32767",
    "i-sid": "i-sid:100:0xc00000",
    "multicast-flags": "multicast-flags:igmp-proxy+mld-proxy",
    "service-carving": "service-carving:3900000000:32768",
    "link-bandwidth": "link-bandwidth:10000",
    "bandwidth": "bandwidth:65000:125000000",
    "l2info": "l2info:19:0:1500:100",
    "mup": "mup:10:20",
    "redirect-to-nexthop": "redirect-to-nexthop",
}
"""One of each, for whoever wrote another wrongly."""
