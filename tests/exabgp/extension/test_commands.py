"""Lines in, answers out, through ExaBGP's own dispatch; the reactor is made up of what the commands ask it."""

import json
from collections import deque
from types import SimpleNamespace
from typing import Any

import pytest
from exabgp.protocol.family import AFI, SAFI
from exabgp.protocol.ip import IP

from .made import nlri

FIRST, SECOND = ("neighbor 10.0.0.1 local-ip 10.0.0.3", "neighbor 10.0.0.2 local-ip 10.0.0.3")
NEXT_HOP = "0a000003"


class Processes:
    def __init__(self) -> None:
        self.said: list[str] = []

    def write(self, service: str, text: str) -> bool:
        self.said.append(text)
        return True

    def answer_done(self, service: str, force: bool = False) -> None:
        self.said.append("done")

    def answer_error(self, service: str) -> None:
        self.said.append("error")


class Reactor:
    """Two neighbours of the process `helper`, and none of any other."""

    def __init__(self, families: list[tuple[int, int]]) -> None:
        import exabgp.rib

        self.processes = Processes()
        self.established = [FIRST, SECOND]
        neighbors = {name: self._neighbor(exabgp.rib.OutgoingRIB(True, families), families) for name in (FIRST, SECOND)}
        self.configuration = SimpleNamespace(neighbors=neighbors)

    def _neighbor(self, outgoing: Any, families: list[tuple[int, int]]) -> Any:
        outgoing.replace_restart([], [])

        class Neighbor(dict[str, Any]):
            def __init__(self) -> None:
                super().__init__({"local-address": IP.create("10.0.0.3")})
                self.rib = SimpleNamespace(outgoing=outgoing)
                self.eor: deque[Any] = deque()

            def families(self) -> list[tuple[int, int]]:
                return families

        return Neighbor()

    def peers(self, service: str = "") -> list[str]:
        return [FIRST, SECOND] if service == "helper" else []

    def established_peers(self) -> set[str]:
        return set(self.established)

    def routes(self, name: str) -> dict[Any, Any]:
        routes: dict[Any, Any] = self.configuration.neighbors[name].rib.outgoing.evpn.routes
        return routes

    def say(self, line: str, service: str = "helper") -> list[Any]:
        """What is answered, with JSON parsed."""
        from exabgp.configuration.core.format import formated
        from exabgp.reactor.api import API

        self.processes.said.clear()
        API.process(SimpleNamespace(), self, service, formated(line))
        return [json.loads(text) if text.startswith("{") else text for text in self.processes.said]


@pytest.fixture
def reactor(installed: list[str]) -> Reactor:
    return Reactor([(AFI.l2vpn, SAFI.evpn)])


def ack(identity: Any, announced: int = 0, withdrawn: int = 0, pending: int = 0) -> dict[str, Any]:
    counts = {"announced": announced, "withdrawn": withdrawn, "pending": pending}
    return {"type": "evpn-ack", "id": identity, **counts}


def test_a_bulk_line_is_for_every_neighbor_of_the_helper(reactor: Reactor) -> None:
    both = (nlri("A") + nlri("B")).hex()

    assert reactor.say(f"announce evpn bulk id 5 next-hop {NEXT_HOP} nlri {both} nlri {nlri('C').hex()}") == [
        ack(5, announced=3, pending=6),
        "done",
    ]
    assert len(reactor.routes(FIRST)) == len(reactor.routes(SECOND)) == 3


@pytest.mark.parametrize("selector", ["neighbor 10.0.0.2", "neighbor 10.0.0.2 peer-as 7, neighbor 10.0.0.2"])
def test_or_for_those_it_names(reactor: Reactor, selector: str) -> None:
    reactor.say(f"{selector} announce evpn bulk next-hop {NEXT_HOP} nlri {nlri('A').hex()}")

    assert (len(reactor.routes(FIRST)), len(reactor.routes(SECOND))) == (0, 1)


def test_without_an_id_there_is_no_json(reactor: Reactor) -> None:
    assert reactor.say(f"announce evpn bulk next-hop {NEXT_HOP} nlri {nlri('A').hex()}") == ["done"]


def test_withdrawals_count_what_was_there(reactor: Reactor) -> None:
    reactor.say(f"neighbor 10.0.0.1 announce evpn bulk next-hop {NEXT_HOP} nlri {nlri('A').hex()}")

    assert reactor.say(f"withdraw evpn bulk id 6 nlri {(nlri('A') + nlri('B')).hex()}")[0]["withdrawn"] == 1


def test_words_are_announced_and_withdrawn(reactor: Reactor) -> None:
    route = "mac-ip rd 10.0.0.3:100 mac 50:54:33:00:00:41"

    assert reactor.say(f"announce evpn id 1 {route} vni 100 next-hop self") == [ack(1, announced=1, pending=2), "done"]
    assert next(iter(reactor.routes(FIRST).values()))[1] == nlri("A")
    assert reactor.say(f"withdraw evpn id 2 {route}") == [ack(2, withdrawn=1, pending=2), "done"]
    assert reactor.say(f"withdraw evpn {route}") == [
        {"type": "evpn-error", "id": None, "error": "no such route is announced"},
        "error",
    ]


def test_a_sync(reactor: Reactor) -> None:
    for name in "AB":
        reactor.say(f"announce evpn bulk next-hop {NEXT_HOP} nlri {nlri(name).hex()}")

    assert reactor.say("evpn sync begin 7") == [ack(7, pending=4), "done"]
    reactor.say(f"announce evpn bulk next-hop {NEXT_HOP} nlri {nlri('A').hex()}")
    assert reactor.say("evpn sync end 8")[0]["error"] == "sync 8 was not begun, 7 was"
    assert reactor.say("evpn sync end 7") == [ack(7, announced=1, withdrawn=1, pending=4), "done"]
    assert reactor.say("evpn sync end 7")[0]["error"] == "sync 7 was not begun"


def test_end_of_rib_waits_in_the_neighbors_that_are_up(reactor: Reactor) -> None:
    reactor.established = [SECOND]

    assert reactor.say("evpn eor 9") == [ack(9), "done"]
    assert [len(n.eor) for n in reactor.configuration.neighbors.values()] == [0, 1]
    assert reactor.say("neighbor 10.0.0.1 evpn eor 10")[0]["error"] == "no session is established"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("announce evpn bulk id 3", "nlri: there is none"),
        ("announce evpn bulk id 3 nlri", "'nlri' is not followed by a value"),
        ("announce evpn bulk id 3 next-hop 0a00 nlri 0100", "Ethernet A-D route of 0 octets"),
        ("announce evpn bulk id 3 next-hop 0a00 nlri c800", "next-hop: 2 octets, not 4 or 16"),
        (f"announce evpn bulk id 3 next-hop {NEXT_HOP} nlri c801", "NLRI overruns its field of 2 octets at 0"),
        (f"announce evpn bulk id 3 next-hop {NEXT_HOP} nlri zz", "nlri: 'zz' is not hexadecimal"),
        (f"announce evpn bulk id 3 next-hop {NEXT_HOP} attributes 4001 nlri c800", "path attribute cut short"),
        (f"announce evpn bulk id 3 nexthop {NEXT_HOP} nlri c800", "'nexthop' is not one of: id, attributes"),
        (f"announce evpn bulk id 3 next-hop {NEXT_HOP} next-hop {NEXT_HOP} nlri c800", "'next-hop' is there twice"),
        ("evpn sync 3", "not `evpn sync begin ID`"),
        ("announce evpn id 3 mac-ip json", "mac-ip: 'json' is not one of"),
        ("announce evpn id 3 shutdown now", "'shutdown' is not one of"),
        ("neighbor 10.9.9.9 evpn eor 3", "neighbor 10.9.9.9: no neighbor of process helper"),
    ],
)
def test_a_mistake_is_answered_with_its_id_and_changes_nothing(reactor: Reactor, line: str, reason: str) -> None:
    answer, bare = reactor.say(line)

    assert answer["type"] == "evpn-error" and answer["id"] == 3 and bare == "error"
    assert answer["error"].startswith(reason)
    assert not reactor.routes(FIRST)


def test_a_neighbor_without_the_family_is_not_one(installed: list[str]) -> None:
    reactor = Reactor([(AFI.ipv4, SAFI.unicast)])

    answer, _ = reactor.say(f"announce evpn bulk id 1 next-hop {NEXT_HOP} nlri {nlri('A').hex()}")

    assert answer["error"] == "any neighbor: no neighbor with family l2vpn evpn"


def test_our_own_bug_is_an_answer_too(reactor: Reactor) -> None:
    reactor.configuration.neighbors[FIRST].rib.outgoing = None

    answer, _ = reactor.say(f"announce evpn bulk id 1 next-hop {NEXT_HOP} nlri {nlri('A').hex()}")

    assert answer["error"].startswith("AttributeError")


def test_a_stock_command_that_fails_in_exabgp_is_only_refused(reactor: Reactor) -> None:
    """In stock 5.0.15 this line ends the daemon with a KeyError."""
    assert reactor.say("announce route 192.0.2.0/24 next-hop 10.0.0.3 json") == ["error"]
