"""What happened to a MAC or an IP, when and why: the last events of the MACs that had any. Pure.

A remote MAC that comes and goes with its routes is no event: there are too many of them, and `show rib` has them.
"""

from collections import OrderedDict, deque
from collections.abc import Iterator
from enum import Enum
from heapq import merge
from typing import NamedTuple

from evpn.values import NO_IP, IpAddress, MacAddress, Vni

PER_MAC, MOST_MACS = 32, 4096
"""Events kept of a MAC, and MACs that have any; the ones quiet for longest are forgotten. 4096 full ones are 40 MB."""


class What(Enum):
    """The rest of the sentence that begins with the MAC."""

    LEARNT = "learnt on a port"
    MOVED_PORT = "moved to another port"
    MOVED_HERE = "moved here"
    MOVED_AWAY = "moved away"
    LEFT = "left"
    QUIET = "aged out, its addresses are asked for"
    REFUSED = "seen here, but does not move"
    TAKEN_BACK = "is here again, nobody else has it"
    STICKY_ELSEWHERE = "does not move, and is claimed elsewhere"
    DEFENDED = "does not move, and is claimed above another VTEP"
    OVER_LIMIT = "over max-macs"
    REMOTE_OVER_LIMIT = "over max-remote-macs"
    DUPLICATE = "moves too often"
    RECOVERED = "no longer held for a duplicate"
    BOUND = "has an address"
    UNBOUND = "has lost an address"
    SILENT = "does not answer for an address"
    IP_MOVED_HERE = "took an address over from elsewhere"
    IP_MOVED_AWAY = "lost an address to elsewhere"
    IP_CHANGED_HANDS = "took an address over from another host here"
    IP_REFUSED = "uses an address that does not move"
    IP_ELSEWHERE = "has an address that does not move, and is claimed elsewhere"
    IP_DEFENDED = "has an address that does not move, claimed above another VTEP"
    IP_DUPLICATE = "has an address that moves too often"
    IP_OVER_LIMIT = "has too many addresses"
    EXPECTED = "made known beforehand"
    NOT_EXPECTED = "no longer made known"

    @property
    def is_move(self) -> bool:
        return self in (What.MOVED_HERE, What.MOVED_AWAY, What.DEFENDED)

    @property
    def is_ip_move(self) -> bool:
        return self in (What.IP_MOVED_HERE, What.IP_MOVED_AWAY, What.IP_CHANGED_HANDS, What.IP_DEFENDED)

    @property
    def is_defence(self) -> bool:
        """Of what does not move: who defends it as well answers with a higher number, and so on without end."""
        return self in (What.DEFENDED, What.IP_DEFENDED)


class Event(NamedTuple):
    """What is not said is empty, 0 or None."""

    what: What
    mac: MacAddress
    ip: IpAddress = NO_IP
    port: int = 0
    """ifindex."""
    vtep: IpAddress = NO_IP
    """The other VTEP in it."""
    sequence: int | None = None
    """Of the claim that holds now."""


class Learnt(NamedTuple):
    """As many events: hosts that nobody knew, on a port of ours."""

    macs: list[MacAddress]
    port: int


News = Event | Learnt


class Entry(NamedTuple):
    when: float
    """Monotonic seconds."""
    vni: Vni
    event: Event


class Journal:
    """Owner of (VNI, MAC) -> its last events."""

    def __init__(self, most_macs: int = MOST_MACS, per_mac: int = PER_MAC) -> None:
        self._most_macs = most_macs
        self._per_mac = per_mac
        self._of: OrderedDict[tuple[Vni, MacAddress], deque[Entry]] = OrderedDict()
        self._learnt: deque[tuple[float, Vni, Learnt]] = deque()
        """Still to be noted one by one, once anything else happens or somebody asks; most may be forgotten before."""
        self._waiting = 0
        """How many MACs that is."""

    def note_learnt(self, now: float, vni: Vni, learnt: Learnt) -> None:
        self._learnt.append((now, vni, learnt))
        self._waiting += len(learnt.macs)
        while self._waiting - len(self._learnt[0][2].macs) >= self._most_macs:
            self._waiting -= len(self._learnt.popleft()[2].macs)

    def note(self, now: float, vni: Vni, event: Event) -> None:
        self._note_waiting()
        self._note(now, vni, event)

    def _note_waiting(self) -> None:
        while self._learnt:
            now, vni, (macs, port) = self._learnt.popleft()
            for mac in macs[-self._most_macs :]:
                self._note(now, vni, Event(What.LEARNT, mac, port=port, sequence=0))
        self._waiting = 0

    def _note(self, now: float, vni: Vni, event: Event) -> None:
        key = vni, event.mac
        if key not in self._of:
            self._of[key] = deque(maxlen=self._per_mac)
            if len(self._of) > self._most_macs:
                self._of.popitem(last=False)
        self._of.move_to_end(key)
        self._of[key].append(Entry(now, vni, event))

    def entries(self, vni: Vni | None = None, mac: MacAddress | None = None) -> Iterator[Entry]:
        """In the order in which they happened; put into it one by one, for there may be very many."""
        self._note_waiting()
        found = [
            tuple(entries)
            for (of_vni, of_mac), entries in self._of.items()
            if vni in (None, of_vni) and mac in (None, of_mac)
        ]
        return merge(*found, key=lambda entry: entry.when)

    def forget(self, vni: Vni) -> None:
        self._note_waiting()
        for key in [key for key in self._of if key[0] == vni]:
            del self._of[key]
