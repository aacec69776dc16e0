"""What a helper can do to stock ExaBGP 5.0.15, and cannot with the extension: each scenario over a session with FRR."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .frr import Frr, Namespace, connect, until
from .speaker import Speaker, neighbor
from .test_extension_frr import REFLECTOR, mac_number

pytestmark = pytest.mark.interop

NEXT_HOP = "0a000003"


Place = tuple[Namespace, Frr]


@pytest.fixture
def place() -> Iterator[Place]:
    with Namespace("rr") as reflector, Namespace("vtep") as vtep:
        connect(reflector, "10.0.0.1/24", vtep, "10.0.0.3/24")
        with Frr(reflector, REFLECTOR) as frr:
            yield vtep, frr


def announce_many(speaker: Speaker, frr: Frr) -> None:
    routes = b"".join(mac_number(number) for number in range(10_000)).hex()
    assert speaker.ask(f"announce evpn bulk id 1 next-hop {NEXT_HOP} nlri {routes}")["announced"] == 10_000
    until(lambda: prefixes(frr) == 10_000)


def fill_the_pipe(speaker: Speaker) -> None:
    """Some 10 MB for a helper that reads nothing."""
    speaker.pause()
    speaker.send(*["show adj-rib out extensive"] * 4)


def prefixes(frr: Frr) -> int:
    summary = frr.vtysh_json("show bgp l2vpn evpn summary json")
    return int(summary["peers"]["10.0.0.3"].get("pfxRcd", 0))


def ups(speaker: Speaker) -> int:
    return len([m for m in speaker.received("state") if m["neighbor"]["state"] == "up"])


def test_commands_without_reading_the_answers(place: Place, tmp_path: Path) -> None:
    """Stock stops for good after some 13 100, with both sides in a write; `done` is on, as by default."""
    vtep, frr = place
    with Speaker(vtep, tmp_path, neighbor("10.0.0.1", "10.0.0.3"), environment={"exabgp.api.ack": "true"}) as speaker:
        speaker.wait_for_peers()
        speaker.pause()
        count = 40_000
        lines = [f"announce evpn bulk id {n} next-hop {NEXT_HOP} nlri {mac_number(n).hex()}" for n in range(count)]
        speaker.send(*lines)

        until(lambda: prefixes(frr) == count, 60)
        speaker.resume()
        until(lambda: speaker.lines.count("done") == count)
        assert ups(speaker) == 1


def test_a_helper_that_reads_nothing_for_longer_than_the_hold_time(place: Place, tmp_path: Path) -> None:
    """Stock sends one keepalive and loses the session: hold time 9."""
    vtep, frr = place
    with Speaker(vtep, tmp_path, neighbor("10.0.0.1", "10.0.0.3")) as speaker:
        speaker.wait_for_peers()
        announce_many(speaker, frr)

        fill_the_pipe(speaker)
        time.sleep(12)
        assert prefixes(frr) == 10_000
        speaker.resume()

        assert speaker.ask("evpn peers 2")["peers"][0]["state"] == "up"
        assert ups(speaker) == 1
        assert sum("mac-ip" in line for line in speaker.lines) == 40_000


def test_a_helper_that_is_killed_while_it_is_written_to(place: Place, tmp_path: Path) -> None:
    """Stock gives the peers of that helper up for good, though the helper is started again."""
    vtep, frr = place
    with Speaker(vtep, tmp_path, neighbor("10.0.0.1", "10.0.0.3")) as speaker:
        speaker.wait_for_peers()
        announce_many(speaker, frr)
        fill_the_pipe(speaker)
        time.sleep(1)

        (pid,) = speaker.children()
        os.kill(pid, signal.SIGKILL)
        until(lambda: speaker.helpers == 2)
        speaker.resume()

        assert speaker.ask("evpn peers 2")["peers"][0]["state"] == "up"
        assert speaker.ask("evpn sync begin 3")["type"] == "evpn-ack"
        assert speaker.ask("evpn sync end 3")["withdrawn"] == 10_000
        until(lambda: prefixes(frr) == 0)
        assert ups(speaker) == 1


def test_a_helper_at_the_bound_is_started_again_and_the_session_lives(place: Place, tmp_path: Path) -> None:
    vtep, frr = place
    with Speaker(
        vtep, tmp_path, neighbor("10.0.0.1", "10.0.0.3"), environment={"EVPN_QUEUE_LIMIT": "2000000"}
    ) as speaker:
        speaker.wait_for_peers()
        announce_many(speaker, frr)

        fill_the_pipe(speaker)
        until(lambda: speaker.helpers == 2)
        speaker.resume()

        assert speaker.ask("evpn peers 2")["peers"][0]["state"] == "up"
        assert ups(speaker) == 1
        assert "helper does not read, starting it again process=helper limit=2000000" in speaker.log()
