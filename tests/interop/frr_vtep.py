"""FRR as the VTEP on the other side: bgpd and zebra with what `evpn render frr-vtep` makes of its configuration."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from .fabric import Fabric, Host, View, Vtep, address
from .frr import Frr, until

OURS, FRRS = address(11), address(13)
VNIS: list[dict[str, Any]] = [{"vni": 100, "ports": ["tap1"]}]


class Setting(NamedTuple):
    fabric: Fabric
    ours: Vtep
    theirs: Vtep
    """The node of FRR, with the configuration that FRR's is rendered from; no `evpn run` there."""
    frr: Frr
    h1: Host
    h3: Host

    @property
    def view(self) -> View:
        return View(self.frr)

    def at_frr(self, mac: str) -> dict[str, Any]:
        """What zebra knows of a MAC."""
        macs = self.frr.vtysh_json("show evpn mac vni 100 json").get("macs", {})
        return dict(macs.get(mac, {}))


@contextmanager
def a_setting(name: str, ours: dict[str, Any], theirs: dict[str, Any], number: int = 13) -> Iterator[Setting]:
    """Both sides with one host each; `ours` and `theirs` change the configurations, `number` is FRR's node."""
    with Fabric(name) as fabric:
        one = fabric.vtep(11, (address(number),), **{"vnis": VNIS, **ours})
        other = fabric.vtep(number, (OURS,), vnis=VNIS, **theirs)
        h1, h3 = fabric.host(one, 1), fabric.host(other, 3)
        text = other.evpn("render", "frr-vtep", config=True)
        make_devices(other, text)
        frr = fabric.frr(other.namespace, text)
        one.start()
        setting = Setting(fabric, one, other, frr, h1, h3)
        until(lambda: setting.view.established() == {OURS})
        yield setting


def make_devices(vtep: Vtep, text: str) -> None:
    """By the commands that the rendered configuration tells."""
    for line in text.splitlines():
        if line.startswith("!  "):
            vtep.run(*line.lstrip("! ").split())


def is_at(setting: Setting, host: Host, vtep: Vtep) -> bool:
    """Both sides know a host to be there."""
    if vtep is setting.theirs:
        rows = setting.ours.remote(host.mac)
        return rows == {"bridge", vtep.address} and setting.at_frr(host.mac).get("type") == "local"
    found = setting.at_frr(host.mac)
    rows = {row.get("dst", "bridge") for row in setting.theirs.fdb(host.mac)}
    return (found.get("type"), found.get("remoteVtep"), rows) == ("remote", OURS, {"bridge", OURS})
