"""Who asked for what a VXLAN device could not answer, so that the first question is answered as well. Pure.

The device tells what it has missed (l3miss) and drops the question, a port tells who asks: each knows half of it, and
either may be heard first. What the device answers by itself it does not miss, so nobody is told twice.
"""

from collections import OrderedDict
from collections.abc import Collection
from typing import NamedTuple

from evpn.packet.question import Question
from evpn.values import IpAddress, MacAddress

PATIENCE = 3.0
"""Seconds that a host waits for an answer: three questions, one a second (RFC 4861 section 10)."""
MOST = 1024
"""Questions, and misses, remembered: who scans a network makes one of each per frame."""


class Asker(NamedTuple):
    port: int
    question: Question
    since: float


class Askers:
    """`missed`: IP -> when the device could not answer, of those that we can answer for."""

    def __init__(self) -> None:
        self.missed: OrderedDict[IpAddress, float] = OrderedDict()
        self._asking: OrderedDict[tuple[IpAddress, MacAddress], Asker] = OrderedDict()

    def hear(self, port: int, question: Question, now: float) -> None:
        """Asked again, a host waits for one answer only."""
        key = question.target, question.mac
        self._asking[key] = Asker(port, question, now)
        self._asking.move_to_end(key)
        self._forget(now)

    def miss(self, ip: IpAddress, now: float) -> None:
        self.missed[ip] = now
        self.missed.move_to_end(ip)
        self._forget(now)

    def take(self, ready: Collection[IpAddress], now: float) -> list[Asker]:
        """Those who wait for one of these. What nobody asks for stays missed: its question may be still to be read."""
        self._forget(now)
        found = [self._asking.pop(key) for key in list(self._asking) if key[0] in ready]
        for asker in found:
            self.missed.pop(asker.question.target, None)
        return found

    def _forget(self, now: float) -> None:
        """The oldest ones, which are the first."""
        asking, missed = self._asking, self.missed
        while len(asking) > MOST or (asking and now - next(iter(asking.values())).since > PATIENCE):
            asking.popitem(last=False)
        while len(missed) > MOST or (missed and now - next(iter(missed.values())) > PATIENCE):
            missed.popitem(last=False)
