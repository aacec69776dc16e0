"""A line of octets is what ExaBGP itself would write."""

from types import SimpleNamespace
from typing import Any

import pytest
from exabgp.bgp.message.open.asn import ASN
from exabgp.bgp.message.open.routerid import RouterID
from exabgp.bgp.neighbor import Neighbor
from exabgp.protocol.ip import IP
from exabgp.reactor.api.response.json import JSON

from evpn.exabgp.extension import packets

HEADER = b"\xff" * 16 + b"\0\x17\2"

NEGOTIATED = SimpleNamespace(
    families=[], nexthop=[], msg_size=4096, holdtime=9, asn4=True, multisession=False, operational=False, refresh=1
)


def neighbor(router_id: str | None) -> Any:
    made = Neighbor()
    made["local-address"], made["peer-address"] = IP.create("10.0.0.3"), IP.create("2001:db8::1")
    made["local-as"], made["peer-as"] = ASN(65000), ASN(4200000000)
    made["router-id"] = RouterID(router_id) if router_id else None
    return made


@pytest.mark.parametrize("body", [b"", b"\0\0\0\0", bytes(range(256)) * 15], ids=["empty", "End-of-RIB", "full"])
@pytest.mark.parametrize("category", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("negotiated", [None, NEGOTIATED], ids=["", "negotiated"])
@pytest.mark.parametrize("router_id", [None, "10.0.0.3"])
def test_the_line_is_as_exabgps(
    installed: list[str], router_id: str | None, negotiated: Any, category: int, body: bytes
) -> None:
    encoder, peer = JSON("5.0.0"), neighbor(router_id)
    encoder.time = lambda _: 0

    def line(function: Any) -> str:
        JSON._count.clear()
        return str(function(encoder, peer, "receive", category, negotiated, HEADER, body))

    assert JSON.packets is packets.packets
    assert line(packets.packets) == line(packets._stock_packets)
