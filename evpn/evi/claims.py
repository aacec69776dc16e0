"""What becomes of our claim to a MAC beside those of others: made, kept, raised or given up (RFC 7432 section 15).

`mobility` has the rules between two claims; here is what follows from them for us, who also have rows that an operator
made static, hosts known beforehand, and duplicates that are held. Pure.
"""

from typing import NamedTuple

from evpn.evi.entries import Expected, LocalMac
from evpn.evi.journal import What
from evpn.evi.mobility import Claim, claim_locally, is_later, prefer
from evpn.values import IpAddress


class Case(NamedTuple):
    """All that decides on our claim to one MAC."""

    vtep: IpAddress
    """Ours."""
    best: Claim | None
    """Of the others."""
    seen: int | None
    """The latest sequence that any of them ever used; None when none did."""
    expected: Expected | None
    frozen: bool

    def is_fixed(self, entry: LocalMac) -> bool:
        """Made static by an operator, or known beforehand as sticky: it does not move away."""
        return self.expected.sticky if self.expected else entry.static

    @property
    def is_between_sticky_ones(self) -> bool:
        """Somebody has to be told (RFC 7432 section 15.2)."""
        return self.best is not None and self.best.sticky


def new_claim(case: Case) -> Claim | None:
    """Ours to a MAC that has turned up here; None when its owner may not be displaced."""
    return None if case.frozen else claim_over(case, case.best)


def claim_over(case: Case, owner: Claim | None) -> Claim | None:
    """Later than all that was seen; a sticky owner is displaced by a sticky claim only."""
    sticky = case.expected is not None and case.expected.sticky
    found = claim_locally(owner._replace(sticky=False) if sticky and owner else owner, case.vtep, case.seen)
    return found._replace(sticky=True) if sticky and found else found


def surviving_claim(case: Case, entry: LocalMac) -> Claim | None:
    """What the claim of a local MAC becomes beside the best of the others."""
    if case.frozen:
        return entry.claim
    if case.best is None:
        return entry.claim or new_claim(case)
    if entry.claim is not None and prefer(entry.claim, case.best)[0] == entry.claim:
        return entry.claim
    if entry.claim is not None and entry.claim.sticky:
        return entry.claim  # both are sticky: neither gives way, and numbers would chase each other without end
    return claim_over(case, case.best._replace(sticky=False)) if case.is_fixed(entry) else None


def seen_here(case: Case, known: LocalMac | None, port: int, static: bool) -> tuple[LocalMac, What | None]:
    """What we know of a MAC once the bridge has put it on a port of ours, and what has happened by it."""
    entry = LocalMac(port, static, known.claim if known and known.claim else new_claim(case))
    claimed = surviving_claim(case, entry)
    if claimed != entry.claim:
        entry = entry._replace(claim=claimed)
    what = None
    if claimed is None:
        what = What.REFUSED
    elif known is None or known.claim is None:
        moved = What.STICKY_ELSEWHERE if case.is_between_sticky_ones else What.MOVED_HERE
        what = moved if case.best else What.LEARNT
    elif known.port not in (0, port):
        what = What.MOVED_PORT
    return entry, what


def beside(case: Case, known: LocalMac, before: Claim | None) -> tuple[LocalMac, What | None]:
    """What becomes of a local MAC when the best of the others is no longer `before`: given up, raised or taken back."""
    entry = known._replace(claim=surviving_claim(case, known))
    what = None
    if case.best not in (None, before) and case.is_fixed(known):
        what = What.STICKY_ELSEWHERE if entry == known else What.DEFENDED
    elif known.claim is not None and entry.claim is None:
        what = What.MOVED_AWAY
    elif known.claim is None and entry.claim is not None:
        what = What.TAKEN_BACK
    return entry, what


def raised_above(case: Case, known: LocalMac, rival: Claim) -> LocalMac | None:
    """With a claim later than that of a rival for one of its IPs; None where it is later, or nothing is claimed.

    Around the circle it may then be below the MAC's own rival: None as well.
    """
    if known.claim is None or is_later(known.claim.sequence, rival.sequence):
        return None
    entry = known._replace(claim=claim_over(case, rival._replace(sticky=False)))
    return entry if surviving_claim(case, entry) == entry.claim else None
