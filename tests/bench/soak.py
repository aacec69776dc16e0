"""What months of changes leave in memory: equal cycles of what nobody has seen before, and what is resident after each.

Whatever a cycle brings has gone at its end, or makes room for what the next one brings. So what grows from one to the
next is either remembered on purpose, and then bounded, or kept by mistake. All rows of the kernel are compared with the
routes, whenever the system is calm; one that is wrong ends the life.
"""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from rich.console import Console

from evpn.text import format_ip, format_mac, parse_ip, parse_rd, parse_route_target
from evpn.values import NO_IP, ZERO_MAC, ZERO_TAG, ExtendedCommunity, IpAddress, MacAddress
from evpn.wire import update
from evpn.wire.attributes import PathAttributes
from evpn.wire.communities import encapsulation, mac_mobility
from evpn.wire.pmsi import ingress_replication
from evpn.wire.routes import InclusiveMulticastRoute, MacIpRoute, Route
from tests.bench import hosts, processes, stream
from tests.bench.scene import Make, Samples, Scene, Size, living
from tests.bench.site import FABRIC_ADDRESS, Site
from tests.bench.stream import AS_NUMBER, ROUTES_PER_UPDATE, VNI, Vtep
from tests.bench.vteps import Frr, Ours
from tests.interop.frr import run, until

SoakFound = dict[str, dict[str, Samples]]
"""Story -> system -> MiB after each cycle, of each process and of all."""
Row = tuple[str, str, str]
"""Device, MAC, and what that leads to: a VTEP, the bridge, or the IP of the neighbor."""

ALL = "all"
MAX_MACS = 10_000
"""As by default; so many sequence numbers of MACs that have gone are remembered at least."""
_CALM, _MOMENT, _NOTHING = 3, 0.2, 0.005
"""Calm is who has used next to no CPU, nor waited for one, in so many moments one after the other; all in seconds."""
_VTEPS = "10.0.0.0/8"
_FIRST_VTEP, _FIRST_HOST = (int.from_bytes(parse_ip(text)) for text in ("10.1.0.1", "198.18.0.0"))
_VTEPS_PER_CYCLE, _UPDATES_ALIKE = 8, 10  # so many share attributes
_FIRST_VNI, _VNIS_PER_CYCLE = 200, 4
_STABLE = 11.0
"""Seconds after which the loss of a session no longer makes anybody wait with the next one."""
_HANDFUL, _PAUSE = 50, 0.01
"""Frames that are sent at once, and the seconds until the next ones: no queue is to overflow."""


class Said(NamedTuple):
    """What one UPDATE announces."""

    vtep: Vtep
    attributes: PathAttributes
    routes: Sequence[Route]


class Story(NamedTuple):
    cycle: Callable[[Scene, int], None]
    """With its number, from 0 on."""
    systems: Mapping[str, Make]


def soak(console: Console, cycles: int, size: Size) -> tuple[SoakFound, int]:
    """All stories, and how many lives failed; of these there are the samples until then."""
    found: SoakFound = {}
    failed = 0
    for name, story in STORIES.items():
        for system, make in story.systems.items():
            console.print(f"[dim]{name}, {cycles} cycles: {system}[/dim]", highlight=False)
            samples = found.setdefault(name, {}).setdefault(system, defaultdict(list))
            try:
                soak_life(make, story, cycles, size, samples)
            except (RuntimeError, AssertionError) as error:
                console.print(f"[red]failed:[/red] {error}", highlight=False)
                failed += 1
    return found, failed


def soak_life(make: Make, story: Story, cycles: int, size: Size, samples: Samples) -> None:
    with living(make, size) as empty:
        scene = empty._replace(samples=samples)
        run("ip", "-n", scene.site.vtep, "route", "add", _VTEPS, "via", FABRIC_ADDRESS)  # FRR wants one to next hops
        pids = scene.system.processes()
        for number in range(cycles):
            story.cycle(scene, number)
            if scene.system.processes() != pids:
                raise RuntimeError(f"{scene.system.name} has lost a process: {scene.system.log()[-2000:]}")
            memory = {name: processes.memory([pid]).rss for name, pid in pids.items()}
            scene.note(ALL, sum(memory.values()))
            for name, resident in memory.items():
                scene.note(name, resident)


def _routes(scene: Scene, cycle: int) -> None:
    """All of them announced, all of them withdrawn."""
    said = list(_unheard(cycle, cycle * scene.size.routes, scene.size.routes))
    scene.speaker.send(_announcements(said))
    _settle(scene, lambda: wrong_rows(scene.site, said))
    scene.speaker.send([stream.withdraw(each.routes) for each in said])
    _settle(scene, lambda: wrong_rows(scene.site, []))


def _sessions(scene: Scene, cycle: int) -> None:
    """The session is lost; the next one brings half of the routes as they were, and others instead of the rest."""
    half = scene.size.routes // 2
    said = [*_unheard(0, 0, half), *_unheard(cycle + 1, (cycle + 1) * half, half)]
    before = scene.speaker.sessions
    time.sleep(max(0.0, scene.speaker.since + _STABLE - time.monotonic()))
    scene.speaker.table = [*stream.floods(), *_announcements(said)]
    scene.speaker.drop()
    until(lambda: scene.speaker.sessions > before, scene.size.timeout)
    _settle(scene, lambda: wrong_rows(scene.site, said))


def _hosts(scene: Scene, cycle: int) -> None:
    """Gratuitous ARP of each, then the port is flushed. FRR tells no IP, for the kernel has learnt no neighbor."""
    numbers = range(cycle * scene.size.macs, (cycle + 1) * scene.size.macs)
    sent = {stream.local_mac(number): IpAddress((_FIRST_HOST + number).to_bytes(4)) for number in numbers}
    told = set(sent.items()) if isinstance(scene.system, Ours) else {(mac, NO_IP) for mac in sent}
    heard = len(scene.speaker.updates)
    with hosts.open_host(scene.site) as host:
        for number, (mac, ip) in enumerate(sent.items(), 1):
            host.send(hosts.gratuitous_arp(mac, ip))
            if number % _HANDFUL == 0:
                time.sleep(_PAUSE)
    _settle(scene, lambda: _wrong_hosts(scene, heard, told))
    run("ip", "-n", scene.site.vtep, "link", "set", "port0", "type", "bridge_slave", "fdb_flush")
    _settle(scene, lambda: _wrong_hosts(scene, heard, set()))


def _vnis(scene: Scene, cycle: int) -> None:
    """A reload that makes VNIs, which get routes, and one that takes them away; then their routes and devices go."""
    assert isinstance(scene.system, Ours)
    first, count = _FIRST_VNI + cycle * _VNIS_PER_CYCLE, scene.size.routes // 80
    vnis = range(first, first + _VNIS_PER_CYCLE)
    said = [each for vni in vnis for each in (*_floods(cycle, vni), *_unheard(cycle, vni * count, count, vni))]
    scene.system.reload(vnis)
    scene.speaker.send(_announcements(said))
    _settle(scene, lambda: wrong_rows(scene.site, said))
    scene.system.reload([])
    _settle(scene, lambda: wrong_rows(scene.site, []))
    scene.speaker.send([stream.withdraw(each.routes) for each in said])
    for vni in vnis:
        for device in (f"vxlan{vni}", f"br{vni}"):
            run("ip", "-n", scene.site.vtep, "link", "del", device)
    _settle(scene, lambda: wrong_rows(scene.site, []))


_OURS: dict[str, Make] = {Ours.name: partial(Ours, max_macs=MAX_MACS)}
_BOTH: dict[str, Make] = {**_OURS, Frr.name: Frr}
_IN_BOTH = {"routes": _routes, "sessions": _sessions, "hosts": _hosts}
STORIES = {**{name: Story(cycle, _BOTH) for name, cycle in _IN_BOTH.items()}, "vnis": Story(_vnis, _OURS)}


def _settle(scene: Scene, wrong: Callable[[], str]) -> None:
    """Until the system is calm and nothing is wrong."""
    deadline, found = time.monotonic() + scene.size.timeout, "never calm"
    while not _is_calm(scene) or (found := wrong()):
        if time.monotonic() > deadline:
            raise RuntimeError(f"{scene.system.name}: {found}; log: {scene.system.log()[-2000:]}")


def _is_calm(scene: Scene) -> bool:
    pids = scene.system.processes().values()
    before = processes.cpu(pids)
    for _ in range(_CALM):
        time.sleep(_MOMENT)
        now = processes.cpu(pids)
        since, before = now.since(before), now
        if abs(since.used) + abs(since.waited) > _NOTHING:  # less than nothing, when a thread has ended
            return False
    return True


def wrong_rows(site: Site, said: Iterable[Said]) -> str:
    """Nothing, when there are three for each MAC/IP route, as each must be, and no others."""
    found, expected = set(_found(site)), set(_expected(said))
    missing, others = len(expected - found), len(found - expected)
    return f"of {len(expected)} kernel rows {missing} are missing; {others} are others" if missing or others else ""


def _expected(said: Iterable[Said]) -> Iterator[Row]:
    for vtep, _, routes in said:
        for route in routes:
            if isinstance(route, MacIpRoute):
                device, bridge, mac = f"vxlan{route.vni}", f"br{route.vni}", format_mac(route.mac)
                yield from ((device, mac, format_ip(vtep.address)), (device, mac, bridge))
                yield bridge, mac, format_ip(route.ip)


def _found(site: Site) -> Iterator[Row]:
    """What has been learnt from BGP, flood rows apart."""
    for row in json.loads(run("bridge", "-n", site.vtep, "-j", "fdb", "show")):
        if "extern_learn" in row["flags"] and row["mac"] != format_mac(ZERO_MAC):
            yield row["ifname"], row["mac"], row.get("dst") or row["master"]
    for row in json.loads(run("ip", "-n", site.vtep, "-j", "neigh", "show")):
        if "extern_learn" in row:
            yield row["dev"], row["lladdr"], row["dst"]


def _wrong_hosts(scene: Scene, heard: int, told: set[tuple[MacAddress, IpAddress]]) -> str:
    """`told` is what the UPDATEs from number `heard` on are to have announced and not withdrawn."""
    learnt = json.loads(run("bridge", "-n", scene.site.vtep, "-j", "fdb", "show", "brport", "port0"))
    macs = {row["mac"] for row in learnt if row["state"] != "permanent"}
    announced: set[tuple[MacAddress, IpAddress]] = set()
    for _, body in scene.speaker.updates[heard:]:
        said = update.decode(body)
        announced -= {(route.mac, route.ip) for route in said.withdrawn if isinstance(route, MacIpRoute)}
        announced |= {(route.mac, route.ip) for route in said.announced if isinstance(route, MacIpRoute)}
    if macs == {format_mac(mac) for mac, _ in told} == {format_mac(mac) for mac, _ in announced} and told <= announced:
        return ""
    return f"{len(macs)} MACs on the port, {len(told & announced)} of {len(told)} announced, {len(announced)} in all"


def _announcements(said: Iterable[Said]) -> list[bytes]:
    return [stream.announce(vtep, routes, attributes) for vtep, attributes, routes in said]


def _unheard(cycle: int, first: int, count: int, vni: int = VNI) -> Iterator[Said]:
    """MAC/IP routes from number `first` on; no other cycle has their next hops, route targets and sequence numbers."""
    for number, start in enumerate(range(first, first + count, ROUTES_PER_UPDATE)):
        own = 1000 * cycle + number // _UPDATES_ALIKE
        communities = (*_communities(vni), _target(AS_NUMBER + 1, own), mac_mobility(1 + own))
        vtep = _vtep(cycle, number % _VTEPS_PER_CYCLE, vni)
        indexes = range(start, min(start + ROUTES_PER_UPDATE, first + count))
        routes = [stream.route(index, vtep)._replace(vni=vni) for index in indexes]
        yield Said(vtep, PathAttributes(local_preference=100, extended=communities), routes)


def _floods(cycle: int, vni: int) -> Iterator[Said]:
    for vtep in (_vtep(cycle, number, vni) for number in range(_VTEPS_PER_CYCLE)):
        tunnel = ingress_replication(vni, vtep.address)
        attributes = PathAttributes(local_preference=100, extended=_communities(vni), pmsi=tunnel)
        yield Said(vtep, attributes, [InclusiveMulticastRoute(vtep.rd, ZERO_TAG, vtep.address)])


def _vtep(cycle: int, number: int, vni: int) -> Vtep:
    address = IpAddress((_FIRST_VTEP + 256 * cycle + number).to_bytes(4))
    return Vtep(address, parse_rd(f"{format_ip(address)}:{vni}"))


def _communities(vni: int) -> tuple[ExtendedCommunity, ...]:
    return encapsulation(), _target(AS_NUMBER, vni)


def _target(number: int, local: int) -> ExtendedCommunity:
    return ExtendedCommunity(parse_route_target(f"{number}:{local}"))
