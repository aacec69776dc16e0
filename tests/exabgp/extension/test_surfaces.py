"""What of ExaBGP is touched is as expected, and says so in one line when it is not."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from evpn.exabgp.extension import fit, surfaces
from evpn.exabgp.extension.fit import Surface, mismatches
from evpn.exabgp.extension.surfaces import BACKOFF, CLOCK, NEEDED, OPTIONAL, PIPES, RELOAD, SURFACES, WAITING

from .loopback import environment, play, run

PARTS = {*NEEDED, *OPTIONAL}

FUNCTIONS = {
    "commands": ("exabgp.reactor.api", "API", "process"),
    "rib": ("exabgp.rib.outgoing", "OutgoingRIB", "updates"),
    "configuration": ("exabgp.bgp.neighbor", "Neighbor", "ip_self"),
    "receive": ("exabgp.reactor.api.response.json", "", "hexstring"),
    "pipes": ("exabgp.reactor.api.processes", "Processes", "received"),
    "reload": ("exabgp.reactor.interrupt", "Signal", "sighup"),
    "backoff": ("exabgp.reactor.delay", "Delay", "increase"),
    "ending": ("exabgp.reactor.loop", "Reactor", "run"),
    "clock": ("exabgp.bgp.timer", "SendTimer", "need_ka"),
    "nodelay": ("exabgp.reactor.network.outgoing", "", "asynchronous"),
    "waiting": ("exabgp.reactor.loop", "Reactor", "_wait_for_io"),
    "batches": ("exabgp.reactor.peer", "Peer", "run"),
    "packets": ("exabgp.reactor.api.response.json", "JSON", "packets"),
}
"""Of each part one function that it touches."""


def other(part: str) -> str:
    """A line that gives the function of a part other parameters; it does what it always did."""
    module, owner, name = FUNCTIONS[part]
    path = f"{owner}.{name}".strip(".")
    return f"import {module} as m; stock = m.{path}; m.{path} = lambda one, *more: stock(one, *more)"


def gone(part: str) -> str:
    module, owner, name = FUNCTIONS[part]
    return f"import {module} as m; del m.{owner}.{name}".replace("..", ".")


def named(part: str) -> str:
    return ".".join(filter(None, FUNCTIONS[part]))


def test_the_installed_exabgp_fits() -> None:
    """In a process of its own, where nothing is replaced yet."""
    program = f"from {fit.__name__} import mismatches; from {surfaces.__name__} import *; print(mismatches(SURFACES))"

    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "{}\n"


def test_every_part_has_surfaces() -> None:
    assert {surface.part for surface in SURFACES} == PARTS


@pytest.mark.parametrize(
    ("name", "parameters", "told"),
    [
        ("Processes.nothing", "self", "exabgp.reactor.api.processes.Processes.nothing is not there"),
        ("Processes().nothing", "", "exabgp.reactor.api.processes.Processes().nothing is not there"),
        (
            "Processes._dispatch.[nothing]",
            "",
            "exabgp.reactor.api.processes.Processes._dispatch.[nothing] is not there",
        ),
        ("Processes.write", "self, line", "takes (self, process, string, neighbor=), not (self, line)"),
        ("Processes.write", "self, process, ...", "takes (self, process, string, neighbor=), not (self, process, ...)"),
        ("Processes.MAX_COMMAND_SIZE", "self", "cannot be called"),
    ],
)
def test_a_mismatch_names_the_surface(name: str, parameters: str, told: str) -> None:
    found = mismatches((Surface(PIPES, "exabgp.reactor.api.processes", name, parameters),))

    assert told in found[PIPES][0]


def test_what_is_only_called_may_have_more_parameters() -> None:
    assert (
        mismatches((Surface(PIPES, "exabgp.reactor.api.processes", "Processes.write", "self, process, string, ..."),))
        == {}
    )


@pytest.mark.parametrize("change", [{"name": "{}_"}, {"module": "{}_"}, {"parameters": "another, {}"}])
def test_no_surface_fits_whatever_is_there(change: dict[str, str]) -> None:
    ((field, form),) = change.items()
    changed = [s._replace(**{field: form.format(getattr(s, field))}) for s in SURFACES if getattr(s, field)]

    assert [s for s in changed if not mismatches((s,))] == []


def test_nothing_is_installed_with_warnings(installed: list[str]) -> None:
    assert installed == []


def test_all_parts_of_it_are_in_exabgp(tmp_path: Path) -> None:
    told = play(tmp_path, environment(tmp_path))

    assert set(told.parts) == PARTS
    assert told.warnings == []
    assert told.heard["pipe"][0]["size"] == 1 << 20


@pytest.mark.parametrize("change", [other, gone], ids=["other", "gone"])
@pytest.mark.parametrize("part", NEEDED)
def test_a_needed_surface_that_differs_stops_the_start(part: str, change: Callable[[str], str], tmp_path: Path) -> None:
    (tmp_path / "exabgp.conf").touch()

    done = run(environment(tmp_path, change(part)), str(tmp_path / "exabgp.conf"))

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines() == [done.stderr.rstrip("\n")]
    assert done.stderr.startswith(
        f"evpn exabgp: ExaBGP 5.0.15 is not as the extension needs it, 5.0.15 is: {named(part)} "
    )


def test_so_does_another_meaning_behind_the_same_names(tmp_path: Path) -> None:
    change = "import exabgp.rib as r; stock = r.RIB.uncache; r.RIB.uncache = lambda self: stock(self.name)"

    done = run(environment(tmp_path, change), "version")

    assert done.returncode == 1
    assert "self-test: AttributeError " in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("part", OPTIONAL)
def test_without_an_optional_part_exabgp_does_as_ever(part: str, tmp_path: Path) -> None:
    told = play(tmp_path, environment(tmp_path, other(part)))

    assert set(told.parts) == PARTS - {part}
    (warning,) = told.warnings
    assert warning.startswith(f"evpn exabgp: warning, {part} as in ExaBGP: ExaBGP 5.0.15 is not as ")
    assert f"{named(part)} takes (one, more), not (" in warning
    assert told.announced == ["InclusiveMulticastRoute", "MacIpRoute"]
    assert told.withdrawn == ["MacIpRoute"]
    assert [answer["id"] for answer in told.heard["evpn-ack"]] == [1, 2]
    assert told.heard["pipe"][0]["size"] == (1 << 16 if part == PIPES else 1 << 20)
    assert told.code == 0


def test_an_optional_surface_that_is_gone_is_a_warning_too(tmp_path: Path) -> None:
    """Here a module: ExaBGP itself has what it needs of it already."""
    change = "import exabgp.reactor.peer, sys; sys.modules['exabgp.reactor.delay'] = None"

    told = play(tmp_path, environment(tmp_path, change))

    assert set(told.parts) == PARTS - {BACKOFF, CLOCK, WAITING}
    backoff, clock, waiting = told.warnings
    assert "backoff as in ExaBGP: " in backoff and "exabgp.reactor.delay.Delay is not there (and 3 more)" in backoff
    assert "clock as in ExaBGP: " in clock and "exabgp.reactor.delay.time is not there" in clock
    assert "waiting as in ExaBGP: " in waiting


def test_without_its_part_sighup_stops_exabgp_as_ever(tmp_path: Path) -> None:
    settings = environment(tmp_path, other(RELOAD)) | {"EVPN_RELOAD": f"touch {tmp_path}/reloaded"}

    told = play(tmp_path, settings, end=signal.SIGHUP)

    assert told.code == 0
    assert not (tmp_path / "reloaded").exists()


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

    done = run(environment(tmp_path), "validate", "-nr", str(tmp_path / "exabgp.conf"))

    assert done.returncode == 0, done.stderr
    assert "routes" in done.stderr.splitlines()[-1]


def test_validate_says_what_is_wrong_in_which_line(tmp_path: Path) -> None:
    (tmp_path / "exabgp.conf").write_text(CONFIGURATION.replace("ROUTE", "mac-ip rd 1:1 mac 50:54 vni 1 next-hop self"))

    done = run(environment(tmp_path), "validate", "-nr", str(tmp_path / "exabgp.conf"))

    assert done.returncode == 1
    assert "mac-ip: mac: '50:54' is not a MAC address" in done.stderr


@pytest.mark.parametrize("form", ["--env-file {}", "--env-file={}"])
def test_an_environment_file_is_read(tmp_path: Path, form: str) -> None:
    path = tmp_path / "exabgp.env"
    path.write_text("[exabgp.daemon]\npid = /run/of-this-test.pid\n")

    done = run(environment(tmp_path), *form.format(path).split(), "env")

    assert "/run/of-this-test.pid" in done.stdout
