"""The API commands: `announce evpn`, `withdraw evpn`, `evpn sync`, `evpn eor`, `evpn peers` and `evpn routes`.

Surfaces: `Command.register`, and `API.process`, so that a line of ours is found by how it starts: ExaBGP looks for its
command names anywhere in a line, and ends on an exception that leaves a handler. Here each mistake is an answer and a
line in the log, and nothing a helper says ends ExaBGP.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from exabgp.logger import log
from exabgp.protocol.family import Family
from exabgp.reactor.api import API
from exabgp.reactor.api.command.command import Command
from exabgp.reactor.api.command.limit import extract_neighbors
from exabgp.reactor.api.processes import ProcessError

from evpn.exabgp.extension import bulk, grammar
from evpn.exabgp.extension.rib import EVPN_FAMILY
from evpn.exabgp.extension.table import AttributeSet, share
from evpn.exabgp.extension.targets import describe_peers, lacks_command, pending, select
from evpn.exabgp.extension.words import shortened
from evpn.wire.errors import WireError
from evpn.wire.routes import key_of

_HEAD = 4096  # characters that hold a verb and the neighbors before it
_ROUTES_PER_LINE = 500
_SHOWN = 120  # characters of a refused command in the log: a bulk line may have a million


class Request(NamedTuple):
    reactor: Any
    service: str
    neighbors: list[list[str]]  # ExaBGP's descriptions; empty for all
    words: list[str]


Answer = dict[str, Any]
Verb = Callable[[Request], Answer]


def announce_bulk(request: Request) -> Answer:
    parsed = bulk.parse(request.words, announce=True)
    targets = select(request.reactor, request.service, request.neighbors)
    shared = share(parsed.attributes, parsed.next_hop, request.service)
    for target in targets:
        target.table.announce(shared, parsed.routes)
    return _acknowledged(request, announced=len(parsed.routes))


def withdraw_bulk(request: Request) -> Answer:
    parsed = bulk.parse(request.words, announce=False)
    targets = select(request.reactor, request.service, request.neighbors)
    keys = [key for key, _ in parsed.routes]
    return _acknowledged(request, withdrawn=max(target.table.withdraw(keys) for target in targets))


def announce_route(request: Request) -> Answer:
    route = grammar.parse(request.words, announce=True)
    keyed = [(key_of(route.nlri), route.nlri)]
    targets = select(request.reactor, request.service, request.neighbors)
    # before the first of them has the route: a neighbor may not know its own address yet
    next_hops = [route.next_hop or grammar.own_address(target.neighbor) for target in targets]
    for target, next_hop in zip(targets, next_hops, strict=True):
        target.table.announce(share(route.attributes, next_hop, request.service), keyed)
    return _acknowledged(request, announced=1)


def withdraw_route(request: Request) -> Answer:
    key = key_of(grammar.parse(request.words, announce=False).nlri)
    targets = select(request.reactor, request.service, request.neighbors)
    withdrawn = max(target.table.withdraw([key]) for target in targets)
    if not withdrawn:
        raise ValueError("no such route is announced")
    return _acknowledged(request, withdrawn=withdrawn)


def sync(request: Request) -> Answer:
    match request.words:
        case ["begin", identity]:
            for target in select(request.reactor, request.service, request.neighbors):
                target.table.begin_sync(request.service, identity)
            return _acknowledged(request)
        case ["end", identity]:
            return _end_sync(request, identity)
    raise ValueError("not `evpn sync begin ID` or `evpn sync end ID`")


def end_of_rib(request: Request) -> Answer:
    """ExaBGP sends it when nothing is pending any more, and thus behind every route announced before."""
    established = request.reactor.established_peers()
    targets = select(request.reactor, request.service, request.neighbors)
    up = [target for target in targets if target.name in established]
    if not up:
        raise ValueError("no session is established")
    for target in up:
        target.neighbor.eor.append(Family(*EVPN_FAMILY))
    return _acknowledged(request)


def peers(request: Request) -> Answer:
    return {"type": "evpn-peers", "peers": describe_peers(request.reactor, request.service)}


def routes(request: Request) -> Answer:
    """What this helper has announced, before a new one of it says anything: lines of routes that share attributes."""
    groups: dict[AttributeSet, dict[bytes, None]] = {}
    for target in select(request.reactor, request.service, request.neighbors):
        for shared, nlri in target.table:
            if shared.owner == request.service:
                groups.setdefault(shared, {})[nlri] = None
    for shared, told in groups.items():
        for chunk in batched(list(told), _ROUTES_PER_LINE):
            line = {"attributes": shared.attributes.hex(), "nlri": b"".join(chunk).hex()}
            _answer(request.reactor, request.service, {"type": "evpn-routes", **line})
    return _acknowledged(request, announced=sum(map(len, groups.values())))


VERBS: dict[str, Verb] = {
    "announce evpn bulk": announce_bulk,
    "withdraw evpn bulk": withdraw_bulk,
    "announce evpn": announce_route,
    "withdraw evpn": withdraw_route,
    "evpn sync": sync,
    "evpn eor": end_of_rib,
    "evpn peers": peers,
    "evpn routes": routes,
}
"""The longer before the shorter of two that start alike."""

_stock_process = API.process


def install() -> None:
    for name in VERBS:
        Command.register(name, json_support=True)(handle)
    API.process = process


def process(self: Any, reactor: Any, service: str, command: str) -> bool:
    """Ours first; where a handler of ExaBGP fails (`json` in a line without a JSON form), that is only a refusal."""
    head = command[:_HEAD]
    if lacks_command(head) or lacks_command(command):
        _refuse(reactor, service, command, "no command behind the neighbors")
        return False
    try:
        if _verb(extract_neighbors(head)[1]):
            return handle(self, reactor, service, command, False)
        return bool(_stock_process(self, reactor, service, command))
    except ProcessError:
        raise
    except Exception as error:  # whatever it is, it came from one line of one helper
        _refuse(reactor, service, command, f"{type(error).__name__} {error}")
        return False


def handle(self: Any, reactor: Any, service: str, line: str, use_json: bool) -> bool:
    """One line in, one answer out: JSON where there is an id or a mistake, and `done` or `error` if they are on."""
    identity: int | str | None = None
    try:
        neighbors, command = extract_neighbors(line)
        verb = _verb(command)
        if not verb:  # ExaBGP finds its commands anywhere in a line
            raise ValueError(f"{shortened(command)!r} does not start with one of: {', '.join(VERBS)}")
        words = command[len(verb) :].split()
        identity, words = _identity(verb, words)
        answer = VERBS[verb](Request(reactor, service, neighbors, words))
    except (ValueError, WireError) as error:
        _answer(reactor, service, {"type": "evpn-error", "id": identity, "error": str(error)})
        _refuse(reactor, service, line, str(error))
        return False
    except ProcessError:
        raise
    except Exception as error:
        text = f"{type(error).__name__} {error}"
        _answer(reactor, service, {"type": "evpn-error", "id": identity, "error": text})
        _refuse(reactor, service, line, text)
        return False
    if identity is not None or verb == "evpn peers":
        _answer(reactor, service, {"type": answer.pop("type"), "id": identity, **answer})
    reactor.processes.answer_done(service)
    return True


def _verb(command: str) -> str:
    """Empty for a line that is not ours."""
    return next((name for name in VERBS if command == name or command.startswith(name + " ")), "")


def _identity(verb: str, words: list[str]) -> tuple[int | str | None, list[str]]:
    """The caller's id, and the words without it: `id N` at the front of an announcement, else the last word."""
    if verb.startswith("evpn"):
        identity = words[-1] if words else ""
        return _number(identity), words if verb == "evpn sync" else words[:-1]
    if words[:1] == ["id"]:
        return _number("".join(words[1:2])), words[2:]
    return None, words


def batched(items: list[bytes], size: int) -> Iterator[list[bytes]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _number(text: str) -> int | str | None:
    return int(text) if text.isdecimal() else text or None


def _end_sync(request: Request, identity: str) -> Answer:
    targets = select(request.reactor, request.service, request.neighbors)
    open_ones = [target for target in targets if request.service in target.table.syncs]
    for target in open_ones:
        begun = target.table.syncs[request.service].id
        if begun != identity:
            raise ValueError(f"sync {identity} was not begun, {begun} was")
    if not open_ones:
        raise ValueError(f"sync {identity} was not begun")
    ends = [target.table.end_sync(request.service) for target in open_ones]
    return _acknowledged(request, announced=max(seen for seen, _ in ends), withdrawn=max(gone for _, gone in ends))


def _acknowledged(request: Request, announced: int = 0, withdrawn: int = 0) -> Answer:
    waiting = pending(request.reactor, select(request.reactor, request.service, []))
    return {"type": "evpn-ack", "announced": announced, "withdrawn": withdrawn, "pending": waiting}


def _answer(reactor: Any, service: str, answer: Answer) -> None:
    reactor.processes.write(service, json.dumps(answer))


def _refuse(reactor: Any, service: str, line: str, reason: str) -> None:
    command = line[:_SHOWN] if line.isprintable() else ascii(line[:_SHOWN])
    log.error(lambda: f"command refused process={service} reason={reason} command={command}", "processes")
    reactor.processes.answer_error(service)
