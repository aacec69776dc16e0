"""The IPs of one bridge domain: ours, theirs, and who has one when several say so (RFC 7432 section 10, RFC 9721).

An IP follows the claim of its MAC. When two MACs have one IP, their claims decide, as they do between two VTEPs of one
MAC: a host that takes an IP over is claimed above whatever the IP was claimed with before. A binding that does not move
(flag I of RFC 9047, a sticky MAC, ours known beforehand) beats one that does.
"""

from collections.abc import Iterator
from typing import Protocol
from weakref import proxy

from evpn.evi.bindings import NEVER, Binding, Bindings, Source
from evpn.evi.dirty import Dirty
from evpn.evi.journal import Event, News, What
from evpn.evi.mobility import Claim, prefer
from evpn.evi.paths import Paths, best_binding, binding_claim, claim, is_immovable, mac_of, put, remove
from evpn.rib.path import Path, is_martian
from evpn.values import IpAddress, MacAddress


class Macs(Protocol):
    """What has to be known of the MACs."""

    def local_claim(self, mac: MacAddress) -> Claim | None: ...

    def is_behind(self, mac: MacAddress, vtep: IpAddress) -> bool:
        """Whether frames for a MAC go to that VTEP."""

    def claim_above(self, mac: MacAddress, rival: Claim) -> None:
        """Our claim to a MAC, now or once there is one, is to be later than this."""


class Addresses:
    """`bindings`: ours; `remote`: IP -> the paths that name it."""

    def __init__(self, macs: Macs, dirty: Dirty, events: list[News], most: int) -> None:
        self.bindings = Bindings(most)
        self.remote: dict[IpAddress, Paths] = {}
        self.frozen: dict[IpAddress, bool] = {}
        """Duplicates that stay where they are: here (True), or elsewhere."""
        self._contested: set[IpAddress] = set()
        """Known beforehand, and claimed elsewhere as well: this was told."""
        # who has the MACs has us: what the collector leaves alone (agent/writing.py), it would not find as a cycle
        self._macs: Macs = proxy(macs)
        self._dirty = dirty
        self._events = events

    @property
    def bound(self) -> set[tuple[MacAddress, IpAddress]]:
        """Bindings that a route of ours may be out for: those there are, and those lost since the last turn."""
        return {(one.mac, ip) for ip, one in self.bindings.of_ip.items()} | self._dirty.bindings.keys()

    # Facts

    def import_path(self, ip: IpAddress, path: Path) -> None:
        put(self.remote, ip, path)

    def withdraw_path(self, ip: IpAddress, path: Path) -> None:
        remove(self.remote, ip, path)

    def saw(self, ip: IpAddress, mac: MacAddress, now: float, source: Source, router: bool | None = None) -> None:
        """A host of ours, or the kernel in its name, says that it has this IP."""
        known = self.bindings.of_ip.get(ip)
        if known is not None and known.mac == mac and known.claimed:
            self.bindings.confirm(ip, now)
            if router not in (None, known.router):
                self.bindings.replace(ip, self.bindings.of_ip[ip]._replace(router=bool(router)))
                self._touch(mac, ip)
            return
        if is_martian_host(ip) or self._is_held(ip):
            return
        rival = self._rival(ip, mac)
        if known is not None and known.source is Source.CONFIGURATION:
            self._events.append(Event(What.IP_REFUSED, mac, ip))
        elif rival is not None and is_immovable(rival):
            self._events.append(Event(What.IP_REFUSED, mac, ip, vtep=rival.next_hop))
        elif not self.bindings.has_room(ip, mac):
            self._events.append(Event(What.IP_OVER_LIMIT, mac, ip))
        else:
            self._take(ip, Binding(mac, source, bool(router), now), known, rival)

    def recall(self, ip: IpAddress, mac: MacAddress, router: bool) -> None:
        """Before we forgot all, it was announced: it is again, and asked for at once."""
        if ip not in self.bindings.of_ip and self.bindings.has_room(ip, mac):
            self.bindings.bind(ip, Binding(mac, Source.RECALLED, router))
            self.bindings.suspect(ip)
            self._touch(mac, ip)

    def configure(self, ip: IpAddress, mac: MacAddress) -> None:
        """Known beforehand: it stays until it is released."""
        self.frozen.pop(ip, None)
        self._take(ip, Binding(mac, Source.CONFIGURATION), self.bindings.of_ip.get(ip), self._rival(ip, mac))

    def unconfigure(self, ip: IpAddress) -> None:
        """No longer known beforehand; a host that has used it is asked whether it does still."""
        binding = self.bindings.of_ip.get(ip)
        if binding is None or binding.source is not Source.CONFIGURATION:
            return
        if binding.confirmed == NEVER:
            self.release(ip)
            return
        self._contested.discard(ip)
        self.bindings.bind(ip, binding._replace(source=Source.SNOOP))
        self.suspect(ip)
        self._compare(ip)

    def release(self, ip: IpAddress, why: What | None = What.UNBOUND) -> None:
        binding = self.bindings.release(ip)
        if binding is not None:
            self._contested.discard(ip)
            self._touch(binding.mac, ip)
            if why is not None:
                self._events.append(Event(why, binding.mac, ip))

    def release_all(self, mac: MacAddress | None = None) -> None:
        """The host has left, or every host; what was known beforehand is known still."""
        for ip in list(self.bindings.of_ip if mac is None else self.bindings.of_mac.get(mac, ())):
            if self.bindings.of_ip[ip].source is not Source.CONFIGURATION:
                self.release(ip, None)

    def suspect(self, ip: IpAddress) -> None:
        """Somebody doubts that it is there: ask at once."""
        binding = self.bindings.of_ip.get(ip)
        if binding is not None:
            self.bindings.suspect(ip)
            self._touch(binding.mac, ip)

    def suspect_all(self, mac: MacAddress) -> bool:
        """Ask for every IP of a MAC. False when there is none to ask for."""
        known = self.bindings.of_ip
        asked = [ip for ip in self.bindings.of_mac.get(mac, ()) if known[ip].source is not Source.CONFIGURATION]
        for ip in asked:
            self.suspect(ip)
        return bool(asked)

    def mac_changed(self, mac: MacAddress, defend: bool = True) -> None:
        """Our claim to a MAC is another one, or gone. `defend`: it may be made another one once more for an IP."""
        for ip in self.bindings.of_mac.get(mac, ()):
            self._compare(ip, defend)
            self._touch(mac, ip)

    def ask(self, now: float, patience: float, most: int) -> Iterator[tuple[MacAddress, IpAddress]]:
        """Whom to ask for an IP now; who did not answer has lost it."""
        due, silent = self.bindings.due(now, patience, most)
        for ip in silent:
            self.release(ip, What.SILENT)
        for ip in due:
            yield self.bindings.of_ip[ip].mac, ip

    def reconsider(self, ip: IpAddress) -> None:
        """Whom a MAC of this IP is behind has changed."""
        self._dirty.ips[ip] = None
        if ip in self.bindings.of_ip:
            self._compare(ip)

    def freeze(self, ip: IpAddress) -> None:
        """A duplicate stays here or elsewhere until it is thawed, or let go of there."""
        here = self.holder(ip) is not None
        if here or self._rival(ip) is not None:
            self.frozen[ip] = here

    def thaw(self, ip: IpAddress) -> None:
        if self.frozen.pop(ip, None) is not None:
            self.reconsider(ip)

    # Decisions

    def holder(self, ip: IpAddress) -> Binding | None:
        """Our binding of an IP, while we announce it."""
        binding = self.bindings.of_ip.get(ip)
        if binding is None or not binding.claimed or self._macs.local_claim(binding.mac) is None:
            return None
        return binding

    def neighbor(self, ip: IpAddress) -> tuple[MacAddress, Path] | None:
        """The remote MAC that an IP belongs to: the binding of the best claim whose MAC is owned by its own VTEP."""
        best = self._rival(ip) if self.holder(ip) is None else None
        return (mac_of(best), best) if best else None

    def _rival(self, ip: IpAddress, mac: MacAddress | None = None) -> Path | None:
        """The best remote binding of an IP, to another MAC than this one."""
        behind = self._macs.is_behind
        return best_binding(
            [path for path in self.remote.get(ip, ()) if (of := mac_of(path)) != mac and behind(of, path.next_hop)]
        )

    def _take(self, ip: IpAddress, binding: Binding, known: Binding | None, rival: Path | None) -> None:
        mac = binding.mac
        if known is not None and known.mac != mac:
            self._touch(known.mac, ip)
        self.bindings.bind(ip, binding)
        if rival is not None:
            self._macs.claim_above(mac, claim(rival))
            self._events.append(Event(What.IP_MOVED_HERE, mac, ip, vtep=rival.next_hop))
        elif known is not None and known.mac != mac and known.claimed:
            self._events.append(Event(What.IP_CHANGED_HANDS, mac, ip))
        else:
            self._events.append(Event(What.BOUND, mac, ip))
        self._touch(mac, ip)
        self._compare(ip, defend=False)

    def _compare(self, ip: IpAddress, defend: bool = True) -> None:
        """Give an IP up when another MAC's claim to it is better, take it back when none is any more."""
        binding = self.bindings.of_ip[ip]
        ours = self._macs.local_claim(binding.mac)
        if self._is_held(ip) or ours is None:
            return
        rival = self._rival(ip, binding.mac)
        if binding.source is Source.CONFIGURATION:
            self._defend(ip, binding.mac, ours, rival, defend)
            return
        claimed = rival is None or prefer(ours, binding_claim(rival))[0] == ours
        if claimed != binding.claimed:
            self.bindings.replace(ip, binding._replace(claimed=claimed))
            self._touch(binding.mac, ip)
            if rival is not None and claimed:
                # not by its own word, but by that of its MAC, which may have taken another IP instead: two hosts that
                # have swapped theirs would raise each other without end
                self.bindings.suspect(ip)
            elif rival is not None:
                self._events.append(Event(What.IP_MOVED_AWAY, binding.mac, ip, vtep=rival.next_hop))

    def _defend(self, ip: IpAddress, mac: MacAddress, ours: Claim, rival: Path | None, defend: bool) -> None:
        """Known beforehand, an IP is never given up; it is claimed above one that may move."""
        if rival is None or prefer(ours, claim(rival))[0] == ours:
            self._contested.discard(ip)
        elif not is_immovable(rival):
            if defend:
                self._macs.claim_above(mac, claim(rival))
                self._events.append(Event(What.IP_DEFENDED, mac, ip, vtep=rival.next_hop))
        elif ip not in self._contested:
            self._contested.add(ip)
            self._events.append(Event(What.IP_ELSEWHERE, mac, ip, vtep=rival.next_hop))

    def _is_held(self, ip: IpAddress) -> bool:
        """Whether a duplicate is where it was found still; else it may move again."""
        if not self.frozen or (here := self.frozen.get(ip)) is None:
            return False
        if (self.holder(ip) if here else self._rival(ip)) is not None:
            return True
        del self.frozen[ip]
        return False

    def _touch(self, mac: MacAddress, ip: IpAddress) -> None:
        self._dirty.bindings[mac, ip] = None
        self._dirty.ips[ip] = None


def is_martian_host(ip: IpAddress) -> bool:
    """Never a host's own: zero, loopback, multicast, broadcast, mapped; link-local ones may be."""
    link_local = ip[:2] == b"\xa9\xfe" if len(ip) == 4 else ip[0] == 0xFE and ip[1] & 0xC0 == 0x80
    return not link_local and is_martian(ip)
