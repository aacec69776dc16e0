"""One life of a system that is measured: fresh processes, a session, and the samples that come of it."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from evpn.wire import update
from evpn.wire.routes import InclusiveMulticastRoute
from tests.bench import processes, stream
from tests.bench.site import Site
from tests.bench.speaker import Speaker
from tests.bench.vteps import System
from tests.bench.watch import flood_rows
from tests.interop.frr import until

Samples = dict[str, list[float]]
"""Name of a figure -> values."""
Make = Callable[[Site], System]

CALM = 1.0
"""Seconds that a life waits at most for others to leave the machine alone."""


class Size(NamedTuple):
    routes: int = 20_000
    events: int = 34
    """Single UPDATEs, and single local MACs, in each life."""
    macs: int = 20_000
    """Local MACs of a burst."""
    idle: float = 0.0
    """Seconds of watching an idle system; 0 is none."""
    talkers: int = 0
    """Local MACs refreshed by traffic meanwhile."""
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


def cpu_of_each(pids: Mapping[str, int]) -> dict[str, processes.Cpu]:
    return {name: processes.cpu([pid]) for name, pid in pids.items()}


def is_flood(body: bytes) -> bool:
    return any(isinstance(route, InclusiveMulticastRoute) for route in update.decode(body).announced)
