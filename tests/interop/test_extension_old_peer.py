"""ExaBGP with the extension against peers that say what they are told: one that knows only two-octet AS numbers, one
that has IPv6 next hops, octet by octet (RFC 6793, 4760, 2545, 2918)."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from evpn.text import parse_ip
from evpn.values import IpAddress
from evpn.wire import open as opening
from evpn.wire import update
from evpn.wire.attributes import PathAttributes
from tests.builders import a_mac_route

from .frr import Namespace, connect, run, until
from .raw_peer import OPEN, REFRESH, UPDATE, RawPeer
from .speaker import Speaker, neighbor

pytestmark = pytest.mark.interop

OURS, OURS6, OUR_EXTERNAL_AS = "10.0.0.3", "2001:db8::3", 4200000001
INTERNAL, EXTERNAL, MODERN6 = "10.0.0.1", "10.0.0.2", "2001:db8::1"
AS_TRANS = 23456

END_OF_RIB = bytes.fromhex("00000007900f0003001946")  # ExaBGP's, with two octets of length

ROUTE = "mac-ip rd 10.0.0.3:100 mac 50:54:33:00:00:09 vni 100 next-hop self"
NLRI = bytes.fromhex("0221 00010a0000030064 00000000000000000000 00000000 30505433000009 00 000064")


class Setting(NamedTuple):
    speaker: Speaker
    internal: RawPeer  # of our AS, without the capability
    external: RawPeer  # without the capability, and for it we are in an AS of four octets
    modern6: RawPeer  # over IPv6


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    neighbors = (
        neighbor(INTERNAL, OURS, hold_time=180, more="passive true;")
        + neighbor(EXTERNAL, OURS, OUR_EXTERNAL_AS, 65001, hold_time=180, more="passive true;")
        + neighbor(MODERN6, OURS6, hold_time=180, more="passive true;")
    )
    with ExitStack() as stack:
        old, vtep = stack.enter_context(Namespace("old")), stack.enter_context(Namespace("vtep"))
        connect(old, f"{INTERNAL}/24", vtep, f"{OURS}/24")
        old.run("ip", "address", "add", f"{EXTERNAL}/24", "dev", "to-vtep")
        old.run("ip", "address", "add", f"{MODERN6}/64", "dev", "to-vtep", "nodad")
        vtep.run("ip", "address", "add", f"{OURS6}/64", "dev", "to-old", "nodad")
        environment = {"exabgp.tcp.bind": f"{OURS} {OURS6}"}
        speaker = stack.enter_context(Speaker(vtep, tmp_path_factory.mktemp("exabgp"), neighbors, environment))
        peers = [
            stack.enter_context(RawPeer(old, INTERNAL, OURS, asn4=False)),
            stack.enter_context(RawPeer(old, EXTERNAL, OURS, 65001, asn4=False)),
            stack.enter_context(RawPeer(old, MODERN6, OURS6, router_id="10.0.0.6")),
        ]
        speaker.wait_for_peers(3)
        yield Setting(speaker, *peers)


@pytest.fixture(autouse=True)
def nothing_left(setting: Setting) -> Iterator[None]:
    """Sessions last for the module, routes for a test; the one that loses a session fails."""
    yield
    setting.speaker.ask("evpn sync begin 900")
    setting.speaker.ask("evpn sync end 900")
    states = [message["neighbor"]["state"] for message in setting.speaker.received("state")]
    assert "down" not in states
    for peer in setting[1:]:
        setting.speaker.ask(f"neighbor {peer.address} evpn eor 901")
        until(lambda peer=peer: peer.updates()[-1:] == [END_OF_RIB])  # type: ignore[misc]
        peer.said[:] = [message for message in peer.said if message[0] == OPEN]
    setting.speaker.lines.clear()


def behind_the_routes(body: bytes) -> str:
    """The attributes of an UPDATE that follow MP_REACH_NLRI, which comes first and has two octets of length."""
    assert body[4:6] == b"\x90\x0e"
    return body[8 + int.from_bytes(body[6:8]) :].hex()


def test_an_as_of_four_octets_opens_with_as_trans(setting: Setting) -> None:
    body = dict(reversed(setting.external.said))[OPEN]

    assert int.from_bytes(body[1:3]) == AS_TRANS
    assert opening.decode(body).as_number == OUR_EXTERNAL_AS
    (peer,) = (p for p in setting.speaker.ask("evpn peers 1")["peers"] if p["address"] == EXTERNAL)
    assert (peer["local-as"], peer["peer-as"], peer["asn4"]) == (OUR_EXTERNAL_AS, 65001, False)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", "40010100 400204 02015ba0 c01106 0201fa56ea01"),
        ("as-path [ 4200000001 64512 ]", "40010100 400206 02025ba0fc00 c0110a 0202fa56ea010000fc00"),
        ("as-path 64512", "40010100 400204 0201fc00"),
        (
            "origin incomplete med 7 local-preference 200 large-community 4200000000:3:4",
            "40010102 400204 02015ba0 800404 00000007 c01106 0201fa56ea01 c0200c fa56ea000000000300000004",
        ),
    ],
    ids=["nothing given", "a large one in the path", "none", "other attributes around"],
)
def test_what_an_external_old_peer_gets(setting: Setting, words: str, expected: str) -> None:
    setting.speaker.ask(f"neighbor {EXTERNAL} announce evpn id 1 {ROUTE} {words}")

    (body,) = until(setting.external.updates)
    assert NLRI in body
    assert behind_the_routes(body) == expected.replace(" ", "")


CONFEDERATION = "0301fa56ea05"
AGGREGATOR = "attribute [ 0x07 0xc0 0x{:08x}0a000003 ]"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", "40010100 400200 400504 00000064"),
        (
            "as-path [ 1 4200000001 ( 4200000002 3 ) ] extended-community target:65000:100",
            "40010100 40020c 020200015ba0 01025ba00003 400504 00000064 c01008 0002fde800000064"
            " c01114 020200000001fa56ea01 0102fa56ea0200000003",
        ),
        (
            AGGREGATOR.format(4200000001),
            "40010100 400200 400504 00000064 c00706 5ba00a000003 c01208 fa56ea010a000003",
        ),
        (AGGREGATOR.format(64512), "40010100 400200 400504 00000064 c00706 fc000a000003"),
    ],
    ids=["nothing given", "a set behind a sequence", "aggregator", "small aggregator"],
)
def test_what_an_internal_old_peer_gets(setting: Setting, words: str, expected: str) -> None:
    setting.speaker.ask(f"neighbor {INTERNAL} announce evpn id 1 {ROUTE} {words}")

    (body,) = until(setting.internal.updates)
    assert behind_the_routes(body) == expected.replace(" ", "")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"{CONFEDERATION} 0201fa56ea01", "400208 03015ba0 02015ba0 400504 00000064 c01106 0201fa56ea01"),
        (f"{CONFEDERATION} 02010000fc00", "400208 03015ba0 0201fc00 400504 00000064"),
    ],
    ids=["a large one behind it", "none behind it"],
)
def test_a_confederation_is_not_told_in_as4_path(setting: Setting, path: str, expected: str) -> None:
    packed = bytes.fromhex(path)
    given = b"\x40\x02" + bytes((len(packed),)) + packed

    nlri, next_hop = NLRI.hex(), parse_ip(OURS).hex()
    setting.speaker.ask(
        f"neighbor {INTERNAL} announce evpn bulk id 1 attributes {given.hex()} next-hop {next_hop} nlri {nlri}"
    )

    (body,) = until(setting.internal.updates)
    assert behind_the_routes(body) == f"40010100{expected}".replace(" ", "")


def test_tshark_reads_the_whole_path_and_finds_nothing_malformed(setting: Setting, tmp_path: Path) -> None:
    paths = ["", "as-path [ 4200000001 64512 ]", "as-path [ 1 2 3 ]", "as-path [ 64512 ( 4200000002 3 ) ]"]
    for number, words in enumerate(paths):
        route = ROUTE.replace(":100", f":{number}")
        setting.speaker.ask(f"neighbor {EXTERNAL} announce evpn id 1 {route} {words} {AGGREGATOR.format(4200000001)}")
    until(lambda: len(setting.external.updates()) == len(paths))

    capture = _capture(tmp_path, setting.external.updates())
    seen = ["-T", "fields", "-e", "bgp.update.path_attribute.as_path_segment.as4"]
    as4 = subprocess.check_output(["tshark", "-r", str(capture), *seen], text=True)
    bad = subprocess.check_output(
        ["tshark", "-r", str(capture), "-Y", "_ws.malformed || _ws.expert.severity == error || !bgp"], text=True
    )

    assert as4.splitlines() == ["4200000001", "4200000001,64512", "", "64512,4200000002,3"]
    assert bad == ""


def _capture(directory: Path, bodies: list[bytes]) -> Path:
    """Messages as if from a wire, for tshark."""
    messages = [b"\xff" * 16 + (19 + len(body)).to_bytes(2) + bytes((UPDATE,)) + body for body in bodies]
    text, capture = directory / "messages", directory / "messages.pcap"
    text.write_text("".join(f"000000 {message.hex(' ')}\n" for message in messages))
    run("text2pcap", "-q", "-T", "179,40000", str(text), str(capture))
    return capture


def test_a_path_of_an_old_peer_arrives_in_both_halves(setting: Setting) -> None:
    """As the peer put it: to merge them is up to the helper, to whom `evpn peers` tells the width."""
    reach = update.encode([a_mac_route()], (), parse_ip(EXTERNAL), None)[4:]
    block = reach + bytes.fromhex("40010100 400206 0202fde95ba0 c01106 0201fa56ea05")
    body = bytes(2) + len(block).to_bytes(2) + block

    setting.external.update(body)

    assert until(lambda: heard(setting.speaker, EXTERNAL)) == [body]
    attributes = update.decode(body, asn4=False, external=True).attributes
    assert attributes and [segment.as_numbers for segment in attributes.as_path] == [(65001, 4200000005)]


LINK_LOCAL = "fe80::1"


@pytest.mark.parametrize("session", ["internal", "modern6"])
@pytest.mark.parametrize("next_hop", [("2001:db8::9",), ("2001:db8::9", LINK_LOCAL)], ids=["16 octets", "32 octets"])
def test_an_ipv6_next_hop_is_passed_on(setting: Setting, session: str, next_hop: tuple[str, ...]) -> None:
    peer: RawPeer = getattr(setting, session)
    field = IpAddress(b"".join(map(parse_ip, next_hop)))
    body = update.encode([a_mac_route()], (), field, PathAttributes(local_preference=100))

    peer.update(body)

    assert until(lambda: heard(setting.speaker, peer.address)) == [body]
    said = update.decode(body)
    assert (said.announced, said.next_hop, said.faults) == ([a_mac_route()], parse_ip("2001:db8::9"), ())


def heard(speaker: Speaker, peer: str) -> list[bytes]:
    return [
        bytes.fromhex(message["neighbor"]["message"]["body"].removeprefix("0x"))
        for message in speaker.received("update")
        if message["neighbor"]["address"]["peer"] == peer
    ]


@pytest.mark.parametrize("session", ["internal", "external", "modern6"])
def test_a_peer_that_asks_again_hears_all_again(setting: Setting, session: str) -> None:
    peer: RawPeer = getattr(setting, session)
    setting.speaker.ask(f"announce evpn id 1 {ROUTE}")
    (first,) = until(peer.updates)

    peer.send(REFRESH, bytes.fromhex("00190046"))

    until(lambda: len(peer.updates()) == 2)
    assert peer.updates() == [first, first]
    assert REFRESH not in peer.types()  # it has not the capability for BoRR and EoRR (RFC 7313)
    assert peer.is_up
