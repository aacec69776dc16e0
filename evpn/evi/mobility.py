"""MAC mobility (RFC 7432 section 15): who owns a MAC when several VTEPs, we among them, claim it.

A claim is a VTEP saying "this MAC is behind me", with a sequence number that grows at every move. The rules:

1. A sticky claim beats one that is not: a sticky MAC does not move.
2. The higher sequence wins: it is the later move.
3. At equal sequence the lower VTEP address wins, everywhere the same, so that all sides agree.

A MAC that turns up on a local port is claimed with a sequence above every one seen, unless a sticky claim forbids it.
A claim of ours that loses to a better one is given up: the host has moved away, or will speak again and move back.

Sequence numbers do not wrap: ours end at the highest one, where rule 3 decides. By serial number arithmetic (RFC 1982)
each of three claims a third of the circle apart is later than the one before it, so the owner would depend on who is
asked first; and VTEPs that compare plain numbers, as FRR does, would send elsewhere than we do.
"""

from enum import Enum
from typing import NamedTuple

from evpn.values import IpAddress

MAX_SEQUENCE = (1 << 32) - 1


class Reason(Enum):
    """The rule that decided between two claims."""

    ONLY = "only claim"
    STATIC = "local static entry"
    STICKY = "sticky"
    SEQUENCE = "higher mobility sequence"
    VTEP = "lower VTEP address"


class Claim(NamedTuple):
    vtep: IpAddress
    sequence: int = 0
    sticky: bool = False


def prefer(a: Claim, b: Claim) -> tuple[Claim, Reason]:
    """The owner among two claims to a MAC, and the rule that decided."""
    if a.sticky != b.sticky:
        return (a if a.sticky else b), Reason.STICKY
    if a.sequence != b.sequence:
        return max(a, b, key=lambda claim: claim.sequence), Reason.SEQUENCE
    return min(a, b, key=lambda claim: claim.vtep), Reason.VTEP


def claim_locally(owner: Claim | None, vtep: IpAddress, highest_seen: int | None) -> Claim | None:
    """Our claim once a MAC shows up on a local port; None when the owner may not be displaced.

    `highest_seen` is the highest sequence that any other VTEP ever used for this MAC, None when none did: a peer
    that remembers it ignores anything lower, also after a withdrawal.
    """
    if owner is not None and owner.sticky:
        return None
    if highest_seen is None:
        return Claim(vtep)
    return Claim(vtep, min(highest_seen + 1, MAX_SEQUENCE))
