"""labs/quickstart, as the README tells it."""

from pathlib import Path

from click.testing import CliRunner

from evpn.cli.render import command

LAB = Path(__file__).parents[2] / "labs" / "quickstart"
VTEPS = ("10.0.0.11", "10.0.0.12")


def test_the_reflector_s_configuration_is_what_the_template_renders() -> None:
    clients = [word for vtep in VTEPS for word in ("--client", vtep)]
    rendered = CliRunner().invoke(
        command, ["frr-route-reflector", "--config", str(LAB / "vtep1" / "vtep.yaml"), *clients], catch_exceptions=False
    )

    assert (LAB / "rr" / "frr.conf").read_text() == rendered.stdout
