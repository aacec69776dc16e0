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
        ({"action": "rubbish"}, "action: found 'rubbish'; accepted: add, del"),
        ({"action": None}, "action: found nothing; accepted: add, del"),
        ({"mac": "rubbish"}, "mac: 'rubbish' is not a MAC address such as"),
        ({"mac": None}, "mac: found nothing; accepted: a MAC address"),
        ({"mac": 7}, "mac: found 7; accepted: a MAC address"),
        ({"mac": "\ud800"}, "mac: "),
        ({"mac": "01:00:5e:00:00:01"}, "01:00:5e:00:00:01 is no host's; accepted: a unicast MAC"),
        ({"mac": "ff:ff:ff:ff:ff:ff"}, "is no host's; accepted: a unicast MAC"),
        ({"mac": "00:00:00:00:00:00"}, "is no host's; accepted: a unicast MAC"),
        ({"ip": ["rubbish"]}, "ip: 'rubbish' is not an IPv4 or IPv6 address"),
        ({"ip": 5}, "ip: found 5; accepted: a list, each an IPv4 or IPv6 address"),
        ({"ip": True}, "ip: found true; accepted: a list"),
        ({"ip": "10.0.0.1"}, "ip: found '10.0.0.1'; accepted: a list"),
        ({"ip": {"10.0.0.1": 1}}, "ip: found a mapping; accepted: a list"),
        ({"ip": ["192.0.2.1", None]}, "ip[1]: found nothing; accepted: an IPv4 or IPv6 address"),
        ({"sticky": "no"}, "sticky: found 'no'; accepted: true or false"),
        ({"ips": ["192.0.2.1"]}, "ips: unknown key, did you mean ip?; accepted: action, vni, mac, ip, port, sticky"),
        ({"ip": ["192.0.2.1", "224.0.0.1"]}, "224.0.0.1 is no host's; accepted: a unicast IP address"),
        ({"ip": ["::1"]}, "::1 is no host's"),
        ({"port": "no/such"}, "port: found 'no/such'; accepted: an interface name of 1 to 15 characters"),
        ({"port": "a-name-of-16-chars"}, "port: found 'a-name-of-16-chars'; accepted: an interface name"),
        ({"port": ""}, "port: found ''; accepted: an interface name"),
        ({"vni": 5}, "VNI 5 is not configured; configured: 100"),
        ({"vni": "100"}, "vni: found '100'; accepted: a VNI from 1 to 16777215"),
        ({"vni": True}, "vni: found true; accepted: a VNI from 1 to 16777215"),
        ({"vni": 1 << 80}, "vni: found 1208925819614629174706176; accepted: a VNI from 1 to 16777215"),
        ({"vni": None}, "vni: found nothing; accepted: a VNI from 1 to 16777215"),
        ({"vni": [1]}, "vni: found a list; accepted: a VNI from 1 to 16777215"),
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
        ({}, "what: missing; accepted: duplicates"),
        ({"what": "rubbish"}, "what: found 'rubbish'; accepted: duplicates"),
        ({"what": "duplicates", "address": "rubbish"}, "address: 'rubbish' is not an IPv4 or IPv6 address"),
        ({"what": "duplicates", "address": 5}, "address: found 5; accepted: a MAC or IP address"),
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


# Every command


@pytest.mark.parametrize(
    ("command", "request_", "message"),
    [
        ("show", {}, "what: missing; accepted: summary, peers, vni"),
        ("show", {"what": ["mac"]}, "what: found a list; accepted: summary, peers, vni"),
        ("show", {"what": "mac", "vni": 1.5}, "vni: found 1.5; accepted: a VNI from 1 to 16777215"),
        ("diff", {"vni": {"a": 1}}, "vni: found a mapping; accepted: a VNI from 1 to 16777215"),
        ("diff", {"vin": 100}, "vin: unknown key, did you mean vni?; accepted: vni"),
        ("refresh", {"peer": "10.0.0.1"}, "peer: unknown key; accepted: none"),
        ("reload", {}, "config: missing; accepted: a file name"),
        ("reload", {"config": 7}, "config: found 7; accepted: a file name"),
        ("reload", {"config": "\0"}, "config: found '\\x00'; accepted: a file name"),
    ],
)
def test_a_field_that_does_not_fit_is_named_with_what_is_accepted(
    vtep: Vtep, command: str, request_: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match="accepted") as refusal:
        ask(vtep, command, **request_)

    assert str(refusal.value).startswith(message)


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
    with pytest.raises(ValueError, match="what: 'rubbish' is not known to this agent; accepted: summary, peers, vni"):
        ask(vtep, "show", what="rubbish")
