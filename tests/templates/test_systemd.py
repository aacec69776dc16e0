"""The unit, read by systemd's own checks; they start nothing and need no systemd as process 1."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from evpn.config.errors import ConfigError
from evpn.config.load import loads
from evpn.config.render import render
from tests.config.files import a_config, text


def unit(**changes: Any) -> dict[str, list[str]]:
    """Directive -> its values, in order."""
    found: dict[str, list[str]] = {}
    for line in render("systemd", a_config(**changes), evpn_command="/bin/true").splitlines():
        key, separator, value = line.partition("=")
        if separator and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def analyzed(folder: Path, *words: str, **changes: Any) -> str:
    """What `systemd-analyze` says of the unit; it has to be content."""
    file = folder / "evpn.service"
    file.write_text(render("systemd", a_config(**changes), evpn_command="/bin/true"))
    command = ["systemd-analyze", *words, str(file)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize(
    "changes", [{}, {"control_group": "games", "run_dir": "/run/a b/c"}, {"run_dir": "/srv/evpn"}], ids=str
)
def test_systemd_understands_every_line(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert analyzed(tmp_path, "verify", **changes) == ""


def test_its_exposure_is_what_three_capabilities_and_the_network_cost(tmp_path: Path) -> None:
    said = analyzed(tmp_path, "security", "--offline=true", "--threshold=25", "--no-pager")

    assert "Overall exposure level for evpn.service: " in said
    costly = [line.split()[1] for line in said.splitlines() if line.startswith("✗")]
    assert set(costly) <= {
        "SystemCallFilter=~@privileged",  # @chown: the control socket is given to its group
        "RootDirectory=/RootImage=",
        "SupplementaryGroups=",
        "AmbientCapabilities=",
        "PrivateMounts=",
        "RestrictAddressFamilies=~AF_PACKET",
        "RestrictAddressFamilies=~AF_NETLINK",
        "RestrictAddressFamilies=~AF_UNIX",
        "RestrictAddressFamilies=~AF_(INET|INET6)",
        "CapabilityBoundingSet=~CAP_NET_ADMIN",
        "CapabilityBoundingSet=~CAP_NET_(BIND_SERVICE|BROADCAST|RAW)",
        "ProcSubset=",  # bridges are isolated through /proc/sys/net
        "PrivateNetwork=",
        "PrivateUsers=",
        "DeviceAllow=",
        "IPAddressDeny=",
    }


def test_it_has_the_three_capabilities_and_can_have_no_others() -> None:
    found = unit()

    for key in ("AmbientCapabilities", "CapabilityBoundingSet"):
        (value,) = found[key]
        assert sorted(value.split()) == ["CAP_NET_ADMIN", "CAP_NET_BIND_SERVICE", "CAP_NET_RAW"]


def test_user_group_and_run_dir_are_those_of_the_file() -> None:
    found = unit(control_group="netops", run_dir="/run/evpn")
    assert (found["User"], found["Group"], found["SupplementaryGroups"]) == (["evpn"], ["evpn"], ["netops"])
    assert (found["RuntimeDirectory"], found["RuntimeDirectoryPreserve"]) == (['"evpn"'], ["yes"])

    found = unit(run_dir="/srv/evpn")
    assert "SupplementaryGroups" not in found and "RuntimeDirectory" not in found
    assert '"/srv/evpn"' in found["ReadWritePaths"]


def test_a_user_of_another_name() -> None:
    lines = render("systemd", a_config(), evpn_command="/bin/true", user="vtep").splitlines()

    assert {"User=vtep", "Group=vtep"} <= set(lines)


def test_names_mean_themselves() -> None:
    settings = loads(text(), Path('/etc/100%/$HOME/a "b"\\c.yaml'))

    (line,) = [line for line in render("systemd", settings, evpn_command="/x").splitlines() if "ExecStart=" in line]

    assert line == r'ExecStart="/x" run --config "/etc/100%%/$$HOME/a \"b\"\\c.yaml"'


def test_a_name_with_a_line_end_is_refused() -> None:
    with pytest.raises(ConfigError, match="a unit of systemd cannot hold"):
        render("systemd", a_config(), evpn_command="/bin/true\nExecStartPre=/bin/false")
