"""What is measured of ExaBGP beside stock ExaBGP: commands to UPDATEs, UPDATEs to the helper, a lost session.

A life begins with fresh processes, and gives samples as those of `cases` do. Afterwards it is verified that each route
has arrived.
"""

import json
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from evpn.wire import update
from tests.bench import lines, processes, stream
from tests.bench.engine import EXTENSION, Engine, Flavour
from tests.bench.lines import Lines
from tests.bench.scene import Samples, Size
from tests.bench.site import Site
from tests.bench.speaker import EVPN, IPV4_UNICAST, Speaker
from tests.interop.frr import until

ALL, SEND, AGAIN, RECEIVE, COMMAND = "exabgp", "exabgp-send", "exabgp-again", "exabgp-receive", "exabgp-command"
CASES = (ALL, SEND, AGAIN, RECEIVE, COMMAND)

_MOST_LINES = 2_000
"""Of one route each: half a second or two, and rates are what is compared."""
_GAP = (0.012, 0.032)
"""Seconds between single commands, at random: ExaBGP looks around every 10 ms, and must not be met in step."""
_LATENCY_TIMEOUT = 3.0
_CALM = 1.0  # seconds to wait at most for others to leave the machine alone
_REST, _SETTLED = 0.5, 0.1  # seconds
_MIB = 1 << 20
_PREFIX = 5  # octets of an IPv4 host route
_MOMENT = 0.005
_PAIRS = 3  # single commands for each pair of them
_SINGLE, _PAIR, _WORDS = 1 << 20, 2 << 20, 3 << 20
"""First numbers of routes that must not be among others."""


class Scene(NamedTuple):
    speaker: Speaker
    engine: Engine
    size: Size
    samples: Samples
    told: list[bytes]
    """NLRI that the peer has."""

    def note(self, figure: str, value: float) -> None:
        self.samples[figure].append(value)


def few(size: Size) -> int:
    """How many routes are announced where each has a line of its own."""
    return min(size.routes, _MOST_LINES)


def packets_life(flavour: Flavour, size: Size, only: str = "") -> Samples:
    """EVPN, in packets mode: what an agent does."""
    in_bulk = flavour == EXTENSION
    processes.wait_for_calm(_CALM)
    with living(flavour, "packets", size) as scene:
        if only in ("", COMMAND):
            _commands(scene, "words", lines.words, _SINGLE)
            if in_bulk:
                _commands(scene, "bulk", lines.bulk, _SINGLE + size.events)
            _commands_between(scene, lines.bulk if in_bulk else lines.words, _PAIR)
        if only in ("", SEND, AGAIN):
            _fill(scene, *(("bulk", lines.bulk(0, size.routes)) if in_bulk else ("words", lines.words(0, few(size)))))
        if only in ("", AGAIN):
            _again(scene)
        if only in ("", SEND) and in_bulk:
            _send(scene, "words", lines.words(_WORDS, few(size)))
        if only in ("", RECEIVE):
            _receive(scene, "packets")
        return dict(scene.samples)


def parsed_life(flavour: Flavour, size: Size, only: str = "") -> Samples:
    """UPDATEs decoded by ExaBGP, and the routes that every ExaBGP can announce."""
    with living(flavour, "parsed", size) as scene:
        if only in ("", SEND):
            _send(scene, "ipv4", lines.ipv4(0, few(size)))
        if only in ("", RECEIVE):
            _receive(scene, "parsed")
        return dict(scene.samples)


@contextmanager
def living(flavour: Flavour, receive: str, size: Size) -> Iterator[Scene]:
    """A session, and a helper that was told of it."""
    with Site() as site, Speaker(site, (EVPN, IPV4_UNICAST)) as speaker, Engine(site, flavour, receive) as engine:
        until(lambda: speaker.sessions and b'"state": "up"' in engine.said(), 30)
        time.sleep(_SETTLED)
        yield Scene(speaker, engine, size, defaultdict(list), [])


def _commands(scene: Scene, name: str, make: Callable[[int, int], Lines], first: int) -> None:
    """One command to its UPDATE; nothing else is going on."""
    for index in range(first, first + scene.size.events):
        time.sleep(random.uniform(*_GAP))
        scene.note(f"command.{name}", _told(scene, make(index, 1)))


def _commands_between(scene: Scene, make: Callable[[int, int], Lines], first: int) -> None:
    """The same where the peer talks as well, and one more command went out a moment before.

    To a TCP that talks itself, an acknowledgement is worth waiting for: 40 ms, for data that might take it along.
    """
    for index in range(first, first + 2 * -(-scene.size.events // _PAIRS), 2):
        time.sleep(random.uniform(*_GAP))
        scene.speaker.send(stream.announcements(index, 1))
        time.sleep(_MOMENT)
        _told(scene, make(index, 1))
        time.sleep(_MOMENT)
        scene.note("command.between", _told(scene, make(index + 1, 1)))


def _told(scene: Scene, command: Lines) -> float:
    """Milliseconds from the command to its UPDATE at the peer."""
    (route,) = command.routes
    heard = len(scene.speaker.updates)
    began = time.monotonic()
    scene.engine.say(command.octets)
    when = scene.speaker.wait_for(lambda body: route in body, _LATENCY_TIMEOUT, heard)
    if when is None:
        raise RuntimeError(f"no UPDATE after {command.octets.decode()}: {scene.engine.log()[-2000:]}")
    scene.told.append(route)
    return 1000 * (when - began)


def _fill(scene: Scene, name: str, commands: Lines) -> None:
    """The first routes of a process, and what each of them takes in its memory."""
    before = processes.memory([scene.engine.pid]).rss
    _send(scene, name, commands)
    time.sleep(_REST)
    grown = processes.memory([scene.engine.pid]).rss - before
    scene.note(f"{name}.memory", grown * _MIB / len(commands.routes))


def _send(scene: Scene, name: str, commands: Lines) -> None:
    """All commands at once: from the first one to the last route at the peer."""
    heard, count = len(scene.speaker.updates), len(commands.routes)
    before = _clock(scene)
    scene.engine.say_behind(commands.octets)
    _wait_for(scene, commands.routes[-1], heard)
    after = _clock(scene)
    _note(scene, name, count, before, after._replace(when=_last(scene, commands.routes, heard)))
    scene.note(f"{name}.updates", len(scene.speaker.updates) - heard)
    scene.told.extend(commands.routes)


def _again(scene: Scene) -> None:
    """The session is lost and comes back: from there to the last of all routes."""
    speaker = scene.speaker
    sessions, heard = speaker.sessions, len(speaker.updates)
    speaker.drop()
    until(lambda: speaker.sessions > sessions, 30, 0.01)
    _wait_for(scene, scene.told[-1], heard)
    scene.note("again.rate", len(scene.told) / (_last(scene, scene.told, heard) - speaker.since))


def _receive(scene: Scene, name: str) -> None:
    """Full UPDATEs, from their first octet to the last one on the helper's standard input: a line for each UPDATE."""
    updates, count = stream.announcements(0, scene.size.routes), scene.size.routes
    time.sleep(_REST)
    engine, first = scene.engine, scene.engine.lines
    before = _clock(scene)
    scene.speaker.send_behind(updates)
    ended = engine.wait_for_lines(first + len(updates), scene.size.timeout)
    _note(scene, f"receive.{name}", count, before, _clock(scene)._replace(when=ended))
    said = engine.said().splitlines()[first:]
    passed_on = sum(_ROUTES_IN[name](json.loads(line)["neighbor"]["message"]) for line in said)
    if passed_on != count:
        raise RuntimeError(f"{passed_on} of {count} routes were passed on, {name}: {engine.log()[-2000:]}")
    scene.note(f"receive.{name}.octets", sum(map(len, said)) / count)


class _Clock(NamedTuple):
    when: float
    exabgp: float
    """CPU seconds."""
    bench: float
    """CPU seconds of the bench itself, which must not be what is waited for."""


def _clock(scene: Scene) -> _Clock:
    return _Clock(time.monotonic(), processes.cpu([scene.engine.pid]).used, time.process_time())


def _note(scene: Scene, name: str, count: int, before: _Clock, after: _Clock) -> None:
    seconds, exabgp, bench = (late - early for early, late in zip(before, after, strict=True))
    scene.note(f"{name}.seconds", seconds)
    scene.note(f"{name}.rate", count / seconds)
    scene.note(f"{name}.cpu", 1e6 * exabgp / count)
    scene.note(f"{name}.cpu.seconds", exabgp)
    scene.note(f"{name}.cpu.bench", bench)


def _wait_for(scene: Scene, route: bytes, heard: int) -> None:
    if scene.speaker.wait_for(lambda body: route in body, scene.size.timeout, heard) is None:
        raise RuntimeError(f"the last route did not come: {scene.engine.log()[-2000:]}")


def _last(scene: Scene, routes: list[bytes], heard: int) -> float:
    """When the last missing one of these came: not always the one that was announced last."""
    time.sleep(_SETTLED)
    missing, last = set(routes), 0.0
    for when, body in scene.speaker.updates[heard:]:
        left = len(missing)
        missing.difference_update(_announced(body))
        last = when if len(missing) < left else last
    if missing:
        raise RuntimeError(f"{len(missing)} of {len(routes)} routes did not come: {scene.engine.log()[-2000:]}")
    return last


def _announced(body: bytes) -> list[bytes]:
    """NLRI, of EVPN and of IPv4: nothing is withdrawn here."""
    end = 4 + int.from_bytes(body[2:4])
    prefixes = [body[at : at + _PREFIX] for at in range(end, len(body), _PREFIX)]
    return prefixes or [route.encode() for route in update.decode(body).announced]


def _in_packet(message: dict[str, Any]) -> int:
    return len(update.decode(bytes.fromhex(message["body"][2:])).announced)


def _parsed(message: dict[str, Any]) -> int:
    return sum(map(len, message["update"]["announce"]["l2vpn evpn"].values()))


_ROUTES_IN: dict[str, Callable[[dict[str, Any]], int]] = {"packets": _in_packet, "parsed": _parsed}
