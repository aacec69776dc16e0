"""Local IP bindings: which IP is behind which MAC, who said so, and when it was confirmed (RFC 9161 section 3.5).

A binding that nobody has confirmed for a while is asked for, a few times, and only then given up: a host may be silent
for hours, and once it was withdrawn nobody would be told where it is. Pure.
"""

from collections import OrderedDict
from enum import Enum
from typing import NamedTuple

from evpn.values import IpAddress, MacAddress

PROBES, PROBE_INTERVAL = 3, 1.0
"""How often a host is asked, and seconds between."""
NEVER = float("-inf")
PER_MAC = 256
"""IPs of one MAC: who makes them up must not fill our memory, nor everybody's tables."""


class Source(Enum):
    """Who said it first."""

    CONFIGURATION = "configuration"
    KERNEL = "kernel"
    SNOOP = "snoop"
    RECALLED = "announced before a restart"


class Binding(NamedTuple):
    mac: MacAddress
    source: Source
    router: bool = False
    """The R flag of its neighbor advertisements (RFC 4861 section 4.4)."""
    confirmed: float = NEVER
    """Monotonic seconds."""
    claimed: bool = True
    """False: somebody else has taken the IP, until they let go of it or the host is heard again."""


class Bindings:
    """`of_ip`: IP -> Binding; `of_mac`: MAC -> its IPs."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.of_ip: dict[IpAddress, Binding] = {}
        self.of_mac: dict[MacAddress, dict[IpAddress, None]] = {}
        self._calm: OrderedDict[IpAddress, None] = OrderedDict()
        """The one confirmed longest ago is in front."""
        self._asked: OrderedDict[IpAddress, tuple[int, float]] = OrderedDict()
        """How often and when last; the one asked longest ago is in front."""

    def has_room(self, ip: IpAddress, mac: MacAddress) -> bool:
        known = self.of_ip.get(ip)
        if known is not None and known.mac == mac:
            return True
        return len(self.of_mac.get(mac, ())) < PER_MAC and (known is not None or len(self.of_ip) < self.most)

    def bind(self, ip: IpAddress, binding: Binding) -> None:
        """Known from now on, and confirmed by whoever said it."""
        known = self.of_ip.get(ip)
        if known is not None and known.mac != binding.mac:
            self.release(ip)
        self.of_ip[ip] = binding
        self.of_mac.setdefault(binding.mac, {})[ip] = None
        self._asked.pop(ip, None)
        self._calm.pop(ip, None)
        if binding.source is not Source.CONFIGURATION:
            self._calm[ip] = None

    def confirm(self, ip: IpAddress, now: float) -> None:
        """The host said again what is known."""
        self.bind(ip, self.of_ip[ip]._replace(confirmed=now))

    def replace(self, ip: IpAddress, binding: Binding) -> None:
        """Another word about the same MAC, no confirmation."""
        self.of_ip[ip] = binding

    def release(self, ip: IpAddress) -> Binding | None:
        binding = self.of_ip.pop(ip, None)
        if binding is not None:
            ips = self.of_mac[binding.mac]
            del ips[ip]
            if not ips:
                del self.of_mac[binding.mac]
            self._calm.pop(ip, None)
            self._asked.pop(ip, None)
        return binding

    def suspect(self, ip: IpAddress) -> None:
        """Ask at the next turn, whenever it was confirmed."""
        if ip in self._calm:
            del self._calm[ip]
            self._ask_first(ip)

    def is_asked(self, ip: IpAddress) -> bool:
        return ip in self._asked

    def due(self, now: float, patience: float, most: int) -> tuple[list[IpAddress], list[IpAddress]]:
        """Up to `most` IPs to ask for now, and those asked for in vain.

        `patience`: seconds without a word until the first time.
        """
        while self._calm and self.of_ip[ip := next(iter(self._calm))].confirmed + patience <= now:
            del self._calm[ip]
            self._ask_first(ip)
        ask: list[IpAddress] = []
        silent: list[IpAddress] = []
        while self._asked and len(ask) < most:
            ip, (tries, last) = next(iter(self._asked.items()))
            if last + PROBE_INTERVAL > now:
                break
            if tries >= PROBES:
                del self._asked[ip]
                silent.append(ip)
            else:
                self._asked[ip] = (tries + 1, now)
                self._asked.move_to_end(ip)
                ask.append(ip)
        return ask, silent

    def next_due(self, patience: float) -> float | None:
        """Monotonic seconds of the next moment at which `due` may have something."""
        moments = []
        if self._asked:
            moments.append(next(iter(self._asked.values()))[1] + PROBE_INTERVAL)
        if self._calm:
            moments.append(self.of_ip[next(iter(self._calm))].confirmed + patience)
        return min(moments, default=None)

    def _ask_first(self, ip: IpAddress) -> None:
        self._asked[ip] = (0, float("-inf"))
        self._asked.move_to_end(ip, last=False)
