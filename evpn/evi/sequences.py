"""The latest sequence number that others used for a MAC (RFC 7432 section 15), kept when their routes are gone."""

from collections import OrderedDict

from evpn.evi.mobility import is_later
from evpn.values import MacAddress

MOST_UNCLAIMED = 1 << 14
"""MACs remembered that nobody claims any more. Who comes and goes must not fill our memory: 16384 cost some 5 MB per
bridge domain. A forgotten MAC that turns up here is claimed as if it were new, which only a peer that remembers more
than we do takes amiss."""


class Sequences:
    """Remembers every MAC that somebody claims, and of the others the last ones given up."""

    def __init__(self, max_macs: int) -> None:
        self.max_macs = max_macs
        """All of ours are remembered, if need be: after a restart they are recalled before their hosts are seen."""
        self.highest: dict[MacAddress, int] = {}
        self._unclaimed: OrderedDict[MacAddress, None] = OrderedDict()
        """The one to forget first is in front; a dict would walk over all that it has lost there."""

    def saw(self, mac: MacAddress, sequence: int) -> None:
        known = self.highest.get(mac)
        if known is None or is_later(sequence, known):
            self.highest[mac] = sequence

    def note(self, mac: MacAddress, claimed: bool) -> None:
        """Whether anybody, we among them, claims `mac` from now on."""
        if claimed:
            self._unclaimed.pop(mac, None)
        elif mac in self.highest:
            self._unclaimed[mac] = None
            self._unclaimed.move_to_end(mac)
            if len(self._unclaimed) > max(MOST_UNCLAIMED, self.max_macs):
                forgotten, _ = self._unclaimed.popitem(last=False)
                del self.highest[forgotten]
