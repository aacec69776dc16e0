"""What there must be at the end of any story, from what peers said, what the bridge holds and what is configured.

It is worked out anew from the claims, by the rules between two of them, and compared with what the agent made of it.
"""

from evpn.dataplane.entries import NTF_EXT_LEARNED, NTF_STICKY, NUD_PERMANENT, RTPROT_BGP
from evpn.evi.bindings import Source
from evpn.evi.mobility import Claim, prefer
from evpn.evi.paths import best_binding, best_claim, binding_claim
from evpn.rib.path import Path
from evpn.values import IpAddress, MacAddress, RouteKey
from evpn.wire.communities import IMMUTABLE, ROUTER
from evpn.wire.routes import MacIpRoute
from evpn.wire.update import decode
from tests.builders import RR1
from tests.kernel_rows import BRIDGE, DEVICE
from tests.scenarios.play import Play


class Verdict:
    def __init__(self, play: Play) -> None:
        self.play = play
        self.kernel = play.vtep.kernel
        self.domain = play.vtep.core.fabric.domains[100]
        self.segment = play.vtep.core.dataplane.segments[100]
        self.settings = play.vtep.core.instances.served[100]
        self.paths: list[Path] = []
        for octets in play.tables[RR1].values():
            message = decode(octets)
            assert message.attributes is not None
            for route in message.announced:
                if isinstance(route, MacIpRoute):
                    self.paths.append(Path(RR1, message.next_hop, message.attributes, route, None))
        found = play.vtep.announcements().values()
        routes = [(MacIpRoute.decode(nlri[2:]), shared) for nlri, shared, _ in found if nlri[0] == 2]
        self.announced = {(route.mac, route.ip): shared for route, shared in routes}

    def check(self) -> None:
        self.hosts()
        self.claims()
        self.remote_rows()
        self.host_rows()
        self.bindings()
        self.neighbors()
        self.routes()

    # What peers say

    def of_mac(self, mac: MacAddress) -> tuple[Path, ...]:
        return tuple(path for path in self.paths if path.route.mac == mac)

    def best(self, mac: MacAddress) -> Claim | None:
        found = best_claim(self.of_mac(mac))
        return found[0] if found else None

    def is_ours(self, mac: MacAddress) -> bool:
        return (mac, b"") in self.announced

    def rival(self, ip: IpAddress, mac: MacAddress | None = None) -> Path | None:
        """The best remote binding, of a MAC that is where its route says."""
        found = []
        for path in self.paths:
            held = self.domain.frozen.get(path.route.mac)
            owner = held.vtep if held else (self.best(path.route.mac) or Claim(IpAddress(b""))).vtep
            if path.route.ip != ip or path.route.mac == mac or self.is_ours(path.route.mac) or owner != path.next_hop:
                continue
            found.append(path)
        return best_binding(found)

    # What must be

    def hosts(self) -> None:
        """Local is what the bridge has on its ports, as far as there is room, and what is known beforehand."""
        there = {
            mac: row.where
            for (_, mac), row in self.kernel.bridge.items()
            if row.where != DEVICE and row.state != NUD_PERMANENT
        }
        seen = {mac: entry.port for mac, entry in self.domain.local.items() if entry.port}
        assert seen.items() <= there.items()
        assert seen == there or len(self.domain.local) >= self.domain.max_macs
        assert set(self.domain.local) == set(seen) | set(self.domain.expected)
        known = {known.host.mac for known in self.play.vtep.core.hosts.all()}
        assert set(self.domain.expected) == known
        assert not self.domain.quiet

    def claims(self) -> None:
        for mac, entry in self.domain.local.items():
            best, claim = self.best(mac), entry.claim
            expected = self.domain.expected.get(mac)
            fixed = expected.sticky if expected else entry.static
            if claim is None:
                assert mac in self.domain.frozen or (best is not None and not fixed)
            else:
                assert claim.sticky == bool(expected and expected.sticky)
                wins = best is None or prefer(claim, best)[0] == claim
                assert wins or mac in self.domain.frozen or (fixed and best.sticky)
                assert self.announced[mac, b""].mobility == (claim.sequence, claim.sticky)
        claimed = {mac for mac, entry in self.domain.local.items() if entry.claim}
        assert {mac for mac, ip in self.announced if not ip} == claimed
        duplicates = self.play.vtep.core.moves.detectors[100]
        assert self.domain.frozen.keys() <= duplicates.macs.found.keys()
        assert self.domain.addresses.frozen.keys() <= duplicates.ips.found.keys()

    def remote_rows(self) -> None:
        wanted = {}
        for mac in {path.route.mac for path in self.paths}:
            best = self.best(mac)
            if not self.is_ours(mac) and best is not None and not self.segment.reserved(mac):
                held = self.domain.frozen.get(mac)
                wanted[mac] = (held.vtep, True) if held else (best.vtep, best.sticky)
        bridge = {
            mac: bool(row.flags & NTF_STICKY)
            for (_, mac), row in self.kernel.bridge.items()
            if row.where == DEVICE and row.state != NUD_PERMANENT and mac not in self.segment.foreign_bridge
        }
        tunnel = {mac: row.where for (_, mac), row in self.kernel.tunnel.items() if mac not in self.segment.foreign}
        assert bridge == {mac: sticky for mac, (_, sticky) in wanted.items()}
        assert tunnel == {mac: vtep for mac, (vtep, _) in wanted.items()}

    def host_rows(self) -> None:
        for mac, expected in self.domain.expected.items():
            port = self.domain.port_of(mac)
            assert not expected.port or port in self.kernel.links
            if self.is_ours(mac) and port and not self.segment.reserved_host(mac):
                row = self.kernel.bridge[BRIDGE, mac]
                assert (row.where, bool(row.flags & NTF_STICKY)) == (port, expected.sticky)
                assert row.flags & NTF_EXT_LEARNED or expected.sticky
                assert not (expected.sticky and expected.port) or port == expected.port

    def bindings(self) -> None:
        """Somebody answers for what was learnt, and what is known beforehand is known."""
        bindings = self.domain.addresses.bindings
        configured = {ip: one.mac for ip, one in bindings.of_ip.items() if one.source is Source.CONFIGURATION}
        assert configured == {ip: known.host.mac for known in self.play.vtep.core.hosts.all() for ip in known.host.ip}
        learnt = {(one.mac, ip) for ip, one in bindings.of_ip.items() if ip not in configured}
        assert learnt <= {(mac, ip) for (_, mac), ips in self.play.vtep.hosts.items() for ip in ips}
        assert not learnt or self.settings.learn_neighbors
        assert {(mac, ip) for mac, ips in bindings.of_mac.items() for ip in ips} == learnt | {
            (mac, ip) for ip, mac in configured.items()
        }

    def neighbors(self) -> None:
        ours = {ip for _, ip in self.announced}
        wanted = {}
        for ip in {path.route.ip for path in self.paths} - ours - {b""}:
            path = self.rival(ip)
            if path is None or not self.settings.neighbor_suppression or self.segment.reserved(path.route.mac):
                continue
            flags = path.attributes.arp_nd
            if len(ip) == 4 or flags != 0:
                wanted[ip] = (path.route.mac, bool((flags or 0) & ROUTER))
        written = {
            ip: (row.where, bool(row.flags & 0x80))
            for (_, ip), row in self.kernel.neighbors.items()
            if row.protocol == RTPROT_BGP
        }
        assert written == wanted

    def routes(self) -> None:
        """A MAC/IP route goes with its MAC's, one for each IP, and none against a better binding."""
        addresses = self.domain.addresses
        keys: list[RouteKey] = [ip for _, ip in self.announced if ip]
        assert len(keys) == len(set(keys))
        for (mac, ip), shared in self.announced.items():
            assert shared.mobility == self.announced[mac, b""].mobility
            binding = addresses.bindings.of_ip.get(ip)
            if not ip:
                assert shared.arp_nd is None
                continue
            assert binding is not None and binding.mac == mac
            configured = binding.source is Source.CONFIGURATION
            assert bool((shared.arp_nd or 0) & IMMUTABLE) == configured
            assert len(ip) == 4 or shared.arp_nd is not None
            rival = self.rival(ip, mac)
            if rival is not None and not configured and ip not in addresses.frozen:
                ours = Claim(self.domain.vtep, *shared.mobility)
                assert prefer(ours, binding_claim(rival))[0] == ours
        for ip, binding in addresses.bindings.of_ip.items():
            if self.is_ours(binding.mac) and binding.claimed:
                assert (binding.mac, ip) in self.announced
            if binding.source is Source.CONFIGURATION:
                assert binding.claimed
