"""What a helper can do to stock ExaBGP 5.0.15, and cannot with the extension: each scenario over a session with FRR."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from evpn.exabgp.extension.pipes import PIPE_SIZE

from .frr import Frr, Namespace, connect, until
from .speaker import Speaker, neighbor
from .test_extension_frr import REFLECTOR, mac_number

pytestmark = pytest.mark.interop

NEXT_HOP = "0a000003"
BUFFER = 8192
"""Octets that Python gathers before it writes them to a pipe."""


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


SHORT_LINES = ["show adj-rib out extensive"] * 4
LONG_LINES = [f"evpn routes {number}" for number in range(100, 116)]
"""Questions with some 10 MB of answers, in lines of 200 octets and of 35 kB."""


def fill_the_pipe(speaker: Speaker, questions: list[str] = SHORT_LINES) -> None:
    """More than any pipe takes, for a helper that reads nothing."""
    speaker.pause()
    speaker.send(*questions)


def kill(pid: int) -> bytes:
    """What waits in the pipe of a helper that dies, to the last octet that ExaBGP has got into it."""
    pipe = os.open(f"/proc/{pid}/fd/0", os.O_RDONLY | os.O_NONBLOCK)
    try:
        os.kill(pid, signal.SIGKILL)
        return os.read(pipe, PIPE_SIZE)
    finally:
        os.close(pipe)


def forget(speaker: Speaker) -> None:
    """All that the first helper was told, read already or not."""
    speaker._links[0].close()
    speaker.lines.clear()


def prefixes(frr: Frr) -> int:
    summary = frr.vtysh_json("show bgp l2vpn evpn summary json")
    return int(summary["peers"]["10.0.0.3"].get("pfxRcd", 0))


def ups(speaker: Speaker) -> int:
    return len([m for m in speaker.received("state") if m["neighbor"]["state"] == "up"])


def why(speaker: Speaker, frr: Frr) -> str:
    """For who reads that a session has not lasted: what both sides have said of it."""
    return f"{speaker.received('state')}\n{frr.log()}\n{speaker.log()[-5000:]}"


def test_commands_without_reading_the_answers(place: Place, tmp_path: Path) -> None:
    """Stock stops for good in the write of some 13 100th answer, and the helper in its own; `done` is on by default."""
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
        assert ups(speaker) == 1, why(speaker, frr)


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
        assert ups(speaker) == 1, why(speaker, frr)
        until(lambda: sum("mac-ip" in line for line in list(speaker.lines)) == 40_000)


@pytest.mark.parametrize("questions", [SHORT_LINES, LONG_LINES], ids=["short lines", "long lines"])
def test_a_helper_that_is_killed_while_it_is_written_to(place: Place, tmp_path: Path, questions: list[str]) -> None:
    """Stock gives the peers of that helper up for good, though the helper is started again.

    It does when more fails to be written than it buffers: in the middle of a long line, or of an answer of many short
    ones, of which a pipe takes each whole or not at all.
    """
    vtep, frr = place
    with Speaker(vtep, tmp_path, neighbor("10.0.0.1", "10.0.0.3")) as speaker:
        speaker.wait_for_peers()
        announce_many(speaker, frr)
        fill_the_pipe(speaker, questions)
        time.sleep(1)

        (pid,) = speaker.children()
        *lines, unfinished = kill(pid).split(b"\n")
        if questions is LONG_LINES:
            assert unfinished and max(map(len, lines)) > 4 * BUFFER
        assert ups(speaker) == 1, why(speaker, frr)
        forget(speaker)
        until(lambda: speaker.helpers == 2)
        speaker.resume()

        assert speaker.ask("evpn peers 2")["peers"][0]["state"] == "up"
        assert speaker.ask("evpn sync begin 3")["type"] == "evpn-ack"
        assert speaker.ask("evpn sync end 3")["withdrawn"] == 10_000
        until(lambda: prefixes(frr) == 0)
        assert ups(speaker) == 0  # the session has never ended


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
        assert ups(speaker) == 1, why(speaker, frr)
        assert "helper does not read, starting it again process=helper limit=2000000" in speaker.log()
