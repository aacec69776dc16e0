"""A socket filter (classic BPF) that passes ARP, neighbor solicitations and neighbor advertisements, and nothing else.

It runs for every frame that a port of the bridge receives, before anything of it is copied, so what most frames are is
decided first: an IPv4 frame costs four instructions. What `decode` then looks at more closely need not be exact here.

A tagged frame has left its tag when it gets here; the kernel keeps it beside, and only there can it be seen.
"""

from struct import Struct

from evpn.packet import ethernet, nd

INSTRUCTION = Struct("=HBBI")  # code, jump if true, jump if false, operand (linux/filter.h: sock_filter)
LONGEST = 128
"""Octets that are passed of a frame: an advertisement takes 86, some options more are no harm."""

_LOAD_HALF, _LOAD_BYTE, _IF_EQUAL, _RETURN = 0x28, 0x30, 0x15, 0x06  # loads are in network order
_PROTOCOL, _NEXT_HEADER, _ICMPV6_TYPE = 12, 20, 54  # offsets in the frame
_VLAN_TAG_PRESENT = 0xFFFFF000 + 48  # SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT, "offset" of what is beside the frame


def program() -> bytes:
    """Jumps count from the next instruction; a load beyond the end of the frame drops it."""
    instructions = (
        (_LOAD_HALF, 0, 0, _PROTOCOL),  # 0
        (_IF_EQUAL, 6, 0, ethernet.ARP),  # 1: to 8
        (_IF_EQUAL, 0, 8, ethernet.IPV6),  # 2: else to 11
        (_LOAD_BYTE, 0, 0, _NEXT_HEADER),  # 3
        (_IF_EQUAL, 0, 6, nd.ICMPV6),  # 4: else to 11
        (_LOAD_BYTE, 0, 0, _ICMPV6_TYPE),  # 5
        (_IF_EQUAL, 1, 0, nd.SOLICITATION),  # 6: to 8
        (_IF_EQUAL, 0, 3, nd.ADVERTISEMENT),  # 7: else to 11
        (_LOAD_BYTE, 0, 0, _VLAN_TAG_PRESENT),  # 8
        (_IF_EQUAL, 0, 1, 0),  # 9: untagged, else to 11
        (_RETURN, 0, 0, LONGEST),  # 10: so much of it
        (_RETURN, 0, 0, 0),  # 11: nothing
    )
    return b"".join(INSTRUCTION.pack(*instruction) for instruction in instructions)
