"""A socket filter (classic BPF) that spares the monitor the echoes of our own writes.

Each row that is written comes back as a notification: two for a remote MAC, one for a neighbour, 5 us each to hear and
830 octets of a buffer that overflows while a fabric is being learnt. Writing 100 000 MACs with an IP takes 0.7 s
without them, 1.9 s with them. Neighbours name the writer by its port id; FDB rows name nobody, so only the mark
(NTF_EXT_LEARNED) tells ours from local ones, and a second owner's look the same. Misses are never dropped, nor is a
local host taking over a row: that has no mark. Deletions are dropped only of marked rows, and only if asked to: while
100 000 are removed, their echoes would overflow the queue, and everything would have to be dumped.
"""

import ctypes
import socket
from struct import Struct

from evpn.netlink.constants import AF_BRIDGE, NTF_EXT_LEARNED, RTM_DELNEIGH, RTM_NEWNEIGH

_SO_ATTACH_FILTER = 26
_INSTRUCTION = Struct("=HBBI")  # code, jump if true, jump if false, operand
_LOAD_WORD, _LOAD_HALF, _LOAD_BYTE = 0x20, 0x28, 0x30  # from an offset into the message, in network order
_IF_EQUAL, _IF_ANY_BIT, _RETURN = 0x15, 0x45, 0x06
_TYPE, _PORT_ID, _FAMILY, _FLAGS = 4, 12, 16, 26  # offsets in nlmsghdr and ndmsg
_ALL, _NOTHING = 0xFFFFFFFF, 0


def program(port_id: int, marked_rows: bool) -> bytes:
    """Drops neighbours written by `port_id` and, if asked to, FDB rows with our mark, coming or going."""
    marked = NTF_EXT_LEARNED if marked_rows else 0
    instructions = (
        (_LOAD_HALF, 0, 0, _TYPE),
        (_IF_EQUAL, 3, 0, socket.htons(RTM_NEWNEIGH)),
        (_IF_EQUAL, 0, 8, socket.htons(RTM_DELNEIGH)),
        (_LOAD_BYTE, 0, 0, _FAMILY),
        (_IF_EQUAL, 2, 6, AF_BRIDGE),
        (_LOAD_BYTE, 0, 0, _FAMILY),
        (_IF_EQUAL, 0, 2, AF_BRIDGE),
        (_LOAD_BYTE, 0, 0, _FLAGS),
        (_IF_ANY_BIT, 3, 2, marked),
        (_LOAD_WORD, 0, 0, _PORT_ID),
        (_IF_EQUAL, 1, 0, socket.htonl(port_id)),
        (_RETURN, 0, 0, _ALL),
        (_RETURN, 0, 0, _NOTHING),
    )
    return b"".join(_INSTRUCTION.pack(*instruction) for instruction in instructions)


def attach(opened: socket.socket, filter_: bytes) -> None:
    """Replaces the filter of a socket in one step: nothing slips through in between, nothing is lost."""
    buffer = ctypes.create_string_buffer(filter_, len(filter_))
    opened.setsockopt(
        socket.SOL_SOCKET,
        _SO_ATTACH_FILTER,
        Struct("HP").pack(len(filter_) // _INSTRUCTION.size, ctypes.addressof(buffer)),
    )
