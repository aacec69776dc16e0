"""Route type 2, MAC/IP Advertisement (RFC 7432 section 7.2; the label is a VNI, RFC 8365)."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import repeat
from operator import itemgetter
from struct import Struct
from typing import NamedTuple, Self, TypeGuard

from evpn.values import (
    MAX_ET,
    ZERO_MAC,
    EthernetSegmentIdentifier,
    EthernetTag,
    IpAddress,
    MacAddress,
    RouteDistinguisher,
    RouteKey,
)
from evpn.wire.errors import Disposition, WireError

_SIZES = {30 + ip + labels: (ip, labels) for ip in (0, 4, 16) for labels in (3, 6)}
"""Size of a body -> octets of its IP and of its labels: no two combinations have the same."""

_BODIES = {size: Struct(f"!22sB6sB{ip}s{labels}s") for size, (ip, labels) in _SIZES.items()}
"""RD, ESI and tag together, MAC length, MAC, IP length, IP, labels."""

_UNPACK = {size: (_BODIES[size].unpack, ip * 8) for size, (ip, _) in _SIZES.items()}
_RUNS = {30 + ip + labels: Struct(f"!2x22sx6sx{ip}s{labels}s").iter_unpack for ip, labels in _SIZES.values()}
"""The same with type and length in front, without what is only checked."""

_MAC_BITS, _MAC, _IP_BITS = 24, 25, 31  # offsets with type and length in front
_UNICAST = bytes(range(0, 256, 2))  # what a unicast MAC begins with
_ONE_LABEL = 1 << 24
_new = tuple.__new__  # 0.25 us less than the constructor of a NamedTuple


class MacIpRoute(NamedTuple):
    rd: RouteDistinguisher
    esi: EthernetSegmentIdentifier
    tag: EthernetTag
    mac: MacAddress
    ip: IpAddress  # empty when the route carries none
    vni: int
    l3vni: int | None = None

    @property
    def key(self) -> RouteKey:
        """Identity in the RIB: ESI and labels belong to the path, not to the route."""
        return RouteKey(b"".join((b"\2", self.rd, self.tag, self.mac, self.ip)))  # half the time of +

    def encode(self) -> bytes:
        labels = self.vni.to_bytes(3) + (b"" if self.l3vni is None else self.l3vni.to_bytes(3))
        body = _BODIES[30 + len(self.ip) + len(labels)]
        head = self.rd + self.esi + self.tag
        return bytes((2, body.size)) + body.pack(head, 48, self.mac, len(self.ip) * 8, self.ip, labels)

    @classmethod
    def decode(cls, body: bytes) -> Self:
        size = len(body)
        if size not in _UNPACK:
            raise WireError(f"MAC/IP route of {size} octets")
        unpack, expected = _UNPACK[size]
        head, mac_bits, mac, ip_bits, ip, labels = unpack(body)
        if mac_bits != 48 or ip_bits != expected:
            raise WireError(f"MAC/IP route, MAC/{mac_bits} IP/{ip_bits} in {size} octets")
        if mac[0] & 1 or mac == ZERO_MAC:
            raise WireError(f"MAC/IP route for {mac.hex(':')}, which is no host's", Disposition.IGNORE)
        rd, esi, tag = _head(head)
        vni, l3vni = _labels(labels)
        return _new(cls, (rd, esi, tag, mac, ip, vni, l3vni))


def decode_run(nlri: bytes) -> list[MacIpRoute] | None:
    """A field of nothing but sound MAC/IP routes of one size, as most are; None: each has to be looked at."""
    size = nlri[1] if len(nlri) > 1 else 0
    step = size + 2
    count, rest = divmod(len(nlri), step)
    if rest or size not in _RUNS:
        return None
    expected = ((0, 2), (1, size), (_MAC_BITS, 48), (_IP_BITS, _UNPACK[size][1]))
    if any(nlri[at::step] != bytes((octet,)) * count for at, octet in expected):
        return None
    if nlri[_MAC::step].translate(None, _UNICAST):
        return None
    heads, macs, ips, labels = zip(*_RUNS[size](nlri), strict=True)
    if ZERO_MAC in macs or any(head[18:] == MAX_ET for head in set(heads)):
        return None
    if heads.count(heads[0]) == labels.count(labels[0]) == count:
        rd, esi, tag, vni, l3vni = map(repeat, (*_head(heads[0]), *_labels(labels[0])))
        return list(map(_new, repeat(MacIpRoute), zip(rd, esi, tag, macs, ips, vni, l3vni, strict=False)))
    columns = zip(map(_head, heads), macs, ips, map(_labels, labels), strict=True)
    return [_new(MacIpRoute, (*head, mac, ip, *vnis)) for head, mac, ip, vnis in columns]


_RD, _TAG, _MAC_OF, _IP_OF, _VNI = map(itemgetter, map(MacIpRoute._fields.index, ("rd", "tag", "mac", "ip", "vni")))


def are_all(routes: Sequence[object]) -> TypeGuard[Sequence[MacIpRoute]]:
    """What there is of them is by the column, because there are very many."""
    return set(map(type, routes)) == {MacIpRoute}


def macs_of(routes: Iterable[MacIpRoute]) -> list[MacAddress]:
    return list(map(_MAC_OF, routes))


def ips_of(routes: Iterable[MacIpRoute]) -> list[IpAddress]:
    return list(map(_IP_OF, routes))


def lead_somewhere(routes: Sequence[object]) -> bool:
    """Whether all are MAC/IP routes, each with a VNI that is not 0."""
    return are_all(routes) and all(map(_VNI, routes))


def keys_of(routes: Sequence[MacIpRoute]) -> list[RouteKey]:
    """`key` of each; in a third of the time where they share RD and tag, as nearly always those of an UPDATE do."""
    rds, tags, count = list(map(_RD, routes)), list(map(_TAG, routes)), len(routes)
    if not rds.count(rds[0]) == tags.count(tags[0]) == count:
        return [route.key for route in routes]
    head = b"\2" + rds[0] + tags[0]
    return [RouteKey(head + mac + ip) for mac, ip in zip(macs_of(routes), ips_of(routes), strict=True)]


def carries_ip(nlri: bytes) -> bool:
    """Of a sound route with type and length in front."""
    return nlri[_IP_BITS] > 0


def split_at_mac(nlri: bytes) -> tuple[bytes, bytes]:
    """What comes before the MAC and behind it: all that routes of one VNI without an IP have in common."""
    return nlri[:_MAC], nlri[_MAC + 6 :]


def key_of(body: bytes) -> RouteKey:
    size = len(body)
    if size not in _UNPACK or body[22] != 48 or body[29] != _UNPACK[size][1]:
        raise WireError(f"MAC/IP route of {size} octets, or a MAC or IP length that is none")
    return RouteKey(b"\2" + body[:8] + body[18:22] + body[23:29] + body[30 : 30 + (body[29] >> 3)])


@lru_cache(maxsize=4096)
def _head(octets: bytes) -> tuple[bytes, bytes, bytes]:
    """RD, ESI and tag, one object for the very many routes that share them: 130 octets less for each."""
    if octets[18:] == MAX_ET:
        raise WireError("MAC/IP route with the tag of all segments", Disposition.IGNORE)
    return octets[:8], octets[8:18], octets[18:]


@lru_cache(maxsize=4096)
def _labels(octets: bytes) -> tuple[int, int | None]:
    if len(octets) == 3:
        return int.from_bytes(octets), None
    return divmod(int.from_bytes(octets), _ONE_LABEL)
