"""An ordinary user who lacks something: one line that names it, and nothing is done by half."""

import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from .fabric import EVPN, Fabric, Vtep
from .ordinary import NEEDED, USER, as_user

pytestmark = pytest.mark.kernel

BECOMES_GREP = """
import os
from evpn.netlink.capabilities import hand_on
hand_on()
os.execvp("grep", ["grep", "Cap", "/proc/self/status"])
"""
LACKING = [
    ("net_admin", "no CAP_NET_ADMIN: found an unprivileged process; accepted: root, or a service with it"),
    ("net_raw", "vnis[0].learn-neighbors: snoop needs CAP_NET_RAW; accepted: a service with it, or [kernel], or []"),
    (
        "net_bind_service",
        "no CAP_NET_BIND_SERVICE: found a process that may not listen on 10.0.0.11 port 179; "
        "accepted: root, or a service with it",
    ),
]
OTHERWISE: list[tuple[dict[str, Any], int, str]] = [
    (
        {"control_group": "games"},
        0o755,
        "control-group: this process is not in group games; accepted: a group of its user, or root",
    ),
    (
        {"control_group": "no-such"},
        0o755,
        "control-group: no group no-such on this host; accepted: the name of a group",
    ),
    ({"run_dir": "/run/evpn-of-root"}, 0o755, "run-dir: /run/evpn-of-root: permission denied"),
    ({"run_dir": "/tmp"}, 0o755, "run-dir: /tmp: can be written by everybody; accepted: a directory of its own"),
]


@pytest.fixture(scope="module")
def vtep() -> Iterator[Vtep]:
    with Fabric("missing", frr=False) as fabric:
        vtep = fabric.vtep(11)
        vtep.directory.chmod(0o755)
        os.chown(vtep.directory, USER, USER)
        yield vtep


def refused(vtep: Vtep, capabilities: tuple[str, ...] = NEEDED) -> str:
    """The one line that is said; nothing is made."""
    before = vtep.tables(), vtep.run("nft", "list", "ruleset")
    command = as_user(vtep.namespace, EVPN, "run", "--config", str(vtep.config), capabilities=capabilities)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=60)
    assert done.returncode == 1, done.stdout
    assert (vtep.tables(), vtep.run("nft", "list", "ruleset")) == before
    assert sorted(path.name for path in vtep.directory.iterdir()) == ["vtep.yaml"]
    (line,) = done.stdout.splitlines()
    return line


@pytest.mark.parametrize(("missing", "line"), LACKING, ids=[name for name, _ in LACKING])
def test_a_capability_that_is_missing_is_named(vtep: Vtep, missing: str, line: str) -> None:
    said = refused(vtep, tuple(name for name in NEEDED if name != missing))

    assert said.removeprefix(f"{vtep.config}: ") == line


@pytest.mark.parametrize(("change", "mode", "line"), OTHERWISE, ids=["not in it", "no such", "root's", "everybody's"])
def test_a_file_of_somebody_else_is_named(vtep: Vtep, change: dict[str, Any], mode: int, line: str) -> None:
    settings = dict(vtep.settings)
    vtep.configure(**change)
    try:
        assert refused(vtep) == f"{vtep.config}: {line}"
    finally:
        vtep.settings = {}
        vtep.configure(**settings)


def test_what_is_started_has_what_is_needed_however_much_we_had(vtep: Vtep) -> None:
    """As a service manager might, we are given too much; what we become has what it needs and no more."""
    python = EVPN.replace("/evpn", "/python")
    surplus = (*NEEDED, "sys_admin", "dac_override", "bpf")
    command = as_user(vtep.namespace, python, "-c", BECOMES_GREP, capabilities=surplus, bounded=False)
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    masks = dict(line.split(":\t") for line in said.splitlines())
    needed = f"{(1 << 10) | (1 << 12) | (1 << 13):016x}"
    assert {masks[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {needed}
