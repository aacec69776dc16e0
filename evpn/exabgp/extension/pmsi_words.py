"""The PMSI Tunnel attribute in words (RFC 6514 section 5); where VXLAN carries the flood the label is a VNI (RFC 8365).

    pmsi [leaf] none
    pmsi [leaf] ingress VNI ENDPOINT
    pmsi [leaf] pim-ssm|pim-sm|bidir-pim VNI SENDER GROUP
    pmsi [leaf|flags N] TYPE VNI 0xIDENTIFIER

`label N` stands for VNI where MPLS carries it. `leaf` is the flag by which leaves are asked to tell of themselves.
"""

from evpn.exabgp.extension.words import Words, hexadecimal, number
from evpn.text import format_ip, parse_ip
from evpn.values import MAX_VNI, IpAddress
from evpn.wire.errors import WireError
from evpn.wire.pmsi import INGRESS_REPLICATION, PmsiTunnel

_LEAF = 0x01
_NONE = 0
_TREES = {"pim-ssm": 3, "pim-sm": 4, "bidir-pim": 5}
_TREE_NAMES = {kind: name for name, kind in _TREES.items()}


def parse(words: Words) -> bytes:
    flags = _flags(words)
    name = words.next("pmsi")
    word = f"pmsi {name}"
    if name == "none":
        return PmsiTunnel(flags, _NONE, 0, b"").encode()
    if name == "ingress":
        label = _label(words, word)
        return PmsiTunnel(flags, INGRESS_REPLICATION, label, words.value(word, parse_ip)).encode()
    if name in _TREES:
        label = _label(words, word)
        return PmsiTunnel(flags, _TREES[name], label, _sender_and_group(words, word)).encode()
    if not name[:1].isdigit():
        raise ValueError(f"pmsi: {name!r} is not one of: none, ingress, {', '.join(_TREES)}, or the number of a type")
    kind = number(255)(name)
    label = _label(words, word)
    return PmsiTunnel(flags, kind, label, words.value(word, hexadecimal)).encode()


def describe(value: bytes) -> str:
    """In the words of `parse`; empty for what is no PMSI tunnel."""
    try:
        flags, kind, label, identifier = PmsiTunnel.decode(value)
    except WireError:
        return ""
    head = "pmsi" + {0: "", _LEAF: " leaf"}.get(flags, f" flags {flags}")
    if kind == _NONE and not label and not identifier:
        return f"{head} none"
    if kind == INGRESS_REPLICATION:
        return f"{head} ingress {label} {format_ip(identifier)}"
    if kind in _TREE_NAMES and len(identifier) in (8, 32):
        half = len(identifier) // 2
        return f"{head} {_TREE_NAMES[kind]} {label} {format_ip(identifier[:half])} {format_ip(identifier[half:])}"
    return f"{head} {kind} {label} 0x{identifier.hex()}"


def _flags(words: Words) -> int:
    if words.following("leaf"):
        words.next("pmsi")
        return _LEAF
    if words.following("flags"):
        words.next("pmsi")
        return words.value("pmsi flags", number(255))
    return 0


def _label(words: Words, word: str) -> int:
    if words.following("label"):
        words.next(word)
        return words.value(f"{word} label", number((1 << 20) - 1)) << 4
    return words.value(word, number(MAX_VNI))


def _sender_and_group(words: Words, word: str) -> bytes:
    sender: IpAddress = words.value(word, parse_ip)
    group = words.value(word, parse_ip)
    if len(sender) != len(group):
        raise ValueError(f"{word}: sender and group are not of one address family")
    return sender + group
