"""labs/strategies and labs/strategies-ipv6: a VNI for each strategy, over both underlays, with files of one origin."""

from pathlib import Path

import pytest

from evpn.config.load import load
from evpn.config.settings import Strategy
from evpn.lab import expect
from evpn.lab.find import read
from evpn.lab.run import down, up
from evpn.lab.story import check
from labs.strategies import generate, switches

LABS = Path(__file__).parents[2] / "labs"
NAMES = ["strategies", "strategies-ipv6"]


@pytest.mark.parametrize("lab", NAMES)
def test_each_strategy_has_a_vni_on_both(lab: str) -> None:
    for vtep in switches.VTEPS:
        found = {vni.vni: vni.strategy for vni in load(LABS / lab / vtep / "vtep.yaml").vnis}

        assert found == dict(zip(range(101, 106), Strategy, strict=True))


def test_the_files_are_what_the_templates_make() -> None:
    made = dict(generate.files())

    assert {path: path.read_text() for path in made} == made
    assert {path.name for path in made} == {"topology.clab.yml", "expect.yml", "vtep.yaml", "frr.conf"}


def test_four_reloads_make_every_ordered_pair_and_lead_back() -> None:
    names = [strategy.value for strategy in Strategy]
    turns = list(switches.turns(names))

    assert sorted(pair for old, new in turns for pair in zip(old, new, strict=True)) == sorted(
        (old, new) for old in names for new in names if old != new
    )
    assert turns[0][0] == turns[-1][1] == names


@pytest.mark.kernel
@pytest.mark.interop
@pytest.mark.parametrize("lab", NAMES)
def test_all_that_the_lab_promises_holds(lab: str) -> None:
    told: list[str] = []
    state = up(read(LABS / lab / "topology.clab.yml", f"t-{lab}"), told.append)
    try:
        well = check(
            state, expect.decode((LABS / lab / expect.FILE).read_text(), LABS / lab / expect.FILE), told.append
        )
    finally:
        down(f"t-{lab}")

    assert well, "\n".join(told)
