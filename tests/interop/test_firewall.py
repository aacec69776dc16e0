"""`firewall: true`: VXLAN packets are taken from the VTEPs that type 3 routes name, and from nobody else."""

import json
import signal
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from .cable import Cable, a_frame
from .fabric import Fabric, Host, Vtep, command_line, say_until, with_pid
from .far_side import HIGHER, LOWER, FarSide, a_mac
from .frr import Namespace, until
from .raw_peer import RawPeer

pytestmark = pytest.mark.interop


class Setting(NamedTuple):
    vtep: Vtep
    far: FarSide
    host: Host
    other: Host
    """On another port of the same bridge."""
    senders: dict[str, Namespace]
    """Nodes of the underlay with the addresses of VTEPs."""

    def gets_through(self, sender: str) -> bool:
        """A frame that this node puts into VXLAN reaches the host; another host speaks later, to say when."""
        mac, later = a_mac(), a_mac()
        with Cable(self.host.namespace) as cable, Cable(self.senders[sender], "vx100") as tunnel:
            tunnel.say(a_frame(mac))
            self.vtep.run("ping", "-c", "1", "-W", "2", sender)
            with Cable(self.other.namespace) as port:
                port.say(a_frame(later))
            until(lambda: later in sources(cable), every=0.02)
            return mac in sources(cable)

    def named(self) -> set[str] | None:
        """What the set holds; None: there is none."""
        shown = json.loads(self.vtep.run("nft", "-j", "list", "ruleset"))["nftables"]
        sets = [entry["set"] for entry in shown if "set" in entry and entry["set"]["name"].startswith("vteps_")]
        return set(sets[0].get("elem", ())) if sets else None

    def refused(self) -> int:
        (counter,) = json.loads(self.vtep.run("nft", "-j", "list", "counters", "table", "ip", "evpn"))["nftables"][1:]
        return int(counter["counter"]["packets"])


@pytest.fixture(scope="module")
def setting() -> Iterator[Setting]:
    with Fabric("firewall") as fabric:
        vtep = fabric.vtep(11, vnis=[{"vni": 100, "ports": ["tap1", "tap2"]}], firewall=True)
        host, other = fabric.host(vtep, 1), fabric.host(vtep, 2, "tap2")
        senders = {}
        for sender in (LOWER, HIGHER):
            node = senders[sender] = fabric.node(int(sender.rpartition(".")[2]))
            node.run(*f"ip link add vx100 type vxlan id 100 dstport 4789 local {sender} remote {vtep.address}".split())
            # or the kernel says something of its own, which is counted when it is refused
            node.run("sysctl", "-qw", "net.ipv6.conf.vx100.disable_ipv6=1")
            node.run("ip", "link", "set", "vx100", "up")
        vtep.start()
        with RawPeer(fabric.node(1), "10.0.0.1", vtep.address) as peer:
            far = FarSide(peer, vtep)
            far.floods(LOWER)
            far.begin()
            say_until(other, lambda: other.mac in vtep.macs())
            yield Setting(vtep, far, host, other, senders)


def sources(cable: Cable) -> set[str]:
    return {frame.source.hex(":") for frame in cable.heard()}


def test_a_vtep_that_a_route_names_gets_in_and_another_does_not(setting: Setting) -> None:
    until(lambda: setting.named() == {LOWER})
    before = setting.refused()

    assert setting.gets_through(LOWER)
    assert setting.refused() == before
    assert not setting.gets_through(HIGHER)
    assert setting.refused() == before + 1


def test_a_vtep_gets_in_with_its_route_and_no_longer_without(setting: Setting) -> None:
    setting.far.floods(HIGHER)
    until(lambda: setting.named() == {LOWER, HIGHER})
    assert setting.gets_through(HIGHER)

    setting.far.floods_no_more(HIGHER)
    until(lambda: setting.named() == {LOWER})
    assert not setting.gets_through(HIGHER)
    assert setting.gets_through(LOWER)


def test_a_killed_agent_leaves_the_set_and_the_next_one_keeps_it(setting: Setting) -> None:
    setting.far.floods(HIGHER)
    until(lambda: setting.named() == {LOWER, HIGHER})
    killed, exabgp = setting.vtep.agent(), setting.vtep.process
    assert exabgp is not None
    exabgp.send_signal(signal.SIGSTOP)  # or it would start the next agent at once
    try:
        with_pid(killed, signal.SIGKILL)
        until(lambda: not command_line(killed))
        assert setting.gets_through(LOWER)
        assert setting.gets_through(HIGHER)
        assert setting.named() == {LOWER, HIGHER}
    finally:
        exabgp.send_signal(signal.SIGCONT)
    until(lambda: setting.vtep.agent() != killed and setting.vtep.answers())
    assert not setting.vtep.summary()["in-sync"]
    assert setting.named() == {LOWER, HIGHER}

    setting.far.floods(LOWER)  # as it was asked to; of the other one there is nothing to say any more
    setting.far.begin()
    until(lambda: setting.named() == {LOWER})


def test_rules_that_somebody_has_flushed_come_back_with_the_next_change(setting: Setting) -> None:
    setting.far.floods(HIGHER)
    until(lambda: setting.named() == {LOWER, HIGHER})
    setting.vtep.run("nft", "flush", "ruleset")
    setting.far.floods_no_more(HIGHER)

    until(lambda: setting.named() == {LOWER})
    assert not setting.gets_through(HIGHER)
    assert setting.gets_through(LOWER)


def test_switched_off_and_on_by_a_reload(setting: Setting) -> None:
    vtep = setting.vtep
    vtep.configure(firewall=False)
    vtep.evpn("reload", config=True)
    until(lambda: setting.named() is None)
    assert setting.gets_through(HIGHER)

    vtep.configure(firewall=True)
    vtep.evpn("reload", config=True)
    until(lambda: setting.named() == {LOWER})
    assert not setting.gets_through(HIGHER)


def test_a_stopped_agent_leaves_it_and_flush_does_not(setting: Setting) -> None:
    setting.vtep.stop()
    assert setting.named() == {LOWER}

    setting.vtep.evpn("flush", config=True)
    assert setting.named() is None
    assert setting.gets_through(HIGHER)
