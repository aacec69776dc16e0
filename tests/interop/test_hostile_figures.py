"""How many broken UPDATEs end the session they come in: ours beside FRR's bgpd, each UPDATE in a session of its own."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest

from .broken import BROKEN, RESETS, SEED, announce, keeps_the_session, many
from .fabric import Fabric, Vtep, address
from .frr import Namespace, until
from .raw_peer import END_OF_RIB, RawPeer

pytestmark = pytest.mark.interop

OURS, FRRS = address(11), address(1)
DAMAGED, RIGHT = 300, 20
AT_ONCE = 32

FRR = """
router bgp 65000
 bgp router-id 10.0.0.1
 no bgp default ipv4-unicast
 neighbor all peer-group
 neighbor all remote-as 65000
 bgp listen limit 1000
 bgp listen range 10.1.0.0/16 peer-group all
 address-family l2vpn evpn
  neighbor all activate
"""


def caller(number: int) -> str:
    return f"10.1.{number >> 8}.{number & 255}"


class Speaker(NamedTuple):
    """One of the two, and how to ask it which of its callers have been heard out."""

    address: str
    heard: Callable[[], set[str]]


class Setting(NamedTuple):
    node: Namespace
    vtep: Vtep
    ours: Speaker
    frrs: Speaker

    def ended_by(self, bodies: dict[str, bytes], speaker: Speaker, first: int) -> set[str]:
        """The names of those that end the session: each comes in one of its own, with an End-of-RIB behind it."""
        peers = {name: RawPeer(self.node, caller(first + n), speaker.address) for n, name in enumerate(bodies)}
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda peer: until(peer.connect, 30, every=0.5), peers.values()))
        assert all(peer.is_up for peer in peers.values())
        for name, peer in peers.items():
            peer.update(bodies[name])
            peer.update(END_OF_RIB)
        try:
            until(lambda: all(not peer.is_up or peer.address in speaker.heard() for peer in peers.values()))
            return {name for name, peer in peers.items() if not peer.is_up}
        finally:
            for peer in peers.values():
                peer.close()


@pytest.fixture(scope="module")
def setting() -> Iterator[Setting]:
    with Fabric("figures") as fabric:
        node = fabric.node(2)
        count = len(BROKEN) + DAMAGED + RIGHT
        vtep = fabric.vtep(11, vnis=[{"vni": 100}])
        vtep.configure(neighbors=[{"address": caller(n), "passive": True} for n in range(count)])
        frr = fabric.frr(fabric.node(1), FRR)
        for one in (vtep.namespace, frr.namespace):
            one.run("ip", "route", "add", "10.1.0.0/16", "via", address(2))
        for n in range(count):
            node.run("ip", "address", "add", f"{caller(n)}/32", "dev", "lo")
        vtep.start()

        def heard_by_frr() -> set[str]:
            told = frr.vtysh_json("show bgp neighbors json")
            return {peer for peer, row in told.items() if row.get("messageStats", {}).get("updatesRecv", 0) >= 2}

        def heard_by_us() -> set[str]:
            return {peer for peer, row in vtep.peers().items() if row["updates"] >= 2}

        yield Setting(node, vtep, Speaker(OURS, heard_by_us), Speaker(FRRS, heard_by_frr))


def test_how_many_end_the_session(setting: Setting, tell: Callable[[str], None]) -> None:
    """RFC 7606 wants it for none but those whose routes cannot be told apart."""
    agent = setting.vtep.agent()
    damaged = {f"{number} of seed {SEED}": body for number, body in enumerate(many(DAMAGED))}
    ended: dict[str, list[int]] = {}
    for what, bodies, first in (("broken", BROKEN, 0), ("damaged", damaged, len(BROKEN))):
        ours, frrs = (setting.ended_by(bodies, speaker, first) for speaker in (setting.ours, setting.frrs))
        assert ours == {name for name, body in bodies.items() if not keeps_the_session(body)}
        assert ours <= frrs  # nothing ends ours that FRR lives through
        ended[what] = [len(ours), len(frrs)]
        tell(f"sessions ended by {len(bodies)} {what} UPDATEs: {len(ours)} here, {len(frrs)} of bgpd")

    assert ended["broken"][0] == len(RESETS) and ended["broken"][1] > 11
    assert setting.vtep.agent() == agent and setting.vtep.answers()


def test_right_updates_end_none(setting: Setting) -> None:
    """The same way, so that what is counted above is the UPDATE's doing."""
    right = {f"02:00:00:00:77:{number:02x}": announce(f"02:00:00:00:77:{number:02x}") for number in range(RIGHT)}
    for speaker in (setting.ours, setting.frrs):
        assert setting.ended_by(right, speaker, len(BROKEN) + DAMAGED) == set()
