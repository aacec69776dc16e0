"""The machine's clock is set while sessions are up: forward, and back, by an hour."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from evpn.text import parse_ip, parse_mac
from evpn.wire import update
from tests.builders import a_mac_route, attributes

from .fabric import Fabric, Vtep, address
from .frr import until
from .raw_peer import END_OF_RIB, KEEPALIVE, NOTIFICATION, RawPeer

pytestmark = pytest.mark.interop

OURS, PEER, FAR = address(11), address(1), address(99)
MAC = "02:00:00:00:55:01"


class Setting(NamedTuple):
    vtep: Vtep
    peer: RawPeer
    clock: Path

    def set_clock(self, seconds: int) -> None:
        """Both ExaBGP and the agent read the time of day from now on with these seconds added."""
        new = self.clock.with_suffix(".new")
        new.write_text(str(seconds))
        new.rename(self.clock)


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    clock = tmp_path_factory.mktemp("clock") / "seconds"
    clock.write_text("0")
    with Fabric("clock", frr=False) as fabric, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).with_name("set_clock")), prepend=os.pathsep)
        patch.setenv("SET_CLOCK", str(clock))
        vtep, node = fabric.vtep(11, (PEER,), vnis=[{"vni": 100}]), fabric.node(1)
        vtep.configure(neighbors=[{"address": PEER, "hold-time": 3}])
        vtep.start()
        with RawPeer(node, PEER, OURS) as peer:
            peer.update(update.encode_announce([a_mac_route(parse_mac(MAC))], parse_ip(FAR), attributes()))
            peer.update(END_OF_RIB)
            until(lambda: vtep.remote(MAC) == {"bridge", FAR})
            yield Setting(vtep, peer, clock)


@pytest.mark.parametrize("seconds", [3600, -3600])
def test_a_clock_that_is_set_ends_no_session(setting: Setting, seconds: int) -> None:
    """Four keepalives of a second each, where the hold time is three."""
    vtep, peer = setting.vtep, setting.peer
    resets, heard = vtep.peers()[PEER]["resets"], len(peer.said)

    setting.set_clock(seconds)

    until(lambda: [code for code, _ in peer.said[heard:]].count(KEEPALIVE) >= 4)
    assert peer.is_up and NOTIFICATION not in peer.types()
    assert (vtep.peers()[PEER]["state"], vtep.peers()[PEER]["resets"]) == ("up", resets)
    assert vtep.remote(MAC) == {"bridge", FAR}
    assert vtep.peers()[PEER]["since"] < 60  # seconds of the agent's own, which nobody sets either
