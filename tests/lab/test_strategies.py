"""labs/strategies: a VNI for each strategy, and the same configuration of the reflector as in quickstart."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from evpn.cli.render import command
from evpn.config.load import load
from evpn.config.settings import Strategy
from evpn.lab import expect
from evpn.lab.find import read
from evpn.lab.run import down, up
from evpn.lab.story import check

LAB = Path(__file__).parents[2] / "labs" / "strategies"


def test_each_strategy_has_a_vni_on_both() -> None:
    for vtep in ("vtep1", "vtep2"):
        found = {vni.vni: vni.strategy for vni in load(LAB / vtep / "vtep.yaml").vnis}

        assert found == dict(zip(range(101, 106), Strategy, strict=True))
        assert load(LAB / vtep / "switched.yaml").vnis != load(LAB / vtep / "vtep.yaml").vnis


def test_the_reflector_s_configuration_is_what_the_template_renders() -> None:
    words = ["frr-route-reflector", "--config", str(LAB / "vtep1" / "vtep.yaml")]
    rendered = CliRunner().invoke(
        command, [*words, "--client", "10.0.0.11", "--client", "10.0.0.12"], catch_exceptions=False
    )

    assert (LAB / "rr" / "frr.conf").read_text() == rendered.stdout


@pytest.mark.kernel
@pytest.mark.interop
def test_all_that_the_lab_promises_holds() -> None:
    told: list[str] = []
    state = up(read(LAB / "topology.clab.yml", "t-strategies"), told.append)
    try:
        well = check(state, expect.decode((LAB / expect.FILE).read_text(), LAB / expect.FILE), told.append)
    finally:
        down("t-strategies")

    assert well, "\n".join(told)
