"""Entries of a bridge domain's MAC table: hosts of ours, theirs, and ours known beforehand."""

from typing import NamedTuple

from evpn.evi.mobility import Claim, Reason
from evpn.values import IpAddress


class LocalMac(NamedTuple):
    """A row of the bridge on one of our ports; `static` came from the operator and does not move away."""

    port: int
    """ifindex; 0 for a host known beforehand while the bridge has no row of it."""
    static: bool
    claim: Claim | None
    """None: the claim was lost to a peer's, or never allowed; the row awaits its replacement."""


class Remote(NamedTuple):
    """A remote MAC's owner and why it is the owner."""

    vtep: IpAddress
    sticky: bool
    reason: Reason


class Expected(NamedTuple):
    """A host of ours known beforehand."""

    port: int
    """ifindex; 0: wherever it turns up."""
    sticky: bool

    def place(self, seen: int) -> int:
        """Where it belongs, once it was seen on a port: a sticky one is not believed to be on another."""
        return self.port if self.sticky and self.port else seen or self.port
