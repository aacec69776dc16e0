"""What is measured. Two lives of a system: one with many remote routes, one with single events and local MACs.

Each life begins with fresh processes and an empty table, and gives samples: name of a figure -> values.
"""

import random
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from evpn.netlink.constants import RTM_DELNEIGH, RTM_NEWNEIGH
from evpn.wire import update
from evpn.wire.routes import InclusiveMulticastRoute, MacIpRoute
from tests.bench import processes, stream
from tests.bench.site import BRIDGE_MAC, Site
from tests.bench.speaker import Speaker
from tests.bench.stream import ROWS_PER_ROUTE
from tests.bench.vteps import System
from tests.bench.watch import EVERY, Watch, flood_rows, rows
from tests.interop.frr import until

Samples = dict[str, list[float]]
Make = Callable[[Site], System]

CASES = ("bulk", "idle", "restart", "update", "local", "burst")

_GAP = (0.02, 0.06)
"""Seconds between single events, at random: both systems have timers of 10 ms, and must not be met in step."""
_LATENCY_TIMEOUT = 3.0
_ETHERTYPE = b"\x88\xb5"  # for local experiments: nobody reads it, nobody answers
_EMPTY = bytes(46)
CALM = 1.0
"""Seconds that a life waits at most for others to leave the machine alone."""
_REST = 2.0
"""Seconds without any change after which a system is believed to be done with its restart."""


class Size(NamedTuple):
    routes: int = 20_000
    events: int = 34
    """Single UPDATEs, and single local MACs, in each life."""
    macs: int = 5_000
    """Local MACs of a burst."""
    idle: float = 0.0
    """Seconds of watching an idle system; 0 is none."""
    timeout: float = 120.0
    """Seconds after which a system that does not get there has failed."""


class Scene(NamedTuple):
    site: Site
    speaker: Speaker
    system: System
    size: Size
    samples: Samples

    def note(self, figure: str, value: float) -> None:
        self.samples[figure].append(value)

    def window(self, name: str, began: float, ended: float) -> None:
        """When something was measured, for `profile`."""
        self.note(f"{name}.window.began", began)
        self.note(f"{name}.window.ended", ended)


@contextmanager
def living(make: Make, size: Size) -> Iterator[Scene]:
    """A system that has its session, has told its type 3 route and has made the flood rows of the others."""
    processes.wait_for_calm(CALM)
    with Site() as site, Speaker(site) as speaker:
        speaker.table = stream.floods()
        system = make(site)
        try:
            system.start()
            if speaker.wait_for(is_flood, 40) is None:
                raise RuntimeError(f"{system.name} told no type 3 route: {system.log()[-2000:]}")
            until(lambda: flood_rows(site) == len(stream.VTEPS), 20)
            time.sleep(0.5)
            yield Scene(site, speaker, system, size, defaultdict(list))
        finally:
            system.stop()


def remote_life(make: Make, size: Size, only: str = "") -> Samples:
    """`bulk`, `idle`, `restart`."""
    with living(make, size) as scene:
        _announce(scene)
        if only in ("", "idle") and size.idle:
            _idle(scene)
        if only in ("", "bulk"):
            _withdraw(scene)
        if only in ("", "restart"):
            if only == "":
                _again(scene)
            for first, crash in enumerate(scene.system.crashes):
                _restart(scene, crash, first)
        return dict(scene.samples)


def event_life(make: Make, size: Size, only: str = "") -> Samples:
    """`update`, `local`, `burst`."""
    with living(make, size) as scene:
        for name, case in (("update", _updates), ("local", _locals), ("burst", _burst)):
            if only in ("", name):
                case(scene)
        return dict(scene.samples)


def _announce(scene: Scene) -> None:
    """All routes, to the last kernel row; what that cost, and what stays in memory."""
    pids = scene.system.processes()
    routes, expected = stream.announcements(0, scene.size.routes), scene.size.routes * ROWS_PER_ROUTE
    scene.note("memory.empty", processes.memory(pids.values()).rss)
    with Watch(scene.site, RTM_NEWNEIGH, EVERY) as watch:
        busy, own = processes.machine(), time.process_time()
        before, began = _cpu_of_each(pids), time.monotonic()
        scene.speaker.send_behind(routes)
        complete = watch.wait(expected // EVERY, scene.size.timeout)
        after = _cpu_of_each(pids)
        busy, own = processes.machine() - busy, time.process_time() - own
        _verify(scene, expected, complete, "announced")
    scene.note("bulk.announce", watch.last - began)
    scene.window("announce", began, watch.last)
    scene.note("bulk.notifications", watch.count * EVERY / expected)
    used = {name: after[name].since(before[name]) for name in pids}
    scene.note("bulk.cpu", sum(cpu.used for cpu in used.values()))
    scene.note("bulk.cpu.others", max(0.0, busy - own - scene.samples["bulk.cpu"][-1]))
    scene.note("bulk.cpu.waited", sum(cpu.waited for cpu in used.values()))
    scene.note("bulk.cpu.watcher", watch.cpu)
    time.sleep(1)  # for what is done after the rows
    memory = {name: processes.memory([pid]) for name, pid in pids.items()}
    scene.note("memory.rss", sum(each.rss for each in memory.values()))
    scene.note("memory.pss", sum(each.pss for each in memory.values()))
    for name in pids:
        scene.note(f"bulk.cpu.{name}", used[name].used)
        scene.note(f"memory.rss.{name}", memory[name].rss)


def _withdraw(scene: Scene) -> None:
    pids = scene.system.processes().values()
    routes, expected = stream.withdrawals(0, scene.size.routes), scene.size.routes * ROWS_PER_ROUTE
    with Watch(scene.site, RTM_DELNEIGH, EVERY) as watch:
        before, began = processes.cpu(pids), time.monotonic()
        scene.speaker.send_behind(routes)
        complete = watch.wait(expected // EVERY, scene.size.timeout)
        _verify(scene, 0, complete, "withdrawn")
        scene.note("bulk.withdraw", watch.last - began)
        scene.window("withdraw", began, watch.last)
        scene.note("bulk.withdraw.cpu", processes.cpu(pids).since(before).used)


def _again(scene: Scene) -> None:
    """The table of before, not measured."""
    with Watch(scene.site, RTM_NEWNEIGH) as watch:
        scene.speaker.send_behind(stream.announcements(0, scene.size.routes))
        expected = scene.size.routes * ROWS_PER_ROUTE
        _verify(scene, expected, watch.wait(expected, scene.size.timeout), "announced again")


def _idle(scene: Scene) -> None:
    """In percent of one core."""
    pids = scene.system.processes()
    before = _cpu_of_each(pids)
    time.sleep(scene.size.idle)
    used = {name: 100 * cpu.since(before[name]).used / scene.size.idle for name, cpu in _cpu_of_each(pids).items()}
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
    host = _host(scene.site)
    for index in range(scene.size.events):
        mac = stream.local_mac(index)
        _pause()
        heard = len(scene.speaker.updates)
        began = time.monotonic()
        host.send(_frame(mac))
        when = scene.speaker.wait_for(lambda body, mac=mac: mac in body, _LATENCY_TIMEOUT, heard)  # type: ignore[misc]
        if when is None:
            raise RuntimeError(f"{scene.system.name} did not announce {mac.hex(':')}")
        scene.note("local", 1000 * (when - began))
    host.close()


def _burst(scene: Scene) -> None:
    """Many hosts at once to the UPDATE of the last one."""
    first = 1 << 20
    frames = [_frame(stream.local_mac(first + index)) for index in range(scene.size.macs)]
    missing = {stream.local_mac(first + index) for index in range(scene.size.macs)}
    heard = len(scene.speaker.updates)
    pids = scene.system.processes()
    before = _cpu_of_each(pids)

    def complete(body: bytes) -> bool:
        announced = update.decode(body).announced
        missing.difference_update([route.mac for route in announced if isinstance(route, MacIpRoute)])
        return not missing

    began = time.monotonic()
    threading.Thread(target=_send_all, args=(_host(scene.site), frames), daemon=True).start()
    when = scene.speaker.wait_for(complete, scene.size.timeout / 4, heard)
    if when is not None:
        scene.note("burst", when - began)
        scene.window("burst", began, when)
        for name, cpu in _cpu_of_each(pids).items():
            scene.note(f"burst.cpu.{name}", cpu.since(before[name]).used)
        scene.note("burst.cpu", sum(scene.samples[f"burst.cpu.{name}"][-1] for name in pids))
    scene.note("burst.missing", len(missing))


def _cpu_of_each(pids: Mapping[str, int]) -> dict[str, processes.Cpu]:
    return {name: processes.cpu([pid]) for name, pid in pids.items()}


def _verify(scene: Scene, expected: int, complete: bool, what: str) -> None:
    found = rows(scene.site)
    if found != expected or not complete:
        raise RuntimeError(
            f"{scene.system.name}, {what}: {found} kernel rows instead of {expected};"
            f" notifications {'complete' if complete else 'missing'}; log: {scene.system.log()[-2000:]}"
        )


def is_flood(body: bytes) -> bool:
    return any(isinstance(route, InclusiveMulticastRoute) for route in update.decode(body).announced)


def _host(site: Site) -> socket.socket:
    with site.within(site.fabric):
        host = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        host.bind(("host0", 0))
    return host


def _frame(mac: bytes) -> bytes:
    """To the bridge itself, which learns the source and floods nothing."""
    return BRIDGE_MAC + mac + _ETHERTYPE + _EMPTY


def _send_all(host: socket.socket, frames: list[bytes]) -> None:
    for frame in frames:
        host.send(frame)
    host.close()


def _pause() -> None:
    time.sleep(random.uniform(*_GAP))
