"""ExaBGP with the extension against FRR: routes in its table, not octets on a wire."""

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evpn.text import parse_ip, parse_mac, parse_rd
from evpn.values import NO_IP, ZERO_ESI, ZERO_TAG
from evpn.wire import attributes
from evpn.wire.attributes import PathAttributes
from evpn.wire.communities import mac_mobility, parse_community
from evpn.wire.routes import MacIpRoute

from .frr import Frr, Namespace, connect, until
from .speaker import Speaker, neighbor

pytestmark = pytest.mark.interop

REFLECTOR = """
router bgp 65000
 bgp router-id 10.0.0.1
 no bgp default ipv4-unicast
 bgp cluster-id 10.0.0.1
 neighbor 10.0.0.3 remote-as 65000
 neighbor 10.0.0.3 passive
 neighbor 10.0.0.3 timers 3 9
 address-family l2vpn evpn
  neighbor 10.0.0.3 activate
  neighbor 10.0.0.3 route-reflector-client
"""

RD = parse_rd("10.0.0.3:100")
VTEP = parse_ip("10.0.0.3")


@pytest.fixture
def namespaces() -> Iterator[tuple[Namespace, Namespace]]:
    with Namespace("rr") as reflector, Namespace("vtep") as vtep:
        connect(reflector, "10.0.0.1/24", vtep, "10.0.0.3/24")
        yield reflector, vtep


@pytest.fixture
def frr(namespaces: tuple[Namespace, Namespace]) -> Iterator[Frr]:
    with Frr(namespaces[0], REFLECTOR) as frr:
        yield frr


@pytest.fixture
def speaker(namespaces: tuple[Namespace, Namespace], frr: Frr, tmp_path: Path) -> Iterator[Speaker]:
    with Speaker(namespaces[1], tmp_path, neighbor("10.0.0.1", "10.0.0.3")) as speaker:
        speaker.wait_for_peers()
        yield speaker


def bulk(identity: int, macs: str, sequence: int) -> str:
    nlri = "".join(mac(name).hex() for name in macs)
    shared = attributes.encode(PathAttributes(extended=(parse_community("target:65000:100"), mac_mobility(sequence))))
    return f"announce evpn bulk id {identity} attributes {shared.hex()} next-hop {VTEP.hex()} nlri {nlri}"


def withdrawal(identity: int, macs: str) -> str:
    return f"withdraw evpn bulk id {identity} nlri {''.join(mac(name).hex() for name in macs)}"


def mac(name: str) -> bytes:
    address = parse_mac(f"50:54:33:00:00:{ord(name):02x}")
    return MacIpRoute(RD, ZERO_ESI, ZERO_TAG, address, NO_IP, 100).encode()


def held(frr: Frr) -> dict[str, str]:
    """Letter of a MAC -> its mobility, as FRR has it."""
    return {
        chr(int(prefix[-3:-1], 16)): path["extendedCommunity"]["string"].partition("MM:")[2] or "-"
        for prefix, path in frr.routes().items()
        if prefix.startswith("[2]") and prefix.count("[") == 4
    }


def batch(speaker: Speaker, *lines: str) -> None:
    """Lines that ExaBGP finds in one read, and thus sends in one go."""
    speaker.send(*lines)
    until(lambda: [m for m in speaker.messages() if m.get("id") == len(lines) + 100 - 1])


def test_a_mac_that_moved_twice_in_a_batch_keeps_the_last_sequence(speaker: Speaker, frr: Frr) -> None:
    batch(speaker, bulk(100, "B", 8), bulk(101, "A", 7), bulk(102, "A", 8))

    assert until(lambda: len(held(frr)) == 2 and held(frr)) == {"A": "8", "B": "8"}
    time.sleep(0.3)
    assert held(frr) == {"A": "8", "B": "8"}


def test_a_mac_withdrawn_and_announced_in_a_batch_is_there(speaker: Speaker, frr: Frr) -> None:
    batch(speaker, bulk(100, "A", 1))
    until(lambda: held(frr) == {"A": "1"})

    speaker.lines.clear()
    batch(speaker, bulk(100, "C", 9), withdrawal(101, "A"), bulk(102, "A", 9))

    until(lambda: held(frr) == {"A": "9", "C": "9"})
    time.sleep(0.3)
    assert held(frr) == {"A": "9", "C": "9"}


ESI = "00:11:22:33:44:55:66:77:88:99"
TARGET = "target:65000:100 encap:vxlan"

ROUTES = [
    (
        f"ethernet-ad rd 10.0.0.3:1 esi {ESI} etag 4294967295 vni 0 next-hop self"
        f" extended-community [ {TARGET} esi-label:0:single-active ]",
        f"[1]:[4294967295]:[{ESI}]:[32]:[0.0.0.0]:[0]",
        "RT:65000:100 ET:8 ESI-label-Rt:SA",
    ),
    (
        "mac-ip rd 10.0.0.3:100 mac 50:54:33:00:00:09 ip 192.0.2.9 vni [ 100 5000 ] next-hop self extended-community"
        f" [ {TARGET} target:4200000000:77 mac-mobility:5:sticky router-mac:02:00:00:00:00:01 default-gateway ]",
        "[2]:[0]:[48]:[50:54:33:00:00:09]:[32]:[192.0.2.9]",
        "RT:65000:100 RT:4200000000:77 ET:8 Default Gateway MM:5, sticky MAC Rmac:02:00:00:00:00:01",
    ),
    (
        "multicast rd 10.0.0.3:100 ip 10.0.0.3 next-hop 10.0.0.3 pmsi ingress 100 10.0.0.3"
        f" extended-community [ {TARGET} ] med 7 community [ 65000:1 no-export ] local-preference 200",
        "[3]:[0]:[32]:[10.0.0.3]",
        "RT:65000:100 ET:8",
    ),
    (
        f"ethernet-segment rd 10.0.0.3:1 esi {ESI} ip 10.0.0.3 next-hop self"
        " extended-community [ encap:vxlan es-import:11:22:33:44:55:66 ]",
        f"[4]:[{ESI}]:[32]:[10.0.0.3]",
        "ET:8 ES-Import-Rt:11:22:33:44:55:66",
    ),
    (
        f"prefix rd 10.0.0.3:5000 prefix 203.0.113.0/24 vni 5000 next-hop self extended-community [ {TARGET} ]",
        "[5]:[0]:[24]:[203.0.113.0]",
        "RT:65000:100 ET:8",
    ),
    (
        f"prefix rd 10.0.0.3:5000 prefix 2001:db8::/64 vni 5000 next-hop self extended-community [ {TARGET} ]",
        "[5]:[0]:[64]:[2001:db8::]",
        "RT:65000:100 ET:8",
    ),
]


def test_all_route_types_in_words_come_and_go(speaker: Speaker, frr: Frr) -> None:
    for identity, (words, _, _) in enumerate(ROUTES):
        assert speaker.ask(f"announce evpn id {identity} {words}")["type"] == "evpn-ack"

    until(lambda: len(frr.routes()) == len(ROUTES))
    routes = frr.routes()
    assert {prefix: _sorted(path["extendedCommunity"]["string"]) for prefix, path in routes.items()} == {
        prefix: _sorted(communities) for _, prefix, communities in ROUTES
    }
    multicast = routes["[3]:[0]:[32]:[10.0.0.3]"]
    assert multicast["pmsi"] == {"tunnelType": "Ingress Replication", "label": 100}
    assert (multicast["metric"], multicast["locPrf"], multicast["community"]["string"]) == (7, 200, "65000:1 no-export")
    assert routes["[2]:[0]:[48]:[50:54:33:00:00:09]:[32]:[192.0.2.9]"]["vni"] == "100/5000"

    for identity, (words, _, _) in enumerate(ROUTES, 50):
        assert speaker.ask(f"withdraw evpn id {identity} {words}")["withdrawn"] == 1
    until(lambda: not frr.routes())


def test_one_line_is_for_an_internal_and_an_external_neighbor(tmp_path: Path) -> None:
    external = REFLECTOR.replace("bgp 65000", "bgp 65001").replace("10.0.0.", "10.0.1.")
    external = external.replace(
        " neighbor 10.0.1.3 passive", " no bgp ebgp-requires-policy\n neighbor 10.0.1.3 passive"
    )
    external = external.replace("  neighbor 10.0.1.3 route-reflector-client\n", "")
    neighbors = neighbor("10.0.0.1", "10.0.0.3") + neighbor("10.0.1.1", "10.0.1.3", peer_as=65001)
    with Namespace("rr") as one, Namespace("ext") as other, Namespace("vtep") as vtep:
        connect(one, "10.0.0.1/24", vtep, "10.0.0.3/24")
        connect(other, "10.0.1.1/24", vtep, "10.0.1.3/24")
        with (
            Frr(one, REFLECTOR) as first,
            Frr(other, external) as second,
            Speaker(vtep, tmp_path, neighbors) as speaker,
        ):
            speaker.wait_for_peers(2)
            speaker.ask(bulk(1, "AB", 3))
            until(lambda: held(first) == held(second) == {"A": "3", "B": "3"})
            paths = [next(iter(frr.routes().values())) for frr in (first, second)]
            assert [path["aspath"]["string"] for path in paths] == ["Local", "65000"]

            speaker.ask(f"neighbor 10.0.1.1 {withdrawal(2, 'A')}")
            until(lambda: held(second) == {"B": "3"})
            assert held(first) == {"A": "3", "B": "3"}

            speaker.ask("evpn sync begin 3")
            speaker.ask(bulk(4, "A", 3))
            assert speaker.ask("evpn sync end 3")["withdrawn"] == 1
            until(lambda: held(first) == held(second) == {"A": "3"})


@pytest.mark.parametrize("sent", [signal.SIGUSR1, signal.SIGHUP])
def test_routes_of_the_configuration_file_and_a_reload(
    namespaces: tuple[Namespace, Namespace], frr: Frr, tmp_path: Path, sent: signal.Signals
) -> None:
    def configured(route: str) -> str:
        return neighbor("10.0.0.1", "10.0.0.3", more=f"announce {{ l2vpn {{ evpn {route}; }} }}")

    (first, prefix, _), (second, other, _) = ROUTES[2], ROUTES[4]
    environment = {"EVPN_RELOAD": "kill -USR1 $EVPN_EXABGP_PID"}
    with Speaker(namespaces[1], tmp_path, configured(first), environment) as speaker:
        until(lambda: list(frr.routes()) == [prefix])

        path = tmp_path / "exabgp.conf"
        path.write_text(path.read_text().replace(first, second))
        speaker.process.send_signal(sent)

        until(lambda: list(frr.routes()) == [other])
        assert len([m for m in speaker.received("state") if m["neighbor"]["state"] == "up"]) == 1


def test_a_session_that_comes_back_hears_everything_and_only_one_end_of_rib(speaker: Speaker, frr: Frr) -> None:
    speaker.ask(bulk(1, "ABC", 3))
    until(lambda: len(held(frr)) == 3)

    frr.vtysh("clear bgp l2vpn evpn *")

    until(lambda: len(speaker.received("state")) >= 5)
    until(lambda: held(frr) == {"A": "3", "B": "3", "C": "3"})


def test_end_of_rib_comes_when_asked_for_and_behind_the_routes(speaker: Speaker, frr: Frr) -> None:
    def end_of_rib() -> Any:
        return frr.vtysh_json("show bgp neighbor 10.0.0.3 json")["10.0.0.3"]["gracefulRestartInfo"]["endOfRibRecv"]

    time.sleep(1)
    assert not end_of_rib().get("l2VpnEvpn")
    many = [mac_number(number) for number in range(10_000)]
    speaker.send(f"announce evpn bulk id 1 next-hop {VTEP.hex()} nlri {b''.join(many).hex()}")

    assert speaker.ask("neighbor 10.0.0.1 evpn eor 2")["type"] == "evpn-ack"

    until(lambda: end_of_rib().get("l2VpnEvpn"))
    assert frr.vtysh_json("show bgp l2vpn evpn summary json")["peers"]["10.0.0.3"]["pfxRcd"] == 10_000


def mac_number(number: int) -> bytes:
    return MacIpRoute(RD, ZERO_ESI, ZERO_TAG, parse_mac(f"{0x505433000000 + number:012x}"), NO_IP, 100).encode()


def test_a_sync_sends_only_what_differs(speaker: Speaker, frr: Frr) -> None:
    speaker.ask(bulk(1, "ABC", 3))
    until(lambda: len(held(frr)) == 3)
    before = _updates_received(frr)

    speaker.ask("evpn sync begin 2")
    speaker.ask(bulk(3, "AB", 3))
    assert speaker.ask("evpn sync end 4")["error"] == "sync 4 was not begun, 2 was"
    speaker.lines.clear()
    assert speaker.ask("evpn sync end 2")["withdrawn"] == 1

    until(lambda: held(frr) == {"A": "3", "B": "3"})
    assert _updates_received(frr) == before + 1


def test_a_route_refresh_is_answered_and_its_frame_is_no_request(speaker: Speaker, frr: Frr) -> None:
    speaker.ask(bulk(1, "ABC", 3))
    until(lambda: len(held(frr)) == 3)
    before = _updates_received(frr)

    speaker.send("announce route-refresh l2vpn evpn")
    until(lambda: len(speaker.received("route-refresh")) == 2)  # FRR's BoRR and EoRR
    time.sleep(0.5)
    assert _updates_received(frr) == before

    frr.vtysh("clear bgp l2vpn evpn 10.0.0.3 soft in")
    until(lambda: _updates_received(frr) == before + 1)


def test_updates_of_frr_arrive_in_packets(speaker: Speaker, frr: Frr) -> None:
    """FRR has no route of its own without an interface, but sends an End-of-RIB."""
    bodies = until(lambda: [m["neighbor"]["message"]["body"] for m in speaker.received("update")])

    assert bodies == ["0x00000006800F03001946"]


def test_evpn_peers_tells_what_was_negotiated(speaker: Speaker, frr: Frr) -> None:
    (peer,) = speaker.ask("evpn peers 1")["peers"]

    up = speaker.received("state")[-1]
    assert peer["address"] == up["neighbor"]["address"]["peer"]
    assert (peer["state"], peer["asn4"], peer["families"], peer["hold-time"]) == ("up", True, ["l2vpn evpn"], 9)
    assert peer["graceful-restart"] == 0  # FRR 8.4 has the capability without a family

    frr.kill("bgpd")
    until(lambda: speaker.received("state")[-1]["neighbor"]["state"] == "down")
    (peer,) = speaker.ask("evpn peers 2")["peers"]
    assert (peer["state"], peer["families"]) == ("down", [])


def test_show_adj_rib_out_lists_evpn(speaker: Speaker) -> None:
    speaker.ask(bulk(1, "A", 3))

    speaker.send("show adj-rib out")

    line = "10.0.0.1 l2vpn evpn mac-ip rd 10.0.0.3:100 mac 50:54:33:00:00:41 vni 100"
    until(lambda: line in speaker.lines)


def test_a_peer_that_resets_on_our_route_is_not_called_25_times_a_second(speaker: Speaker, frr: Frr) -> None:
    """A PMSI of 21 octets, which FRR 8.4 takes for malformed."""
    speaker.send("announce evpn multicast rd 10.0.0.3:1 ip 10.0.0.3 next-hop self pmsi ingress 100 2001:db8::3")
    time.sleep(5)

    def ups() -> int:
        return [message["neighbor"]["state"] for message in speaker.received("state")].count("up")

    assert ups() <= 5
    until(lambda: ups() >= 2)  # it does call again

    speaker.send("withdraw evpn multicast rd 10.0.0.3:1 ip 10.0.0.3")
    until(lambda: speaker.ask("evpn peers 1")["peers"][0]["state"] == "up")


def test_tshark_finds_nothing_malformed(namespaces: tuple[Namespace, Namespace], frr: Frr, tmp_path: Path) -> None:
    capture = tmp_path / "bgp.pcap"
    tshark = namespaces[1].command("tshark", "-q", "-i", "to-rr", "-f", "tcp port 179", "-w", str(capture))
    with subprocess.Popen(tshark, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as capturing:
        try:
            until(lambda: capture.exists() and capture.stat().st_size)
            with Speaker(namespaces[1], tmp_path, neighbor("10.0.0.1", "10.0.0.3")) as speaker:
                speaker.wait_for_peers()
                for identity, (words, _, _) in enumerate(ROUTES):
                    speaker.ask(f"announce evpn id {identity} {words}")
                speaker.ask(bulk(50, "ABCDEFG", 7))
                until(lambda: len(held(frr)) == 7)
                speaker.ask(withdrawal(51, "ABC"))
                speaker.ask("evpn eor 52")
                until(lambda: len(held(frr)) == 4)
            time.sleep(1)
        finally:
            capturing.terminate()

    read = ["tshark", "-r", str(capture), "-Y", "bgp && ip.src == 10.0.0.3"]
    routes = subprocess.check_output([*read, "-T", "fields", "-e", "bgp.evpn.nlri.rt"], text=True)
    bad = "_ws.malformed || _ws.expert.severity == error"
    malformed = subprocess.check_output([*read[:-1], f"({read[-1]}) && ({bad})"], text=True)

    assert {"1", "2", "3", "4", "5"} <= set(routes.replace(",", " ").split())
    assert malformed == ""


def _sorted(communities: str) -> list[str]:
    return sorted(communities.replace("Default Gateway", "Default-Gateway").replace(", sticky MAC", "/sticky").split())


def _updates_received(frr: Frr) -> int:
    shown = frr.vtysh_json("show bgp neighbor 10.0.0.3 json")["10.0.0.3"]
    return int(shown["messageStats"]["updatesRecv"])
