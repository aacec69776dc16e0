"""`evpn check` tells which RDs the VNI alone would not tell."""

from pathlib import Path

from click.testing import CliRunner

from evpn.cli.check import command
from tests.config.files import text


def test_rds_that_are_not_those_of_the_number_are_told_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "vtep.yaml"
    file.write_text(text(vnis=[{"vni": 65636}, {"vni": 100}, {"vni": 131171}, {"vni": 200, "rd": "1:1"}]))
    answer = CliRunner().invoke(command, [str(file)])
    assert [line for line in answer.output.splitlines() if "router-id:VNI" in line] == [
        "  RD other than router-id:VNI: VNI 200 as written; "
        "VNI 65636, 131171 with a free number, unless a running agent has another in use"
    ]
