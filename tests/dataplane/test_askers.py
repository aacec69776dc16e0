"""Who asked and what was missed, whichever is heard first."""

from evpn.dataplane.askers import MOST, PATIENCE, Askers
from evpn.packet.question import Question
from evpn.values import IpAddress
from tests.builders import IP1, IP2, M1, M2

PORT, PORT2 = 7, 8
OWN = IpAddress(b"\xc0\0\2\x63")


def asks(target=IP1, mac=M1) -> Question:
    return Question(mac, OWN, target)


def answered(askers: Askers, *ips, now: float = 0.0) -> list[tuple[int, Question]]:
    return [(port, question) for port, question, _ in askers.take(set(ips), now)]


def test_who_asks_for_what_was_missed_is_answered_once() -> None:
    askers = Askers()
    askers.hear(PORT, asks(), 0.0)
    askers.miss(IP1, 0.0)

    assert list(askers.missed) == [IP1]
    assert answered(askers, IP1) == [(PORT, asks())]
    assert list(askers.missed) == []
    assert answered(askers, IP1) == []


def test_a_question_that_is_read_after_the_miss_is_answered_as_well() -> None:
    askers = Askers()
    askers.miss(IP1, 0.0)
    assert answered(askers, IP1) == []
    assert list(askers.missed) == [IP1]

    askers.hear(PORT, asks(), 0.1)

    assert answered(askers, IP1, now=0.1) == [(PORT, asks())]


def test_all_who_ask_are_answered_each_on_its_port() -> None:
    askers = Askers()
    askers.hear(PORT, asks(mac=M1), 0.0)
    askers.hear(PORT2, asks(mac=M2), 0.0)
    askers.miss(IP1, 0.0)

    assert answered(askers, IP1) == [(PORT, asks(mac=M1)), (PORT2, asks(mac=M2))]


def test_what_is_not_ready_waits_on() -> None:
    askers = Askers()
    for ip in (IP1, IP2):
        askers.hear(PORT, asks(ip), 0.0)
        askers.miss(ip, 0.0)

    assert answered(askers, IP2) == [(PORT, asks(IP2))]
    assert list(askers.missed) == [IP1]
    assert answered(askers, IP1) == [(PORT, asks(IP1))]


def test_who_asks_again_waits_for_one_answer_at_its_new_port() -> None:
    askers = Askers()
    askers.hear(PORT, asks(), 0.0)
    askers.hear(PORT2, asks(), 1.0)
    askers.miss(IP1, 1.0)

    assert answered(askers, IP1, now=PATIENCE + 0.5) == [(PORT2, asks())]


def test_who_asks_again_does_not_make_others_wait_longer() -> None:
    askers = Askers()
    for mac, now in ((M1, 0.0), (M2, 1.0), (M1, 2.0)):
        askers.hear(PORT, asks(mac=mac), now)
    for ip, now in ((IP1, 0.0), (IP2, 1.0), (IP1, 2.0)):
        askers.miss(ip, now)

    assert answered(askers, IP1, now=PATIENCE + 1.5) == [(PORT, asks(mac=M1))]
    assert list(askers.missed) == []


def test_nobody_waits_for_ever() -> None:
    askers = Askers()
    askers.hear(PORT, asks(), 0.0)
    askers.miss(IP1, 0.0)

    assert answered(askers, IP1, now=PATIENCE + 0.1) == []
    assert list(askers.missed) == []


def test_who_scans_a_network_does_not_fill_the_memory() -> None:
    askers = Askers()
    addresses = [IpAddress(b"\x0a" + number.to_bytes(3)) for number in range(MOST + 10)]
    for address in addresses:
        askers.hear(PORT, asks(address), 0.0)
        askers.miss(address, 0.0)

    assert list(askers.missed) == addresses[10:]
    assert [question.target for _, question in answered(askers, *addresses)] == addresses[10:]
