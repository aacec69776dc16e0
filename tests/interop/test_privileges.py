"""The whole VTEP as a service of an ordinary user with three capabilities, beside FRR with a password."""

import grp
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from evpn.agent.status import SHOW
from evpn.cli.client import ask

from .fabric import EVPN, FLOOD, Fabric, Host, View, Vtep, address, say_until
from .frr import Namespace, run, until
from .ordinary import MEMBER, NEEDED, STRANGER, USER, as_user, capability_sets, status_of

pytestmark = pytest.mark.interop

ONE, TWO, RR = address(11), address(12), address(1)
PASSWORD = "Never-to-be-seen-0815"
GROUP = "games"
"""One that every Debian has."""
METRICS = "from urllib.request import urlopen; print(urlopen('http://127.0.0.1:9479/metrics').read().decode())"
GID = grp.getgrnam(GROUP).gr_gid


class Setting(NamedTuple):
    fabric: Fabric
    view: View
    one: Vtep
    """An ordinary user's."""
    two: Vtep
    h1: Host
    h2: Host

    def says(self, *command: str, user: int = STRANGER, groups: tuple[int, ...] = (), status: int = 0) -> str:
        """What a command of ours says to a user without any privilege, both streams together."""
        line = as_user(self.one.namespace, EVPN, *command, user=user, groups=groups)
        done = subprocess.run(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        assert done.returncode == status, done.stdout
        return done.stdout


def a_service(vtep: Vtep, capabilities: tuple[str, ...] = NEEDED) -> list[str]:
    words = ("PYTHONDONTWRITEBYTECODE=1", EVPN, "run", "--config", str(vtep.config))
    return as_user(vtep.namespace, *words, groups=(GID,), capabilities=capabilities)


def given_to(vtep: Vtep, user: int) -> None:
    """The files of a VTEP are a user's."""
    vtep.directory.chmod(0o755)
    for path in (vtep.directory, vtep.config):
        os.chown(path, user, user)
    vtep.config.chmod(0o600)


@pytest.fixture(scope="module")
def setting() -> Iterator[Setting]:
    with Fabric("privileges") as fabric:
        vnis = [{"vni": 100, "ports": ["tap1"]}]
        one = fabric.vtep(11, vnis=vnis, firewall=True, metrics="127.0.0.1:9479", control_group=GROUP)
        two = fabric.vtep(12, vnis=vnis)
        for vtep in (one, two):
            secret = vtep.directory / "password"
            secret.write_text(f"{PASSWORD}\n")
            secret.chmod(0o640)
            os.chown(secret, 0, USER)
            vtep.configure(neighbors=[{"address": RR, "hold-time": 9, "password-file": "password"}])
        given_to(one, USER)
        h1, h2 = fabric.host(one, 1), fabric.host(two, 2)
        view = View(fabric.reflector(1, one, clients=(11, 12)))
        with one.log_file.open("ab") as log:
            one.process = subprocess.Popen(a_service(one), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        two.start()
        until(one.answers)
        yield Setting(fabric, view, one, two, h1, h2)


def serves(setting: Setting, host: Host, port: str = "tap1") -> None:
    """A host behind the VTEP of the ordinary user is heard, announced and written by the other one."""
    one, two = setting.one, setting.two
    assert one.port_of(host.mac) in (None, port)
    say_until(host, lambda: setting.view.mac(host.mac, ONE))
    until(lambda: two.remote(host.mac) == {"bridge", ONE})
    until(lambda: host.ask("192.0.2.250") or host.ip in setting.view.ips(host.mac, ONE))


def processes(node: Namespace) -> list[Path]:
    return [Path("/proc", pid) for pid in run("ip", "netns", "pids", node.name).split()]


def test_sessions_rows_snooping_isolation_and_firewall_need_no_more(setting: Setting) -> None:
    one = setting.one
    serves(setting, setting.h1)
    say_until(setting.h2, lambda: one.remote(setting.h2.mac) == {"bridge", TWO})
    until(lambda: setting.h1.reaches(setting.h2))  # the other side and the firewall may need a moment more
    assert one.flood() == {TWO}

    assert one.run("sysctl", "-n", "net.ipv4.conf.br100.arp_ignore") == "1\n"
    rules = one.run("nft", "list", "ruleset")
    assert "chain dev_br100" in rules and "udp dport" in rules
    until(lambda: TWO in one.run("nft", "list", "table", "ip", "evpn"))
    assert " WARNING " not in one.log() and " ERROR " not in one.log()


def test_exabgp_and_agent_have_these_capabilities_and_no_others(setting: Setting) -> None:
    one = setting.one
    assert one.process
    for pid in (one.process.pid, one.agent()):
        assert set(map(frozenset, capability_sets(pid).values())) == {frozenset(NEEDED)}
        assert status_of(pid, "Uid") == " ".join([str(USER)] * 4)
        assert status_of(pid, "Groups") == str(GID)


def test_an_agent_that_is_killed_is_followed_by_one_with_the_same(setting: Setting) -> None:
    one, old, flaps = setting.one, setting.one.agent(), setting.view.flaps(ONE)

    os.kill(old, signal.SIGKILL)

    until(lambda: (found := one.children()) and old not in found)
    until(lambda: one.answers() and one.summary()["in-sync"])
    assert capability_sets(one.agent())["CapEff"] == set(NEEDED) == capability_sets(one.agent())["CapAmb"]
    assert status_of(one.agent(), "Groups") == str(GID)
    h3 = setting.fabric.host(one, 3, "tap3")
    one.plug("tap3")
    serves(setting, h3, "tap3")
    h4 = setting.fabric.host(setting.two, 4, "tap4")
    setting.two.plug("tap4")
    say_until(h4, lambda: one.remote(h4.mac) == {"bridge", TWO})
    assert setting.view.flaps(ONE) == flaps
    assert socket_mode(one) == (0o660, USER, GID)


def test_sighup_makes_another_vni(setting: Setting) -> None:
    one = setting.one
    one.configure(vnis=[{"vni": 100, "ports": ["tap1"]}, {"vni": 200}])
    assert one.process
    one.process.send_signal(signal.SIGHUP)

    until(lambda: [row["state"] for row in one.show("vni")] == ["served", "served"])
    assert one.fdb(FLOOD, "vxlan200") == []
    assert setting.view.multicast(ONE)


def socket_mode(vtep: Vtep) -> tuple[int, int, int]:
    found = (vtep.run_dir / "control.sock").stat()
    return found.st_mode & 0o777, found.st_uid, found.st_gid


def test_the_socket_is_for_root_the_user_and_the_group(setting: Setting) -> None:
    one, told = setting.one, ("--run-dir", str(setting.one.run_dir))
    assert socket_mode(one) == (0o660, USER, GID)
    assert one.summary()["peers-up"] == 1

    assert "peers-up" in setting.says("show", "summary", "--json", *told, user=USER)
    assert "peers-up" in setting.says("show", "summary", "--json", *told, user=MEMBER, groups=(GID,))
    said = setting.says("show", "summary", *told, status=1)
    assert said == (
        f"Error: {one.run_dir}/control.sock: permission denied; "
        "accepted: root, the user of the agent, or a member of its control-group\n"
    )


def test_a_member_of_the_group_names_no_file_that_the_agent_is_to_read(setting: Setting) -> None:
    other = setting.one.directory / "other.yaml"
    kept = ("vtep-address", "local-as", "run-dir", "control-group")
    settings = {key: setting.one.settings[key] for key in kept}
    other.write_text(yaml.safe_dump(settings | {"neighbors": [{"address": RR}], "vnis": [{"vni": 300}]}))

    said = setting.says("reload", "--config", str(other), user=MEMBER, groups=(GID,), status=2)

    assert said.splitlines()[-1] == f"reload: not for user {MEMBER}; accepted: root, or the user of the agent"
    assert 300 not in [row["vni"] for row in setting.one.show("vni")]


def test_what_is_written_is_for_the_user_alone(setting: Setting) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in setting.one.run_dir.iterdir()}
    assert modes.pop("control.sock") == 0o660
    assert PASSWORD in (setting.one.run_dir / "exabgp.conf").read_text()
    assert {name: mode for name, mode in modes.items() if mode & 0o077 and name != "exabgp.env"} == {}
    assert (setting.one.run_dir / "exabgp.env").read_text() == ""


def test_nobody_is_shown_a_password(setting: Setting) -> None:
    one = setting.one
    shown = [json.dumps(list(ask(one.run_dir, {"command": "show", "what": what, "vni": None}))) for what in SHOW]
    shown.append(one.run(sys.executable, "-c", METRICS))
    assert "evpn_" in shown[-1]
    shown += [one.log(), setting.two.log(), setting.says("check", str(one.config), user=USER)]
    for process in processes(one.namespace):
        shown += [(process / "cmdline").read_text(), (process / "environ").read_text()]
    assert len(shown) > len(SHOW) + 6
    assert [text for text in shown if PASSWORD in text] == []


@pytest.mark.parametrize("command", [("run",), ("flush",), ("show", "summary")])
def test_a_stranger_is_told_that_he_may_not_read_the_configuration(setting: Setting, command: tuple[str, ...]) -> None:
    told = ("--config", str(setting.one.config))

    said = setting.says(*command, *told, status=2)

    assert said.endswith(f"Error: Invalid value for '--config': Path '{setting.one.config}' is not readable.\n")


def test_a_lab_needs_root(setting: Setting) -> None:
    assert setting.says("lab", "up", "quickstart", status=1) == "a lab is made of namespaces: this needs root\n"


def test_the_user_without_the_capabilities_removes_no_rows(setting: Setting) -> None:
    before = setting.one.tables()

    said = setting.says("flush", "--config", str(setting.one.config), user=USER, status=1)

    assert said.endswith("an agent is running there and would write the rows again; stop it first\n")
    assert setting.one.tables() == before
