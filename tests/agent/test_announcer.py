from evpn.agent.announcer import Announcer
from evpn.evi.mobility import Claim
from evpn.evi.originate import Announcement, Instance, mac_ip, mac_ip_key
from evpn.text import parse_rd, parse_route_target
from evpn.values import MacAddress, Vni
from tests.agent.vtep import FakeSpeaker
from tests.builders import M1, M2, OURS

PEER = "10.0.0.1"
INSTANCE = Instance(Vni(100), OURS, parse_rd("10.0.0.10:100"), (parse_route_target("65000:100"),))


def want(announcer: Announcer, mac: MacAddress = M1, sequence: int = 0) -> Announcement:
    announcement = mac_ip(INSTANCE, mac, Claim(OURS, sequence))
    announcer.routes.want(mac_ip_key(INSTANCE, mac), announcement)
    return announcement


def want_no_more(announcer: Announcer, mac: MacAddress = M1) -> None:
    announcer.routes.want(mac_ip_key(INSTANCE, mac), None)


def words(announcer: Announcer) -> list[list[str]]:
    """Each line without what is in hexadecimal, and without its id."""
    kept = {"neighbor", "announce", "withdraw", "evpn", "bulk"}
    return [[word for word in line.decode().split() if word in kept] for line in announcer.lines()]


def hear(announcer: Announcer, speaker: FakeSpeaker) -> FakeSpeaker:
    for line in announcer.lines():
        speaker.hear(line)
    return speaker


def test_what_is_said_is_not_said_again() -> None:
    announcer = Announcer(OURS)
    want(announcer)

    assert words(announcer) == [["announce", "evpn", "bulk"]]
    assert words(announcer) == []
    assert announcer.sent == 1


def test_withdrawals_come_before_announcements() -> None:
    announcer = Announcer(OURS)
    want(announcer, M1)
    words(announcer)
    want_no_more(announcer, M1)
    want(announcer, M2)

    assert words(announcer) == [["withdraw", "evpn", "bulk"], ["announce", "evpn", "bulk"]]


def test_a_changed_route_is_announced_over_the_old_one() -> None:
    announcer = Announcer(OURS)
    want(announcer)
    words(announcer)

    want(announcer, sequence=3)

    assert words(announcer) == [["announce", "evpn", "bulk"]]


def test_routes_with_the_same_attributes_share_a_line() -> None:
    announcer = Announcer(OURS)
    for number in range(10):
        want(announcer, MacAddress(b"\x02\0\0\0\0" + bytes((number,))), sequence=number % 2)

    assert len(words(announcer)) == 2


def test_what_depends_on_the_session_is_left_to_exabgp() -> None:
    announcer, speaker = Announcer(OURS), FakeSpeaker(PEER)
    announcement = want(announcer)

    (route,) = hear(announcer, speaker).routes[PEER].values()

    assert (route.attributes.local_preference, route.attributes.as_path) == (None, ())
    assert route == (announcement.nlri, announcement.attributes, OURS)


def test_a_turn_says_no_more_than_its_limit() -> None:
    announcer = Announcer(OURS)
    for number in range(10):
        want(announcer, MacAddress(b"\x02\0\0\0\0" + bytes((number,))))

    list(announcer.lines(limit=4))

    assert announcer.routes.pending == 6


def test_everything_can_be_told_again() -> None:
    announcer = Announcer(OURS)
    want(announcer)
    words(announcer)

    announcer.retell()

    assert words(announcer) == [["announce", "evpn", "bulk"]]


def test_a_withdrawal_that_waits_survives_a_telling_of_everything() -> None:
    announcer, speaker = Announcer(OURS), FakeSpeaker(PEER)
    want(announcer)
    hear(announcer, speaker)
    want_no_more(announcer)

    announcer.retell()

    assert hear(announcer, speaker).routes == {PEER: {}}


def test_a_sync_makes_the_other_side_forget_what_is_not_said_in_it() -> None:
    speaker = FakeSpeaker(PEER)
    former = Announcer(OURS)
    want(former, M1)
    want(former, M2)
    hear(former, speaker)

    announcer = Announcer(OURS)
    kept = want(announcer, M2)
    speaker.hear(announcer.begin_sync())
    hear(announcer, speaker)
    speaker.hear(announcer.end_sync())

    assert [route.nlri for route in speaker.routes[PEER].values()] == [kept.nlri]


def test_a_sync_ends_under_the_id_under_which_it_began() -> None:
    announcer = Announcer(OURS)

    begun = announcer.begin_sync().split()[-1]
    announcer.next_id()

    assert announcer.end_sync().split()[-1] == begun
