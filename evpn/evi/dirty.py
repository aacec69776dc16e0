"""What was touched since the last turn: keys, never events, so that a flap costs one look."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from evpn.rib.path import Path
from evpn.values import IpAddress, MacAddress


@dataclass(slots=True)
class Dirty:
    """Keys in the order in which they were touched first.

    With a remote MAC or IP the path that it has, if that is new and nobody contests it: there is nothing to decide.
    """

    macs: dict[MacAddress, Path | None] = field(default_factory=dict)
    claims: dict[MacAddress, None] = field(default_factory=dict)
    """MACs whose local claim may have changed: what we announce."""
    bindings: dict[tuple[MacAddress, IpAddress], None] = field(default_factory=dict)
    """The same for MAC/IP routes."""
    ips: dict[IpAddress, Path | None] = field(default_factory=dict)
    vteps: dict[IpAddress, None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.macs or self.claims or self.bindings or self.ips or self.vteps)

    def take(self) -> "Dirty":
        """All of it; nothing is left."""
        taken = Dirty(self.macs, self.claims, self.bindings, self.ips, self.vteps)
        self.macs, self.claims, self.bindings, self.ips, self.vteps = {}, {}, {}, {}, {}
        return taken

    def touch(self, ips: Iterable[IpAddress], vteps: Iterable[IpAddress]) -> None:
        self.ips.update(dict.fromkeys(ips))
        self.vteps.update(dict.fromkeys(vteps))
