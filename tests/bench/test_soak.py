"""The soak of the bench, at a tiny size: each cycle gives a sample of each process, and no wrong row is overlooked."""

from collections import defaultdict

import pytest

from evpn.wire.attributes import PathAttributes
from tests.bench import stream
from tests.bench.scene import Make, Samples, Size
from tests.bench.site import BRIDGE, DEVICE, Site
from tests.bench.soak import ALL, STORIES, Said, soak_life, wrong_rows
from tests.bench.stream import VTEPS
from tests.bench.vteps import Frr, Ours
from tests.interop.frr import run

pytestmark = pytest.mark.kernel

SIZE = Size(routes=160, macs=20, timeout=30)
ROWS = f"""
bridge fdb add 02:00:00:00:00:05 dev {DEVICE} dst 10.0.0.101 self extern_learn
bridge fdb add 02:00:00:00:00:05 dev {DEVICE} master extern_learn
ip neigh add 172.16.0.5 lladdr 02:00:00:00:00:05 dev {BRIDGE} nud noarp extern_learn
"""


@pytest.mark.parametrize(("make", "processes", "cycles"), [(Ours, ("ExaBGP", "agent"), 2), (Frr, ("zebra", "bgpd"), 1)])
def test_each_cycle_is_a_sample_of_each_process(make: Make, processes: tuple[str, ...], cycles: int) -> None:
    samples: Samples = defaultdict(list)
    soak_life(make, STORIES["routes"], cycles, SIZE, samples)

    assert {name: len(values) for name, values in samples.items()} == dict.fromkeys((*processes, ALL), cycles)
    assert samples[ALL] == [pytest.approx(sum(each)) for each in zip(*map(samples.__getitem__, processes), strict=True)]


def test_rows_are_wrong_that_no_route_asks_for_or_that_are_missing() -> None:
    said = [Said(VTEPS[0], PathAttributes(), [stream.route(5, VTEPS[0])])]
    elsewhere = [said[0]._replace(vtep=VTEPS[1])]

    with Site() as site:
        assert wrong_rows(site, said) == "of 3 kernel rows 3 are missing; 0 are others"
        for program, *arguments in map(str.split, ROWS.strip().splitlines()):
            run(program, "-n", site.vtep, *arguments)

        assert wrong_rows(site, said) == ""
        assert wrong_rows(site, elsewhere) == "of 3 kernel rows 1 are missing; 1 are others"
        assert wrong_rows(site, []) == "of 0 kernel rows 0 are missing; 3 are others"
