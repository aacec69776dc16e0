"""Netlink framing (RFC 3549 section 2.3): a datagram holds messages, a message holds attributes."""

import sys
from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from evpn.netlink.constants import NLMSG_ERROR
from evpn.netlink.errors import malformed

HEADER = Struct("=IHHII")  # length, type, flags, sequence, port id
ATTRIBUTE = Struct("=HH")  # length, type
_ERRNO = Struct("=i")
_TYPE_MASK = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER


class Message(NamedTuple):
    type: int
    flags: int
    sequence: int
    port_id: int
    payload: bytes


class Refusal(NamedTuple):
    """The kernel's answer to the message that carried this sequence number."""

    sequence: int
    errno: int


def split(datagram: bytes) -> Iterator[Message]:
    """Each message of a datagram; a `NetlinkError` where one does not fit."""
    start, end = 0, len(datagram)
    while start < end:
        if end - start < HEADER.size:
            raise malformed(f"{end - start} octets where a netlink header should be")
        length, kind, flags, sequence, port_id = HEADER.unpack_from(datagram, start)
        if not HEADER.size <= length <= end - start:
            raise malformed(f"netlink message of {length} octets in {end - start}")
        yield Message(kind, flags, sequence, port_id, datagram[start + HEADER.size : start + length])
        start += length + 3 & ~3


def refusal(message: Message) -> Refusal | None:
    """What an NLMSG_ERROR says; None for an acknowledgement and for every other message."""
    if message.type != NLMSG_ERROR:
        return None
    if len(message.payload) < _ERRNO.size:
        raise malformed(f"NLMSG_ERROR of {len(message.payload)} octets")
    (negative,) = _ERRNO.unpack_from(message.payload)
    return Refusal(message.sequence, -negative) if negative else None


def attributes(data: bytes, start: int = 0) -> dict[int, bytes]:
    """Type -> value; the last one counts where a type comes twice."""
    found: dict[int, bytes] = {}
    end = len(data)
    while start < end:
        if end - start < ATTRIBUTE.size:
            raise malformed(f"{end - start} octets where a netlink attribute should be")
        length, kind = ATTRIBUTE.unpack_from(data, start)
        if not ATTRIBUTE.size <= length <= end - start:
            raise malformed(f"netlink attribute of {length} octets in {end - start}")
        found[kind & _TYPE_MASK] = data[start + ATTRIBUTE.size : start + length]
        start += length + 3 & ~3
    return found


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute, padded to four octets."""
    return ATTRIBUTE.pack(ATTRIBUTE.size + len(value), kind) + value + bytes(-len(value) % 4)


def number(value: bytes) -> int:
    """An integer of any width in the order of this machine; nothing is 0."""
    return int.from_bytes(value, sys.byteorder)
