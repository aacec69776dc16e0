"""Local bindings: who is asked and when, who has lost an address, and how many of them there may be."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evpn.evi import bindings as room
from evpn.evi.bindings import PER_MAC, PROBE_INTERVAL, PROBES, Binding, Bindings, Source
from evpn.values import IpAddress, MacAddress
from tests.builders import IP1, IP2, M1, M2, ip

PATIENCE, MANY = 240.0, 1000
KNOWN = Binding(M1, Source.CONFIGURATION)


def heard(now: float = 0.0, mac: MacAddress = M1) -> Binding:
    return Binding(mac, Source.SNOOP, confirmed=now)


def due(bindings: Bindings, now: float, most: int = MANY) -> tuple[list[IpAddress], list[IpAddress]]:
    return bindings.due(now, PATIENCE, most)


def of_number(n: int) -> IpAddress:
    return IpAddress(b"\x0a" + n.to_bytes(3))


def moments(start: float) -> Iterator[float]:
    return (start + n * PROBE_INTERVAL for n in range(PROBES + 1))


def test_an_address_is_filed_under_its_mac() -> None:
    bindings = Bindings(MANY)
    bindings.bind(IP1, heard())
    bindings.bind(IP2, heard())

    assert bindings.of_mac == {M1: {IP1: None, IP2: None}}

    bindings.bind(IP1, heard(mac=M2))
    bindings.release(IP2)

    assert bindings.of_ip == {IP1: heard(mac=M2)}
    assert bindings.of_mac == {M2: {IP1: None}}


def test_what_was_never_bound_is_released_as_well() -> None:
    assert Bindings(MANY).release(IP1) is None


# Asking


def test_who_has_spoken_is_left_alone_for_as_long_as_patience_lasts() -> None:
    bindings = Bindings(MANY)
    bindings.bind(IP1, heard(10.0))

    assert due(bindings, 10.0 + PATIENCE - 0.01) == ([], [])
    assert due(bindings, 10.0 + PATIENCE) == ([IP1], [])


def test_who_is_silent_is_asked_a_few_times_a_second_apart_and_then_has_lost_it() -> None:
    bindings = Bindings(MANY)
    bindings.bind(IP1, heard())

    answers = [due(bindings, now) for now in moments(PATIENCE)]

    assert answers == [([IP1], [])] * PROBES + [([], [IP1])]
    assert due(bindings, 10 * PATIENCE) == ([], [])


def test_between_two_questions_nothing_is_due() -> None:
    bindings = Bindings(MANY)
    bindings.bind(IP1, heard())
    due(bindings, PATIENCE)

    assert due(bindings, PATIENCE + PROBE_INTERVAL - 0.01) == ([], [])


def test_who_answers_is_left_alone_again() -> None:
    bindings = Bindings(MANY)
    bindings.bind(IP1, heard())
    due(bindings, PATIENCE)
    assert bindings.is_asked(IP1)

    bindings.confirm(IP1, PATIENCE + 0.5)

    assert not bindings.is_asked(IP1)
    assert due(bindings, PATIENCE + PROBES * PROBE_INTERVAL) == ([], [])
    assert due(bindings, 2 * PATIENCE + 0.5) == ([IP1], [])


def test_what_is_suspected_is_asked_for_at_once_and_once_only() -> None:
    bindings = Bindings(MANY)
    bindings.bind(IP1, heard())
    bindings.bind(IP2, heard())

    bindings.suspect(IP2)
    bindings.suspect(IP2)

    assert due(bindings, 1.0) == ([IP2], [])
    bindings.suspect(IP2)
    assert due(bindings, 1.0) == ([], [])


def test_what_is_known_beforehand_is_never_asked_for() -> None:
    bindings = Bindings(MANY)
    bindings.bind(IP1, KNOWN)
    bindings.suspect(IP1)

    assert bindings.next_due(PATIENCE) is None
    assert due(bindings, 10 * PATIENCE) == ([], [])


def test_what_was_heard_and_is_known_beforehand_now_is_no_longer_asked_for() -> None:
    bindings = Bindings(MANY)
    bindings.bind(IP1, heard())
    bindings.suspect(IP1)

    bindings.bind(IP1, KNOWN)

    assert due(bindings, 10 * PATIENCE) == ([], [])


def test_only_so_many_are_asked_for_at_once_and_the_others_next() -> None:
    bindings = Bindings(MANY)
    for n in range(5):
        bindings.bind(of_number(n), heard())

    asked = [due(bindings, PATIENCE, 2)[0] for _ in range(4)]

    assert sorted(map(len, asked)) == [0, 1, 2, 2]
    assert set().union(*asked) == {of_number(n) for n in range(5)}


# The clock


def test_nothing_is_due_ever_where_nothing_is() -> None:
    assert Bindings(MANY).next_due(PATIENCE) is None


def test_the_next_moment_is_that_of_the_first_one() -> None:
    bindings = Bindings(MANY)
    bindings.bind(IP1, heard(5.0))
    bindings.bind(IP2, heard(7.0))
    assert bindings.next_due(PATIENCE) == 5.0 + PATIENCE

    due(bindings, 5.0 + PATIENCE)
    assert bindings.next_due(PATIENCE) == 5.0 + PATIENCE + PROBE_INTERVAL

    bindings.confirm(IP1, 5.5 + PATIENCE)
    assert bindings.next_due(PATIENCE) == 7.0 + PATIENCE


FACTS = st.lists(
    st.tuples(st.sampled_from(["bind", "confirm", "release", "suspect", "ask"]), st.integers(0, 3), st.booleans())
)


@given(FACTS, st.integers(1, 3))
def test_who_waits_until_the_next_moment_finds_something_due_and_nothing_before(facts, most: int) -> None:
    """No moment in the past for which nothing is due: the loop would turn without a rest."""
    bindings, now = Bindings(MANY), 0.0
    for what, n, known in facts:
        now += 0.3
        address = of_number(n)
        if what == "bind":
            bindings.bind(address, KNOWN if known else heard(now))
        elif what == "confirm" and address in bindings.of_ip:
            bindings.confirm(address, now)
        elif what == "release":
            bindings.release(address)
        elif what == "suspect":
            bindings.suspect(address)
        elif what == "ask":
            bindings.due(now, 1.0, most)

    for _ in range(len(bindings.of_ip) * (PROBES + 2)):
        moment = bindings.next_due(1.0)
        if moment is None:
            break
        assert moment <= now or bindings.due(moment - 0.001, 1.0, most) == ([], [])
        now = max(now, moment)
        ask, silent = bindings.due(now, 1.0, most)
        assert ask or silent or bindings.next_due(1.0) != moment
        for address in silent:
            bindings.release(address)
    assert bindings.next_due(1.0) is None
    assert {one.source for one in bindings.of_ip.values()} <= {Source.CONFIGURATION}
    assert {(mac, ip) for mac, ips in bindings.of_mac.items() for ip in ips} == {
        (one.mac, ip) for ip, one in bindings.of_ip.items()
    }


# Room


def test_there_is_room_for_so_many_and_for_what_is_known_always() -> None:
    bindings = Bindings(1)
    assert bindings.has_room(IP1, M1)
    bindings.bind(IP1, heard())

    assert not bindings.has_room(IP2, M2)
    assert bindings.has_room(IP1, M1)
    assert bindings.has_room(IP1, M2)


def test_one_mac_has_so_many_also_when_it_takes_them_from_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "PER_MAC", 2)
    bindings = Bindings(MANY)
    bindings.bind(IP1, heard())
    bindings.bind(IP2, heard())
    bindings.bind(ip("192.0.2.3"), heard(mac=M2))

    assert not bindings.has_room(ip("192.0.2.4"), M1)
    assert not bindings.has_room(ip("192.0.2.3"), M1)
    assert bindings.has_room(ip("192.0.2.4"), M2)


def test_a_flood_of_addresses_fills_no_more_than_there_is_room_for() -> None:
    bindings = Bindings(PER_MAC + 1)
    for n in range(3 * PER_MAC):
        if bindings.has_room(of_number(n), M1):
            bindings.bind(of_number(n), heard())

    assert len(bindings.of_ip) == PER_MAC
