"""Lines in, answers out, through ExaBGP's own dispatch; the reactor is made up of what the commands ask it."""

import json
from collections import deque
from types import SimpleNamespace
from typing import Any

import pytest
from exabgp.protocol.family import AFI, SAFI
from exabgp.protocol.ip import IP
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evpn.exabgp.extension.commands import VERBS
from evpn.text import parse_ip

from .made import nlri, route, with_mobility

FIRST, SECOND = (f"neighbor 10.0.0.{n} local-ip 10.0.0.3 local-as 65000 peer-as 65000" for n in (1, 2))
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
        from exabgp.reactor.api import API

        self.api = API(self)
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
        API.process(self.api, self, service, formated(line))
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


@pytest.mark.parametrize(
    ("selector", "named"),
    [
        ("neighbor 10.0.0.2", [SECOND]),
        ("neighbor 10.0.0.2 peer-as 7, neighbor 10.0.0.2", [SECOND]),
        ("neighbor 10.0.0.1, neighbor 10.0.0.2", [FIRST, SECOND]),
        ("neighbor 10.0.0.1 , neighbor 10.0.0.1", [FIRST]),
        ("neighbor *", [FIRST, SECOND]),
        ("neighbor * local-ip 10.0.0.9", [FIRST, SECOND]),
        ("neighbor 10.0.0.1 local-ip 10.0.0.3", [FIRST]),
        ("neighbor 10.0.0.1 local-as 65000 peer-as 65000", [FIRST]),
        ("neighbor 10.0.0.1 local-as 65001", []),
        ("neighbor 10.0.0", []),
    ],
)
def test_or_for_those_it_names(reactor: Reactor, selector: str, named: list[str]) -> None:
    """The selectors are ExaBGP's, and so is what they select."""
    reactor.say(f"{selector} announce evpn bulk next-hop {NEXT_HOP} nlri {nlri('A').hex()}")

    assert [name for name in (FIRST, SECOND) if reactor.routes(name)] == named


def test_a_next_hop_of_our_own_is_another_one_for_each_neighbor(reactor: Reactor) -> None:
    reactor.configuration.neighbors[SECOND]["local-address"] = IP.create("2001:db8::3")

    reactor.say("announce evpn multicast rd 1:1 ip 10.0.0.3 next-hop self")

    ((first, _),), ((second, _),) = (reactor.routes(name).values() for name in (FIRST, SECOND))
    assert (first.next_hop, second.next_hop) == (parse_ip("10.0.0.3"), parse_ip("2001:db8::3"))


def test_but_not_where_it_is_not_known_yet(reactor: Reactor) -> None:
    reactor.configuration.neighbors[SECOND]["local-address"] = None

    answer, _ = reactor.say("announce evpn id 1 multicast rd 1:1 ip 10.0.0.3 next-hop self")

    assert answer["error"].startswith("next-hop: self is not known before the session")
    assert not reactor.routes(FIRST) and not reactor.routes(SECOND)


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


def test_the_routes_of_others_are_not_told(reactor: Reactor) -> None:
    reactor.configuration.neighbors[FIRST].rib.outgoing.evpn.announce(with_mobility(1, "another"), route("A"))
    reactor.say(f"announce evpn bulk next-hop {NEXT_HOP} nlri {nlri('B').hex()}")

    told, done, _ = reactor.say("evpn routes 4")

    assert told == {"type": "evpn-routes", "attributes": "", "nlri": nlri("B").hex()}
    assert done == ack(4, announced=1, pending=3)


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
        ("announce evpn id 3", "'' is not one of: ethernet-ad, mac-ip"),
        ("announce evpn id 3 shutdown now", "'shutdown' is not one of: ethernet-ad, mac-ip"),
        ("announce evpn id 3 mac-ip rd 1", "mac-ip: rd: '1' is not a route distinguisher such as "),
        ("withdraw evpn id 3 mac-ip\trd 1:1 mac 1", "mac-ip: mac: '1' is not a MAC address such as "),
        ("announce evpn id 3 MAC-IP rd 1:1", "'MAC-IP' is not one of: "),
        ("announce evpn id 3 mac-ip vni[1,2", "mac-ip: vni: a value is missing"),
        *(
            (f"announce evpn id 3 mac-ip {word} 5", f"mac-ip: '{word}' is not one of: ")
            for word in ("json", "reset", "shutdown", "version", "help", "teardown", "restart", "exit", "#", "crash")
        ),
        ("neighbor 10.9.9.9 evpn eor 3", "neighbor 10.9.9.9: no neighbor of process helper"),
    ],
)
def test_a_mistake_is_answered_with_its_id_and_changes_nothing(reactor: Reactor, line: str, reason: str) -> None:
    answer, bare = reactor.say(line)

    assert answer["type"] == "evpn-error" and answer["id"] == 3 and bare == "error"
    assert answer["error"].startswith(reason)
    assert not reactor.routes(FIRST)


@pytest.mark.parametrize(
    "line",
    [
        "please announce evpn mac-ip rd 1:1",
        "neighbor 10.0.0.1 local-port 179 announce evpn mac-ip rd 1:1",
        "neighbor announce evpn mac-ip",
        "announce evpn-vxlan announce evpn ",
    ],
)
def test_a_command_that_does_not_stand_where_it_should(reactor: Reactor, line: str) -> None:
    answer, bare = reactor.say(line + " x")

    assert "does not start with one of: announce evpn bulk, withdraw evpn bulk, " in answer["error"]
    assert (answer["type"], answer["id"], bare) == ("evpn-error", None, "error")


def test_a_mistake_is_in_the_log(reactor: Reactor, monkeypatch: pytest.MonkeyPatch) -> None:
    logged = []
    monkeypatch.setattr("evpn.exabgp.extension.commands.log.error", lambda message, source: logged.append(message()))

    reactor.say("announce evpn mac-ip vni x\x1b[31m")

    assert logged == [
        "command refused process=helper reason=mac-ip: vni: 'x\\x1b' is not a number from 0 to 16777215"
        " (word 3, behind: vni) command='announce evpn mac-ip vni x\\x1b[ 31m'"
    ]


SOUP = [
    *("neighbor", "10.0.0.1", "10.0.0.2", "*", "local-as", "65000", ",", "announce", "withdraw", "evpn", "bulk", "id"),
    *("sync", "begin", "end", "eor", "peers", "routes", "nlri", "next-hop", "self", "attributes", "7", NEXT_HOP),
    *(
        "json",
        "reset",
        "shutdown",
        "version",
        "teardown",
        "help",
        "restart",
        "debug",
        "#",
        "[",
        "]",
        "(",
        ";",
        "{",
        '"',
    ),
    *("mac-ip", "multicast", "rd", "1:1", "ip", "10.0.0.3", "mac", "50:54:33:00:00:09", "vni", "100", "raw", "0x00"),
    *("extended-community", "target:1:1", "\\xc3", "\0", "9" * 5000, "c800"),
]
starts = st.sampled_from([*VERBS, *(f"neighbor 10.0.0.1 {verb}" for verb in VERBS), "neighbor *, neighbor"])


@given(starts, st.lists(st.sampled_from(SOUP) | st.text(st.characters(codec="ascii"), max_size=5), max_size=15))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_said_there_is_one_answer(reactor: Reactor, start: str, words: list[str]) -> None:
    *told, bare = reactor.say(" ".join([start, *words]).replace("\n", " "))

    assert bare in ("done", "error")
    assert len(told) <= 1 or all(line["type"] == "evpn-routes" for line in told[:-1])
    if bare == "error" and start in VERBS:
        assert [line["type"] for line in told] == ["evpn-error"]


@given(st.lists(st.sampled_from(SOUP), max_size=12))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_ends_exabgp(reactor: Reactor, words: list[str]) -> None:
    """Commands of ExaBGP among them, to which this reactor is not one, and which thus fail in all ways there are."""
    reactor.say(" ".join(words))


@pytest.mark.parametrize(
    "line",
    [
        FIRST,
        f"{FIRST} router-id 10.0.0.3 family-allowed in-open",
        f"{FIRST}, {SECOND}",
        f"neighbor 10.0.0.1, {SECOND}",
        "neighbor " * 1000 + "announce evpn",  # longer than what is looked at first
        "neighbor " * 1000,
        "neighbor 10.0.0.1",
    ],
)
def test_neighbors_without_a_command_are_refused_and_do_not_hang_exabgp(reactor: Reactor, line: str) -> None:
    """In stock 5.0.15 most of these lines are read without end."""
    assert reactor.say(line) == ["error"]


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
