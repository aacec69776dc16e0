"""What is told of a neighbour."""

from types import SimpleNamespace
from typing import Any

import pytest
from exabgp.bgp.message.open.capability.graceful import Graceful
from exabgp.protocol.family import AFI, SAFI

from evpn.exabgp.extension.targets import describe_peers

from .made import session

IPV4, EVPN = (AFI.ipv4, SAFI.unicast, 0), (AFI.l2vpn, SAFI.evpn, 0)


def a_peer(offered: Any) -> Any:
    """With its session up; `offered` is its graceful restart capability."""
    capabilities = {Graceful.ID: offered} if offered is not None else {}
    received = SimpleNamespace(capabilities=capabilities, router_id="10.0.0.1")
    addresses = {"peer-address": "10.0.0.1", "local-address": "10.0.0.3", "peer-as": 65000, "local-as": 65000}
    proto = SimpleNamespace(negotiated=session(received_open=received, holdtime=9))
    return SimpleNamespace(neighbor=addresses, established=lambda: True, proto=proto)


@pytest.mark.parametrize(
    ("offered", "told"),
    [(None, 0), (Graceful().set(0, 120, [IPV4]), 0), (Graceful().set(0, 120, [IPV4, EVPN]), 120)],
    ids=["not at all", "for IPv4", "for EVPN too"],
)
def test_a_restart_time_counts_for_the_families_that_come_with_it(offered: Any, told: int) -> None:
    reactor: Any = SimpleNamespace(_peers={"peer": a_peer(offered)}, peers=lambda service: ["peer"])

    (described,) = describe_peers(reactor, "helper")

    assert (described["state"], described["graceful-restart"]) == ("up", told)
