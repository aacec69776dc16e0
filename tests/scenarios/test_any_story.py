"""Whatever happens: once faults cease, the kernel is what BGP says, and rows of others are untouched."""

from errno import ENOSPC

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from evpn.netlink.constants import NTF_EXT_LEARNED, NTF_SELF, NTF_STICKY, NUD_NOARP, NUD_PERMANENT
from evpn.netlink.neighbor import NeighborMessage
from evpn.text import format_ip, format_mac
from tests.builders import IP1, IP2, LINKS, M1, M2, VTEP2, VTEP3
from tests.fakes import FakeKernel
from tests.kernel_rows import BRIDGE, DEVICE
from tests.scenarios.play import Play

MACS = st.sampled_from([M1, M2])
VTEPS = st.sampled_from([VTEP2, VTEP3])
IPS = st.sampled_from(["", format_ip(IP1), format_ip(IP2)])
PORTS = st.sampled_from(["tap0", "tap1"])


class GuardedKernel(FakeKernel):
    """Notices when a row of somebody else is written or deleted, unless nobody could have known of it."""

    def _bridge(self, kind: int, row: NeighborMessage, bridge: int) -> int:
        known = self.bridge.get((bridge, row.lladdr))
        static = known is not None and known.state & (NUD_NOARP | NUD_PERMANENT) and not known.flags & NTF_EXT_LEARNED
        assert self.deaf or not static, f"{known} is not ours"
        return super()._bridge(kind, row, bridge)

    def _tunnel(self, kind, row, link) -> int:
        known = self.tunnel.get((row.ifindex, row.lladdr))
        foreign = known is not None and known.state & NUD_NOARP and not known.flags & (NTF_EXT_LEARNED | NTF_STICKY)
        assert self.deaf or not foreign, f"{known} is not ours"
        return super()._tunnel(kind, row, link)


class AnyStory(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.play = Play(GuardedKernel(*LINKS))

    def tell(self, fact: str) -> None:
        self.play.tell(fact)

    @rule(vtep=VTEPS, mac=MACS, ip=IPS, sticky=st.booleans(), sequence=st.integers(0, 3))
    def a_vtep_has_a_host(self, vtep, mac, ip: str, sticky: bool, sequence: int) -> None:
        words = [format_ip(vtep), "has", format_mac(mac), ip, "sticky" if sticky else "", f"sequence {sequence}"]
        self.tell(" ".join(words))

    @rule(vtep=VTEPS, mac=MACS, ip=IPS)
    def a_vtep_loses_a_host(self, vtep, mac, ip: str) -> None:
        self.tell(f"{format_ip(vtep)} loses {format_mac(mac)} {ip}")

    @rule(vtep=VTEPS, more=st.sampled_from(["", " no more"]))
    def a_vtep_floods(self, vtep, more: str) -> None:
        self.tell(f"{format_ip(vtep)} floods{more}")

    @rule(mac=MACS, port=PORTS, ip=IPS)
    def a_host_speaks(self, mac, port: str, ip: str) -> None:
        if self.play.vtep.kernel.links[11 if port == "tap0" else 12].up:
            self.tell(f"{port} hears {format_mac(mac)} {ip}")

    @rule(mac=MACS)
    def a_host_falls_silent(self, mac) -> None:
        self.tell(f"{format_mac(mac)} falls silent")

    @rule(mac=MACS)
    def a_host_ages_out(self, mac) -> None:
        self.tell(f"{format_mac(mac)} ages out")

    @rule(who=st.sampled_from(["tap0", "vxlan100", "reflector1", "reflector2"]), how=st.sampled_from(["down", "up"]))
    def something_goes_or_comes(self, who: str, how: str) -> None:
        if who != "vxlan100" or DEVICE in self.play.vtep.kernel.links:
            self.tell(f"{who} goes down" if how == "down" else f"{who} comes up")

    @rule(how=st.sampled_from(["deleted", "made again"]))
    def the_device_is_another(self, how: str) -> None:
        self.tell(f"vxlan100 is {how}")

    @rule(mac=MACS, where=st.sampled_from(["on tap1", "behind 10.0.0.40"]))
    def an_operator_puts_a_row(self, mac, where: str) -> None:
        if DEVICE in self.play.vtep.kernel.links:
            self.tell(f"operator puts {format_mac(mac)} {where}")

    @rule(mac=MACS)
    def an_operator_removes_rows(self, mac) -> None:
        kernel = self.play.vtep.kernel
        if (BRIDGE, mac) in kernel.bridge:
            kernel.drop_bridge(mac)
        if (DEVICE, mac) in kernel.tunnel:
            kernel.drop_tunnel(mac)

    @rule()
    def an_operator_flushes_neighbors(self) -> None:
        self.tell("operator flushes neighbors")

    @rule(what=st.sets(st.sampled_from([M1, M2, VTEP2, IP1])))
    def the_kernel_refuses(self, what: set[bytes]) -> None:
        self.play.vtep.kernel.refuse = dict.fromkeys(what, ENOSPC)

    @rule(how=st.sampled_from(["lost", "heard"]))
    def notifications(self, how: str) -> None:
        self.tell(f"notifications are {how}")

    @rule(filtered=st.booleans())
    def echoes_of_our_writes_are_filtered(self, filtered: bool) -> None:
        self.play.vtep.kernel.filtered = filtered

    @rule()
    def the_agent_restarts(self) -> None:
        self.tell("the agent restarts")

    @rule(seconds=st.sampled_from([0, 2, 70, 400]))
    def it_settles(self, seconds: int) -> None:
        self.play.vtep.now += seconds
        self.play.settle()

    def teardown(self) -> None:
        for fact in ("notifications are heard", "vxlan100 is made again", "vxlan100 comes up", "tap0 comes up"):
            self.tell(fact)
        self.play.vtep.kernel.refuse = {}
        self.play.vtep.kernel.filtered = False
        for fact in ("reflector1 comes up", "reflector2 comes up"):
            self.tell(fact)
        self.play.settle()
        self.play.vtep.level_check()
        self.play.vtep.settle(seconds=100)
        self.tell("time passes")
        self.play.settle()
        self.check_rows()
        self.check_announcements()

    def check_rows(self) -> None:
        """From the claims alone: which rows there must be, and none besides."""
        vtep = self.play.vtep
        kernel, domain, segment = vtep.kernel, vtep.core.fabric.domains[100], vtep.core.dataplane.segments[100]
        owners = {mac: domain.owner(mac) for mac in (M1, M2) if not segment.reserved(mac)}
        remote = {mac: owner for mac, owner in owners.items() if owner}
        marked = {mac: bool(row.flags & NTF_STICKY) for (_, mac), row in kernel.bridge.items() if row.where == DEVICE}
        assert {m: sticky for m, sticky in marked.items() if m in (M1, M2)} == {m: o.sticky for m, o in remote.items()}
        ours = {mac: row.where for (_, mac), row in kernel.tunnel.items() if mac not in segment.foreign}
        assert ours == {mac: owner.vtep for mac, owner in remote.items()}
        assert {vtep for _, vtep in kernel.flood} == set(domain.flood)
        bound = {ip: domain.addresses.neighbor(ip) for ip in (IP1, IP2)}
        assert {ip: row.where for (_, ip), row in kernel.neighbors.items()} == {
            ip: found[0] for ip, found in bound.items() if found and found[0] in remote
        }
        assert vtep.core.dataplane.pending == 0
        assert all(row.flags & NTF_SELF for row in kernel.tunnel.values())

    def check_announcements(self) -> None:
        vtep = self.play.vtep
        there = {
            mac for (_, mac), row in vtep.kernel.bridge.items() if row.where != DEVICE and row.state != NUD_PERMANENT
        }
        domain = vtep.core.fabric.domains[100]
        assert set(domain.local) == there
        announced = {
            f"announced {format_mac(mac)} sequence {local.claim.sequence}"
            for mac, local in domain.local.items()
            if local.claim
        }
        announced |= {
            f"announced {format_mac(one.mac)} {format_ip(ip)} sequence {domain.local_claim(one.mac).sequence}"
            for ip, one in domain.addresses.bindings.of_ip.items()
            if domain.addresses.holder(ip)
        }
        answering = {(mac, ip) for (_, mac), ips in vtep.hosts.items() for ip in ips}
        assert {(one.mac, ip) for ip, one in domain.addresses.bindings.of_ip.items()} <= answering
        assert {line for line in self.play.end() if line.startswith("announced")} == announced | {
            "announced 10.0.0.10 floods"
        }


TestAnyStory = AnyStory.TestCase
TestAnyStory.settings = settings(deadline=None, max_examples=60, stateful_step_count=30)
