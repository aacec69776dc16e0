"""What is rendered, read by the programs it is for."""

import logging
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evpn.config.errors import ConfigError
from evpn.config.load import loads
from evpn.config.render import render
from evpn.config.settings import Settings
from tests.config.files import a_config, text
from tests.interop.frr import daemon

BIN = Path(sys.executable).parent
ROOT = Path(__file__).parents[2]
EBGP = {"address": "10.0.0.2", "peer-as": 4200000001, "ebgp-multihop": 3, "passive": True, "hold-time": 9}
FILES: dict[str, dict[str, Any]] = {
    "smallest": {},
    "two neighbors": {"neighbors": [{"address": "10.0.0.1", "password": "a#;{}[]b", "hold-time": 0}, EBGP]},
    "awkward password": {"neighbors": [{"address": "10.0.0.1", "password": "a\"b'\\c", "graceful-restart": 0}]},
    "ipv6": {
        "vtep_address": "2001:db8::3",
        "router_id": "10.0.0.3",
        "neighbors": [{"address": "2001:db8::1", "password": "x"}],
    },
    "written route targets": {
        "vnis": [
            {"vni": 100, "rd": "65000:7", "route-targets": {"import": ["4200000000:7", "*:8"], "export": []}},
            {"vni": 16777215, "ports": ["tap0"], "mtu": 1450, "neighbor-suppression": False},
        ]
    },
    "rfc8365": {"defaults": {"rfc8365": True}},
    "discovered": {"vnis": None, "discover": True},
}
every_file = pytest.mark.parametrize("changes", FILES.values(), ids=FILES)


def neighbor_lines(config: str) -> list[str]:
    return [line.strip() for line in config.splitlines()]


@every_file
@pytest.mark.parametrize("command", [["exabgp"], ["evpn", "exabgp"]], ids=" ".join)
def test_exabgp_accepts_its_configuration(tmp_path: Path, changes: dict[str, Any], command: list[str]) -> None:
    file = tmp_path / "exabgp.conf"
    file.write_text(render("exabgp", a_config(**changes)))
    validate = [str(BIN / command[0]), *command[1:], "validate", "-nr", str(file)]
    answer = subprocess.run(validate, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.fixture
def understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Settings], Any]:
    """What ExaBGP makes of the rendered configuration."""
    from exabgp.configuration.configuration import Configuration
    from exabgp.logger.option import option

    monkeypatch.setattr(option, "logger", logging.getLogger("exabgp"))

    def understand(settings: Settings) -> Any:
        file = tmp_path / "exabgp.conf"
        file.write_text(render("exabgp", settings))
        configuration = Configuration([str(file)])
        assert configuration.reload(), str(configuration.error)
        return configuration

    return understand


def test_exabgp_starts_the_agent_with_this_very_file(tmp_path: Path, understood: Callable[[Settings], Any]) -> None:
    folder = tmp_path / "with blanks; and {braces}"
    folder.mkdir()
    settings = loads(text(), folder / "vtep.yaml")
    configuration = understood(settings)
    assert configuration.processes["evpn"]["run"] == [
        str(BIN / "evpn"),
        "plugin",
        "--config",
        str(folder / "vtep.yaml"),
    ]
    assert configuration.processes["evpn"]["encoder"] == "json"


def test_exabgp_understands_each_neighbor(understood: Callable[[Settings], Any]) -> None:
    reflector = {"address": "10.0.0.1", "password": "a#;{}[]b"}
    neighbors = understood(a_config(neighbors=[reflector, EBGP])).neighbors
    first, second = neighbors.values()
    assert str(first["peer-address"]) == "10.0.0.1"
    assert (int(first["peer-as"]), int(first["hold-time"]), first["passive"]) == (65000, 180, False)
    assert (first["md5-password"], first["outgoing-ttl"]) == ("a#;{}[]b", None)
    assert first["capability"]["graceful-restart"] == 120
    assert (int(second["peer-as"]), int(second["hold-time"]), second["passive"]) == (4200000001, 9, True)
    assert (second["md5-password"], second["outgoing-ttl"]) == (None, 3)
    for neighbor in (first, second):
        assert (neighbor["adj-rib-in"], neighbor["adj-rib-out"], neighbor["manual-eor"]) == (False, True, True)
        assert neighbor["capability"]["route-refresh"]
        assert not neighbor["capability"]["extended-message"]
        assert [f"{afi} {safi}" for afi, safi in neighbor.families()] == ["l2vpn evpn"]
        told = {key for key, processes in neighbor.api.items() if processes and key != "processes"}
        assert told == {
            "neighbor-changes",
            "receive-packets",
            "receive-update",
            "receive-open",
            "receive-refresh",
            "receive-notification",
        }


def test_an_awkward_password_reaches_exabgp(understood: Callable[[Settings], Any]) -> None:
    from exabgp.util.psk import decode_base64

    settings = a_config(**FILES["awkward password"])
    (neighbor,) = understood(settings).neighbors.values()
    assert neighbor["md5-base64"]
    assert decode_base64(neighbor["md5-password"]).decode() == settings.neighbors[0].password
    assert not neighbor["capability"]["graceful-restart"]


def test_ebgp_without_multihop_is_one_hop(understood: Callable[[Settings], Any]) -> None:
    settings = a_config(neighbors=[{"address": "10.0.0.1", "peer-as": 65001}])
    (neighbor,) = understood(settings).neighbors.values()
    assert neighbor["outgoing-ttl"] == 1


@pytest.mark.parametrize("name", ['a"b.yaml', "a\\b.yaml", "a\nb.yaml"])
def test_a_file_name_that_exabgp_cannot_quote_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"^ExaBGP's configuration cannot hold "):
        render("exabgp", loads(text(), Path("/etc") / name))


@pytest.mark.interop
@every_file
@pytest.mark.parametrize("name", ["frr-route-reflector", "frr-vtep"])
def test_frr_accepts_its_configuration(changes: dict[str, Any], name: str) -> None:
    assert complaints_of_frr(render(name, a_config(**changes))) == ""


@pytest.mark.interop
def test_frr_accepts_a_reflector_of_many() -> None:
    config = render(
        "frr-route-reflector",
        a_config(),
        clients=["10.0.0.3", "10.0.0.4"],
        client_ranges=["10.1.0.0/16", "2001:db8::/64"],
    )
    assert complaints_of_frr(config) == ""


@pytest.mark.interop
def test_frr_would_have_complained() -> None:
    config = render("frr-vtep", a_config())
    assert complaints_of_frr(config.replace("activate", "actvate"))
    assert complaints_of_frr(config.replace("remote-as 65000", "remote-as 0"))


def complaints_of_frr(config: str) -> str:
    """Of vtysh, which knows the syntax of all daemons, and of bgpd, which does what it reads."""
    with tempfile.TemporaryDirectory() as folder:  # not below tmp_path, where the user frr may not go
        Path(folder).chmod(0o755)
        file = Path(folder) / "frr.conf"
        file.write_text(config)
        file.chmod(0o644)
        commands = (["vtysh", "-C", "-f", str(file)], daemon("bgpd", "-C", "-f", str(file)))
        answers = [subprocess.run(command, capture_output=True, text=True, check=False) for command in commands]
    return "".join(answer.stdout + answer.stderr for answer in answers)


def test_a_reflector_serves_this_vtep_unless_told_whom() -> None:
    lines = neighbor_lines(render("frr-route-reflector", a_config(local_address="10.0.0.9")))
    assert "neighbor 10.0.0.9 peer-group vteps" in lines
    told = neighbor_lines(render("frr-route-reflector", a_config(), client_ranges=["10.0.0.0/8"]))
    assert "bgp listen range 10.0.0.0/8 peer-group vteps" in told
    assert "neighbor 10.0.0.3 peer-group vteps" not in told


def test_a_reflector_of_ibgp_reflects_and_one_of_ebgp_keeps_the_next_hop() -> None:
    internal = neighbor_lines(render("frr-route-reflector", a_config()))
    assert "neighbor vteps route-reflector-client" in internal
    settings = a_config(neighbors=[{"address": "10.0.0.1"}, EBGP])
    external = neighbor_lines(render("frr-route-reflector", settings, neighbor=settings.neighbors[1]))
    assert "router bgp 4200000001" in external
    assert {"neighbor vteps attribute-unchanged next-hop", "neighbor vteps ebgp-multihop 3"} <= set(external)
    assert "neighbor vteps remote-as external" in external  # each VTEP has an AS of its own
    assert "neighbor vteps route-reflector-client" not in external


def test_devices_over_ipv6_take_packets_without_checksums() -> None:
    (command,) = (line for line in render("frr-vtep", a_config(**FILES["ipv6"])).splitlines() if "type vxlan" in line)
    assert command.endswith(" local 2001:db8::3 dstport 4789 nolearning udp6zerocsumrx")
    assert "udp6" not in render("frr-vtep", a_config())


def test_what_frr_does_by_default_is_not_said() -> None:
    lines = neighbor_lines(render("frr-vtep", a_config()))
    assert not [line for line in lines if "timers" in line or line.startswith("vni ")]


def test_the_wheel_has_the_templates_and_the_labs(tmp_path: Path) -> None:
    source = tmp_path / "source"
    ignored = shutil.ignore_patterns(".git", ".venv", "tests", "__pycache__", ".*_cache", ".hypothesis")
    shutil.copytree(ROOT, source, ignore=ignored)
    wheel = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*wheel, "--wheel-dir", str(tmp_path), str(source)], check=True)
    (file,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        archive.extractall(tmp_path / "installed")
    shipped = {path.name for path in (tmp_path / "installed" / "evpn" / "templates").iterdir()}
    assert shipped == {path.name for path in (ROOT / "templates").iterdir()}

    def installed(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {"PYTHONPATH": str(tmp_path / "installed")}
        command = [sys.executable, *arguments]
        return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)

    asked = installed("-c", "from evpn.config import render; print(render.__file__, *render.names())").stdout
    assert asked.startswith(str(tmp_path / "installed"))
    assert "exabgp" in asked.split()
    listed = installed("-c", "from evpn.cli.main import main; main()", "lab", "list")
    assert {path.parent.name for path in ROOT.glob("labs/*/README.md")} <= {*listed.stdout.split()}
    assert f"{tmp_path}/installed/evpn/labs" in listed.stderr
