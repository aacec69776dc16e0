"""Scenarios: one fact a line, in words, then `=>` lines with all that the kernel holds and ExaBGP announces at the end.

10.0.0.2 has 02:00:00:00:00:01 192.0.2.1 sequence 3     a VTEP's host (IP, sequence, `sticky` ... as needed)
10.0.0.2 has 02:00:00:00:00:01 through 10.0.0.30        its route has another next hop now
10.0.0.2 loses 02:00:00:00:00:01 192.0.2.1
10.0.0.2 floods | floods no more                        its type 3 route
captured frr-mac                                        an UPDATE of tests/captures
reflector1 goes down | comes up                         and says all it knows, then End-of-RIB
tap0 hears 02:00:00:00:00:01                            a frame
tap0 hears 02:00:00:00:00:01 192.0.2.1                  ARP or ND of a host, which answers when asked from now on
02:00:00:00:00:01 falls silent                          and answers no more, though it may be there
02:00:00:00:00:01 ages out
tap0 goes down | comes up                               also vxlan100
vxlan100 is deleted | is made again
operator puts 02:00:00:00:00:01 on tap0                 a static row of the bridge
operator puts 02:00:00:00:00:01 behind 10.0.0.30        a static row of the VXLAN device
operator flushes neighbors
operator expects 02:00:00:00:00:01 192.0.2.1 on tap0    a host known beforehand (IPs, `on` a port, `sticky` as needed)
operator forgets 02:00:00:00:00:01                      `evpn host del`
operator clears duplicates
kernel resolves 192.0.2.1 02:00:00:00:00:01             its own ARP on the bridge
kernel loses 192.0.2.1
the configuration has hosts: [...]                      a reload: this key of the VNI from now on
notifications are lost | are heard
the agent restarts
time passes                                             longer than any hold

A line `not squashed: why` says that an expansion would be another story.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from evpn.agent.configure import configure
from evpn.config.settings import Host
from evpn.dataplane.entries import NTF_ROUTER, NTF_SELF, NTF_STICKY, NUD_NOARP, NUD_PERMANENT, NUD_REACHABLE
from evpn.dataplane.link import Link
from evpn.evi.bindings import PROBE_INTERVAL, PROBES
from evpn.text import format_ip, format_mac
from evpn.values import NO_IP, RouteKey, Vni
from evpn.wire.communities import IMMUTABLE
from evpn.wire.routes import InclusiveMulticastRoute, MacIpRoute
from evpn.wire.update import decode, encode_announce, encode_withdraw
from tests.agent.vtep import Vtep
from tests.builders import (
    CONFIGURATION,
    LINKS,
    RR1,
    RR2,
    a_mac_route,
    a_multicast_route,
    attributes,
    ip,
    mac,
    rd_of,
    settings,
)
from tests.fakes import FakeKernel
from tests.kernel_rows import BRIDGE
from tests.wire.captured import captured

_END_OF_RIB = bytes.fromhex("00000006800f03001946")
_END_OF_REFRESH = bytes.fromhex("00190246")
_BY_NAME: dict[str, Link] = {link.name: link for link in LINKS}
_COMMUNITIES = {
    "router": "arp-nd:router",
    "immutable": "arp-nd:immutable",
    "anycast": "arp-nd:0",
    "default-gateway": "default-gateway",
}
"""What a VTEP may say of its host besides."""
_REFLECTORS = {"reflector1": RR1, "reflector2": RR2}


class Scenario(NamedTuple):
    name: str
    facts: list[str]
    end: set[str]
    barred: dict[str, str]
    """Expansion -> why it would be another story."""

    @classmethod
    def read(cls, path: Path) -> "Scenario":
        lines = [line.strip() for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
        end = {line.removeprefix("=> ") for line in lines if line.startswith("=> ")}
        barred = dict(line.removeprefix("not ").split(": ", 1) for line in lines if line.startswith("not "))
        facts = [line for line in lines if not line.startswith(("=> ", "not "))]
        return cls(path.stem, facts, end, barred)


class Play:
    """A VTEP and the world around it, which remembers what it said."""

    def __init__(self, kernel: FakeKernel | None = None) -> None:
        self.vtep = Vtep(kernel=kernel)
        self.tables: dict[str, dict[RouteKey, bytes]] = {RR1: {}, RR2: {}}
        self.options: dict[str, str] = {}
        """Keys of the VNI in the configuration, and their values in YAML."""
        for reflector in _REFLECTORS:
            self._comes_up(reflector)
        self.vtep.settle()

    def tell(self, fact: str) -> None:
        subject, *words = fact.split()
        verbs: dict[str, Callable[..., None]] = {
            "has": self._has,
            "loses": self._loses,
            "floods": self._floods,
            "hears": self._hears,
            "ages": lambda subject, _: self.vtep.kernel.age_out(mac(subject)),
            "falls": self._falls_silent,
            "goes": self._goes_down,
            "comes": self._comes_up,
            "is": self._is,
            "puts": self._puts,
            "flushes": self._flushes,
            "expects": self._expects,
            "forgets": self._forgets,
            "clears": self._clears,
            "resolves": self._resolves,
            "configuration": self._reloads,
            "are": self._are,
            "agent": self._restarts,
            "passes": self._passes,
        }
        if subject == "captured":
            self._says(captured(words[0]))
        else:
            verbs[words[0]](subject, *words[1:])

    def settle(self) -> None:
        self.vtep.settle()
        while refreshed := self.vtep.speaker.refreshes:
            self.vtep.speaker.refreshes = []
            for reflector in refreshed:
                self._says_all(reflector)
                self.vtep.speaker.packet(reflector, 5, _END_OF_REFRESH)
            self.vtep.settle()

    def end(self) -> set[str]:
        """As the `=>` lines have it; the rows of the interfaces' own MACs are left out."""
        kernel, names = self.vtep.kernel, {link.ifindex: link.name for link in LINKS}
        found = {f"flood {format_ip(vtep)}" for _, vtep in kernel.flood}
        for (_, address), row in kernel.bridge.items():
            if row.state != NUD_PERMANENT:
                sticky = " sticky" if row.flags & NTF_STICKY else ""
                found.add(f"bridge {format_mac(address)} {names[row.where]}{sticky}")
        for (_, address), row in kernel.tunnel.items():
            found.add(f"tunnel {format_mac(address)} {format_ip(row.where)}")
        for (_, address), row in kernel.neighbors.items():
            router = " router" if row.flags & NTF_ROUTER else ""
            found.add(f"neighbor {format_ip(address)} {format_mac(row.where)}{router}")
        assert self.vtep.announcements(RR1) == self.vtep.announcements(RR2)
        return found | {self._announced(*route[:2]) for route in self.vtep.announcements().values()}

    def _announced(self, nlri: bytes, shared) -> str:
        if nlri[0] == 3:
            return f"announced {format_ip(InclusiveMulticastRoute.decode(nlri[2:]).originator)} floods"
        route = MacIpRoute.decode(nlri[2:])
        bound = f" {format_ip(route.ip)}" if route.ip else ""
        more = " sticky" if shared.mobility.sticky else ""
        more += " immutable" if (shared.arp_nd or 0) & IMMUTABLE else ""
        return f"announced {format_mac(route.mac)}{bound} sequence {shared.mobility.sequence}{more}"

    # BGP

    def _has(self, vtep: str, address: str, *more: str) -> None:
        words = list(more)
        sequence = int(words.pop()) if words[-2:-1] == ["sequence"] else 0
        next_hop = ip(words.pop()) if words[-2:-1] == ["through"] else ip(vtep)
        bound = ip(words[0]) if words and words[0][0].isdigit() else NO_IP
        said = [text for word, text in _COMMUNITIES.items() if word in words]
        shared = attributes("target:65000:100", *said, sequence=sequence, sticky="sticky" in words)
        self._says(encode_announce([a_mac_route(mac(address), bound, rd_of(ip(vtep)))], next_hop, shared))

    def _loses(self, vtep: str, address: str, bound: str = "") -> None:
        if vtep == "kernel":
            if (BRIDGE, ip(address)) in self.vtep.kernel.neighbors:
                self.vtep.kernel.drop_neighbor(ip(address))
            return
        route = a_mac_route(mac(address), ip(bound) if bound else NO_IP, rd_of(ip(vtep)))
        self._says(encode_withdraw([route]))

    def _floods(self, vtep: str, *no_more: str) -> None:
        route = a_multicast_route(ip(vtep), rd_of(ip(vtep)))
        shared = attributes(endpoint=ip(vtep))
        self._says(encode_withdraw([route]) if no_more else encode_announce([route], ip(vtep), shared))

    def _says(self, update: bytes) -> None:
        message = decode(update)
        for reflector, table in self.tables.items():
            for route in message.withdrawn:
                table.pop(route.key, None)
            for route in message.announced:
                assert message.attributes is not None
                table[route.key] = encode_announce([route], message.next_hop, message.attributes)
            if reflector in self.vtep.speaker.up:
                self.vtep.speaker.update(reflector, update)

    def _says_all(self, reflector: str) -> None:
        for update in self.tables[reflector].values():
            self.vtep.speaker.update(reflector, update)

    # Sessions and devices

    def _goes_down(self, who: str, *_: str) -> None:
        if who in _REFLECTORS:
            if _REFLECTORS[who] in self.vtep.speaker.up:
                self.vtep.speaker.state(_REFLECTORS[who], "down", "hold timer expired")
        else:
            self.vtep.kernel.change_link(_BY_NAME[who].ifindex, up=False)

    def _comes_up(self, who: str, *_: str) -> None:
        if who in _REFLECTORS:
            reflector = _REFLECTORS[who]
            if reflector not in self.vtep.speaker.up:
                self.vtep.speaker.state(reflector, "up")
                self._says_all(reflector)
                self.vtep.speaker.update(reflector, _END_OF_RIB)
        else:
            self.vtep.kernel.change_link(_BY_NAME[who].ifindex, up=True)

    def _is(self, name: str, what: str, *_: str) -> None:
        link = _BY_NAME[name]
        there = link.ifindex in self.vtep.kernel.links
        if what == "deleted" and there:
            self.vtep.kernel.remove_link(link.ifindex)
        elif what == "made" and not there:
            self.vtep.kernel.add_link(link)

    # The bridge

    def _hears(self, port: str, address: str, *bound: str) -> None:
        where = _BY_NAME[port].ifindex
        if not self.vtep.kernel.links[where].up:
            return
        for text in bound:
            for (_, other), ips in self.vtep.hosts.items():
                if other == mac(address):
                    ips.discard(ip(text))
            self.vtep.hosts.setdefault((where, mac(address)), set()).add(ip(text))
            self.vtep.host_says(mac(address), where, ip(text))
        if not bound:
            self.vtep.kernel.frame(mac(address), where)

    def _falls_silent(self, address: str, *_: str) -> None:
        for key in [key for key in self.vtep.hosts if key[1] == mac(address)]:
            del self.vtep.hosts[key]

    def _puts(self, _: str, address: str, where: str, place: str) -> None:
        if where == "on":
            self.vtep.kernel.put_bridge(mac(address), _BY_NAME[place].ifindex, NUD_NOARP)
        else:
            self.vtep.kernel.put_tunnel(mac(address), ip(place), NUD_NOARP | NUD_REACHABLE, NTF_SELF)

    def _flushes(self, *_: str) -> None:
        for _, address in list(self.vtep.kernel.neighbors):
            self.vtep.kernel.drop_neighbor(address)

    def _resolves(self, _: str, address: str, owner: str) -> None:
        self.vtep.kernel.put_neighbor(ip(address), mac(owner), NUD_REACHABLE, 0, 0)

    # The operator

    def _expects(self, _: str, address: str, *words: str) -> None:
        port = words[words.index("on") + 1] if "on" in words else None
        bound = tuple(ip(word) for word in words if word[0].isdigit())
        self.vtep.core.hosts.add(Vni(100), Host(mac(address), bound, "sticky" in words, port))

    def _forgets(self, _: str, address: str) -> None:
        if (Vni(100), mac(address)) in self.vtep.core.hosts.added:
            self.vtep.core.hosts.delete(Vni(100), mac(address))

    def _clears(self, *_: str) -> None:
        self.vtep.core.moves.clear(self.vtep.core.fabric.domains[Vni(100)], self.vtep.now)

    def _reloads(self, _subject: str, _has: str, key: str, *value: str) -> None:
        self.options[key] = " ".join(value)
        entry = ", ".join([f"{key} {value}" for key, value in self.options.items()])
        self.vtep.settings = settings(CONFIGURATION.replace("{vni: 100}", f"{{vni: 100, {entry}}}"))
        configure(self.vtep.core, self.vtep.settings, self.vtep.now)

    # The agent

    def _are(self, _: str, how: str) -> None:
        self.vtep.kernel.deaf = how == "lost"

    def _passes(self, *_: str) -> None:
        """Longer than any hold; who is asked then has its time to answer."""
        self.vtep.settle(seconds=4000)
        for _ in range(PROBES):
            self.vtep.settle(seconds=PROBE_INTERVAL)

    def _restarts(self, *_: str) -> None:
        self.vtep.restart()
