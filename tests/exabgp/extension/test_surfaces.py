"""What of ExaBGP is touched is as expected, and says so in one line when it is not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from evpn.exabgp.extension.surfaces import NEEDED, OPTIONAL, PIPES, SURFACES, Surface, mismatches

EVPN = Path(sys.executable).with_name("evpn")


def test_the_installed_exabgp_fits() -> None:
    """In a process of its own, where nothing is replaced yet."""
    program = "from evpn.exabgp.extension.surfaces import mismatches; print(mismatches())"

    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "{}\n"


def test_every_part_has_surfaces() -> None:
    assert {surface.part for surface in SURFACES} == {*NEEDED, *OPTIONAL}


@pytest.mark.parametrize(
    ("name", "parameters", "told"),
    [
        ("Processes.nothing", "self", "exabgp.reactor.api.processes.Processes.nothing is not there"),
        ("Processes.write", "self, line", "takes (self, process, string, neighbor=), not (self, line)"),
        ("Processes.MAX_COMMAND_SIZE", "self", "cannot be called"),
    ],
)
def test_a_mismatch_names_the_surface(name: str, parameters: str, told: str) -> None:
    found = mismatches((Surface(PIPES, "exabgp.reactor.api.processes", name, parameters),))

    assert told in found[PIPES][0]


def test_nothing_is_installed_with_warnings(installed: list[str]) -> None:
    assert installed == []


def exabgp(tmp_path: Path, change: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`evpn exabgp` with another ExaBGP: one in which a line of Python was run before."""
    (tmp_path / "sitecustomize.py").write_text(change)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [str(EVPN), "exabgp", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, env=environment, check=False)


def test_a_needed_surface_that_differs_stops_the_start(tmp_path: Path) -> None:
    done = exabgp(tmp_path, "import exabgp.rib.outgoing as o; o.OutgoingRIB.updates = lambda self: 0", "version")

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        "evpn exabgp: ExaBGP 5.0.15 is not as the extension needs it, 5.0.15 is: "
        "exabgp.rib.outgoing.OutgoingRIB.updates takes (self), not (self, grouped)\n"
    )


def test_so_does_another_meaning_behind_the_same_names(tmp_path: Path) -> None:
    change = "import exabgp.rib as r; r.RIB.__init__ = lambda self, *a: setattr(self, 'name', '') or None"

    done = exabgp(tmp_path, change, "version")

    assert done.returncode == 1
    assert "self-test: " in done.stderr and len(done.stderr.splitlines()) == 1


def test_an_optional_surface_that_differs_is_a_warning(tmp_path: Path) -> None:
    change = "import exabgp.reactor.api.processes as p; p.Processes.write = lambda self: 0"

    done = exabgp(tmp_path, change, "version")

    assert done.returncode == 0 and done.stdout.startswith("ExaBGP : 5.0.15")
    assert "warning, pipes as in ExaBGP: " in done.stderr


CONFIGURATION = """
neighbor 10.0.0.1 {
  router-id 10.0.0.3; local-address 10.0.0.3; local-as 65000; peer-as 65000;
  family { l2vpn evpn; }
  announce { l2vpn { evpn ROUTE; } }
}
"""


@pytest.mark.parametrize(
    "route",
    [
        "mac-ip rd 10.0.0.3:100 mac 50:54:33:00:00:09 vni [ 100 5000 ] next-hop self",
        "multicast rd 10.0.0.3:100 ip 10.0.0.3 next-hop 10.0.0.3 pmsi ingress 100 10.0.0.3",
        "ethernet-ad rd 10.0.0.3:1 esi 00:11:22:33:44:55:66:77:88:99 etag 0 vni 100 next-hop 10.0.0.3",
        "ethernet-segment rd 10.0.0.3:1 esi 00:11:22:33:44:55:66:77:88:99 ip 10.0.0.3 next-hop 10.0.0.3",
        "prefix rd 10.0.0.3:1 prefix 2001:db8::/64 vni 5000 next-hop 2001:db8::3",
    ],
)
def test_validate_takes_routes_of_the_configuration_file(tmp_path: Path, route: str) -> None:
    (tmp_path / "exabgp.conf").write_text(CONFIGURATION.replace("ROUTE", route))

    done = exabgp(tmp_path, "", "validate", "-nr", str(tmp_path / "exabgp.conf"))

    assert done.returncode == 0, done.stderr
    assert "routes" in done.stderr.splitlines()[-1]


def test_validate_says_what_is_wrong_in_which_line(tmp_path: Path) -> None:
    (tmp_path / "exabgp.conf").write_text(CONFIGURATION.replace("ROUTE", "mac-ip rd 1:1 mac 50:54 vni 1 next-hop self"))

    done = exabgp(tmp_path, "", "validate", "-nr", str(tmp_path / "exabgp.conf"))

    assert done.returncode == 1
    assert "mac-ip: mac: '50:54' is not a MAC address" in done.stderr


@pytest.mark.parametrize("form", ["--env-file {}", "--env-file={}"])
def test_an_environment_file_is_read(tmp_path: Path, form: str) -> None:
    path = tmp_path / "exabgp.env"
    path.write_text("[exabgp.daemon]\npid = /run/of-this-test.pid\n")

    done = exabgp(tmp_path, "", *form.format(path).split(), "env")

    assert "/run/of-this-test.pid" in done.stdout
