"""What happens when: a sequence of faults of a seed, the same each time, and what makes good for each of them.

Nothing here looks at a fabric. Where the hosts are follows from the plan alone, so a judge need not ask anybody.
"""

from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any, NamedTuple

VTEPS, REFLECTORS, GUESTS, VNIS = (11, 12, 13, 14), (1, 2), tuple(range(1, 11)), (100, 200)
FAR_VTEPS = (98, 99)
"""VTEPs of which there are only routes."""
HOME = {guest: VTEPS[guest // 2 % len(VTEPS)] for guest in GUESTS}
STRATEGIES = ("multicast", "static-flood", "static-l2", "static-l3", "dynamic-l3")

Where = dict[int, int]
"""Guest -> VTEP."""


class Step(NamedTuple):
    at: float
    what: str
    """A function of `faults`."""
    arguments: tuple[Any, ...]

    def __str__(self) -> str:
        return f"{self.at:7.2f}  {self.what} {' '.join(map(str, self.arguments))}"


Soon = tuple[float, str, tuple[Any, ...]]
"""Seconds from now, and a step."""


def vni_of(guest: int) -> int:
    return VNIS[guest % len(VNIS)]


def plan(seed: int, seconds: float, rate: float = 1.0) -> list[Step]:
    """`rate` faults a second; what makes good for one comes at the last second at the latest."""
    random, where, at = Random(seed), dict(HOME), 0.0
    weights = [weight for weight, _ in FAULTS]
    steps = []
    while (at := at + random.expovariate(rate)) < seconds:
        _, fault = random.choices(FAULTS, weights)[0]
        steps += [Step(min(at + delay, seconds), what, with_) for delay, what, with_ in fault(random, where)]
    return sorted(steps, key=lambda step: step.at)


# Processes


def _agent_killed(random: Random, where: Where) -> Iterable[Soon]:
    yield 0, "kill_agent", (random.choice(VTEPS),)


def _exabgp_killed(random: Random, where: Where) -> Iterable[Soon]:
    vtep = random.choice(VTEPS)
    yield 0, "kill_exabgp", (vtep,)
    yield random.uniform(0.2, 6), "start", (vtep,)


def _stopped(random: Random, where: Where) -> Iterable[Soon]:
    vtep = random.choice(VTEPS)
    yield 0, "stop", (vtep,)
    yield random.uniform(0.2, 4), "start", (vtep,)


def _frozen(random: Random, where: Where) -> Iterable[Soon]:
    vtep, which = random.choice(VTEPS), random.choice(("agent", "exabgp"))
    yield 0, "freeze", (vtep, which)
    yield random.uniform(0.5, 12), "thaw", (vtep,)


def _reflector_killed(random: Random, where: Where) -> Iterable[Soon]:
    for reflector in random.choice(((1,), (2,), (1, 2))):
        yield 0, "kill_bgpd", (reflector,)
        yield random.uniform(0.3, 8), "start_bgpd", (reflector,)


# Sessions


def _session_cleared(random: Random, where: Where) -> Iterable[Soon]:
    reflector, vtep, how = random.choice(REFLECTORS), random.choice(VTEPS), random.choice(("", "", "soft"))
    for delay in sorted(random.uniform(0, 2) for _ in range(random.randint(1, 3))):
        yield delay, "clear_session", (reflector, vtep, how)


def _cable_pulled(random: Random, where: Where) -> Iterable[Soon]:
    node, end = random.choice((*VTEPS, *REFLECTORS)), random.choice(("own", "switch"))
    yield 0, "cable", (node, end, "down")
    yield random.uniform(0.2, 14), "cable", (node, end, "up")


def _address_lost(random: Random, where: Where) -> Iterable[Soon]:
    """Of the VTEP: nothing can be sent, and ExaBGP cannot be started."""
    vtep = random.choice(VTEPS)
    yield 0, "remove_address", (vtep,)
    yield random.uniform(0.2, 6), "add_address", (vtep,)


# Rows


def _row_deleted(random: Random, where: Where) -> Iterable[Soon]:
    yield 0, "delete_row", (random.choice(VTEPS), random.choice(GUESTS), random.choice(("self", "master", "both")))


def _row_pointed_elsewhere(random: Random, where: Where) -> Iterable[Soon]:
    yield 0, "point_elsewhere", (random.choice(VTEPS), random.choice(GUESTS), random.choice(VTEPS))


def _flood_row_deleted(random: Random, where: Where) -> Iterable[Soon]:
    yield 0, "delete_flood_row", (random.choice(VTEPS), random.choice(VNIS), random.choice(VTEPS))


def _rows_flushed(random: Random, where: Where) -> Iterable[Soon]:
    yield 0, "flush_rows", (random.choice(VTEPS), random.choice(VNIS), random.choice(("device", "bridge")))


def _neighbor_deleted(random: Random, where: Where) -> Iterable[Soon]:
    yield 0, "delete_neighbor", (random.choice(VTEPS), random.choice(GUESTS), random.choice((4, 6)))


def _neighbors_flushed(random: Random, where: Where) -> Iterable[Soon]:
    yield 0, "flush_neighbors", (random.choice(VTEPS), random.choice(VNIS))


def _row_of_somebody_else(random: Random, where: Where) -> Iterable[Soon]:
    """An operator's, which is in the way for a while."""
    vtep, guest = random.choice(VTEPS), random.choice(GUESTS)
    yield 0, "add_static_row", (vtep, guest, random.choice(VTEPS))
    yield random.uniform(0.1, 5), "delete_row", (vtep, guest, "self")


def _neighbor_of_somebody_else(random: Random, where: Where) -> Iterable[Soon]:
    vtep, guest = random.choice(VTEPS), random.choice(GUESTS)
    yield 0, "add_static_neighbor", (vtep, guest, random.choice(GUESTS), random.choice(("permanent", "reachable")))
    yield random.uniform(0.1, 5), "delete_neighbor", (vtep, guest, 4)


# Devices


def _device_removed(random: Random, where: Where) -> Iterable[Soon]:
    vtep, vni = random.choice(VTEPS), random.choice(VNIS)
    yield 0, "remove_device", (vtep, random.choice((f"vxlan{vni}", f"vxlan{vni}", f"br{vni}")))
    yield random.uniform(0.1, 5), "reload", (vtep,)


def _device_down(random: Random, where: Where) -> Iterable[Soon]:
    vtep, device = random.choice(VTEPS), f"{random.choice(('vxlan', 'br'))}{random.choice(VNIS)}"
    yield 0, "set_device", (vtep, device, "down")
    yield random.uniform(0.1, 5), "set_device", (vtep, device, "up")


def _device_unplugged(random: Random, where: Where) -> Iterable[Soon]:
    vtep, vni = random.choice(VTEPS), random.choice(VNIS)
    yield 0, "unplug_device", (vtep, vni)
    yield random.uniform(0.1, 5), "plug_device", (vtep, vni)


def _flags_changed(random: Random, where: Where) -> Iterable[Soon]:
    yield 0, "change_flags", (random.choice(VTEPS), random.choice(VNIS))


# Ports and hosts


def _port_down(random: Random, where: Where) -> Iterable[Soon]:
    guest = random.choice(GUESTS)
    yield 0, "port_down", (guest,)
    yield random.uniform(0.1, 4), "port_back", (guest,)


def _port_elsewhere(random: Random, where: Where) -> Iterable[Soon]:
    guest = random.choice(GUESTS)
    yield 0, "port_elsewhere", (guest, random.choice(("none", *(vni for vni in VNIS if vni != vni_of(guest)))))
    yield random.uniform(0.5, 5), "port_back", (guest,)


def _moved(random: Random, where: Where) -> Iterable[Soon]:
    guest = random.choice(GUESTS)
    where[guest] = random.choice(VTEPS)
    yield 0, "move", (guest, where[guest])


def _migrated(random: Random, where: Where) -> Iterable[Soon]:
    """As a virtual machine: its old port stays for a while."""
    guest = random.choice(GUESTS)
    where[guest] = random.choice([vtep for vtep in VTEPS if vtep != where[guest]])
    yield 0, "migrate", (guest, where[guest])
    yield random.uniform(0.5, 5), "remove_old_port", (guest,)


def _impersonated(random: Random, where: Where) -> Iterable[Soon]:
    """A frame comes back by a loop, or somebody lies."""
    guest = random.choice(GUESTS)
    yield 0, "impersonate", (random.choice([other for other in GUESTS if vni_of(other) == vni_of(guest)]), guest)


def _addresses_swapped(random: Random, where: Where) -> Iterable[Soon]:
    """Two hosts of one VNI have each other's from now on."""
    one = random.choice(GUESTS)
    others = [guest for guest in GUESTS if vni_of(guest) == vni_of(one) and guest != one]
    yield 0, "swap_addresses", (one, random.choice(others))


def _known_beforehand(random: Random, where: Where) -> Iterable[Soon]:
    """To a VTEP that it need not be behind."""
    vtep, guest, sticky = random.choice(VTEPS), random.choice(GUESTS), random.choice(("", "", "--sticky"))
    yield 0, "expect", (vtep, guest, sticky)
    yield random.uniform(0.5, 6), "expect_no_more", (vtep, guest)


def _crowd(random: Random, where: Where) -> Iterable[Soon]:
    vtep = random.choice(VTEPS)
    yield 0, "crowd_comes", (vtep, random.choice((50, 500, 3000)))
    yield random.uniform(0.5, 6), "crowd_goes", (vtep,)


def _talk(random: Random, where: Where) -> Iterable[Soon]:
    for guest in random.sample(GUESTS, 5):
        yield random.uniform(0, 1), "talk", (guest, random.choice(GUESTS))


# Routes


def _flood_of_updates(random: Random, where: Where) -> Iterable[Soon]:
    yield 0, "announce_many", (random.choice(FAR_VTEPS), random.choice((50, 1000, 5000)), random.randint(0, 1 << 30))
    yield random.uniform(0, 3), "withdraw_many", (random.randint(0, 1 << 30),)


def _flood_route(random: Random, where: Where) -> Iterable[Soon]:
    yield 0, "far_vtep", (random.choice(FAR_VTEPS), random.choice(("comes", "goes")))


# Configurations


def _strategy(random: Random, where: Where) -> Iterable[Soon]:
    """Of the second VNI."""
    return _for_a_while(random, "strategy", STRATEGIES, least=1, most=6)


def _vni_removed(random: Random, where: Where) -> Iterable[Soon]:
    return _for_a_while(random, "without_vni")


def _reflector_removed(random: Random, where: Where) -> Iterable[Soon]:
    return _for_a_while(random, "without_reflector", REFLECTORS)


def _wrong_file(random: Random, where: Where) -> Iterable[Soon]:
    return _for_a_while(random, "wrong_file")


def _for_a_while(
    random: Random, what: str, *choices: Sequence[str | int], least: float = 0.5, most: float = 5
) -> Iterable[Soon]:
    vtep = random.choice(VTEPS)
    yield 0, what, (vtep, *map(random.choice, choices))
    yield random.uniform(least, most), "as_before", (vtep,)


def _refreshed(random: Random, where: Where) -> Iterable[Soon]:
    yield 0, "refresh", (random.choice(VTEPS),)


FAULTS: tuple[tuple[int, Callable[[Random, Where], Iterable[Soon]]], ...] = (
    (5, _agent_killed),
    (2, _exabgp_killed),
    (1, _stopped),
    (3, _frozen),
    (2, _reflector_killed),
    (2, _session_cleared),
    (2, _cable_pulled),
    (1, _address_lost),
    (5, _row_deleted),
    (3, _row_pointed_elsewhere),
    (3, _flood_row_deleted),
    (2, _rows_flushed),
    (3, _neighbor_deleted),
    (2, _neighbors_flushed),
    (2, _row_of_somebody_else),
    (2, _neighbor_of_somebody_else),
    (2, _device_removed),
    (2, _device_down),
    (2, _device_unplugged),
    (2, _flags_changed),
    (2, _port_down),
    (2, _port_elsewhere),
    (6, _moved),
    (5, _migrated),
    (4, _impersonated),
    (3, _addresses_swapped),
    (2, _known_beforehand),
    (2, _crowd),
    (6, _talk),
    (4, _flood_of_updates),
    (2, _flood_route),
    (3, _strategy),
    (1, _vni_removed),
    (1, _reflector_removed),
    (1, _wrong_file),
    (1, _refreshed),
)
"""How often each comes, beside the others."""
