"""What happened to whom: the last events of the MACs that had any, and no more of them than there is room for."""

from evpn.evi.journal import Event, Journal, Learnt, What
from evpn.values import MacAddress, Vni
from tests.builders import IP1, M1, M2, M3, VTEP2

V100, V200 = Vni(100), Vni(200)


def learnt(mac: MacAddress = M1) -> Event:
    return Event(What.LEARNT, mac, port=11)


def when(journal: Journal, *query: object) -> list[float]:
    return [entry.when for entry in journal.entries(*query)]


def test_events_are_told_in_the_order_in_which_they_happened() -> None:
    journal = Journal()
    journal.note(1.0, V100, learnt(M1))
    journal.note(2.0, V200, learnt(M2))
    journal.note(3.0, V100, Event(What.BOUND, M1, IP1))
    journal.note(4.0, V100, Event(What.MOVED_AWAY, M1, vtep=VTEP2))

    assert when(journal) == [1.0, 2.0, 3.0, 4.0]
    assert when(journal, V200) == [2.0]
    assert when(journal, V100, M1) == [1.0, 3.0, 4.0]
    assert when(journal, V200, M1) == []


def test_of_a_mac_the_last_ones_are_kept() -> None:
    journal = Journal(per_mac=2)
    for now in range(5):
        journal.note(now, V100, learnt(M1))

    assert when(journal) == [3, 4]


def test_the_macs_that_were_quiet_for_longest_are_forgotten() -> None:
    journal = Journal(most_macs=2)
    journal.note(1, V100, learnt(M1))
    journal.note(2, V100, learnt(M2))
    journal.note(3, V100, learnt(M1))
    journal.note(4, V100, learnt(M3))

    assert {entry.event.mac for entry in journal.entries()} == {M1, M3}


def test_hosts_that_are_learnt_together_have_an_event_each() -> None:
    journal = Journal()
    journal.note(1, V100, Event(What.LEFT, M1))
    journal.note_learnt(2, V100, Learnt([M1, M2], 11))
    journal.note(3, V100, Event(What.LEFT, M2))

    events = [(entry.when, entry.event.what) for entry in journal.entries(V100, M2)]
    assert events == [(2, What.LEARNT), (3, What.LEFT)]
    assert when(journal, V100, M1) == [1, 2]
    assert list(journal.entries(V100, M1))[-1].event == Event(What.LEARNT, M1, port=11, sequence=0)


def test_of_very_many_the_last_ones_are_kept() -> None:
    journal = Journal(most_macs=3)
    macs = [MacAddress(bytes((2, 0, 0, 0, 0, number))) for number in range(12)]
    journal.note(0, V100, learnt(M1))
    for now in range(6):
        journal.note_learnt(now, V100, Learnt(macs[2 * now : 2 * now + 2], 11))
    assert [entry.event.mac for entry in journal.entries()] == macs[-3:]

    journal.note_learnt(7, V200, Learnt(macs, 11))
    assert [(entry.vni, entry.event.mac) for entry in journal.entries()] == [(V200, each) for each in macs[-3:]]


def test_a_vni_that_goes_takes_along_what_was_not_noted_yet() -> None:
    journal = Journal()
    journal.note_learnt(1, V100, Learnt([M1], 11))
    journal.note_learnt(2, V200, Learnt([M2], 11))

    journal.forget(V100)

    assert when(journal) == [2]


def test_one_mac_in_two_vnis_is_two() -> None:
    journal = Journal(per_mac=1)
    journal.note(1, V100, learnt(M1))
    journal.note(2, V200, learnt(M1))

    assert when(journal) == [1, 2]


def test_a_vni_that_is_served_no_longer_leaves_nothing() -> None:
    journal = Journal()
    journal.note(1, V100, learnt(M1))
    journal.note(2, V200, learnt(M1))

    journal.forget(V100)

    assert when(journal) == [2]


def test_who_hears_them_may_take_their_time() -> None:
    """Rows of `show events` are sent while others happen."""
    journal = Journal()
    journal.note(1, V100, learnt(M1))
    told = journal.entries()
    journal.note(2, V100, learnt(M2))

    assert [entry.when for entry in told] == [1]
