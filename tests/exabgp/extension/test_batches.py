"""Several UPDATEs of a peer in one turn, for as long as its share of time lasts."""

import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from exabgp.reactor.peer import ACTION

from evpn.exabgp.extension import batches, outbox

ECHO = [sys.executable, "-u", "-c", "import sys\nfor line in sys.stdin: sys.stdout.write(line)"]

Script = list[tuple[Any, int]]
"""What ExaBGP's own turns answer, and how many UPDATEs each of them received."""


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Any]]:
    """What one turn of ours answers, and how many of ExaBGP's it was made of."""

    def play(script: Script, share: float = 1e9, limit: int = 0) -> list[Any]:
        left = iter(script)
        took = 0

        def stock(peer: Any) -> Any:
            nonlocal took
            took += 1
            action, received = next(left)
            peer.stats["receive-update"] += received
            return action

        monkeypatch.setattr(batches, "_stock_run", stock)
        monkeypatch.setattr(batches, "SHARE", share)
        processes = SimpleNamespace()
        peer = SimpleNamespace(
            stats={"receive-update": 7},
            neighbor={"rate-limit": limit},
            reactor=SimpleNamespace(processes=processes),
            proto=None,
        )
        return [batches.run(peer), took]

    return play


UPDATE, NOTHING = (ACTION.NOW, 1), (ACTION.LATER, 0)


def test_a_turn_takes_updates_as_long_as_there_are_some(turns: Callable[..., list[Any]]) -> None:
    assert turns([UPDATE, UPDATE, UPDATE, NOTHING]) == [ACTION.LATER, 4]
    assert turns([NOTHING]) == [ACTION.LATER, 1]


@pytest.mark.parametrize("other", [(ACTION.NOW, 0), (ACTION.CLOSE, 1), (ACTION.LATER, 1), (None, 0)])
def test_anything_else_ends_it(turns: Callable[..., list[Any]], other: tuple[Any, int]) -> None:
    """A keepalive, routes of ours on their way, the end of the session."""
    assert turns([other, UPDATE]) == [other[0], 1]
    assert turns([UPDATE, UPDATE, other, UPDATE]) == [other[0], 3]


def test_a_session_that_is_lost_meanwhile_counts_from_0_again(turns: Callable[..., list[Any]]) -> None:
    assert turns([UPDATE, (ACTION.NOW, -8), UPDATE]) == [ACTION.NOW, 2]


def test_who_has_used_up_its_share_waits_for_the_others(turns: Callable[..., list[Any]]) -> None:
    assert turns([UPDATE, UPDATE], share=0) == [ACTION.NOW, 1]


def test_a_peer_with_a_rate_limit_has_one_message_a_turn(turns: Callable[..., list[Any]]) -> None:
    assert turns([UPDATE, UPDATE], limit=100) == [ACTION.NOW, 1]


def a_peer(size: int, connected: bool = True) -> Any:
    """With so much that waits for a helper."""
    boxes = {"helper": SimpleNamespace(size=size, is_high=size > outbox.HIGH)}
    processes = SimpleNamespace(_evpn_outboxes=boxes)
    proto = object() if connected else None
    return SimpleNamespace(
        stats={"receive-update": 0},
        neighbor={"rate-limit": 0},
        reactor=SimpleNamespace(processes=processes),
        proto=proto,
    )


def test_a_peer_waits_while_a_helper_cannot_follow_but_has_a_turn_now_and_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    peer, now, turns = a_peer(outbox.HIGH + 1), [1000.0], []
    monkeypatch.setattr(batches, "monotonic", lambda: now[0])
    monkeypatch.setattr(batches, "_stock_run", lambda one: turns.append(now[0]) or ACTION.LATER)

    for _ in range(100):
        assert batches.run(peer) == ACTION.LATER
        now[0] += batches.PAUSE / 10

    assert len(turns) in (10, 11)


@pytest.mark.parametrize("peer", [a_peer(outbox.HIGH), a_peer(1 << 30, connected=False)], ids=["follows", "no session"])
def test_nobody_waits_else(peer: Any) -> None:
    peer.__dict__["_evpn_ran"] = batches.monotonic()

    assert not batches.is_held_back(peer)


@pytest.fixture
def echo(installed: list[str]) -> Iterator[Any]:
    """ExaBGP's `Processes` with a helper that says what it hears."""
    from exabgp.reactor.api.processes import Processes

    processes = Processes()
    processes.start({"echo": {"run": ECHO, "encoder": "json", "respawn": True}})
    yield processes
    processes.terminate()


def test_the_first_line_goes_out_at_once_and_the_others_together(echo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    box = outbox.outboxes(echo)["echo"]
    waiting: list[int] = []
    script = iter([UPDATE, UPDATE, UPDATE, NOTHING])

    def stock(peer: Any) -> Any:
        waiting.append(box.size)
        action, received = next(script)
        if received:
            peer.stats["receive-update"] += received
            echo.write("echo", f"line {len(waiting)}")
        return action

    monkeypatch.setattr(batches, "_stock_run", stock)
    monkeypatch.setattr(batches, "SHARE", 1e9)
    peer = SimpleNamespace(
        stats={"receive-update": 0}, neighbor={"rate-limit": 0}, reactor=SimpleNamespace(processes=echo), proto=None
    )

    assert batches.run(peer) == ACTION.LATER

    assert waiting == [0, 0, len("line 2\n"), len("line 2\nline 3\n")]
    assert box.size == 0
    heard: list[str] = []
    while len(heard) < 3:
        heard += [line for _, line in echo.received()]
    assert heard == ["line 1", "line 2", "line 3"]


def test_what_was_written_goes_out_whatever_happens(echo: Any) -> None:
    box = outbox.outboxes(echo)["echo"]

    with pytest.raises(RuntimeError), outbox.gathered(echo):
        echo.write("echo", "line")
        raise RuntimeError

    assert box.size == 0 and not box.held
