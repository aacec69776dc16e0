"""What is announced in words, in the eyes of a dissector that shares no line with us."""

import re
from pathlib import Path

import pytest

from evpn.exabgp.extension import grammar
from evpn.exabgp.extension.attributes import Session
from evpn.exabgp.extension.table import share
from evpn.exabgp.extension.updates import announce
from tests.wire.test_tshark import dissect, unflawed

from .test_documentation import COMMANDS

TUNNEL = "Tunnel Type:"

UNDERSTOOD = {
    "origin egp": "ORIGIN: EGP",
    "as-path [ 65001 ] ( 65002 65003 )": "AS Path segment: 65001 .* AS Path segment: {65002, 65003}",
    "med 5 local-preference 6": "MULTI_EXIT_DISC: 5 .* LOCAL_PREF: 6",
    "atomic-aggregate": "ATOMIC_AGGREGATE",
    "aggregator ( 4200000000:10.0.0.9 )": "Aggregator AS: 4200000000 Aggregator origin: 10.0.0.9",
    "community [ 65000:1 no-export blackhole ]": r"65000:1 .*NO_EXPORT .*BLACKHOLE",
    "community [ graceful-shutdown nopeer ]": "GRACEFUL_SHUTDOWN .*NOPEER",
    "originator-id 10.0.0.9 cluster-list [ 10.0.0.1 10.0.0.2 ]": "ORIGINATOR_ID: 10.0.0.9 .*Cluster ID: 10.0.0.2",
    "large-community [ 65000:1:2 65000:3:4 ]": "65000:1:2 65000:3:4",
    "aigp 4294967296": "AIGP TLV .*AIGP Accumulated IGP Metric: 4294967296",
    "bgp-prefix-sid-srv6 ( l2-service fd00::1 24 [ 40,24,16,0,16,64 ] )": (
        "Type: SRv6 L2 Service .*SID Value: fd00::1 .*Endpoint Behavior: End.DT2M .*Function Length: 16 "
    ),
    "pmsi none": f"{TUNNEL} Type is not present",
    "pmsi ingress 100 10.0.0.3": f"{TUNNEL} Ingress Replication .* VNI: 100 .*end point: 10.0.0.3",
    "pmsi leaf ingress 100 10.0.0.3": f"Flags: 1 {TUNNEL} Ingress Replication",
    "pmsi pim-ssm 100 10.0.0.3 232.0.0.1": f"{TUNNEL} PIM SSM Tree .*Root Node: 10.0.0.3 .*group: 232.0.0.1",
    "pmsi pim-sm 100 10.0.0.3 239.0.0.1": f"{TUNNEL} PIM SM Tree .*sender address: 10.0.0.3 .*group: 239.0.0.1",
    "pmsi bidir-pim 100 10.0.0.3 239.0.0.1": f"{TUNNEL} BIDIR-PIM Tree .*address: 10.0.0.3 .*group: 239.0.0.1",
    "pmsi 1 label 16 0x0a000001000000070a000003": f"{TUNNEL} RSVP-TE P2MP LSP .*tunnel id: 7 .*: 10.0.0.3",
}


def seen(route: str, directory: Path) -> str:
    parsed = grammar.parse(route.split(), announce=True)
    shared = share(parsed.attributes, parsed.next_hop or bytes((10, 0, 0, 3)), "")
    (message,) = announce(shared, [parsed.nlri], Session(65000, 65000, True, 4096))
    return dissect(message[19:], directory)


@pytest.mark.parametrize(("words", "understood"), UNDERSTOOD.items(), ids=UNDERSTOOD)
def test_attributes_are_understood(words: str, understood: str, tmp_path: Path) -> None:
    route = f"multicast rd 10.0.0.3:100 ip 10.0.0.3 next-hop 10.0.0.3 {words} extended-community encap:vxlan"

    text = seen(route, tmp_path)

    assert unflawed(text), text
    assert re.search(understood, " ".join(text.split())), text


EXAMPLES = [line.removeprefix("announce evpn ") for line in COMMANDS if line.startswith("announce evpn ")]


@pytest.mark.parametrize("route", [route for route in EXAMPLES if not route.startswith("id ")])
def test_the_examples_of_the_page_are_understood(route: str, tmp_path: Path) -> None:
    text = seen(route, tmp_path)

    assert unflawed(text), text
