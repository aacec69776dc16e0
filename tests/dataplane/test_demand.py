from collections.abc import Iterator

from evpn.dataplane.demand import MEMORY, MOST, Demand
from evpn.values import IpAddress, MacAddress
from tests.builders import IP1, IP2, M1, M2


def test_what_is_asked_for_and_known_is_wanted_since_then() -> None:
    demand = Demand()
    demand.take(M1, 1.0, IP1)
    demand.take(M1, 5.0, IP2)
    demand.take(M2, 6.0)

    assert demand.macs == {M1: 1.0, M2: 6.0}
    assert demand.ips == {IP1: M1, IP2: M1}


def test_a_miss_is_remembered_for_a_while() -> None:
    demand = Demand()
    demand.miss(IP1, 1.0)
    demand.miss(M1, 2.0)

    assert demand.has_missed(2.0)
    assert demand.is_missed(IP1, 1.0 + MEMORY)
    assert not demand.is_missed(IP1, 1.1 + MEMORY)
    assert demand.is_missed(M1, 2.0 + MEMORY)
    assert not demand.is_missed(IP2, 1.0)


def test_a_miss_again_counts_anew() -> None:
    demand = Demand()
    demand.miss(IP1, 0.0)
    demand.miss(IP1, MEMORY)

    assert demand.is_missed(IP1, 2 * MEMORY)


def test_old_misses_are_forgotten() -> None:
    demand = Demand()
    demand.miss(IP1, 0.0)
    demand.miss(IP2, 1.0)

    assert demand.has_missed(MEMORY + 1.0)
    assert not demand.has_missed(MEMORY + 1.1)


def test_an_answer_ends_the_waiting() -> None:
    demand = Demand()
    demand.miss(IP1, 0.0)
    demand.miss(M1, 0.0)
    demand.take(M1, 1.0, IP1)

    assert not demand.has_missed(1.0)


def test_who_scans_a_network_does_not_fill_the_memory() -> None:
    demand = Demand()
    addresses = [IpAddress(b"\x0a" + number.to_bytes(3)) for number in range(MOST + 10)]
    for address in addresses:
        demand.miss(address, 0.0)

    assert [demand.is_missed(address, 0.0) for address in addresses].count(True) == MOST
    assert not demand.is_missed(addresses[9], 0.0)
    assert demand.is_missed(addresses[10], 0.0)


def test_a_mac_that_is_given_up_takes_its_addresses_along() -> None:
    demand = Demand()
    demand.take(M1, 0.0, IP1)
    demand.take(M2, 0.0, IP2)

    assert demand.drop(M1) == [IP1]
    assert (demand.macs, demand.ips) == ({M2: 0.0}, {IP2: M2})
    assert demand.drop(M1) == []


def test_an_address_goes_to_another_mac_or_is_released_alone() -> None:
    demand = Demand()
    demand.take(M1, 0.0, IP1)
    demand.take(M1, 0.0, IP2)
    demand.take(M2, 1.0, IP1)
    assert demand.ips == {IP1: M2, IP2: M1}

    demand.release(IP2)

    assert demand.drop(M1) == []
    assert demand.drop(M2) == [IP1]
    assert demand.ips == {}


def test_what_is_given_up_is_not_looked_for_among_all_others() -> None:
    """Ten thousand talkers fall silent together: with a walk through all of them for each, this would take a minute."""
    demand = Demand()
    macs = [MacAddress(b"\2\0" + number.to_bytes(4)) for number in range(20_000)]
    for mac in macs:
        demand.take(mac, 0.0, IpAddress(mac[2:]))
    walked = Walked(demand.ips)
    demand.ips = walked

    for mac in macs:
        assert demand.drop(mac) == [mac[2:]]

    assert (demand.ips, walked.times) == ({}, 0)


class Walked(dict[IpAddress, MacAddress]):
    """Counts the walks through it."""

    times = 0

    def items(self):  # type: ignore[no-untyped-def]
        self.times += 1
        return super().items()

    def __iter__(self) -> Iterator[IpAddress]:
        self.times += 1
        return super().__iter__()
