"""labs/quickstart, as the README tells it."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from evpn.cli.render import command
from evpn.lab import expect
from evpn.lab.find import read
from evpn.lab.run import down, up
from evpn.lab.story import check

LAB = Path(__file__).parents[2] / "labs" / "quickstart"
VTEPS = ("10.0.0.11", "10.0.0.12")


def test_the_reflector_s_configuration_is_what_the_template_renders() -> None:
    clients = [word for vtep in VTEPS for word in ("--client", vtep)]
    rendered = CliRunner().invoke(
        command, ["frr-route-reflector", "--config", str(LAB / "vtep1" / "vtep.yaml"), *clients], catch_exceptions=False
    )

    assert (LAB / "rr" / "frr.conf").read_text() == rendered.stdout


@pytest.mark.kernel
@pytest.mark.interop
def test_all_that_the_lab_promises_holds() -> None:
    """Under a name of its own, so that a quickstart that is up is left alone."""
    told: list[str] = []
    state = up(read(LAB / "topology.clab.yml", "t-quickstart"), told.append)
    try:
        well = check(state, expect.decode((LAB / expect.FILE).read_text(), LAB / expect.FILE), told.append)
    finally:
        down("t-quickstart")

    assert well, "\n".join(told)
