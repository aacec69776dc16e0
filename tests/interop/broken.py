"""UPDATEs as no speaker should send them: by hand for each rule of RFC 7606, and by chance, from a seed."""

from collections.abc import Callable
from random import Random

from evpn.exabgp.extension import framing
from evpn.text import parse_ip, parse_mac
from evpn.values import MacAddress
from evpn.wire import update
from evpn.wire.attributes import PathAttributes
from tests.builders import a_mac_route, a_multicast_route, attributes

from .underlay import address

FAR = address(99)
"""The VTEP that all of them speak of."""


def shared(*communities: str, **more: object) -> PathAttributes:
    return attributes(*communities, **{"local_preference": 100, **more})  # type: ignore[arg-type]


def announce(
    mac: MacAddress | str = "02:00:00:00:55:01", next_hop: str = FAR, with_: PathAttributes | None = None
) -> bytes:
    mac = parse_mac(mac) if isinstance(mac, str) else mac
    route = a_mac_route(mac, rd=f"{FAR}:100")
    return update.encode_announce([route], parse_ip(next_hop), with_ or shared())


def withdraw(mac: MacAddress) -> bytes:
    return update.encode_withdraw([a_mac_route(mac, rd=f"{FAR}:100")])


def multicast(endpoint: str = FAR, with_: PathAttributes | None = None) -> bytes:
    route = a_multicast_route(parse_ip(endpoint), rd=f"{FAR}:100")
    return update.encode_announce([route], parse_ip(endpoint), with_ or shared(endpoint=parse_ip(endpoint)))


def with_attribute(body: bytes, attribute: str) -> bytes:
    """One more path attribute at the end."""
    block = body[4:] + bytes.fromhex(attribute)
    return bytes(2) + len(block).to_bytes(2) + block


def without_attribute(body: bytes, code: int) -> bytes:
    block = body[4:]
    at, rest = 0, b""
    while at < len(block):
        head = 4 if block[at] & 0x10 else 3
        end = at + head + int.from_bytes(block[at + 2 : at + head])
        rest += b"" if block[at + 1] == code else block[at:end]
        at = end
    return bytes(2) + len(rest).to_bytes(2) + rest


def with_nlri(nlri: str) -> bytes:
    """An announcement of these octets."""
    octets = bytes.fromhex(nlri)
    reach = bytes.fromhex("001946") + b"\x04" + parse_ip(FAR) + b"\0" + octets
    rest = without_attribute(announce(), 14)[4:]
    block = b"\x90\x0e" + len(reach).to_bytes(2) + reach + rest
    return bytes(2) + len(block).to_bytes(2) + block


MULTICAST_ROUTE = a_multicast_route(parse_ip(FAR), rd=f"{FAR}:100").encode().hex()
MAC_ROUTE = a_mac_route(parse_mac("02:00:00:00:55:01"), rd=f"{FAR}:100").encode().hex()


TREATED_AS_WITHDRAWN: dict[str, bytes] = {
    "no ORIGIN": without_attribute(announce(), 1),
    "no AS_PATH": without_attribute(announce(), 2),
    "ORIGIN 9": with_attribute(without_attribute(announce(), 1), "40010109"),
    "ORIGIN of 2 octets": with_attribute(without_attribute(announce(), 1), "4001020000"),
    "AS_PATH that overruns": with_attribute(without_attribute(announce(), 2), "4002020205"),
    "no LOCAL_PREF": without_attribute(announce(), 5),
    "LOCAL_PREF of 3 octets": with_attribute(without_attribute(announce(), 5), "400503000064"),
    "communities of 7 octets": with_attribute(without_attribute(announce(), 16), "c01007" + "00" * 7),
    "PMSI of 3 octets": with_attribute(announce(), "c01603000600"),
    "unknown well-known attribute": with_attribute(announce(), "40fe0100"),
    "attribute that overruns the block": with_attribute(announce(), "c008ff00"),
    "half an attribute": with_attribute(announce(), "c0"),
    "AS 0 in the AS_PATH": with_attribute(without_attribute(announce(), 2), "40020602010000" + "0000"),
    "AS_PATH of a segment 9": with_attribute(without_attribute(announce(), 2), "40020609010000fde8"),
    "MED of 3 octets": with_attribute(announce(), "800403000000"),
    "ORIGINATOR_ID of 3 octets": with_attribute(announce(), "8009030a0000"),
    "CLUSTER_LIST of 5 octets": with_attribute(announce(), "800a050a00000100"),
    "large communities of 7 octets": with_attribute(announce(), "c02007" + "00" * 7),
    "ORIGIN with the flags of an optional attribute": with_attribute(without_attribute(announce(), 1), "c0010100"),
}

DISCARDED = {
    "ATOMIC_AGGREGATE of 1 octet": with_attribute(announce(), "40060100"),
    "AGGREGATOR of 3 octets": with_attribute(announce(), "c00703000000"),
    "AGGREGATOR in AS 0": with_attribute(announce(), "c00708000000000a000001"),
    "LOCAL_PREF twice": with_attribute(announce(), "40050400000001"),
}

HARMLESS = {
    "unknown optional attribute": with_attribute(announce(), "c0fe0100"),
    "unlisted extended communities": announce(with_=shared("target:65000:100", "target:9:9", "0x0699ffffffffffff")),
}

UNKNOWN_ROUTES = {"route type 6": "06020000", "route type 255, empty": "ff00"}

NLRI = {
    "type 1 of 3 octets": "0103000000",
    "type 2 too short": "0205" + "00" * 5,
    "type 2, MAC of 40 bits": MAC_ROUTE[:4] + MAC_ROUTE[4:].replace("30020000005501", "28020000005501"),
    "type 2, IP of 33 bits": MAC_ROUTE.replace("3002000000550100", "3002000000550121"),
    "type 3 of 1 octet": "030100",
    "type 3, IP of 33 bits": MULTICAST_ROUTE.replace("200a000063", "210a000063"),
    "type 4 of 2 octets": "04020000",
    "type 5 of 3 octets": "0503000000",
}

RESETS: dict[str, tuple[bytes, tuple[int, int] | None]] = {
    "attributes overrun the message": (b"\0\0\0\xff" + announce()[4:], (3, 1)),
    "NLRI overruns its attribute": (with_nlri("0240" + "00" * 8), (3, 9)),
    "next hop of 5 octets": (announce().replace(b"\x00\x19\x46\x04", b"\x00\x19\x46\x05", 1), (3, 9)),
    "MP_REACH twice": (with_attribute(announce(), announce()[4 : 4 + 44].hex()), None),
}

BROKEN: dict[str, bytes] = {
    **TREATED_AS_WITHDRAWN,
    **DISCARDED,
    **{name: with_nlri(nlri) for name, nlri in NLRI.items()},
    **{name: body for name, (body, _) in RESETS.items()},
}
"""All of these."""


SEED = 7606


def damaged(random: Random) -> bytes:
    """A right UPDATE with some octets changed, cut out or put in."""
    body = bytearray(
        random.choice(
            (
                announce(f"02:00:00:00:66:{random.randrange(256):02x}"),
                multicast(address(random.randrange(100, 200))),
                announce("02:00:00:00:66:01", with_=shared("target:65000:100", "target:1:1", sequence=5)),
                update.encode_withdraw([a_mac_route(parse_mac("02:00:00:00:66:01"))] * 3),
            )
        )
    )
    for _ in range(random.randrange(1, 6)):
        at = random.randrange(4, len(body))
        match random.randrange(4):
            case 0 | 1:
                body[at] = random.randrange(256)
            case 2:
                del body[at : at + random.randrange(1, 5)]
            case 3:
                body[at:at] = random.randbytes(random.randrange(1, 5))
    body[2:4] = (len(body) - 4).to_bytes(2)
    return bytes(body)


def keeps_the_session(body: bytes) -> bool:
    return not isinstance(framing.check(body), framing.Fault)


def many(count: int, wanted: Callable[[bytes], bool] = bool) -> list[bytes]:
    random, found = Random(SEED), []
    while len(found) < count:
        body = damaged(random)
        if wanted(body):
            found.append(body)
    return found
