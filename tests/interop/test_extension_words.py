"""Routes in words on real sessions: what people type into the API, into `evpn exabgp cli` and into the file."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from evpn.exabgp.extension import grammar
from evpn.exabgp.extension.attribute_words import REFUSED, WORDS
from evpn.text import format_ip
from evpn.wire import update

from .frr import Namespace, connect, until
from .raw_peer import RawPeer
from .speaker import Speaker, neighbor

pytestmark = pytest.mark.interop

EVPN = str(Path(sys.executable).with_name("evpn"))
PIPE = f"evpn-test-{os.getpid()}"

OURS, OURS6, PEER, PEER6 = "10.0.0.3", "2001:db8::3", "10.0.0.1", "2001:db8::1"
END_OF_RIB = bytes.fromhex("00000007900f0003001946")  # ExaBGP's, with two octets of length

FLOOD = "multicast rd 10.0.0.3:100 ip 10.0.0.3"
HOST = "mac-ip rd 10.0.0.3:100 mac 50:54:33:00:00:09"

OF_THE_FILE = f"evpn {FLOOD} next-hop self pmsi ingress 100 10.0.0.3;"


class Setting(NamedTuple):
    speaker: Speaker
    peer: RawPeer
    peer6: RawPeer  # over IPv6

    @property
    def peers(self) -> tuple[RawPeer, RawPeer]:
        return self.peer, self.peer6


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    more = f"passive true; announce {{ l2vpn {{\n  {OF_THE_FILE}\n}} }}"
    neighbors = neighbor(PEER, OURS, hold_time=180, more=more) + neighbor(PEER6, OURS6, hold_time=180, more=more)
    with ExitStack() as stack:
        far, vtep = stack.enter_context(Namespace("far")), stack.enter_context(Namespace("vtep"))
        connect(far, f"{PEER}/24", vtep, f"{OURS}/24")
        far.run("ip", "address", "add", f"{PEER6}/64", "dev", "to-vtep", "nodad")
        vtep.run("ip", "address", "add", f"{OURS6}/64", "dev", "to-far", "nodad")
        for name in (f"/run/{PIPE}.in", f"/run/{PIPE}.out"):
            os.mkfifo(name)
            stack.callback(os.unlink, name)
        environment = {
            "exabgp.tcp.bind": f"{OURS} {OURS6}",
            "exabgp.api.cli": "true",
            "exabgp.api.pipename": PIPE,
        }
        speaker = stack.enter_context(Speaker(vtep, tmp_path_factory.mktemp("exabgp"), neighbors, environment))
        peers = (
            stack.enter_context(RawPeer(far, PEER, OURS)),
            stack.enter_context(RawPeer(far, PEER6, OURS6, router_id="10.0.0.6")),
        )
        speaker.wait_for_peers(2)
        until(lambda: all(map(described, peers)))  # the route of the file
        yield Setting(speaker, *peers)


@pytest.fixture(autouse=True)
def sessions_live(setting: Setting) -> Iterator[None]:
    """Whatever was typed. What this helper and the operator announced is withdrawn for the next test."""
    helpers = setting.speaker.helpers
    forget(setting)
    yield
    assert setting.speaker.process.poll() is None
    assert setting.speaker.helpers == helpers
    assert all(peer.is_up for peer in setting.peers)
    assert "down" not in [message["neighbor"]["state"] for message in setting.speaker.received("state")]
    for line in cli("show adj-rib out").stdout.splitlines():
        words = line.partition("l2vpn evpn ")[2]
        if words and not words.startswith(FLOOD):
            setting.speaker.send(f"withdraw evpn {words}")


def forget(setting: Setting) -> None:
    """What the peers have heard until now."""
    setting.speaker.ask("evpn eor 900")
    for peer in setting.peers:
        until(lambda peer=peer: END_OF_RIB in peer.updates())  # type: ignore[misc]
        peer.said.clear()
    setting.speaker.lines.clear()


def described(peer: RawPeer) -> list[update.Update]:
    return [update.decode(body) for body in peer.updates()]


def cli(*words: str) -> "subprocess.CompletedProcess[str]":
    command = [EVPN, "exabgp", "cli", "--pipename", PIPE, *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_a_route_of_the_file_has_our_end_of_each_session_for_its_next_hop(setting: Setting) -> None:
    shown = cli("show adj-rib out extensive").stdout.splitlines()

    told = [line.partition("l2vpn evpn ")[2] for line in shown]
    assert told == [f"{FLOOD} next-hop {ours} pmsi ingress 100 10.0.0.3" for ours in (OURS, OURS6)]


@pytest.mark.parametrize(
    ("selector", "next_hops"),
    [
        ("", [OURS, OURS6]),
        ("neighbor * ", [OURS, OURS6]),
        (f"neighbor {PEER}, neighbor {PEER6} ", [OURS, OURS6]),
        (f"neighbor {PEER6} local-ip {OURS6} local-as 65000 peer-as 65000 ", ["", OURS6]),
        (f"neighbor {PEER} router-id 10.0.0.3 ", [OURS, ""]),
    ],
)
def test_and_so_has_one_of_the_api(setting: Setting, selector: str, next_hops: list[str]) -> None:
    setting.speaker.ask(f"{selector}announce evpn id 1 {HOST} vni 100 next-hop self")
    setting.speaker.ask("evpn eor 2")

    for peer, next_hop in zip(setting.peers, next_hops, strict=True):
        until(lambda peer=peer: END_OF_RIB in peer.updates())  # type: ignore[misc]
        heard = [format_ip(said.next_hop) for said in described(peer) if said.announced]
        assert heard == ([next_hop] if next_hop else [])


def test_a_selector_that_fits_nobody_is_refused(setting: Setting) -> None:
    answer = setting.speaker.ask(f"neighbor {PEER} local-as 65001 announce evpn id 1 {HOST} vni 100 next-hop self")

    assert answer["error"] == f"neighbor {PEER} local-as 65001: no neighbor of process helper"


ROUTES = [
    f"{HOST} ip 2001:db8::9 vni [ 100 5000 ] next-hop 10.0.0.3 as-path [ 65001 ] ( 65002 65003 ) med 5"
    " community [ 65000:1 no-export ] extended-community [ target:65000:100 arp-nd:0x03 ]",
    "ethernet-ad rd 1:1 esi 00:11:22:33:44:55:66:77:88:99 etag 4294967295 vni 0 next-hop 2001:db8::3 origin egp"
    " atomic-aggregate aggregator ( 65000:10.0.0.3 ) extended-community [ esi-label:0:single-active ]",
    "multicast rd 1:1 ip 10.0.0.3 next-hop 10.0.0.3 local-preference 7 originator-id 10.0.0.9"
    " cluster-list [ 10.0.0.1 10.0.0.2 ] pmsi leaf ingress 100 10.0.0.3 aigp 5 large-community [ 1:2:3 ]",
    "ethernet-segment rd 1:1 esi 00:11:22:33:44:55:66:77:88:99 ip 2001:db8::3 next-hop 10.0.0.3"
    " extended-community [ es-import:11:22:33:44:55:66 df-election:highest-preference:dont-preempt:100 ]",
    "prefix rd 1:1 esi 00:11:22:33:44:55:66:77:88:99 etag 7 prefix 2001:db8::/32 vni 5000 next-hop 10.0.0.3"
    " attribute [ 0x63 0xc0 0x0102 ]",
    "raw nlri 0x0603010203 next-hop 10.0.0.3 med 5",
]


@pytest.mark.parametrize("words", ROUTES, ids=[words.partition(" ")[0] for words in ROUTES])
def test_what_the_operator_is_shown_announces_the_same_again(setting: Setting, words: str) -> None:
    def heard() -> list[bytes]:
        return [body for body in setting.peer.updates() if body != END_OF_RIB]

    assert cli(f"neighbor {PEER} announce evpn {words}").returncode == 0
    (announced,) = until(heard)
    (shown,) = (
        line.partition("l2vpn evpn ")[2]
        for line in cli("show adj-rib out extensive").stdout.splitlines()
        if f"{FLOOD} next-hop" not in line
    )
    assert shown == words

    assert cli(f"withdraw evpn {words}").stderr == ""
    until(lambda: len(heard()) == 2)
    setting.peer.said.clear()
    cli(f"neighbor {PEER} announce evpn {shown}")

    assert until(heard) == [announced]


def test_the_operator_is_told_what_was_wrong_and_where(setting: Setting) -> None:
    refused = cli(f"announce evpn {HOST} vni 100 next-hop selff")
    reason = "mac-ip: next-hop: 'selff' is not an IPv4 or IPv6 address (word 9, behind: vni 100 next-hop)"

    assert f'"error": "{reason}"' in refused.stdout
    assert "ExaBGP returns an error" in refused.stderr
    assert f"reason={reason} command=announce evpn mac-ip" in setting.speaker.log()
    assert cli(*f"announce evpn {HOST} vni 100 next-hop self".split()).stderr == ""


def test_the_operator_types_what_is_not_ascii(setting: Setting) -> None:
    """Six times within a minute end stock."""
    for _ in range(8):
        assert "'\\\\\\\\xc3\\\\\\\\xa9' is not one of" in cli("announce evpn mac-ip \u00e9").stdout

    assert "is not an IPv4" in cli(f"announce evpn {HOST} vni 1 next-hop me").stdout


SOUP = [
    *(*WORDS, *REFUSED, *grammar.KINDS, "rd", "esi", "etag", "mac", "ip", "vni", "label", "nlri", "next-hop", "self"),
    *("10.0.0.3", "2001:db8::3", "1:1", "50:54:33:00:00:09", "0", "100", "16777216", "-1", "0x", "0x0203", "max"),
    *("json", "reset", "shutdown", "version", "help", "teardown", "restart", "neighbor", "announce", "evpn", "bulk"),
    *("[", "]", "(", ")", "{", "}", ",", ";", "#", "'", '"', "\\", "\t", "[[", "[]", "\x00", "\x1b[31m", "ANNOUNCE"),
    *("target:65000:100", "encap:vxlan", "df-election:x", "ingress", "leaf", "none", "9" * 5000, "x" * 100_000),
]

ALWAYS = [
    "",
    "mac-ip",
    "mac-ip json",
    "MAC-IP RD 1:1",
    "mac-ip [ [ [ [",
    "mac-ip ] ] ] ]",
    "mac-ip vni [ 1 ( 2 ] )",
    "mac-ip rd 'a b' # comment",
    'mac-ip rd "',
    "mac-ip shutdown now",
    "mac-ip reset version help teardown 1",
    "multicast as-path " + "( " * 2000,
    "multicast as-path [" + "1 " * 100_000 + "]",
    "multicast extended-community [ " + "target:1:1 " * 50_000 + "]",
    "raw nlri 0x" + "00" * 400_000,
    "multicast rd 1:1 ip 10.0.0.3 next-hop self attribute [ 0x63 0xc0 0x" + "00" * 4000 + " ]",
    "mac-ip " + "x" * 900_000,
    "mac-ip" + " " * 100_000 + "x",
]


def nasty() -> list[str]:
    """Some hundreds, the same every time."""
    dice = random.Random(7)
    return [*ALWAYS, *(" ".join(dice.choices(SOUP, k=dice.randrange(1, 15))) for _ in range(300))]


def test_nothing_that_is_said_harms_a_session(setting: Setting) -> None:
    speaker, lines = setting.speaker, nasty()
    for number, line in enumerate(lines, 1000):
        verb = "announce" if number % 3 else "withdraw"
        speaker.send(f"{verb} evpn id {number} {line}")
    speaker._links[-1].sendall(b"announce evpn id 998 mac-ip \xff\xc3\xa9\n\n\n#\nANNOUNCE EVPN\nannounce\nevpn\n")
    speaker.send("please announce evpn now", "announce route 192.0.2.0/24 next-hop 10.0.0.3 json")

    assert speaker.ask(f"announce evpn id 999 {HOST} vni 100 next-hop self", 60)["type"] == "evpn-ack"

    answers = {m["id"]: m for m in speaker.messages() if m.get("type") in ("evpn-error", "evpn-ack")}
    assert answers.keys() == {*range(1000, 1000 + len(lines)), 998, 999, None}
    refused = [answer for answer in answers.values() if answer["type"] == "evpn-error"]
    assert len(refused) >= len(lines)
    assert all(0 < len(answer["error"]) < 1000 for answer in refused)
    until(lambda: all(any(said.announced for said in described(peer)) for peer in setting.peers))


def test_a_reload_with_a_mistake_changes_nothing_and_one_without_does(setting: Setting) -> None:
    speaker, path = setting.speaker, setting.speaker.directory / "exabgp.conf"
    good = path.read_text()
    speaker.ask(f"announce evpn id 1 {HOST} vni 100 next-hop self")
    until(lambda: all(map(described, setting.peers)))
    line = good.count("\n", 0, good.rindex(OF_THE_FILE)) + 1
    reasons = {
        "pmsi ingress 16777216": f"{path} line {line}: multicast: pmsi ingress: '16777216' is not a number from 0 to",
        "pmsi ingress 100 10.0.0": f"{path} line {line}: multicast: pmsi ingress: '10.0.0' is not an IPv4 or IPv6",
        "watchdog dog": f"{path} line {line}: multicast: 'watchdog' is not for EVPN: ",
        "'pmsi": f"invalid syntax line {line}",
    }
    for number, (mistake, reason) in enumerate(reasons.items()):
        head, tail = good[: good.rindex(OF_THE_FILE)], good[good.rindex(OF_THE_FILE) :]
        changed = head.replace("rd 10.0.0.3:100", "rd 10.0.0.3:200") + tail.replace(
            "pmsi ingress 100 10.0.0.3", mistake
        )
        path.write_text(changed)
        speaker.process.send_signal(signal.SIGUSR1)
        until(lambda number=number: speaker.log().count("could not load/reload") == number + 1)  # type: ignore[misc]
        until(lambda reason=reason: reason in speaker.log())  # type: ignore[misc]
        assert all(len(described(peer)) == 1 for peer in setting.peers)

    path.write_text(good.replace("rd 10.0.0.3:100", "rd 10.0.0.3:200"))
    speaker.process.send_signal(signal.SIGUSR1)
    until(lambda: all(any(said.withdrawn for said in described(peer)) for peer in setting.peers))

    path.write_text(good)
    speaker.process.send_signal(signal.SIGUSR1)
    until(lambda: all(sum(bool(said.withdrawn) for said in described(peer)) == 2 for peer in setting.peers))


def test_a_start_with_a_mistake_says_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "exabgp.conf"
    path.write_text(
        "neighbor 10.0.0.1 {\n router-id 10.0.0.3; local-address 10.0.0.3; local-as 65000; peer-as 65000;\n"
        " family { l2vpn evpn; }\n announce { l2vpn {\n  evpn mac-ip rd 1:1 vni;\n } }\n}\n"
    )
    environment = {**os.environ, "exabgp.api.cli": "false", "exabgp.daemon.user": "root"}

    done = subprocess.run(
        [EVPN, "exabgp", str(path)], capture_output=True, text=True, timeout=30, check=False, env=environment
    )

    assert done.returncode == 1
    assert f"{path} line 5: mac-ip: vni: a value is missing (word 5, behind: rd 1:1 vni)" in done.stdout + done.stderr
