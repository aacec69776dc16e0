import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from evpn.cli.render import command
from evpn.config.load import load
from evpn.config.render import render
from tests.config.files import text


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "vtep.yaml"
    path.write_text(text(neighbors=[{"address": "10.0.0.1"}, {"address": "10.0.0.2", "peer-as": 65002}]))
    return path


def invoke(file: Path, template: str, *options: str) -> Result:
    return CliRunner().invoke(command, [template, "--config", str(file), *options])


def test_a_template_goes_to_standard_output(file: Path) -> None:
    answer = invoke(file, "exabgp")
    assert answer.exit_code == 0
    assert answer.stdout == render("exabgp", load(file))


def test_a_template_goes_to_a_private_file(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "exabgp.conf"
    answer = invoke(file, "exabgp", "-o", str(out))
    assert (answer.exit_code, answer.output) == (0, "")
    assert out.read_text() == render("exabgp", load(file))
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_a_reflector_is_told_its_clients(file: Path) -> None:
    options = ["--client", "10.0.0.3", "--client", "10.0.0.4", "--client-range", "10.1.0.0/16"]
    lines = [line.strip() for line in invoke(file, "frr-route-reflector", *options).stdout.splitlines()]
    assert [line for line in lines if line.endswith("peer-group vteps")] == [
        "neighbor 10.0.0.3 peer-group vteps",
        "neighbor 10.0.0.4 peer-group vteps",
        "bgp listen range 10.1.0.0/16 peer-group vteps",
    ]


def test_a_reflector_can_be_the_second_neighbor(file: Path) -> None:
    assert "router bgp 65002" in invoke(file, "frr-route-reflector", "--neighbor", "10.0.0.2").stdout


def test_a_reflector_can_have_a_router_id_of_its_own(file: Path) -> None:
    told = ("--router-id", "192.0.2.1")
    assert "bgp router-id 192.0.2.1\n" in invoke(file, "frr-route-reflector", *told).stdout
    assert 'router-id = "192.0.2.1"\n' in invoke(file, "gobgp-route-reflector", *told).stdout


@pytest.mark.parametrize(
    ("template", "warned"),
    [("exabgp", False), ("frr-route-reflector", True), ("frr-vtep", True), ("gobgp-route-reflector", False)],
)
def test_frr_for_an_ipv6_vtep_is_rendered_with_a_warning(file: Path, template: str, warned: bool) -> None:
    assert invoke(file, template).stderr == ""
    file.write_text(text(vtep_address="2001:db8::3", router_id="10.0.0.3", neighbors=[{"address": "2001:db8::1"}]))
    answer = invoke(file, template)
    assert answer.exit_code == 0
    assert answer.stdout == render(template, load(file))
    for place in (answer.stderr, answer.stdout):
        assert ("FRR before 10.6 resets the session on type 3 routes of an IPv6 VTEP" in place) == warned


def test_a_variable_can_be_set(file: Path) -> None:
    assert 'run "/opt/evpn" plugin' in invoke(file, "exabgp", "--set", "evpn_command=/opt/evpn").stdout


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["exabg"], "no template exabg; accepted: "),
        (["exabgp", "--client", "10.0.0.3"], "template exabgp has no variable clients; accepted: evpn_command"),
        (["exabgp", "--set", "a"], "--set: found 'a'; accepted: NAME=TEXT"),
        (
            ["frr-route-reflector", "--neighbor", "10.0.0.9"],
            "--neighbor: found '10.0.0.9'; accepted: 10.0.0.1, 10.0.0.2",
        ),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(file: Path, options: list[str], line: str) -> None:
    answer = invoke(file, *options)
    assert (answer.exit_code, answer.stdout, answer.stderr.count("\n")) == (2, "", 1)
    assert answer.stderr.startswith(line)


def test_a_full_disk_is_no_mistake_and_exit_code_1(file: Path) -> None:
    answer = invoke(file, "exabgp", "-o", "/dev/full")
    assert (answer.exit_code, answer.stdout, answer.stderr) == (1, "", "/dev/full: no space left on device\n")


@pytest.mark.parametrize(
    "option", [["--client", "10.0.0"], ["--client-range", "10.0.0.1/8"], ["--router-id", "2001:db8::1"]]
)
def test_a_wrong_address_is_a_usage_error(file: Path, option: list[str]) -> None:
    assert invoke(file, "frr-route-reflector", *option).exit_code == 2
