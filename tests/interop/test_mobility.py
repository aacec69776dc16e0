"""Moves of a host, in every order in which its frames and the routes of others may come: kernel rows and our routes.

RFC 7432 section 15. The other VTEPs are routes that a raw peer tells, the host is frames on our ports. A situation is a
story in words, and where the host is in the end; all are played side by side, each with a MAC of its own, a step at a
time, and twice: by the MAC alone, and with an IP that goes along.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from itertools import permutations
from typing import Any, NamedTuple

import pytest

from evpn.packet import ethernet
from evpn.text import parse_mac
from evpn.values import EthernetSegmentIdentifier

from .cable import Cable, a_frame, asks_for, gratuitous
from .fabric import Fabric, address
from .far_side import HIGHER, HIGHEST, LOWER, Announced, FarSide, a_mac
from .frr import until
from .raw_peer import RawPeer

pytestmark = pytest.mark.interop

LAST = (1 << 32) - 1
VTEPS = {"lower": LOWER, "higher": HIGHER, "highest": HIGHEST}
SEGMENT = EthernetSegmentIdentifier(bytes.fromhex("00112233445566778899"))

# `higher 4`: that VTEP has it, with this sequence number; `frame`: the host speaks on tap1
# in the end `tap1 5`: there, and announced with this sequence number; `higher`: behind that VTEP, and not announced
SITUATIONS = {
    # to us
    "frame first, the withdrawal is late": ("higher 4, frame, higher gone", "tap1 5"),
    "frame first, nothing is withdrawn": ("higher 4, frame", "tap1 5"),
    "withdrawal first": ("higher 4, higher gone, frame", "tap1 5"),
    "from a VTEP that never counted": ("higher 0, frame", "tap1 1"),
    "from the winner of two": ("higher 4, lower 2, frame", "tap1 5"),
    "from one of two, the winner has withdrawn": ("higher 4, lower 2, higher gone, frame", "tap1 5"),
    "late routes with lower sequences": ("higher 4, frame, lower 3, higher 2", "tap1 5"),
    # away from us
    "announcement while the row stands": ("frame, higher 1", "higher"),
    "announcement when the row is gone": ("frame, leaves, higher 1", "higher"),
    "announcement with a lower sequence": ("higher 4, frame, higher 3", "tap1 5"),
    "it leaves while the old claim is there": ("higher 4, frame, leaves", "higher"),
    "away, and gone from there": ("frame, higher 1, higher gone", "nowhere"),
    # there and back
    "to us, away, to us": ("higher 1, frame, lower 3, frame", "tap1 4"),
    "away and back, the withdrawal is late": ("frame, higher 1, frame, higher gone", "tap1 2"),
    "away, gone from there, back": ("frame, higher 1, higher gone, frame", "tap1 2"),
    "back to another port": ("frame, higher 1, frame tap2, higher gone", "tap2 2"),
    # equal sequences: both have heard it first, or at the same time
    "equal, the other is lower": ("frame, lower 0", "lower"),
    "equal, the other is higher": ("frame, higher 0", "tap1 0"),
    "equal, then the host speaks again": ("frame, lower 0, frame", "tap1 1"),
    "equal after a move": ("lower 4, frame, lower 5", "lower"),
    "two others are equal": ("higher 3, lower 3", "lower"),
    "two others are equal, the lower withdraws": ("lower 3, higher 3, lower gone", "higher"),
    # between others
    "others, late withdrawal of the lower sequence": ("lower 0, higher 1, lower gone", "higher"),
    "others, withdrawal first": ("lower 0, lower gone, higher 1", "higher"),
    "others, there and back": ("lower 0, higher 1, lower 2, higher gone", "lower"),
    "others, the winner withdraws before a lower one": ("higher 5, lower 3, higher gone", "lower"),
    "others, the winner withdraws, a lower one comes": ("higher 5, higher gone, lower 3", "lower"),
    "others, the winner says a lower one": ("higher 5, lower 3, higher 1", "lower"),
    "one segment is no move": ("higher 0 segment, lower 0 segment, lower gone", "higher"),
    # between our ports
    "from port to port": ("frame, frame tap2", "tap2 0"),
    "from port to port after a move": ("higher 1, frame, frame tap2", "tap2 2"),
    # what does not move
    "sticky there": ("higher 0 sticky, frame", "higher sticky"),
    "sticky there, after it was here": ("frame, higher 0 sticky, frame", "higher sticky"),
    "sticky there, claimed by a third": ("higher 0 sticky, lower 9", "higher sticky"),
    "sticky at two": ("higher 0 sticky, lower 0 sticky", "lower sticky"),
    "sticky no longer": ("higher 0 sticky, higher 0, frame", "tap1 1"),
    "sticky, and gone": ("higher 3 sticky, frame, higher gone, frame", "tap1 4"),
    "a gateway's": ("higher 0 gateway, frame", "higher sticky"),
    "a gateway's, after it was here": ("frame, higher 0 gateway", "higher sticky"),
    "a gateway's, claimed by a third": ("lower 9, higher 0 gateway", "higher sticky"),
    "an operator's static row": ("static, higher 7", "tap1 8 static"),
    "an operator's static row is moved": ("higher 7, static", "tap1 8 extern_learn static"),
    # around the end of the numbers
    "at the end, we are the lower": (f"higher {LAST}, frame", f"tap1 {LAST}"),
    "at the end, we are the higher": (f"lower {LAST}, frame", "tap1 0"),
    "behind the end": (f"lower {LAST}, frame, lower 1", "lower"),
    "behind the end and back": (f"lower {LAST}, frame, lower 1, frame", "tap1 2"),
    "others behind the end": (f"higher {LAST}, lower 0", "lower"),
    "others before the end": (f"lower 0, higher {LAST}", "lower"),
} | {
    f"in the order of {', '.join(order)}": (", ".join(order), "higher")
    for order in permutations(("lower 3", "higher 5", "highest 4"))
}


class End(NamedTuple):
    bridge: str
    """Device of the bridge's row, with its flags and state."""
    tunnel: frozenset[str]
    """VTEPs in the VXLAN device's FDB."""
    neighbors: dict[str, str]
    """IP -> MAC, of marked ones."""
    announced: dict[str, Announced]
    """IP -> route; of the MAC-only route the IP is empty."""


class Host(NamedTuple):
    mac: str
    ip: str
    steps: list[str]
    end: str

    @property
    def names(self) -> list[str]:
        return ["", self.ip] if self.ip else [""]

    def expected(self) -> End:
        place, *words = self.end.split()
        if place in VTEPS:
            flags = " extern_learn sticky static" if words else " extern_learn"
            bound = {self.ip: self.mac} if self.ip else {}
            return End(f"vxlan100{flags}", frozenset({VTEPS[place]}), bound, {})
        if place == "nowhere":
            return End("", frozenset(), {}, {})
        names = [""] if "static" in words else self.names  # of a row alone nobody knows an IP
        routes = {name: Announced(int(words[0])) for name in names}
        return End(" ".join([place, *words[1:]]), frozenset(), {}, routes)


class Stage(NamedTuple):
    far: FarSide
    ports: dict[str, Cable]

    def play(self, host: Host, step: str) -> None:
        """One thing that happens."""
        verb, *words = step.split()
        if verb in VTEPS and words == ["gone"]:
            for ip in reversed(host.names):
                self.far.loses(host.mac, ip, VTEPS[verb])
        elif verb in VTEPS:
            esi = SEGMENT if "segment" in words else bytes(10)
            for ip in host.names:
                more = {"sticky": "sticky" in words, "gateway": "gateway" in words}
                self.far.has(host.mac, ip, VTEPS[verb], int(words[0]), **more, esi=EthernetSegmentIdentifier(esi))
        elif verb == "frame":
            port = self.ports["".join(words) or "tap1"]
            port.say(gratuitous(host.mac, host.ip) if host.ip else a_frame(host.mac))
        elif verb == "leaves":
            self.far.vtep.run("bridge", "fdb", "del", host.mac, "dev", "tap1", "master")
        else:
            assert verb == "static", step
            self.far.vtep.run("bridge", "fdb", "replace", host.mac, "dev", "tap1", "master", "static")

    def is_done(self) -> None:
        """What was said behind it, by the peer and on all ports, has been dealt with."""
        self.far.is_heard()
        for port in self.ports.values():
            marker = a_mac()
            port.say(a_frame(marker))
            until(lambda marker=marker: self.far.of(marker), every=0.02)

    def ends(self, hosts: list[Host]) -> list[End]:
        run, routes = self.far.vtep.run, self.far.routes()
        fdb: dict[str, list[dict[str, Any]]] = {}
        for row in json.loads(run("bridge", "-j", "fdb", "show", "br", "br100")):
            fdb.setdefault(row["mac"], []).append(row)
        neighbors: dict[str, dict[str, str]] = {}
        for row in json.loads(run("ip", "-j", "-d", "neigh", "show", "dev", "br100")):
            if "extern_learn" in row and row["protocol"] == "bgp":
                neighbors.setdefault(row["lladdr"], {})[row["dst"]] = row["lladdr"]
        return [
            End(
                " ".join(f"{_shown(row)}" for row in fdb.get(host.mac, ()) if "dst" not in row),
                frozenset(row["dst"] for row in fdb.get(host.mac, ()) if "dst" in row),
                neighbors.get(host.mac, {}),
                {ip: route for (mac, ip), route in routes.items() if mac == host.mac},
            )
            for host in hosts
        ]


def _shown(row: dict[str, Any]) -> str:
    return " ".join([row["ifname"], *row["flags"], row["state"]]).strip()


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Fabric("mobility", frr=False) as fabric:
        vtep = fabric.vtep(11, vnis=[{"vni": 100, "ports": ["tap1", "tap2"]}])
        one, two = fabric.host(vtep, 1), fabric.host(vtep, 2, "tap2")
        node = fabric.node(1)
        vtep.start()
        with (
            RawPeer(node, address(1), vtep.address) as peer,
            Cable(one.namespace) as cable1,
            Cable(two.namespace) as cable2,
        ):
            far = FarSide(peer, vtep)
            far.begin()
            yield Stage(far, {"tap1": cable1, "tap2": cable2})


NAMES = [f"{name}, {by}" for by in ("MAC", "MAC and IP") for name in SITUATIONS]


class Played(NamedTuple):
    host: Host
    end: End


@pytest.fixture(scope="module")
def played(stage: Stage) -> dict[str, Played]:
    """By situation."""
    hosts = []
    for number, name in enumerate(NAMES):
        story, end = SITUATIONS[name.rpartition(", ")[0]]
        ip = f"198.51.100.{number - len(SITUATIONS)}" if name.endswith("IP") else ""
        hosts.append(Host(a_mac(), ip, story.split(", "), end))
    for number in range(max(len(host.steps) for host in hosts)):
        for host in hosts:
            if number < len(host.steps):
                stage.play(host, host.steps[number])
        stage.is_done()
    expected = [host.expected() for host in hosts]
    with suppress(AssertionError):  # the tests say which
        until(lambda: stage.ends(hosts) == expected)
    return dict(zip(NAMES, map(Played, hosts, stage.ends(hosts)), strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_the_host_is_where_it_is(played: dict[str, Played], name: str) -> None:
    assert played[name].end == played[name].host.expected()


def test_events_tell_the_story(stage: Stage, played: dict[str, Played]) -> None:
    def told(name: str) -> list[tuple[str, str, str, int | None]]:
        mac = played[name].host.mac
        events = [event for event in stage.far.vtep.show("events", 100) if event["mac"] == mac]
        return [(event["event"], event["port"], event["vtep"], event["sequence"]) for event in events]

    assert told("away and back, the withdrawal is late, MAC") == [
        ("learnt on a port", "tap1", "", 0),
        ("moved away", "tap1", HIGHER, 0),
        ("moved here", "tap1", HIGHER, 2),
    ]
    assert told("from port to port, MAC")[1] == ("moved to another port", "tap2", "", 0)
    assert told("sticky there, MAC") == []  # the kernel lets no frame take it, and tells nobody
    assert told("an operator's static row, MAC")[1] == (
        "does not move, and is claimed above another VTEP",
        "tap1",
        HIGHER,
        8,
    )
    assert told("one segment is no move, MAC") == []


def test_the_reason_is_shown(stage: Stage, played: dict[str, Played]) -> None:
    shown = stage.far.vtep.macs()

    def told(name: str) -> tuple[str, str, str, str]:
        row = shown[played[name].host.mac]
        return row["type"], row["via"], row["reason"], row["kernel"]

    assert told("frame first, nothing is withdrawn, MAC") == ("local", "tap1", "learnt", "installed")
    assert told("others before the end, MAC") == ("remote", LOWER, "higher mobility sequence", "installed")
    assert told("two others are equal, MAC") == ("remote", LOWER, "lower VTEP address", "installed")
    assert told("sticky there, claimed by a third, MAC") == ("remote", HIGHER, "sticky", "installed")
    assert told("others, the winner withdraws before a lower one, MAC") == ("remote", LOWER, "only claim", "installed")


def test_who_has_just_come_is_not_asked(stage: Stage, played: dict[str, Played]) -> None:
    """Its link may have come up this very moment: a question could pass for a conflict (RFC 5227 section 2.1.1)."""
    hosts = [one.host for name, one in played.items() if name.endswith("IP")]
    heard = [frame for port in stage.ports.values() for frame in port.heard() if frame.protocol == ethernet.ARP]

    asked = [frame for frame in heard if frame.destination in {parse_mac(host.mac) for host in hosts}]
    assert {host.ip for host in hosts for frame in asked if asks_for(frame, host.ip)} == set()
