"""What is measured. Three lives of a system: with many remote routes, idle, and with single events and local MACs.

Each life begins with fresh processes and an empty table, and gives samples: name of a figure -> values.
"""

import random
import time
from contextlib import nullcontext

from evpn.dataplane.entries import RTM_DELNEIGH, RTM_NEWNEIGH
from evpn.wire import update
from evpn.wire.routes import MacIpRoute
from tests.bench import hosts, stream
from tests.bench.bulk import again, announce, withdraw
from tests.bench.scene import Make, Samples, Scene, Size, cpu_of_each, living
from tests.bench.stream import ROWS_PER_ROUTE
from tests.bench.watch import Watch, rows

CASES = ("bulk", "restart", "idle", "update", "local", "burst")

_GAP = (0.02, 0.06)
"""Seconds between single events, at random: both systems have timers of 10 ms, and must not be met in step."""
_LATENCY_TIMEOUT = 3.0
_REST = 2.0
"""Seconds without any change after which a system is believed to be done with its restart."""
_ROUND = 5.0
"""Seconds in which each local host says something, where they are to stay known."""
_BURST, _TALKERS = 1 << 20, 1 << 21
"""First numbers of local hosts that must not be among others."""


def remote_life(make: Make, size: Size, only: str = "") -> Samples:
    """`bulk`, `restart`."""
    with living(make, size) as scene:
        announce(scene)
        if only in ("", "bulk"):
            withdraw(scene)
        if only in ("", "restart"):
            if only == "":
                again(scene)
            for first, crash in enumerate(scene.system.crashes):
                _restart(scene, crash, first)
        return dict(scene.samples)


def idle_life(make: Make, size: Size, only: str = "") -> Samples:
    """`idle`: with all routes, and nothing behind it that is still to be looked at."""
    with living(make, size) as scene:
        announce(scene)
        if size.idle:
            _idle(scene)
        return {name: values for name, values in scene.samples.items() if name.startswith("idle.")}


def event_life(make: Make, size: Size, only: str = "") -> Samples:
    """`update`, `local`, `burst`."""
    with living(make, size) as scene:
        for name, case in (("update", _updates), ("local", _locals), ("burst", _burst)):
            if only in ("", name):
                case(scene)
        return dict(scene.samples)


def _idle(scene: Scene) -> None:
    """In percent of one core, while nothing changes; local hosts say something now and then, and so stay known."""
    pids = scene.system.processes()
    sent = hosts.frames(_TALKERS, scene.size.talkers)
    hosts.send_behind(scene.site, sent)
    _wait_for_macs(scene, _TALKERS, scene.size.talkers, 0)
    with hosts.talking(scene.site, sent, _ROUND) if sent else nullcontext():
        time.sleep(_REST)
        before = cpu_of_each(pids)
        time.sleep(scene.size.idle)
        after = cpu_of_each(pids)
    used = {name: 100 * cpu.since(before[name]).used / scene.size.idle for name, cpu in after.items()}
    scene.note("idle.cpu", sum(used.values()))
    for name, percent in used.items():
        scene.note(f"idle.cpu.{name}", percent)


def _restart(scene: Scene, crash: str, first: int) -> None:
    """A crash, while the first route goes and another comes: in sync is who has noticed both."""
    count = scene.size.routes
    scene.speaker.table = [*stream.floods(), *stream.announcements(first + 1, count)]
    with Watch(scene.site, RTM_NEWNEIGH) as written, Watch(scene.site, RTM_DELNEIGH) as lost:
        before = rows(scene.site)
        began = time.monotonic()
        scene.system.crash(crash)
        deadline = began + scene.size.timeout
        while time.monotonic() < deadline:
            moved = written.drain() + lost.drain()
            at_rest = time.monotonic() - max(written.last, lost.last, began) > _REST
            if not moved and at_rest and written.count >= ROWS_PER_ROUTE:
                break
            time.sleep(0.002)
        excess = rows(scene.site) - before
        ended = max(written.last, lost.last)
        scene.note(f"restart.{crash}.seconds", ended - began)
        scene.window("restart", began, ended)
        scene.note(f"restart.{crash}.written", written.count - ROWS_PER_ROUTE)
        scene.note(f"restart.{crash}.lost", max(0, lost.count - (ROWS_PER_ROUTE if excess <= 0 else 0)))
        scene.note(f"restart.{crash}.wrong", abs(excess))


def _updates(scene: Scene) -> None:
    """One UPDATE to the row of the VXLAN device, the last one that forwarding needs."""
    with Watch(scene.site, RTM_NEWNEIGH) as watch:
        for index in range(scene.size.events):
            mac = stream.remote_mac(index)
            routes = stream.announcements(index, 1)
            _pause()
            began = time.monotonic()
            scene.speaker.send(routes)
            while True:
                when, row = watch.next_row(_LATENCY_TIMEOUT)
                if row is None:
                    raise RuntimeError(f"{scene.system.name} wrote no row for {mac.hex(':')}")
                if row.lladdr == mac and row.ifindex == scene.site.device and row.dst:
                    scene.note("update", 1000 * (when - began))
                    break


def _locals(scene: Scene) -> None:
    """One frame of an unknown host to the UPDATE that announces it."""
    host = hosts.open_host(scene.site)
    for index in range(scene.size.events):
        mac = stream.local_mac(index)
        _pause()
        heard = len(scene.speaker.updates)
        began = time.monotonic()
        host.send(hosts.frame(mac))
        when = scene.speaker.wait_for(lambda body, mac=mac: mac in body, _LATENCY_TIMEOUT, heard)  # type: ignore[misc]
        if when is None:
            raise RuntimeError(f"{scene.system.name} did not announce {mac.hex(':')}")
        scene.note("local", 1000 * (when - began))
    host.close()


def _burst(scene: Scene) -> None:
    """Many hosts at once to the UPDATE of the last one."""
    sent = hosts.frames(_BURST, scene.size.macs)
    heard = len(scene.speaker.updates)
    pids = scene.system.processes()
    before, began = cpu_of_each(pids), time.monotonic()
    hosts.send_behind(scene.site, sent)
    when, missing = _wait_for_macs(scene, _BURST, scene.size.macs, heard)
    if when is not None:
        scene.note("burst", when - began)
        scene.window("burst", began, when)
        for name, cpu in cpu_of_each(pids).items():
            scene.note(f"burst.cpu.{name}", cpu.since(before[name]).used)
        scene.note("burst.cpu", sum(scene.samples[f"burst.cpu.{name}"][-1] for name in pids))
    scene.note("burst.missing", missing)


def _wait_for_macs(scene: Scene, first: int, count: int, heard: int) -> tuple[float | None, int]:
    """When the last of so many local MACs was announced, of UPDATEs from number `heard` on; and how many were not."""
    missing = {stream.local_mac(first + index) for index in range(count)}

    def complete(body: bytes) -> bool:
        announced = update.decode(body).announced
        missing.difference_update([route.mac for route in announced if isinstance(route, MacIpRoute)])
        return not missing

    when = scene.speaker.wait_for(complete, scene.size.timeout / 4, heard) if missing else None
    return when, len(missing)


def _pause() -> None:
    time.sleep(random.uniform(*_GAP))
