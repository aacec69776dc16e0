"""A whole VTEP between a fake kernel and a fake ExaBGP: the loop's turns without its file descriptors and its clock."""

import json
import re
from collections.abc import Callable
from typing import NamedTuple

from evpn.agent.configure import configure
from evpn.agent.core import Core
from evpn.agent.session import Session
from evpn.config.settings import Settings
from evpn.dataplane.comparison import Found
from evpn.dataplane.entries import NTF_EXT_LEARNED, NTF_SELF, NUD_REACHABLE
from evpn.exabgp import commands, messages
from evpn.netlink import rows
from evpn.netlink.events import Overrun
from evpn.netlink.neighbor import NeighborMessage
from evpn.netlink.newcomers import HostsSeen
from evpn.packet.frames import probe
from evpn.packet.sighting import Sighting
from evpn.values import NO_IP, IpAddress, MacAddress, RouteKey, Vni
from evpn.wire.attributes import PathAttributes
from evpn.wire.attributes import decode as decode_attributes
from evpn.wire.attributes import encode as encode_attributes
from evpn.wire.routes import MacIpRoute, Route, key_of, split
from evpn.wire.update import encode_announce, encode_withdraw
from tests.builders import (
    BRIDGE_LINK,
    LINKS,
    M1,
    OURS,
    RR1,
    RR2,
    VTEP2,
    a_mac_route,
    a_multicast_route,
    attributes,
    rd_of,
    settings,
)
from tests.fakes import FakeKernel, Row
from tests.kernel_rows import DEVICE, together

_COMMAND = re.compile(r"((?:neighbor \S+ )*)(.*)\n")


class Announced(NamedTuple):
    nlri: bytes
    attributes: PathAttributes
    next_hop: bytes


class FakeSpeaker:
    """ExaBGP with our extension: understands the agent's lines, keeps an Adj-RIB-Out for each neighbor."""

    def __init__(self, *neighbors: str) -> None:
        self.routes: dict[str, dict[RouteKey, Announced]] = {address: {} for address in neighbors}
        self.up: set[str] = set()
        self.refreshes: list[str] = []
        self.greeted: list[str] = []
        self.lines: list[bytes] = []
        self.heard: list[str] = []
        self._unseen: dict[str, set[RouteKey]] = {}

    def say(self, line: dict[str, object]) -> None:
        self.lines.append(json.dumps(line).encode())

    def state(self, address: str, state: str, reason: str = "") -> None:
        (self.up.add if state == "up" else self.up.discard)(address)
        self.say({"type": "state", "neighbor": {"address": {"peer": address}, "state": state, "reason": reason}})

    def packet(self, address: str, category: int, body: bytes) -> None:
        message = {"category": category, "body": f"0x{body.hex()}"}
        neighbor = {"address": {"peer": address}, "direction": "receive", "message": message}
        self.say({"type": "packet", "neighbor": neighbor})

    def update(self, address: str, body: bytes) -> None:
        self.packet(address, 2, body)

    def hear(self, line: bytes) -> None:
        found = _COMMAND.fullmatch(line.decode().replace(",", ""))
        assert found, line
        addresses, words = found[1].replace("neighbor", "").split() or list(self.routes), found[2].split()
        self.heard.append(found[2])
        match words:
            case ["announce", "evpn", "bulk", "id", _, *fields]:
                self._announce(addresses, dict(zip(fields[::2], map(bytes.fromhex, fields[1::2]), strict=True)))
            case ["withdraw", "evpn", "bulk", "id", _, "nlri", nlri]:
                self._withdraw(addresses, bytes.fromhex(nlri))
            case ["evpn", "sync", "begin", _]:
                self._unseen = {address: set(routes) for address, routes in self.routes.items()}
            case ["evpn", "sync", "end", _]:
                for address, keys in self._unseen.items():
                    self.routes[address] = {key: r for key, r in self.routes[address].items() if key not in keys}
                self._unseen = {}
            case ["evpn", "peers", identity]:
                peers = [{"address": a, "state": "up" if a in self.up else "down", "asn4": True} for a in self.routes]
                self.say({"type": "evpn-peers", "id": int(identity), "peers": peers})
            case ["evpn", "routes", identity]:
                self._tell_routes(int(identity))
            case ["evpn", "eor", _]:
                self.greeted += addresses
            case ["announce", "route-refresh", "l2vpn", "evpn"]:
                self.refreshes += addresses
            case _:
                raise AssertionError(f"not a command: {line!r}")

    def _announce(self, addresses: list[str], fields: dict[str, bytes]) -> None:
        shared, faults = decode_attributes(fields["attributes"])
        assert not faults
        for nlri in split(fields["nlri"]):
            key = key_of(nlri)
            for address in addresses:
                self.routes[address][key] = Announced(nlri, shared, fields["next-hop"])
                self._unseen.get(address, set()).discard(key)

    def _tell_routes(self, identity: int) -> None:
        told = {route for routes in self.routes.values() for route in routes.values()}
        for nlri, shared, _ in told:
            self.say({"type": "evpn-routes", "attributes": encode_attributes(shared).hex(), "nlri": nlri.hex()})
        self.say({"type": "evpn-ack", "id": identity, "announced": len(told), "withdrawn": 0})

    def _withdraw(self, addresses: list[str], nlri: bytes) -> None:
        for address in addresses:
            for piece in split(nlri):
                self.routes[address].pop(key_of(piece), None)


class Vtep:
    """`settle` runs turns until nothing moves any more; `restart` is a new agent on old far sides."""

    def __init__(self, configured: Settings | None = None, kernel: FakeKernel | None = None) -> None:
        self.settings = configured or settings()
        self.hosts: dict[tuple[int, MacAddress], set[IpAddress]] = {}
        """On our ports: (ifindex, MAC) -> the IPs that it answers for."""
        self.kernel = kernel or FakeKernel(*LINKS)
        self.speaker = FakeSpeaker(RR1, RR2)
        self.now = 0.0
        self.sent: list[tuple[int, bytes]] = []
        self.answers: list[tuple[int, bytes]] = []
        """To questions of our hosts, in the name of others."""
        self.gathers = True
        """Whether hosts that come up together are heard of together, as the monitor does it."""
        self.recall: Callable[[Core], None] = lambda core: None
        """What a new agent does when ExaBGP knows nothing of an earlier one."""
        self.restart()

    def restart(self) -> None:
        """As `Loop.open`: ask what was announced before, look at everything, then tell all of it once."""
        self.kernel.events()
        self.speaker.lines.clear()
        self.core = Core(self.settings, self.now)
        self.session = Session(self.core)
        configure(self.core, self.settings, self.now)
        self.core.dataplane.links = dict(self.kernel.links)
        self.core.instances.attach_devices()
        announcer = self.core.announcer
        self._say([commands.list_routes(announcer.next_id())])
        self._hear()
        if not self.session.recalled:
            self.recall(self.core)
        self._look()
        self.core.settle(self.now)
        lines = [announcer.begin_sync(), *announcer.lines(1 << 30), announcer.end_sync()]
        self._say([*lines, commands.list_peers(announcer.next_id())])

    def settle(self, seconds: float = 0.0) -> None:
        self.now += seconds
        for _ in range(30):
            before = self.kernel.writes, len(self.speaker.heard)
            self.turn()
            moved = before != (self.kernel.writes, len(self.speaker.heard)) or self.speaker.lines
            if not moved and self.core.is_settled:
                return
        raise AssertionError("it never comes to rest")

    def turn(self) -> None:
        self._hear()
        events = self.kernel.events()
        for event in together(events) if self.gathers else events:
            self._take(event)
        self.core.kernel.disturbances.all_heard()
        self._look()
        for vni in self.core.on_demand.due(self.now):
            self.core.on_demand.used(vni, self.kernel.use(), self.now)
        self.core.settle(self.now)
        self._ask()
        self._push()
        self.answers += self.core.on_demand.answers(self.now)
        self._say(self.core.announcer.lines())
        self._say(self.session.refreshes())
        self._greet()

    def level_check(self) -> None:
        for vni, segment in self.core.dataplane.segments.items():
            if segment.attachment is not None:
                self.core.dataplane.unobserved.pop(vni, None)
                self.look_at(vni)
        self.settle()

    def look_at(self, vni: Vni) -> None:
        """All that the kernel holds of a bridge domain is dumped, and compared at once."""
        attached = self.core.dataplane.segments[vni].attachment
        assert attached is not None
        rows, neighbors = self.kernel.dump(attached.device.ifindex, attached.bridge.ifindex)
        for _ in self.core.kernel.compare(vni, Found({}, {}, rows, neighbors), lambda: self.now):
            pass

    def peer_up(self, *addresses: str, end_of_rib: bool = True) -> None:
        for address in addresses or (RR1, RR2):
            self.speaker.state(address, "up")
            if end_of_rib:
                self.speaker.update(address, bytes.fromhex("00000006800f03001946"))

    def announcements(self, address: str = RR1) -> dict[RouteKey, Announced]:
        return self.speaker.routes[address]

    def _hear(self) -> None:
        lines, self.speaker.lines = self.speaker.lines, []
        for line in lines:
            fact = messages.decode(line)
            if fact is not None:
                self._say(self.session.hear(fact, self.now))

    def _take(self, event: object) -> None:
        if isinstance(event, NeighborMessage):
            self.core.kernel.row_event(event, self.now)
        elif isinstance(event, HostsSeen):
            self.core.kernel.hosts_seen(event, self.now)
        elif isinstance(event, Overrun):
            self.core.dataplane.links = dict(self.kernel.links)
            self.core.kernel.lost_track()
        else:
            self.core.kernel.link_event(event)  # type: ignore[arg-type]
            self.core.instances.attach_devices()

    def _look(self) -> None:
        self.core.instances.attach_devices()
        for vni in list(self.core.dataplane.unobserved):
            self.look_at(vni)

    def host_says(self, mac: MacAddress, port: int, ip: IpAddress) -> None:
        """ARP or ND of a host: the snooping socket hears it before the bridge does."""
        self.core.kernel.sighted(port, Sighting(mac, ip, None), self.now)
        self.kernel.frame(mac, port)

    def _ask(self) -> None:
        """Frames that go out on our ports, and the answers of those who are there."""
        for port, frame in self.core.questions.take():
            self.sent.append((port, frame))
            for (where, mac), ips in self.hosts.items():
                for ip in ips:
                    if where == port and frame == probe(mac, ip, BRIDGE_LINK.mac):
                        self.host_says(mac, port, ip)

    def _push(self) -> None:
        while batch := self.core.dataplane.batch(512, self.core.peers.synced):
            self.core.kernel.pushed(batch, rows.refused(self.kernel.apply(rows.encode(batch))), self.now)

    def _greet(self) -> None:
        core = self.core
        for peer in core.peers.up():
            if not peer.greeted and not core.dataplane.unobserved and not core.announcer.routes.pending:
                peer.greeted = True
                self._say([commands.end_of_rib(core.announcer.next_id(), peer.address)])

    def _say(self, lines) -> None:
        for line in lines:
            self.speaker.hear(line)


MARK = NTF_EXT_LEARNED
BRIDGE_ROW, TUNNEL_ROW = Row(DEVICE, NUD_REACHABLE, MARK), Row(VTEP2, NUD_REACHABLE, NTF_SELF | MARK)
"""A MAC behind VTEP2, in both FDBs."""


def a_mac(mac: MacAddress = M1, vtep: IpAddress = VTEP2, ip: IpAddress = NO_IP, **mobility) -> bytes:
    """UPDATE: a MAC behind a VTEP."""
    return encode_announce([a_mac_route(mac, ip, rd_of(vtep))], vtep, attributes(**mobility))


def a_vtep(vtep: IpAddress = VTEP2) -> bytes:
    """UPDATE: a VTEP asks for copies."""
    return encode_announce([a_multicast_route(vtep, rd_of(vtep))], vtep, attributes(endpoint=vtep))


def gone(*routes: Route) -> bytes:
    return encode_withdraw(routes)


def tell(vtep: Vtep, *updates: bytes, peers=(RR1, RR2)) -> None:
    for update in updates:
        for peer in peers:
            vtep.speaker.update(peer, update)
    vtep.settle()


def our_macs(vtep: Vtep) -> dict[bytes, int]:
    """MAC -> sequence, of what we announce."""
    found = {}
    for key, route in vtep.announcements().items():
        if key[0] == 2:
            assert route.next_hop == OURS
            found[MacIpRoute.decode(route.nlri[2:]).mac] = route.attributes.mobility.sequence
    return found
