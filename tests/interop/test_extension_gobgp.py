"""ExaBGP with the extension against GoBGP: what was meant is what GoBGP has understood, and what it passes on."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import NamedTuple

import pytest

from evpn.exabgp.extension import grammar
from evpn.text import format_mac, parse_ip, parse_mac, parse_rd
from evpn.values import NO_IP, ZERO_ESI, ZERO_TAG, IpAddress
from evpn.wire import attributes, update
from evpn.wire.as_path import AS_SEQUENCE, AsPathSegment
from evpn.wire.attributes import PathAttributes
from evpn.wire.communities import encapsulation, mac_mobility, parse_community
from evpn.wire.pmsi import PmsiTunnel
from evpn.wire.routes import InclusiveMulticastRoute, MacIpRoute, Route, decode_routes
from evpn.wire.update import Update

from .frr import Namespace, connect, until
from .gobgp import GoBgp, Neighbor
from .gobgp_routes import ANNOUNCER as INTERNAL
from .gobgp_routes import CASES, MAC, RD, TARGET
from .speaker import Speaker, neighbor

pytestmark = pytest.mark.interop

REFLECTOR, REFLECTOR6 = "10.0.0.1", "2001:db8::1"
INTERNAL6, EXTERNAL, EXTERNAL_AS = "2001:db8::3", "10.0.0.4", 4200000001
ROUTER_ID6 = "10.0.0.6"


class Setting(NamedTuple):
    """GoBGP as a reflector with two clients, and an external peer with a four-octet AS number."""

    gobgp: GoBgp
    internal: Speaker
    internal6: Speaker  # over IPv6
    external: Speaker

    @property
    def speakers(self) -> tuple[Speaker, ...]:
        return self.internal, self.internal6, self.external


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    peers = [
        Neighbor(INTERNAL, client=True, graceful_restart=True),
        Neighbor(INTERNAL6, client=True),
        Neighbor(EXTERNAL, EXTERNAL_AS),
    ]
    configured = [
        neighbor(REFLECTOR, INTERNAL),
        neighbor(REFLECTOR6, INTERNAL6).replace("router-id 10.0.0.3", f"router-id {ROUTER_ID6}"),
        neighbor(REFLECTOR, EXTERNAL, EXTERNAL_AS).replace("router-id 10.0.0.3", f"router-id {EXTERNAL}"),
    ]
    with ExitStack() as stack:
        rr, vtep = stack.enter_context(Namespace("rr")), stack.enter_context(Namespace("vtep"))
        connect(rr, f"{REFLECTOR}/24", vtep, f"{INTERNAL}/24")
        rr.run("ip", "address", "add", f"{REFLECTOR6}/64", "dev", "to-vtep", "nodad")
        vtep.run("ip", "address", "add", f"{INTERNAL6}/64", "dev", "to-rr", "nodad")
        vtep.run("ip", "address", "add", f"{EXTERNAL}/24", "dev", "to-rr")
        gobgp = stack.enter_context(GoBgp(rr, REFLECTOR, peers))
        speakers = [
            stack.enter_context(Speaker(vtep, tmp_path_factory.mktemp("exabgp"), neighbors)) for neighbors in configured
        ]
        gobgp.wait_for_peers()
        for speaker in speakers:
            speaker.wait_for_peers()
        yield Setting(gobgp, *speakers)


@pytest.fixture(autouse=True)
def nothing_left(setting: Setting) -> Iterator[None]:
    """Sessions last for the module, routes for a test."""
    for speaker in setting.speakers:
        speaker.lines.clear()
    yield
    for speaker in setting.speakers:
        speaker.ask("evpn sync begin 900")
        speaker.ask("evpn sync end 900")
    setting.gobgp.cli("global", "rib", "del", "all", "-a", "evpn")
    until(lambda: not setting.gobgp.routes())


def heard(speaker: Speaker) -> list[Update]:
    """The UPDATEs that came to the helper, all of sessions with four-octet AS numbers."""
    bodies = [message["neighbor"]["message"]["body"] for message in speaker.received("update")]
    return [update.decode(bytes.fromhex(body.removeprefix("0x"))) for body in bodies]


def announced(speaker: Speaker) -> list[Update]:
    """Those with routes: withdrawals of the test before may come late."""
    return [said for said in heard(speaker) if said.announced]


def was_reset(speaker: Speaker) -> bool:
    return any(message["neighbor"]["state"] != "up" for message in speaker.received("state"))


@pytest.mark.parametrize("name", CASES)
def test_a_route_in_words_is_what_gobgp_understands_until_it_is_withdrawn(setting: Setting, name: str) -> None:
    gobgp, speaker, case = setting.gobgp, setting.internal, CASES[name]

    assert speaker.ask(f"announce evpn id 1 {case.words}")["announced"] == 1
    (route,) = until(gobgp.routes, every=0.01).values()

    communities = {16: {"value": list(case.extended)}} if case.extended else {}
    left_out = {1: {"value": 0}, 2: {"as_paths": []}, 5: {"value": 100}}
    assert (route.kind, route.nlri, route.next_hop) == (case.kind, case.nlri, case.next_hop)
    assert route.attributes == left_out | communities | (case.others or {})

    assert speaker.ask(f"withdraw evpn id 2 {case.words}")["withdrawn"] == 1
    until(lambda: not gobgp.routes(), every=0.01)
    assert not was_reset(speaker)


def test_what_gobgp_reflects_to_a_client_over_ipv6_is_what_was_said(setting: Setting) -> None:
    for identity, case in enumerate(CASES.values()):
        setting.internal.ask(f"announce evpn id {identity} {case.words}")

    until(lambda: len(reflected(setting.internal6)) == len(CASES))
    assert reflected(setting.internal6) == dict(as_reflected(case.words) for case in CASES.values())
    assert not was_reset(setting.internal6)


def reflected(speaker: Speaker) -> dict[Route, tuple[IpAddress, PathAttributes | None]]:
    return {route: (said.next_hop, said.attributes) for said in heard(speaker) for route in said.announced}


def as_reflected(words: str) -> tuple[Route, tuple[IpAddress, PathAttributes]]:
    """With the originator and the cluster, to which a reflector adds (RFC 4456 section 8)."""
    said = grammar.parse(words.split(), announce=True)
    (route,), _ = decode_routes(said.nlri)
    given, _ = attributes.decode(said.attributes)
    added = replace(
        given,
        local_preference=given.local_preference or 100,
        originator_id=given.originator_id or parse_ip(INTERNAL),
        cluster_list=(parse_ip(REFLECTOR), *given.cluster_list),
    )
    return route, (IpAddress(said.next_hop or parse_ip(INTERNAL)), added)


def mac_route(number: int) -> MacIpRoute:
    return MacIpRoute(parse_rd(RD), ZERO_ESI, ZERO_TAG, parse_mac(f"{0x505433000000 + number:012x}"), NO_IP, 100)


def bulk(identity: int, numbers: range, sequence: int, next_hop: str = INTERNAL) -> str:
    nlri = b"".join(mac_route(number).encode() for number in numbers)
    shared = attributes.encode(PathAttributes(extended=(parse_community(TARGET), mac_mobility(sequence))))
    return (
        f"announce evpn bulk id {identity} attributes {shared.hex()}"
        f" next-hop {parse_ip(next_hop).hex()} nlri {nlri.hex()}"
    )


def bulk_withdrawal(identity: int, numbers: range) -> str:
    return f"withdraw evpn bulk id {identity} nlri {b''.join(mac_route(number).encode() for number in numbers).hex()}"


def held(gobgp: GoBgp) -> dict[str, int]:
    """MAC -> its mobility sequence number, as GoBGP has it."""
    return {
        route.nlri["mac"]: next(found["sequence"] for found in route.attributes[16]["value"] if "sequence" in found)
        for route in gobgp.routes().values()
    }


def macs(numbers: range) -> list[str]:
    return [format_mac(mac_route(number).mac) for number in numbers]


@pytest.mark.parametrize("next_hop", [INTERNAL, INTERNAL6])
def test_routes_in_bulk_come_and_go(setting: Setting, next_hop: str) -> None:
    gobgp, speaker = setting.gobgp, setting.internal

    assert speaker.ask(bulk(1, range(200), 3, next_hop))["announced"] == 200
    until(lambda: gobgp.accepted(INTERNAL) == 200)
    assert held(gobgp) == dict.fromkeys(macs(range(200)), 3)
    assert {route.next_hop for route in gobgp.routes().values()} == {next_hop}

    speaker.ask(bulk(2, range(100), 4, next_hop))
    assert speaker.ask(bulk_withdrawal(3, range(50, 150)))["withdrawn"] == 100
    until(lambda: held(gobgp) == dict.fromkeys(macs(range(50)), 4) | dict.fromkeys(macs(range(150, 200)), 3))


def test_a_mac_that_moved_twice_in_a_batch_keeps_the_last_sequence(setting: Setting) -> None:
    setting.internal.send(bulk(1, range(1, 2), 8), bulk(2, range(1), 7), bulk(3, range(1), 8))

    until(lambda: len(held(setting.gobgp)) == 2)
    setting.internal.ask(bulk(4, range(2, 3), 1))
    until(lambda: len(held(setting.gobgp)) == 3)  # whatever was to come before it has come
    assert held(setting.gobgp) == dict(zip(macs(range(3)), (8, 8, 1), strict=True))


def test_next_hop_self_is_the_address_of_the_session(setting: Setting) -> None:
    for speaker in setting.speakers:
        speaker.ask(f"announce evpn id 1 mac-ip rd {setting.speakers.index(speaker)}:1 mac {MAC} vni 100 next-hop self")

    until(lambda: len(setting.gobgp.routes()) == 3)
    routes = setting.gobgp.routes().values()
    assert {route.source: route.next_hop for route in routes} == {
        address: address for address in (INTERNAL, INTERNAL6, EXTERNAL)
    }


HOST_OF_GOBGP = [*("macadv", MAC, "2001:db8::9", "etag", "0", "label", "100", "rd", "10.0.0.1:100")]
FLOOD_OF_GOBGP = [*("multicast", REFLECTOR6, "etag", "0", "rd", "10.0.0.1:100")]
COMMUNITIES_OF_GOBGP = [*("rt", "65000:100", "encap", "vxlan")]
PMSI_OF_GOBGP = [*("pmsi", "ingress-repl", "100", REFLECTOR6)]


@pytest.mark.parametrize("session", ["internal", "internal6", "external"])
def test_routes_with_an_ipv6_next_hop_arrive_at_the_helper(setting: Setting, session: str) -> None:
    speaker: Speaker = getattr(setting, session)

    setting.gobgp.announce(*HOST_OF_GOBGP, *COMMUNITIES_OF_GOBGP, "nexthop", REFLECTOR6)
    setting.gobgp.announce(*FLOOD_OF_GOBGP, *COMMUNITIES_OF_GOBGP, *PMSI_OF_GOBGP, "nexthop", REFLECTOR6)
    until(lambda: len(announced(speaker)) == 2)

    issuer, vtep = parse_rd("10.0.0.1:100"), parse_ip(REFLECTOR6)
    host, flood = announced(speaker)
    assert host.announced == [
        MacIpRoute(issuer, ZERO_ESI, ZERO_TAG, parse_mac(MAC), parse_ip("2001:db8::9"), 100),
    ]
    assert flood.announced == [InclusiveMulticastRoute(issuer, ZERO_TAG, vtep)]
    assert host.next_hop == flood.next_hop == vtep
    assert host.attributes and host.attributes.extended == (parse_community(TARGET), encapsulation())
    assert flood.attributes and flood.attributes.pmsi == PmsiTunnel(0, 6, 100, vtep)
    assert host.faults == flood.faults == ()

    setting.gobgp.withdraw(*HOST_OF_GOBGP)
    until(lambda: host.announced[0].key in [route.key for said in heard(speaker)[-1:] for route in said.withdrawn])
    assert not was_reset(speaker)


def test_an_external_session_with_a_four_octet_as(setting: Setting) -> None:
    speaker = setting.external
    (peer,) = speaker.ask("evpn peers 1")["peers"]
    assert (peer["local-as"], peer["peer-as"], peer["asn4"]) == (EXTERNAL_AS, 65000, True)

    speaker.ask(f"announce evpn id 2 mac-ip rd {RD} mac {MAC} vni 100 next-hop self local-preference 200")
    (route,) = until(setting.gobgp.routes).values()
    ours = {"segment_type": 2, "num": 1, "asns": [EXTERNAL_AS]}
    assert route.attributes == {1: {"value": 0}, 2: {"as_paths": [ours]}}

    setting.gobgp.announce(*FLOOD_OF_GOBGP)
    (said,) = until(lambda: announced(speaker))
    assert said.attributes and said.attributes.as_path == (AsPathSegment(AS_SEQUENCE, (65000,)),)
    assert said.attributes.local_preference is None


def test_a_route_refresh_is_answered_without_a_frame(setting: Setting) -> None:
    setting.gobgp.announce(*FLOOD_OF_GOBGP)
    until(lambda: len(announced(setting.internal)) == 1)

    setting.internal.send("announce route-refresh l2vpn evpn")

    until(lambda: len(announced(setting.internal)) == 2)
    first, second = announced(setting.internal)
    assert first == second
    assert not setting.internal.received("route-refresh")


def test_a_reflector_that_was_restarted_hears_everything_and_an_end_of_rib_when_asked_for(setting: Setting) -> None:
    setting.internal.ask(bulk(1, range(3), 3))
    setting.internal6.ask(bulk(1, range(3, 6), 3, INTERNAL6))
    until(lambda: len(held(setting.gobgp)) == 6)

    setting.gobgp.restart()
    setting.gobgp.wait_for_peers()

    until(lambda: held(setting.gobgp) == dict.fromkeys(macs(range(6)), 3))
    assert not setting.gobgp.end_of_rib_seen(INTERNAL)
    assert setting.internal.ask("evpn eor 2")["type"] == "evpn-ack"
    until(lambda: setting.gobgp.end_of_rib_seen(INTERNAL))
    assert any(said.end_of_rib for said in heard(setting.internal))
