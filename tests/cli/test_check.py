from pathlib import Path

import pytest
from click.testing import CliRunner

from evpn.cli.check import command
from tests.config.files import text


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "vtep.yaml"


def test_a_valid_file_is_summed_up(file: Path) -> None:
    neighbor = {"address": "10.0.0.1", "peer-as": 65001, "password": "hunter2", "hold-time": 9, "graceful-restart": 0}
    file.write_text(text(neighbors=[neighbor], discover=True))
    answer = CliRunner().invoke(command, [str(file)])
    assert answer.exit_code == 0
    assert answer.output.splitlines() == [
        f"{file} is valid",
        "  VTEP 10.0.0.3, AS 65000, router-id 10.0.0.3",
        "  neighbor 10.0.0.1 AS 65001, eBGP, hold 9 s, no graceful restart, with a password",
        "  VNI 100: vxlan100 in br100, static-l2, RD 10.0.0.3:100, import *:100, export 65000:100",
        "  and every VXLAN device that is in a bridge",
    ]


def test_what_frr_makes_of_an_ipv6_vtep_is_a_warning_and_no_mistake(file: Path) -> None:
    file.write_text(text(vtep_address="2001:db8::3", router_id="10.0.0.3", neighbors=[{"address": "2001:db8::1"}]))
    answer = CliRunner().invoke(command, [str(file)])
    assert (answer.exit_code, answer.stderr) == (
        0,
        f"{file}: vtep-address: warning: FRR before 10.6 resets the session on type 3 routes of an IPv6 VTEP, "
        "10.6 treats them as withdrawn, and 10.7 is the first that takes them; GoBGP takes them too\n",
    )
    assert answer.stdout.startswith(f"{file} is valid\n")


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (text(vnis=[{"vni": 0}]), "vnis[0].vni: found 0; accepted: a VNI from 1 to 16777215"),
        (
            text(vnis=[{"vni": 1, "strategy": "dynamic"}]),
            "vnis[0].strategy: found 'dynamic'; accepted: multicast, static-flood, static-l2, static-l3, dynamic-l3",
        ),
        (None, "no such file or directory; accepted: a file that can be read"),
    ],
)
def test_a_mistake_is_one_line_on_standard_error_and_exit_code_2(file: Path, source: str | None, line: str) -> None:
    if source is not None:
        file.write_text(source)
    answer = CliRunner().invoke(command, [str(file)])
    assert (answer.exit_code, answer.stdout, answer.stderr) == (2, "", f"{file}: {line}\n")
