"""What the control socket is asked: hosts added and deleted, duplicates cleared, tables; every mistake in words."""

from typing import Any

import pytest

from evpn.agent import status
from evpn.agent.configure import configure
from evpn.agent.requests import Requests
from evpn.values import Vni
from tests.agent.vtep import Vtep, a_mac, our_macs, tell
from tests.builders import CONFIGURATION, IP1, IP2, M1, M2, RR1, RR2, VTEP2, VTEP3, settings
from tests.kernel_rows import BRIDGE, PORT

V100 = Vni(100)
M1_TEXT, M2_TEXT = "02:00:00:00:00:01", "02:00:00:00:00:02"


def ask(vtep: Vtep, command: str, **request: Any) -> list[dict[str, Any]]:
    rows = list(Requests(vtep.core, links=None).answer({"command": command, **request}))  # type: ignore[arg-type]
    vtep.settle()
    return rows


def add(vtep: Vtep, **request: Any) -> list[dict[str, Any]]:
    return ask(vtep, "host", **{"action": "add", "vni": 100, "mac": M1_TEXT, **request})


def reload(vtep: Vtep, vnis: str) -> None:
    configure(vtep.core, settings(CONFIGURATION.replace("[{vni: 100}]", vnis)), vtep.now)
    vtep.settle()


def events(vtep: Vtep) -> list[tuple[str, str]]:
    return [(row["mac"][-2:], row["event"]) for row in status.SHOW["events"](vtep.core, None, vtep.now)]


# Hosts


def test_a_host_is_added_and_it_is_said_for_how_long(vtep: Vtep) -> None:
    rows = add(vtep, ip=["192.0.2.1", "2001:db8::1"], port="tap0", sticky=True)

    assert rows == [{"vni": 100, "mac": M1_TEXT, "known": True, "until": "the agent ends; the configuration lasts"}]
    assert len(vtep.announcements()) == 1 + 3
    assert vtep.kernel.bridge[BRIDGE, M1].where == PORT


def test_a_mac_is_enough(vtep: Vtep) -> None:
    add(vtep)

    assert our_macs(vtep) == {M1: 0}


def test_a_host_is_deleted(vtep: Vtep) -> None:
    add(vtep, port="tap0")

    rows = ask(vtep, "host", action="del", vni=100, mac=M1_TEXT)

    assert rows == [{"vni": 100, "mac": M1_TEXT, "known": False}]
    assert our_macs(vtep) == {}


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"mac": "rubbish"}, "rubbish"),
        ({"mac": None}, "None"),
        ({"mac": "01:00:5e:00:00:01"}, "01:00:5e:00:00:01 is no host's; accepted: a unicast MAC"),
        ({"mac": "ff:ff:ff:ff:ff:ff"}, "is no host's; accepted: a unicast MAC"),
        ({"mac": "00:00:00:00:00:00"}, "is no host's; accepted: a unicast MAC"),
        ({"ip": ["rubbish"]}, "rubbish"),
        ({"ip": ["192.0.2.1", "224.0.0.1"]}, "224.0.0.1 is no host's; accepted: a unicast IP address"),
        ({"ip": ["::1"]}, "::1 is no host's"),
        ({"port": "no/such"}, "no/such is no port; accepted: an interface name"),
        ({"port": "a-name-of-16-chars"}, "is no port"),
        ({"vni": 5}, "VNI 5 is not configured; configured: 100"),
        ({"vni": "100"}, "VNI 100 is not configured"),
        ({"vni": None}, "VNI None is not configured"),
        ({"vni": [1]}, "is not configured"),
    ],
)
def test_a_host_that_makes_no_sense_is_refused_in_words_and_changes_nothing(
    vtep: Vtep, request_: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=r"\w") as refusal:
        add(vtep, **request_)

    assert message in str(refusal.value)
    assert list(vtep.core.hosts.all()) == []


@pytest.mark.parametrize("request_", [{"command": "rubbish"}, {}, {"command": ["show"]}, {"command": None}])
def test_an_unknown_command_names_those_there_are(vtep: Vtep, request_: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="accepted: show, diff, host, clear, refresh, reload"):
        Requests(vtep.core, links=None).answer(request_)  # type: ignore[arg-type]


# Duplicates


@pytest.fixture
def troubled(vtep: Vtep) -> Vtep:
    """M1 has moved too often between VTEP3 and us, and is held there; IP2 went to and fro between two of our hosts."""
    reload(vtep, "[{vni: 100, duplicate-detection: {moves: 2, action: freeze}}, {vni: 200}]")
    for sequence in (1, 3):
        vtep.kernel.frame(M1, PORT)
        vtep.settle()
        tell(vtep, a_mac(M1, VTEP3, sequence=sequence))
    for mac in (M2, b"\x02\0\0\0\0\4", M2):
        vtep.host_says(mac, PORT, IP2)
        vtep.settle()
    return vtep


def test_duplicates_are_shown_with_what_is_done_about_them(troubled: Vtep) -> None:
    troubled.now += 40

    rows = list(status.SHOW["duplicates"](troubled.core, None, troubled.now))

    keys = "vni", "mac", "ip", "moves", "since", "action", "frozen", "recovers-in"
    assert [tuple(row[key] for key in keys) for row in rows] == [
        (100, M1_TEXT, "", 2, 40.0, "freeze", True, 500.0),
        (100, "", "192.0.2.2", 2, 40.0, "freeze", True, 500.0),
    ]


@pytest.mark.parametrize(
    ("request_", "cleared"),
    [
        ({}, {100: 2, 200: 0}),
        ({"vni": 100}, {100: 2}),
        ({"vni": 200}, {200: 0}),
        ({"address": M1_TEXT}, {100: 1, 200: 0}),
        ({"address": "192.0.2.2", "vni": 100}, {100: 1}),
        ({"address": "2001:db8::2"}, {100: 0, 200: 0}),
    ],
)
def test_all_duplicates_are_cleared_or_one(troubled: Vtep, request_: dict[str, Any], cleared: dict[int, int]) -> None:
    rows = ask(troubled, "clear", what="duplicates", **request_)

    assert {row["vni"]: row["cleared"] for row in rows} == cleared
    assert len(list(troubled.core.moves.duplicates(troubled.core.fabric.domains[V100]))) == 2 - cleared.get(100, 0)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"what": "rubbish"}, "clear 'rubbish' is not known to this agent; accepted: duplicates"),
        ({"what": "duplicates", "address": "rubbish"}, "rubbish"),
        ({"what": "duplicates", "vni": 7}, "VNI 7 is not configured; configured: 100, 200"),
    ],
)
def test_a_clearing_that_makes_no_sense_is_refused_in_words(
    troubled: Vtep, request_: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        ask(troubled, "clear", **request_)


def test_what_happened_is_told_host_by_host(troubled: Vtep) -> None:
    ask(troubled, "clear", what="duplicates")

    happened = [what for mac, what in events(troubled) if mac == "01"]
    assert happened[:4] == ["learnt on a port", "moved away", "moved here", "moves too often"]
    assert set(happened[4:]) == {"no longer held for a duplicate", "moved away"}


# Refresh


def test_a_refresh_asks_the_peers_that_are_up_once(vtep: Vtep) -> None:
    vtep.speaker.state(RR2, "down")
    vtep.settle()
    asked = list(vtep.speaker.refreshes)

    rows = ask(vtep, "refresh")
    vtep.settle()

    assert rows == [{"peer": RR1, "asked": True}, {"peer": RR2, "asked": False}]
    assert vtep.speaker.refreshes == [*asked, RR1]
    assert vtep.core.kernel.look_again


# Tables while a reload comes


@pytest.mark.parametrize("what", sorted(status.SHOW))
@pytest.mark.parametrize("rows", [0, 1])
def test_a_table_whose_vni_goes_while_it_is_sent_ends(vtep: Vtep, what: str, rows: int) -> None:
    tell(vtep, a_mac(M1, VTEP2, IP1), a_mac(M2, VTEP3, IP2))
    for n in range(3, 6):
        vtep.host_says(b"\x02\0\0\0\0" + bytes((n,)), PORT, bytes((192, 0, 2, n)))  # type: ignore[arg-type]
    vtep.settle()
    table = Requests(vtep.core, links=None).answer({"command": "show", "what": what, "vni": 100})  # type: ignore[arg-type]
    for _ in range(rows):
        next(table, None)

    reload(vtep, "[{vni: 200}]")

    assert len(list(table)) < 50


def test_show_names_what_there_is(vtep: Vtep) -> None:
    with pytest.raises(ValueError, match="accepted: summary, peers, vni"):
        ask(vtep, "show", what="rubbish")
