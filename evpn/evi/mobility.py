"""MAC mobility (RFC 7432 section 15): who owns a MAC when several VTEPs, we among them, claim it.

A claim is a VTEP saying "this MAC is behind me", with a sequence number that grows at every move. The rules:

1. A sticky claim beats one that is not: a sticky MAC does not move.
2. The higher sequence wins: it is the later move.
3. At equal sequence the lower VTEP address wins, everywhere the same, so that all sides agree.

A MAC that turns up on a local port is claimed with a sequence above every one seen, unless a sticky claim forbids it.
A claim of ours that loses to a better one is given up: the host has moved away, or will speak again and move back.

Sequence numbers wrap (RFC 7432 section 15 wants it handled): one of the first quarter of the circle is later than one
of the last quarter; any other two compare as plain numbers, as they do for VTEPs that know of no wrap. At the end of
the circle we stay there while rule 3 is for us, which everybody understands, and begin again at 0 when it is not.
"""

from enum import Enum
from typing import NamedTuple

from evpn.values import IpAddress

MAX_SEQUENCE = (1 << 32) - 1
FIRST_QUARTER, LAST_QUARTER = 1 << 30, 3 << 30


class Reason(Enum):
    """The rule that decided between two claims."""

    ONLY = "only claim"
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
        return (a if is_later(a.sequence, b.sequence) else b), Reason.SEQUENCE
    return min(a, b, key=lambda claim: claim.vtep), Reason.VTEP


def is_later(a: int, b: int) -> bool:
    """Whether sequence number `a` comes behind `b`."""
    if a >= LAST_QUARTER and b < FIRST_QUARTER:
        return False
    return a > b or (b >= LAST_QUARTER and a < FIRST_QUARTER)


def claim_locally(owner: Claim | None, vtep: IpAddress, highest_seen: int | None) -> Claim | None:
    """Our claim once a MAC shows up on a local port; None when the owner may not be displaced.

    `highest_seen` is the latest sequence that any other VTEP ever used for this MAC, None when none did: a peer
    that remembers it ignores anything lower, also after a withdrawal.
    """
    if owner is not None and owner.sticky:
        return None
    if highest_seen is None:
        return Claim(vtep)
    # around the circle the latest one ever is not always later than the owner's
    latest = owner.sequence if owner and is_later(owner.sequence, highest_seen) else highest_seen
    if latest == MAX_SEQUENCE:
        return Claim(vtep, MAX_SEQUENCE if owner is None or vtep < owner.vtep else 0)
    return Claim(vtep, latest + 1)
