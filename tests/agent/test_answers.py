"""Strategy `dynamic-l3`: the device drops the first question, so that one is answered by us."""

import pytest

from evpn.dataplane.askers import PATIENCE
from evpn.packet.frames import answer
from evpn.packet.question import Question
from evpn.text import parse_ip, parse_mac
from evpn.values import IpAddress
from tests.builders import BRIDGE_LINK, IP1, M1, M2, VTEP2, VTEP3, a_mac_route, attributes, rd_of, settings
from tests.fakes import FakeKernel
from tests.interop.cable import arp_probe, arp_request, gratuitous, solicitation
from tests.kernel_rows import DEVICE, OTHER_PORT, PORT

from .test_on_demand import DYNAMIC, IP6, MADE_FOR_IT, PORTS
from .vtep import Vtep, a_mac, encode_announce, gone, tell

ASKER, OWN, OWN6 = "02:00:00:00:00:09", "192.0.2.99", "2001:db8:1::99"
"""A host of ours."""
IPV4, IPV6 = "192.0.2.1", "2001:db8:1::1"
"""Of hosts elsewhere: IP1 and IP6."""
FROM_IPV4, FROM_IPV6 = (Question(parse_mac(ASKER), parse_ip(own), ip) for own, ip in ((OWN, IP1), (OWN6, IP6)))
TO_IPV4 = arp_request(ASKER, OWN, IPV4)
ANYCAST, ROUTER, OVERRIDE = "arp-nd:0", "arp-nd:1", "arp-nd:2"


def made(configuration: str = DYNAMIC) -> Vtep:
    vtep = Vtep(settings(configuration), FakeKernel(BRIDGE_LINK, MADE_FOR_IT, *PORTS))
    vtep.peer_up()
    vtep.settle()
    return vtep


@pytest.fixture
def vtep() -> Vtep:
    return made()


def hears(vtep: Vtep, frame: bytes = TO_IPV4, port: int = PORT) -> None:
    vtep.core.on_demand.heard(port, frame, vtep.now)


def asks(vtep: Vtep, frame: bytes = TO_IPV4, ip: IpAddress = IP1, port: int = PORT) -> None:
    """A question that the device, if it cannot answer, has dropped."""
    hears(vtep, frame, port)
    vtep.kernel.miss(ip)
    vtep.settle()


def test_the_first_question_is_answered(vtep) -> None:
    tell(vtep, a_mac(M1, VTEP2, IP1))
    asks(vtep)

    assert vtep.answers == [(PORT, answer(FROM_IPV4, M1))]
    assert vtep.core.on_demand.told == 1


def test_the_next_one_is_the_devices(vtep) -> None:
    tell(vtep, a_mac(M1, VTEP2, IP1))
    asks(vtep)
    asks(vtep)

    assert len(vtep.answers) == 1


def test_a_question_that_is_read_after_the_rows_were_written_is_answered(vtep) -> None:
    tell(vtep, a_mac(M1, VTEP2, IP1))
    vtep.kernel.miss(IP1)
    vtep.settle()
    assert vtep.answers == []

    hears(vtep)
    vtep.settle()

    assert vtep.answers == [(PORT, answer(FROM_IPV4, M1))]


def test_a_question_that_the_device_has_not_missed_is_not_answered(vtep) -> None:
    tell(vtep, a_mac(M1, VTEP2, IP1))
    hears(vtep)
    vtep.settle()

    assert vtep.answers == []


def test_several_who_ask_at_once_are_all_answered(vtep) -> None:
    tell(vtep, a_mac(M1, VTEP2, IP1))
    hears(vtep, arp_request("02:00:00:00:00:08", OWN, IPV4), OTHER_PORT)
    asks(vtep)

    other = FROM_IPV4._replace(mac=parse_mac("02:00:00:00:00:08"))
    assert vtep.answers == [(OTHER_PORT, answer(other, M1)), (PORT, answer(FROM_IPV4, M1))]


@pytest.mark.parametrize("refused", [M1, IP1], ids=["MAC", "neighbor"])
def test_nobody_is_answered_before_the_rows_are_there(vtep, refused: bytes) -> None:
    tell(vtep, a_mac(M1, VTEP2, IP1))
    vtep.kernel.refuse[refused] = 28
    asks(vtep)
    assert vtep.answers == []

    del vtep.kernel.refuse[refused]
    vtep.settle(PATIENCE / 2)

    assert vtep.answers == [(PORT, answer(FROM_IPV4, M1))]


@pytest.mark.parametrize("waited, answers", [(PATIENCE / 2, 1), (PATIENCE + 0.1, 0)])
def test_who_still_waits_when_the_route_comes_is_answered(vtep, waited: float, answers: int) -> None:
    asks(vtep)
    vtep.settle(waited)
    assert vtep.answers == []

    tell(vtep, a_mac(M1, VTEP2, IP1))

    assert vtep.answers == [(PORT, answer(FROM_IPV4, M1))] * answers
    assert vtep.kernel.neighbors[DEVICE, IP1].where == M1


def test_who_has_asked_three_times_meanwhile_is_answered_once(vtep) -> None:
    for _ in range(3):
        asks(vtep)
        vtep.settle(1)
    tell(vtep, a_mac(M1, VTEP2, IP1))

    assert vtep.answers == [(PORT, answer(FROM_IPV4, M1))]


def test_an_address_that_has_gone_to_another_mac_is_answered_with_that(vtep) -> None:
    asks(vtep)
    tell(vtep, a_mac(M1, VTEP2), a_mac(M2, VTEP3, IP1))

    assert vtep.answers == [(PORT, answer(FROM_IPV4, M2))]


def test_whom_the_device_has_answered_is_not_told_of_another_mac(vtep) -> None:
    """That is what announcements are for."""
    tell(vtep, a_mac(M1, VTEP2, IP1))
    asks(vtep)
    hears(vtep)
    tell(vtep, a_mac(M2, VTEP3), gone(a_mac_route(M1, IP1)), a_mac(M2, VTEP3, IP1))

    assert vtep.kernel.neighbors[DEVICE, IP1].where == M2
    assert len(vtep.answers) == 1


def test_an_address_that_is_withdrawn_at_once_is_not_answered_for(vtep) -> None:
    tell(vtep, a_mac(M1, VTEP2, IP1))
    hears(vtep)
    vtep.kernel.miss(IP1)
    tell(vtep, gone(a_mac_route(M1, IP1)))

    assert vtep.answers == []


def test_a_host_that_has_come_here_is_not_told_of_itself(vtep) -> None:
    tell(vtep, a_mac(M1, VTEP2, IP1))
    mine = M1.hex(":")
    for frame in (gratuitous(mine, IPV4), arp_probe(mine, IPV4), arp_request(mine, OWN, IPV4)):
        asks(vtep, frame)

    assert vtep.answers == []


def test_a_probe_is_told_who_has_the_address(vtep) -> None:
    tell(vtep, a_mac(M1, VTEP2, IP1))
    asks(vtep, arp_probe(ASKER, IPV4))

    assert vtep.answers == [(PORT, answer(FROM_IPV4._replace(ip=IpAddress(bytes(4))), M1))]


@pytest.mark.parametrize(
    "communities, flags",
    [((), (False, True)), ((ROUTER,), (True, True)), ((OVERRIDE,), (False, True)), ((ANYCAST,), (False, False))],
)
def test_the_flags_of_an_advertisement_are_those_of_the_route(vtep, communities, flags) -> None:
    shared = attributes("target:65000:100", *communities)
    tell(vtep, encode_announce([a_mac_route(M1, IP6, rd_of(VTEP2))], VTEP2, shared))
    asks(vtep, solicitation(ASKER, OWN6, IPV6), IP6)

    assert vtep.answers == [(PORT, answer(FROM_IPV6, M1, *flags))]


def test_for_an_anycast_address_every_question_is_ours_to_answer(vtep) -> None:
    """The device would override what hosts know of it, so it is not told of it."""
    tell(vtep, encode_announce([a_mac_route(M1, IP6, rd_of(VTEP2))], VTEP2, attributes("target:65000:100", ANYCAST)))
    for _ in range(3):
        asks(vtep, solicitation(ASKER, OWN6, IPV6), IP6)

    assert vtep.kernel.neighbors == {}
    assert vtep.answers == [(PORT, answer(FROM_IPV6, M1, override=False))] * 3


def test_questions_are_heard_where_no_addresses_are_learnt() -> None:
    vtep = made(DYNAMIC.replace("idle-timeout", "learn-neighbors: [], idle-timeout"))
    tell(vtep, a_mac(M1, VTEP2, IP1))
    asks(vtep)

    assert vtep.core.instances.snooped_ports() == {link.ifindex for link in PORTS if link.master == BRIDGE_LINK.ifindex}
    assert vtep.answers == [(PORT, answer(FROM_IPV4, M1))]


def test_other_strategies_need_no_answers_of_ours() -> None:
    vtep = made(DYNAMIC.replace("dynamic-l3, idle-timeout: 60", "static-l2"))
    tell(vtep, a_mac(M1, VTEP2, IP1))
    hears(vtep)
    hears(vtep, port=DEVICE)
    hears(vtep, port=4711)
    vtep.settle()

    assert vtep.answers == []


def test_a_vni_that_is_served_no_longer_answers_nobody(vtep) -> None:
    tell(vtep, a_mac(M1, VTEP2, IP1))
    vtep.kernel.miss(IP1)
    vtep.settle()
    vtep.core.instances.cease(settings(DYNAMIC).vnis[0].vni)
    hears(vtep)
    vtep.settle()

    assert vtep.answers == []
