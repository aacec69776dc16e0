"""ExaBGP ends, and what was announced meanwhile by nobody is removed; not before every peer that is up has said all."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from evpn.text import parse_ip, parse_mac
from evpn.wire import update
from tests.builders import a_mac_route, attributes

from .fabric import Fabric, Vtep, address, command_line, stays
from .frr import until
from .raw_peer import END_OF_RIB, RawPeer

pytestmark = pytest.mark.interop

OURS, A, B, FAR = (address(number) for number in (11, 1, 2, 99))
OF_A, OF_B, OF_NOBODY = (f"02:00:00:00:55:0{number}" for number in range(3))


class Setting(NamedTuple):
    vtep: Vtep
    a: RawPeer
    b: RawPeer

    def rows(self) -> set[str]:
        return {row["mac"] for row in self.vtep.fdb() if row.get("dst") == FAR}


@pytest.fixture
def setting() -> Iterator[Setting]:
    """A VTEP that has three MACs of two peers, and was killed."""
    with Fabric("gate", frr=False) as fabric:
        vtep, node_a, node_b = fabric.vtep(11, (A, B)), fabric.node(1), fabric.node(2)
        vtep.start()
        with RawPeer(node_a, A, OURS) as a, RawPeer(node_b, B, OURS) as b:
            says(a, OF_A, OF_NOBODY)
            says(b, OF_B, OF_NOBODY)
            setting = Setting(vtep, a, b)
            until(lambda: setting.rows() == {OF_A, OF_B, OF_NOBODY} and vtep.summary()["in-sync"])
            agent = vtep.agent()
            vtep.kill()
            until(lambda: not command_line(agent))
            assert setting.rows() == {OF_A, OF_B, OF_NOBODY}
            vtep.start()
            yield setting


def says(peer: RawPeer, *macs: str) -> None:
    routes = [a_mac_route(parse_mac(mac), rd=f"{FAR}:100") for mac in macs]
    peer.update(update.encode_announce(routes, parse_ip(FAR), attributes()))
    peer.update(END_OF_RIB)


def test_both_have_to_say_all_before_anything_is_removed(setting: Setting) -> None:
    vtep = setting.vtep
    for peer in (setting.a, setting.b):
        until(peer.connect)
    until(lambda: vtep.summary()["peers-up"] == 2)

    says(setting.a, OF_A)

    until(lambda: vtep.peers()[A]["end-of-rib"])
    stays(lambda: setting.rows() == {OF_A, OF_B, OF_NOBODY} and not vtep.summary()["in-sync"], 1)
    says(setting.b, OF_B)
    until(lambda: setting.rows() == {OF_A, OF_B})
    assert (vtep.summary()["rows-written"], vtep.summary()["rows-removed"]) == (0, 1)


def test_a_peer_that_is_not_there_is_not_waited_for(setting: Setting) -> None:
    vtep = setting.vtep
    until(setting.a.connect)
    until(lambda: vtep.summary()["peers-up"] == 1)

    says(setting.a, OF_A, OF_B)

    until(lambda: setting.rows() == {OF_A, OF_B})
    assert vtep.summary()["in-sync"] and vtep.peers()[B]["state"] == "down"
