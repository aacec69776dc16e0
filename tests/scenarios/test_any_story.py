"""Whatever happens: once faults cease, rows and routes are what claims say, and rows of others are untouched."""

import json
import re
from contextlib import suppress
from errno import ENOSPC

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from evpn.dataplane.entries import NTF_EXT_LEARNED, NTF_SELF, NTF_STICKY, NUD_NOARP, NUD_PERMANENT, RTPROT_BGP
from evpn.evi.mobility import LAST_QUARTER
from evpn.netlink.neighbor import NeighborMessage
from evpn.text import format_ip, format_mac, parse_ip
from tests.builders import IP1, IP2, LINKS, M1, M2, VTEP2, VTEP3
from tests.fakes import FakeKernel
from tests.kernel_rows import BRIDGE, DEVICE
from tests.scenarios.play import Play
from tests.scenarios.verdict import Verdict

MACS = st.sampled_from([M1, M2])
VTEPS = st.sampled_from([VTEP2, VTEP3])
ADDRESSES = [format_ip(IP1), format_ip(IP2), "2001:db8::1"]
IPS = st.sampled_from(["", *ADDRESSES])
PORTS = st.sampled_from(["tap0", "tap1"])
_DETECTION = "{{moves: 2, seconds: 180, action: {action}, recovery: {recovery}}}"


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

    @rule(
        vtep=VTEPS,
        mac=MACS,
        ip=IPS,
        more=st.sampled_from(["", "", "", "sticky", "immutable", "default-gateway", "router", "anycast"]),
        sequence=st.sampled_from([0, 1, 2, 3, (1 << 30) + 1, (3 << 30) + 1, (1 << 32) - 1]),
    )
    def a_vtep_has_a_host(self, vtep, mac, ip: str, more: str, sequence: int) -> None:
        self.tell(f"{format_ip(vtep)} has {format_mac(mac)} {ip} {more} sequence {sequence}")

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

    @rule(mac=MACS, ip=IPS, port=st.sampled_from(["", "on tap0", "on tap1", "on tap7"]), sticky=st.booleans())
    def an_operator_expects_a_host(self, mac, ip: str, port: str, sticky: bool) -> None:
        with suppress(ValueError):  # the address may be another one's
            self.tell(f"operator expects {format_mac(mac)} {ip} {port} {'sticky' if sticky else ''}")

    @rule(mac=MACS)
    def an_operator_forgets_a_host(self, mac) -> None:
        with suppress(ValueError):  # it may be in the configuration as well
            self.tell(f"operator forgets {format_mac(mac)}")

    @rule(mac=MACS, ip=IPS, port=PORTS, sticky=st.booleans(), there=st.booleans())
    def a_host_is_configured(self, mac, ip: str, port: str, sticky: bool, there: bool) -> None:
        hosts = [{"mac": format_mac(mac), "ip": [ip] if ip else [], "port": port, "sticky": sticky}] if there else []
        self.tell(f"the configuration has hosts: {json.dumps(hosts)}")

    @rule(action=st.sampled_from(["warn", "freeze"]), recovery=st.sampled_from([0, 60]))
    def duplicates_are_held_or_not(self, action: str, recovery: int) -> None:
        self.tell(f"the configuration has duplicate-detection: {_DETECTION.format(action=action, recovery=recovery)}")

    @rule()
    def an_operator_clears_duplicates(self) -> None:
        self.tell("operator clears duplicates")

    @rule(learn=st.sampled_from(["[]", "[kernel]", "[snoop]", "[kernel, snoop]"]))
    def other_sources_are_believed(self, learn: str) -> None:
        self.tell(f"the configuration has learn-neighbors: {learn}")

    @rule(most=st.sampled_from([1, 2, 100]))
    def there_may_be_so_many_hosts(self, most: int) -> None:
        self.tell(f"the configuration has max-macs: {most}")

    @rule(on=st.booleans())
    def addresses_are_answered_for_or_not(self, on: bool) -> None:
        self.tell(f"the configuration has neighbor-suppression: {str(on).lower()}")

    @rule(rd=st.sampled_from(["10.0.0.10:100", "10.0.0.10:7"]))
    def our_routes_are_told_apart_otherwise(self, rd: str) -> None:
        self.tell(f"the configuration has rd: {rd}")

    @rule(mac=MACS, ip=st.sampled_from(ADDRESSES))
    def the_kernel_resolves(self, mac, ip: str) -> None:
        if (BRIDGE, parse_ip(ip)) not in self.play.vtep.kernel.neighbors:
            self.tell(f"kernel resolves {ip} {format_mac(mac)}")

    @rule(ip=st.sampled_from(ADDRESSES))
    def the_kernel_loses(self, ip: str) -> None:
        row = self.play.vtep.kernel.neighbors.get((BRIDGE, parse_ip(ip)))
        if row and row.protocol != RTPROT_BGP:
            self.tell(f"kernel loses {ip}")

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
        assert {vtep for _, vtep in self.play.vtep.kernel.flood} == set(self.play.vtep.core.fabric.domains[100].flood)
        assert all(row.flags & NTF_SELF for row in self.play.vtep.kernel.tunnel.values())
        assert self.play.vtep.core.dataplane.pending == 0
        Verdict(self.play).check()
        self.restart_changes_nothing()

    def restart_changes_nothing(self) -> None:
        """But for what a new agent cannot know: that a host known beforehand has left, which hosts are too many, how
        numbers have gone around the circle. It may claim above a route whose successor is still to come.
        """
        play, core = self.play, self.play.vtep.core
        self.tell("operator clears duplicates")
        play.settle()
        play.vtep.level_check()
        domain, before = core.fabric.domains[100], without_numbers(play.end())
        added = [known for known in core.hosts.all() if not known.configured]
        left = any(not domain.local_claim(mac) for mac in domain.expected)
        numbers = [path.attributes.mobility.sequence for paths in domain.remote.values() for path in paths]
        wrapped = any(number >= LAST_QUARTER for number in [*numbers, *domain.highest_seen.values()])
        if left or wrapped or len(domain.local) >= domain.max_macs:
            return
        self.tell("the agent restarts")
        for known in added:
            play.vtep.core.hosts.add(known.vni, known.host)
        play.settle()
        self.tell("time passes")
        play.settle()
        play.vtep.level_check()
        assert without_numbers(play.end()) == before


def without_numbers(end: set[str]) -> set[str]:
    return {re.sub(r" sequence \d+", "", line) for line in end}


TestAnyStory = AnyStory.TestCase
TestAnyStory.settings = settings(deadline=None, max_examples=60, stateful_step_count=30)
