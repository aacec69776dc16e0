"""The unit that `evpn render systemd` makes, run by systemd itself with all of its sandboxing, beside FRR."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from .fabric import EVPN, Fabric, Host, View, Vtep, address, say_until
from .frr import run, until
from .systemd import EVPN as INSIDE
from .systemd import Systemd

pytestmark = pytest.mark.interop

ONE, RR = address(11), address(1)
PASSWORD = "Never-to-be-seen-4711"
THREE = f"{(1 << 10) | (1 << 12) | (1 << 13):016x}"
"""CAP_NET_BIND_SERVICE, CAP_NET_ADMIN, CAP_NET_RAW."""


class Setting(NamedTuple):
    fabric: Fabric
    view: View
    vtep: Vtep
    systemd: Systemd

    def serves(self, host: Host) -> None:
        """A host is heard, and announced with its address."""
        say_until(host, lambda: self.view.mac(host.mac, ONE))
        until(lambda: host.ask("192.0.2.250") or host.ip in self.view.ips(host.mac, ONE))


@pytest.fixture(scope="module")
def setting() -> Iterator[Setting]:
    with Fabric("unit") as fabric:
        vtep = fabric.vtep(11, vnis=[{"vni": 100, "ports": ["tap1"]}], firewall=True, control_group="games")
        (vtep.directory / "password").write_text(f"{PASSWORD}\n")
        (vtep.directory / "password").chmod(0o640)
        vtep.configure(neighbors=[{"address": RR, "hold-time": 9, "password-file": "password"}], run_dir="/run/evpn")
        host = fabric.host(vtep, 1)
        view = View(fabric.reflector(1, vtep, clients=(11,)))
        unit = run(EVPN, "render", "systemd", "--config", str(vtep.config), "--set", f"evpn_command={INSIDE}")
        (vtep.directory / "evpn.service").write_text(unit.replace(str(vtep.config), "/etc/evpn/vtep.yaml"))
        with Systemd(vtep.namespace, vtep.directory) as systemd:
            setting = Setting(fabric, view, vtep, systemd)
            setting.serves(host)
            yield setting


def test_it_serves_with_three_capabilities_and_no_others(setting: Setting) -> None:
    systemd = setting.systemd
    for pid in (systemd.property("MainPID"), systemd.agent()):
        status = systemd.status_of(pid)
        assert {status[name] for name in status if name.startswith("Cap")} == {THREE}
        assert status["Uid"].split()[0] == systemd.run("id", "-u", "evpn").strip() != "0"
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert "chain dev_br100" in setting.vtep.run("nft", "list", "ruleset")
    assert "udp dport" in setting.vtep.run("nft", "list", "table", "ip", "evpn")


def test_an_agent_that_is_killed_is_followed_by_one_with_the_same(setting: Setting) -> None:
    systemd, old, main = setting.systemd, setting.systemd.agent(), setting.systemd.property("MainPID")

    systemd.run("kill", "-KILL", old)

    new = until(lambda: (found := systemd.agent()) != old and found)
    status = systemd.status_of(new)
    assert {status[name] for name in status if name.startswith("Cap")} == {THREE}
    host = setting.fabric.host(setting.vtep, 3, "tap3")
    setting.vtep.plug("tap3")
    setting.serves(host)
    assert systemd.property("MainPID") == main


def test_reload_and_stop(setting: Setting) -> None:
    systemd = setting.systemd
    systemd.run("sed", "-i", "s/^vnis:/vnis:\\n- vni: 200/", "/etc/evpn/vtep.yaml")

    systemd.run("systemctl", "reload", "evpn")

    until(lambda: "configuration reloaded" in journal(systemd) and "vxlan200" in setting.vtep.run("ip", "-br", "link"))
    assert "200  served" in systemd.run(
        "setpriv", "--reuid=nobody", "--regid=games", "--clear-groups", INSIDE, "show", "vni"
    )
    systemd.run("systemctl", "stop", "evpn")
    assert (systemd.property("ActiveState"), systemd.property("Result")) == ("inactive", "success")
    assert setting.vtep.run("ip", "-br", "link", "show", "vxlan200")
    assert systemd.run("stat", "-c", "%a %U", "/run/evpn/snapshot").strip() == "600 evpn", "the next start reads it"
    assert PASSWORD not in journal(systemd)


def journal(systemd: Systemd) -> str:
    return systemd.run("journalctl", "--unit", "evpn", "--no-pager")
