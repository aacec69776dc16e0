"""Routes of VTEPs that do not exist, by the thousand: what two speakers, one for each reflector, say alike."""

from random import Random
from threading import Event, RLock, Thread

from evpn.text import parse_ip, parse_mac
from evpn.wire import update
from evpn.wire.routes import Route
from tests.builders import a_mac_route, a_multicast_route, attributes
from tests.interop.frr import Namespace
from tests.interop.raw_peer import END_OF_RIB, RawPeer
from tests.interop.underlay import address

_PER_UPDATE = 50
_KEPT = 40
_ALL = 20_000


class Far:
    """`macs` and `vteps` are what is announced now; a session that was lost is told all of it again.

    Sessions are called again by a thread, for a reflector that does not answer takes seconds.
    """

    def __init__(self, node: Namespace, own: str, reflectors: list[str]) -> None:
        self.macs: dict[str, int] = {}
        self.vteps: set[int] = set()
        self._sequence: dict[str, int] = {}
        self._peers = [RawPeer(node, own, reflector) for reflector in reflectors]
        self._told: set[RawPeer] = set()
        self._lock = RLock()
        self._closed = Event()
        self._threads = [Thread(target=self._call, args=(peer,), daemon=True) for peer in self._peers]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        self._closed.set()
        for thread in self._threads:
            thread.join()
        for peer in self._peers:
            peer.close()

    @property
    def complete(self) -> bool:
        """All sessions are up, and told."""
        return all(peer.is_up and peer in self._told for peer in self._peers)

    def announce(self, vtep: int, count: int, seed: int) -> None:
        """MACs come to a VTEP, some of them from another one."""
        with self._lock:
            random = Random(seed)
            macs = [_mac(random.randrange(_ALL)) for _ in range(count)]
            for mac in macs:
                if self.macs.get(mac, vtep) != vtep:
                    self._sequence[mac] = self._sequence.get(mac, 0) + 1
                old, self.macs[mac] = self.macs.get(mac), vtep
                if old not in (None, vtep):
                    self._say(update.encode_withdraw([_route(mac, old)]))
            self._announce(macs)

    def withdraw(self, seed: int) -> None:
        """All but a few."""
        with self._lock:
            kept = Random(seed).sample(sorted(self.macs), min(_KEPT, len(self.macs)))
            gone = [_route(mac, vtep) for mac, vtep in self.macs.items() if mac not in kept]
            self.macs = {mac: self.macs[mac] for mac in kept}
            for at in range(0, len(gone), _PER_UPDATE):
                self._say(update.encode_withdraw(gone[at : at + _PER_UPDATE]))

    def vtep(self, number: int, comes: bool) -> None:
        with self._lock:
            if comes:
                self.vteps.add(number)
                self._say(_flood(number))
            elif number in self.vteps:
                self.vteps.remove(number)
                self._say(update.encode_withdraw([_flood_route(number)]))

    def _call(self, peer: RawPeer) -> None:
        while not self._closed.wait(0.2):
            if peer.is_up and peer in self._told:
                continue
            with self._lock:
                self._told.discard(peer)
            if peer.is_up or peer.connect():
                with self._lock:
                    if self._tell_all(peer):
                        self._told.add(peer)

    def _tell_all(self, peer: RawPeer) -> bool:
        try:
            for body in (*self._bodies(list(self.macs)), *map(_flood, self.vteps), END_OF_RIB):
                peer.update(body)
        except OSError:
            return False
        return True

    def _announce(self, macs: list[str]) -> None:
        for body in self._bodies(macs):
            self._say(body)

    def _bodies(self, macs: list[str]) -> list[bytes]:
        groups: dict[tuple[int, int], list[Route]] = {}
        for mac in macs:
            vtep = self.macs[mac]
            groups.setdefault((vtep, self._sequence.get(mac, 0)), []).append(_route(mac, vtep))
        return [
            update.encode_announce(
                routes[at : at + _PER_UPDATE], parse_ip(address(vtep)), attributes(sequence=sequence)
            )
            for (vtep, sequence), routes in groups.items()
            for at in range(0, len(routes), _PER_UPDATE)
        ]

    def _say(self, body: bytes) -> None:
        """To those that were told of what was before; who is lost on the way is told everything later."""
        for peer in list(self._told):
            try:
                peer.update(body)
            except OSError:
                self._told.discard(peer)
                peer.close()


def _mac(number: int) -> str:
    return f"02:00:00:0f:{number >> 8:02x}:{number & 255:02x}"


def _route(mac: str, vtep: int) -> Route:
    return a_mac_route(parse_mac(mac), rd=f"{address(vtep)}:100")


def _flood_route(vtep: int) -> Route:
    return a_multicast_route(parse_ip(address(vtep)), rd=f"{address(vtep)}:100")


def _flood(vtep: int) -> bytes:
    ip = parse_ip(address(vtep))
    return update.encode_announce([_flood_route(vtep)], ip, attributes(endpoint=ip))
