"""What each kill costs, under load: hosts that talk, routes that come and go (docs/failures.md).

One reflector is FRR, which keeps no EVPN route of a session that is lost; the other is GoBGP, with graceful restart.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from evpn.exabgp.messages import RoutesTold, decode
from evpn.text import format_ip, parse_ip, parse_mac
from evpn.wire.routes import MacIpRoute, decode_routes
from evpn.wire.update import encode_announce, encode_withdraw
from tests.builders import a_mac_route, attributes

from .fabric import Fabric, Host, View, Vtep, address, say_until
from .frr import until
from .gobgp import GoBgp
from .load import Losses, announce_many, is_steady, measured, noise, streaming
from .raw_peer import END_OF_RIB, RawPeer

pytestmark = pytest.mark.interop

ONE, TWO, FRR, GOBGP, FEEDER, FAR = (address(number) for number in (11, 12, 1, 2, 13, 99))
NAMES = {FRR: "FRR", GOBGP: "GoBGP"}
SEQUENCE = 5
"""Of the first host, once another VTEP has said that it has it."""
STEADY = [f"02:00:00:02:{number >> 8:02x}:{number & 255:02x}" for number in range(2000)]

Told = Callable[[str], None]


class Setting(NamedTuple):
    one: Vtep
    two: Vtep
    h1: Host
    h2: Host
    frr: View
    gobgp: GoBgp
    feeders: dict[str, RawPeer]

    def converged(self) -> bool:
        peers = [row for vtep in (self.one, self.two) for row in vtep.show("peers")]
        return (
            all(row["end-of-rib"] and row["state"] == "up" and not row["stale"] for row in peers)
            and all(self.rows(vtep) >= len(STEADY) for vtep in (self.one, self.two))
            and (self.one.flood(), self.two.flood()) == ({TWO}, {ONE})
            and self.one.remote(self.h2.mac) == {"bridge", TWO}
            and self.two.remote(self.h1.mac) == {"bridge", ONE}
        )

    def has_addresses(self) -> bool:
        """Of both hosts, and so that they could answer: who has just come back has to hear of its hosts' first."""
        self.h1.ask("192.0.2.250")
        self.h2.ask("192.0.2.250")
        here, there = (vtep.run("ip", "neigh", "show", "dev", "br100") for vtep in (self.one, self.two))
        return f"{self.h2.ip} lladdr {self.h2.mac}" in here and f"{self.h1.ip} lladdr {self.h1.mac}" in there

    def rows(self, vtep: Vtep) -> int:
        """Steady ones of the VXLAN device."""
        return len([row for row in vtep.fdb() if "dst" in row and is_steady(row["mac"])])

    def paths(self, mac: str) -> set[str]:
        return {row["peer"] for row in self.two.show("rib") if row["route"] == mac}

    def sequences(self, mac: str) -> set[int]:
        """Of all routes of a host, its addresses' as well."""
        return {row["sequence"] for row in self.two.show("rib") if row["route"].startswith(mac)}


@pytest.fixture(scope="module")
def running() -> Iterator[Setting]:
    with ExitStack() as stack:
        fabric = stack.enter_context(Fabric("kills"))
        vnis = [{"vni": 100, "ports": ["tap1", "tap3"]}]
        one, two = (fabric.vtep(number, (FRR, GOBGP), vnis=vnis) for number in (11, 12))
        h1, h2, many = fabric.host(one, 1), fabric.host(two, 2), fabric.host(one, 3, "tap3")
        frr = View(fabric.reflector(1, one, clients=(11, 12, 13)))
        gobgp = fabric.gobgp_reflector(2, one, clients=(11, 12, 13))
        one.start()
        two.start()
        node = fabric.node(13)
        feeders = {peer: stack.enter_context(RawPeer(node, FEEDER, peer)) for peer in (FRR, GOBGP)}
        announce_many(feeders, STEADY)
        for feeder in feeders.values():
            feeder.update(END_OF_RIB)
        stack.enter_context(streaming(feeders))
        stack.enter_context(noise(many.namespace))
        say_until(h1, lambda: h1.reaches(h2))
        setting = Setting(one, two, h1, h2, frr, gobgp, feeders)
        has_come_from_elsewhere(setting)
        yield setting


def has_come_from_elsewhere(setting: Setting) -> None:
    """So that its sequence number is one that must not fall back."""
    route = a_mac_route(parse_mac(setting.h1.mac), rd=f"{FAR}:100")
    for feeder in setting.feeders.values():
        feeder.update(encode_announce([route], parse_ip(FAR), attributes(sequence=SEQUENCE - 1)))
    say_until(setting.h1, lambda: setting.sequences(setting.h1.mac) >= {SEQUENCE})
    for feeder in setting.feeders.values():
        feeder.update(encode_withdraw([route]))


@pytest.fixture
def setting(running: Setting) -> Setting:
    until(running.converged, 60)
    until(lambda: running.paths(running.h1.mac) == {FRR, GOBGP})
    until(running.has_addresses)
    until(lambda: running.sequences(running.h1.mac) == {SEQUENCE})
    return running


def losses(setting: Setting, kill: Callable[[], None], watched: list[Vtep]) -> Losses:
    feeders = {NAMES[peer]: feeder for peer, feeder in setting.feeders.items()}
    with measured(setting.one, watched, (setting.h1, setting.h2), feeders) as found:
        time.sleep(0.3)
        kill()
        until(setting.converged, 60)
    return found()


def test_the_agent_is_killed(setting: Setting, tell: Told) -> None:
    one, old = setting.one, setting.one.agent()

    def kill() -> None:
        os.kill(old, signal.SIGKILL)
        until(lambda: (found := one.children()) and old not in found)
        until(lambda: one.answers() and one.summary()["in-sync"])

    lost = losses(setting, kill, [one, setting.two])

    tell(f"agent killed: {lost}")
    assert lost._replace(of_pings=0) == Losses([], 0, 0, {"FRR": 0, "GoBGP": 0}, 0)
    assert lost.of_pings > 100


@pytest.mark.parametrize("how", ["ExaBGP killed", "evpn run stopped"])
def test_exabgp_ends_and_is_started_again(setting: Setting, how: str, tell: Told) -> None:
    """FRR withdraws all of it at once; as long as one reflector keeps it for the restart, nobody misses anything.

    The new agent knows from its snapshot what neither the kernel nor ExaBGP can tell: a reflector that keeps routes
    for the restart would withdraw at our End-of-RIB whatever is missing then.
    """
    one = setting.one
    snapshot = one.run_dir / "snapshot"
    until(lambda: setting.h1.ip in kept(snapshot))  # it is written every few seconds

    def kill() -> None:
        assert one.process
        before = snapshot.stat().st_mtime_ns
        if how == "ExaBGP killed":
            one.process.kill()
            one.process.wait()
        else:
            assert one.stop() == 0
        until(lambda: snapshot.stat().st_mtime_ns > before)  # the agent has had its last word
        until(lambda: setting.paths(setting.h1.mac) == {GOBGP})
        one.start()
        until(lambda: setting.paths(setting.h1.mac) == {FRR, GOBGP}, 60)

    lost = losses(setting, kill, [one, setting.two])

    tell(f"{how}: {lost}")
    assert (lost.rows, lost.pings, lost.withdrawals["GoBGP"], lost.sessions) == ([], 0, 0, 2)
    assert setting.sequences(setting.h1.mac) == {SEQUENCE}


def kept(path: Path) -> set[str]:
    """IPs in a snapshot."""
    facts = map(decode, path.read_bytes().splitlines()[2:]) if path.exists() else ()
    told = [fact for fact in facts if isinstance(fact, RoutesTold)]
    routes = [route for fact in told for route in decode_routes(fact.nlri)[0]]
    return {format_ip(route.ip) for route in routes if isinstance(route, MacIpRoute) and route.ip}


@pytest.mark.parametrize("times", [1, 2], ids=["killed", "flapping"])
def test_a_reflector_is_lost(setting: Setting, times: int, tell: Told) -> None:
    def kill() -> None:
        for _ in range(times):
            setting.frr.frr.kill("bgpd")
            until(lambda: setting.one.peers()[FRR]["state"] == setting.two.peers()[FRR]["state"] == "down")
            setting.frr.frr.revive("bgpd")
            until(lambda: setting.one.peers()[FRR]["state"] == "up")
            until(setting.feeders[FRR].connect)
            announce_many({FRR: setting.feeders[FRR]}, STEADY)

    lost = losses(setting, kill, [setting.one, setting.two])

    tell(f"one of two reflectors {'killed' if times == 1 else 'flapping'}: {lost}")
    assert (lost.rows, lost.pings, lost.withdrawals["GoBGP"], lost.sessions) == ([], 0, 0, 1)
