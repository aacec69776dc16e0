"""All routes at once: announced, to the last kernel row; withdrawn, to the last row gone."""

import time

from evpn.dataplane.entries import RTM_DELNEIGH, RTM_NEWNEIGH
from tests.bench import processes, stream
from tests.bench.scene import Scene, cpu_of_each
from tests.bench.stream import ROWS_PER_ROUTE
from tests.bench.watch import EVERY, Watch, neighbors, rows, watched_rows

SHARES = range(5, 101, 5)
"""Percent of the rows, of which it is noted when they were complete: the plot of time over routes."""
_MOST_DUMPED = 200_000
"""Routes up to which all rows are verified by a dump."""


def announce(scene: Scene) -> None:
    """All routes, to the last kernel row; what that cost, and what stays in memory."""
    pids = scene.system.processes()
    count = scene.size.routes
    routes, expected, watched = stream.announcements(0, count), count * ROWS_PER_ROUTE, watched_rows(count)
    scene.note("memory.empty", processes.memory(pids.values()).rss)
    with Watch(scene.site, RTM_NEWNEIGH, EVERY) as watch:
        busy, own = processes.machine(), time.process_time()
        before, began = cpu_of_each(pids), time.monotonic()
        scene.speaker.send_behind(routes)
        complete = watch.wait(watched, scene.size.timeout)
        after = cpu_of_each(pids)
        busy, own = processes.machine() - busy, time.process_time() - own
        _verify(scene, expected, complete, "announced")
    scene.note("bulk.announce", watch.last - began)
    _note_progress(scene, "bulk.announce", watch, watched, began)
    scene.window("announce", began, watch.last)
    scene.note("bulk.notifications", watch.count / watched if watched else 1)
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


def withdraw(scene: Scene) -> None:
    pids = scene.system.processes().values()
    routes, watched = stream.withdrawals(0, scene.size.routes), watched_rows(scene.size.routes)
    with Watch(scene.site, RTM_DELNEIGH, EVERY) as watch:
        before, began = processes.cpu(pids), time.monotonic()
        scene.speaker.send_behind(routes)
        complete = watch.wait(watched, scene.size.timeout)
        _verify(scene, 0, complete, "withdrawn")
        scene.note("bulk.withdraw", watch.last - began)
        _note_progress(scene, "bulk.withdraw", watch, watched, began)
        scene.window("withdraw", began, watch.last)
        scene.note("bulk.withdraw.cpu", processes.cpu(pids).since(before).used)


def again(scene: Scene) -> None:
    """The table of before, not measured."""
    with Watch(scene.site, RTM_NEWNEIGH) as watch:
        scene.speaker.send_behind(stream.announcements(0, scene.size.routes))
        expected = scene.size.routes * ROWS_PER_ROUTE
        _verify(scene, expected, watch.wait(expected, scene.size.timeout), "announced again")


def _note_progress(scene: Scene, name: str, watch: Watch, rows_in_all: int, began: float) -> None:
    """When each twentieth of the rows was complete."""
    for share in SHARES:
        scene.note(f"{name}.at.{share}", watch.reached(rows_in_all * share // 100) - began)


def _verify(scene: Scene, expected: int, complete: bool, what: str) -> None:
    if scene.size.routes > _MOST_DUMPED:
        found, expected = neighbors(scene.site), expected // ROWS_PER_ROUTE
    else:
        found = rows(scene.site)
    if found != expected or not complete:
        raise RuntimeError(
            f"{scene.system.name}, {what}: {found} kernel rows instead of {expected};"
            f" notifications {'complete' if complete else 'missing'}; log: {scene.system.log()[-2000:]}"
        )
