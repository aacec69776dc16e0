"""The short way and the long way end in the same place, whatever comes on them and in whatever order."""

from collections.abc import Sequence
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from evpn.dataplane.project import project
from evpn.evi.bindings import Source
from evpn.evi.bridge_domain import BridgeDomain
from evpn.evi.fabric import Fabric
from evpn.evi.uncontested import import_paths, withdraw_paths
from evpn.rib.path import Path
from evpn.rib.table import Rib
from evpn.text import parse_route_target
from evpn.values import NO_IP, RouteTargetPattern
from tests.builders import (
    IP1,
    IP2,
    M1,
    M2,
    M3,
    RR1,
    RR2,
    VTEP2,
    VTEP3,
    a_domain,
    a_mac_path,
    a_mac_route,
    a_path,
    a_segment,
    attributes,
    rd_of,
)

PORT = 11
TARGET = RouteTargetPattern(parse_route_target("65000:100"))


class World:
    """A RIB, and what comes of it in VNI 100."""

    def __init__(self, max_remote_macs: int, quick: bool) -> None:
        self.quick = quick
        self.rib, self.fabric, self.segment = Rib(), Fabric(), a_segment()
        self.domain = a_domain(max_remote_macs=max_remote_macs)
        self.fabric.add(self.domain, [TARGET])

    def play(self, step: tuple) -> None:
        what, *rest = step
        domain = self.domain
        if what == "announce":
            peer, vtep, sequence, sticky, hosts = rest
            shared = attributes(sequence=sequence, sticky=sticky)
            routes = [a_mac_route(mac, ip, rd_of(vtep)) for mac, ip in hosts]
            paths = [a_path(route, vtep, peer, shared=shared) for route in routes]
            if self.quick and self.rib.add_new(peer, paths):
                self.fabric.take_new(paths)
            else:
                self.fabric.apply(self.rib.announce(peer, paths))
        elif what == "withdraw":
            peer, vtep, hosts = rest
            self.fabric.apply(self.rib.withdraw(peer, [a_mac_route(mac, ip, rd_of(vtep)) for mac, ip in hosts]))
        elif what == "local":
            domain.learn(*rest, PORT)
        elif what == "bound":
            domain.learn(rest[0], PORT)
            domain.addresses.saw(rest[1], rest[0], 0.0, Source.SNOOP)
        elif what == "gone":
            domain.forget(*rest)
        elif what == "freeze":
            domain.freeze(*rest)
        elif what == "thaw":
            domain.thaw(*rest)
        elif what == "settle":
            project(domain, self.segment, domain.dirty.take())

    def state(self) -> tuple[object, ...]:
        domain, addresses = self.domain, self.domain.addresses
        remote = {key: set(paths) for key, paths in (*domain.remote.items(), *addresses.remote.items())}
        owners = [domain.owner(mac) for mac in MACS], [addresses.neighbor(ip) for ip in IPS if ip]
        told = {key: set(paths) for key, paths in self.rib.routes.items()}, self.rib.paths_of
        wanted = self.segment.macs.desired, self.segment.neighbors.desired
        waiting = {mac: set(paths) for mac, paths in domain.overflow.waiting.items()}
        dirty = [set(keys) for keys in (domain.dirty.macs, domain.dirty.ips, domain.dirty.claims)]
        return told, remote, owners, wanted, waiting, dirty, domain.local, domain.events, dict(domain.highest_seen)


MACS, IPS = (M1, M2, M3), (IP1, IP2, NO_IP)
macs, ips = st.sampled_from(MACS), st.sampled_from(IPS)
peers, vteps = st.sampled_from((RR1, RR2)), st.sampled_from((VTEP2, VTEP3))
hosts = st.lists(st.tuples(macs, ips), min_size=1, max_size=4, unique=True)
steps = st.one_of(
    st.tuples(st.just("announce"), peers, vteps, st.sampled_from((0, 0, 0, 1)), st.booleans(), hosts),
    st.tuples(st.just("withdraw"), peers, vteps, hosts),
    st.tuples(st.sampled_from(("local", "gone", "freeze", "thaw")), macs),
    st.tuples(st.just("bound"), macs, st.sampled_from((IP1, IP2))),
    st.just(("settle",)),
)


def imported_one_by_one(domain: BridgeDomain, paths: Sequence[Path]) -> None:
    for path in paths:
        domain.import_path(path)


def withdrawn_one_by_one(domain: BridgeDomain, paths: Sequence[Path]) -> None:
    for path in paths:
        domain.withdraw_path(path)


@settings(max_examples=400, deadline=None)
@given(st.lists(steps, max_size=12), st.sampled_from((1, 2, 1000)))
def test_both_ways_end_in_the_same_state(story: list[tuple], max_remote_macs: int) -> None:
    short, long = World(max_remote_macs, True), World(max_remote_macs, False)
    for step in [*story, ("settle",)]:
        short.play(step)
        with (
            patch("evpn.evi.fabric.import_paths", imported_one_by_one),
            patch("evpn.evi.fabric.withdraw_paths", withdrawn_one_by_one),
        ):
            long.play(step)
        assert short.state() == long.state()


def test_who_is_alone_is_not_compared_with_anybody() -> None:
    domain = a_domain()
    paths = [a_mac_path(M1, VTEP2), a_mac_path(M2, VTEP2)]

    with patch.object(domain, "import_path", side_effect=AssertionError), patch.object(domain, "owner"):
        import_paths(domain, paths)
    assert domain.remote == {M1: (paths[0],), M2: (paths[1],)}
    assert domain.dirty.macs == {M1: paths[0], M2: paths[1]}

    with patch.object(domain, "withdraw_path", side_effect=AssertionError):
        withdraw_paths(domain, paths)
    assert domain.remote == {}
    assert domain.dirty.macs == {M1: None, M2: None}
