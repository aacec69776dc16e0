"""What a VXLAN device has asked for (l2miss and l3miss, docs/kernel.md): only that gets rows. Pure.

A miss that nobody can answer is remembered for a while: the route that answers it may be on its way.
"""

from collections import OrderedDict

from evpn.dataplane.askers import Askers
from evpn.values import IpAddress, MacAddress

MEMORY = 10.0
"""Seconds that a miss is remembered."""
MOST = 4096
"""Misses remembered: who scans a network makes one per frame."""


class Demand:
    """`macs`: MAC -> since when (monotonic seconds); `ips`: IP -> the MAC that it was bound to then."""

    def __init__(self) -> None:
        self.macs: dict[MacAddress, float] = {}
        self.ips: dict[IpAddress, MacAddress] = {}
        self.askers = Askers()
        self.answered = self.unanswered = 0
        self._ips_of: dict[MacAddress, dict[IpAddress, None]] = {}
        self._missed: OrderedDict[bytes, float] = OrderedDict()

    def take(self, mac: MacAddress, now: float, ip: IpAddress | None = None) -> None:
        """Asked for, and known."""
        self.macs.setdefault(mac, now)
        self._missed.pop(mac, None)
        if ip is not None:
            self.release(ip)
            self.ips[ip] = mac
            self._ips_of.setdefault(mac, {})[ip] = None
            self._missed.pop(ip, None)

    def release(self, ip: IpAddress) -> None:
        """No longer asked for, whatever becomes of its MAC."""
        mac = self.ips.pop(ip, None)
        if mac is not None:
            ips = self._ips_of[mac]
            del ips[ip]
            if not ips:
                del self._ips_of[mac]

    def miss(self, key: MacAddress | IpAddress, now: float) -> None:
        """Asked for, and not known."""
        self._missed[key] = now
        self._missed.move_to_end(key)
        if len(self._missed) > MOST:
            self._missed.popitem(last=False)

    def is_missed(self, key: MacAddress | IpAddress, now: float) -> bool:
        """Whether somebody still waits for it."""
        asked = self._missed.get(key)
        return asked is not None and now - asked <= MEMORY

    def has_missed(self, now: float) -> bool:
        """Whether somebody waits for anything; what is too old is forgotten."""
        while self._missed and now - next(iter(self._missed.values())) > MEMORY:
            self._missed.popitem(last=False)
        return bool(self._missed)

    def drop(self, mac: MacAddress) -> list[IpAddress]:
        """No longer asked for, nor are its IPs, which are returned."""
        self.macs.pop(mac, None)
        gone = list(self._ips_of.pop(mac, ()))
        for ip in gone:
            del self.ips[ip]
        return gone
