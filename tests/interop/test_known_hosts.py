"""Hosts known beforehand, from the configuration and by `evpn host`: rows, routes, moves, restarts, mistakes."""

import os
import signal
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from evpn.wire.communities import IMMUTABLE, OVERRIDE

from .cable import Cable, a_frame, arp_reply, gratuitous
from .fabric import Fabric, Vtep, address
from .far_side import HIGHER, LOWER, Announced, FarSide, a_mac
from .frr import until
from .raw_peer import RawPeer

pytestmark = pytest.mark.interop

PLACED, ROAMING, STICKY, WAITING = (f"02:00:00:00:01:0{number}" for number in (1, 2, 3, 4))
IP4, IP6 = "192.0.2.41", "2001:db8:1::41"
HOSTS = [
    {"mac": PLACED, "ip": [IP4, IP6], "port": "tap1"},
    {"mac": ROAMING, "ip": ["192.0.2.42"]},
    {"mac": STICKY, "ip": ["192.0.2.43"], "port": "tap1", "sticky": True},
    {"mac": WAITING, "ip": ["192.0.2.44"], "port": "tap4"},
]
KNOWN = Announced(flags=IMMUTABLE)
KNOWN6 = Announced(flags=IMMUTABLE | OVERRIDE)


class Setting(NamedTuple):
    fabric: Fabric
    vtep: Vtep
    far: FarSide
    tap1: Cable
    tap2: Cable

    def host(self, *words: str, status: int = 0) -> str:
        return self.vtep.evpn("host", words[0], "--vni", "100", *words[1:], config=True, status=status)

    def in_step(self) -> None:
        """All frames have been dealt with."""
        for cable in (self.tap1, self.tap2):
            marker = a_mac()
            cable.say(a_frame(marker))
            until(lambda marker=marker: self.far.of(marker), every=0.02)

    def events(self, mac: str) -> list[str]:
        return [row["event"] for row in self.vtep.show("events", 100) if row["mac"] == mac]


@pytest.fixture(scope="module")
def setting() -> Iterator[Setting]:
    with Fabric("known", frr=False) as fabric:
        vtep = fabric.vtep(11, vnis=[{"vni": 100, "ports": ["tap1", "tap2"], "hosts": HOSTS}])
        one, two = fabric.host(vtep, 1), fabric.host(vtep, 2, "tap2")
        node = fabric.node(1)
        vtep.start()
        with (
            RawPeer(node, address(1), vtep.address) as peer,
            Cable(one.namespace) as tap1,
            Cable(two.namespace) as tap2,
        ):
            far = FarSide(peer, vtep)
            far.begin()
            yield Setting(fabric, vtep, far, tap1, tap2)


def test_they_are_announced_before_their_first_frame(setting: Setting) -> None:
    until(lambda: setting.far.of(WAITING))

    assert setting.far.of(PLACED) == {"": Announced(), IP4: KNOWN, IP6: KNOWN6}
    assert setting.far.of(ROAMING) == {"": Announced(), "192.0.2.42": KNOWN}
    assert setting.far.of(STICKY) == {"": Announced(sticky=True), "192.0.2.43": Announced(0, True, IMMUTABLE)}
    assert setting.far.of(WAITING) == {"": Announced(), "192.0.2.44": KNOWN}
    rows = {row["mac"]: (row["type"], row["via"], row["sticky"], row["reason"]) for row in setting.vtep.show("mac")}
    assert rows[PLACED] == ("local", "tap1", False, "known beforehand")
    assert rows[ROAMING] == ("local", "", False, "known beforehand")
    assert rows[STICKY] == ("local", "tap1", True, "known beforehand")


def test_rows_stand_on_the_ports_that_are_known(setting: Setting) -> None:
    until(lambda: setting.vtep.bridge_row(PLACED))

    assert setting.vtep.bridge_row(PLACED) == "tap1 extern_learn"
    assert setting.vtep.bridge_row(STICKY) == "tap1 extern_learn sticky static"
    assert setting.vtep.bridge_row(ROAMING) == ""
    assert setting.vtep.bridge_row(WAITING) == ""


def test_one_without_a_port_has_its_row_where_it_speaks(setting: Setting) -> None:
    setting.tap2.say(a_frame(ROAMING))
    until(lambda: setting.vtep.bridge_row(ROAMING) == "tap2 extern_learn")

    setting.tap1.say(a_frame(ROAMING))
    until(lambda: setting.vtep.bridge_row(ROAMING) == "tap1 extern_learn")
    assert setting.far.withdrawn(ROAMING) == []
    assert setting.far.of(ROAMING)[""] == Announced()


def test_a_port_that_comes_later(setting: Setting) -> None:
    setting.fabric.host(setting.vtep, 4, "tap4")
    setting.vtep.plug("tap4")

    until(lambda: setting.vtep.bridge_row(WAITING) == "tap4 extern_learn")
    setting.vtep.run("ip", "link", "set", "tap4", "nomaster")
    until(lambda: setting.vtep.macs()[WAITING]["via"] == "")
    assert setting.vtep.bridge_row(WAITING) == ""
    setting.vtep.plug("tap4")
    until(lambda: setting.vtep.bridge_row(WAITING) == "tap4 extern_learn")
    assert setting.far.withdrawn(WAITING) == []


def test_nobody_takes_a_sticky_host(setting: Setting) -> None:
    """Neither by a frame on another port, nor by saying that it is elsewhere, nor its address with another MAC."""
    thief = a_mac()
    setting.tap2.say(a_frame(STICKY), gratuitous(STICKY, "192.0.2.143"), gratuitous(thief, "192.0.2.43"))
    setting.far.has(STICKY, vtep=LOWER, sequence=7)
    setting.far.has(STICKY, "192.0.2.43", HIGHER, sequence=8)
    setting.far.is_heard()
    setting.in_step()

    assert setting.vtep.bridge_row(STICKY) == "tap1 extern_learn sticky static"
    assert setting.vtep.fdb(STICKY) == []
    found = setting.far.of(STICKY)
    assert found.keys() == {"", "192.0.2.43"}
    assert all(route.sticky for route in found.values())
    assert setting.far.of(thief) == {"": Announced()}
    setting.far.loses(STICKY, vtep=LOWER)
    setting.far.loses(STICKY, "192.0.2.43", HIGHER)


def test_one_that_is_not_sticky_moves_away_and_is_ours_again(setting: Setting) -> None:
    setting.far.has(PLACED, vtep=HIGHER, sequence=1)
    until(lambda: setting.vtep.remote(PLACED) == {"bridge", HIGHER})
    until(lambda: setting.far.of(PLACED) == {})
    assert setting.vtep.bridge_row(PLACED) == "vxlan100 extern_learn"

    setting.far.loses(PLACED, vtep=HIGHER)
    until(lambda: setting.vtep.bridge_row(PLACED) == "tap1 extern_learn")
    until(lambda: setting.far.of(PLACED).keys() == {"", IP4, IP6})
    assert setting.far.of(PLACED)[""] == Announced(2)
    assert setting.vtep.fdb(PLACED) == []


def test_a_host_is_added_and_taken_away(setting: Setting) -> None:
    mac = a_mac()
    said = setting.host("add", "--mac", mac, "--ip", "192.0.2.50", "--ip", "2001:db8:1::50", "--port", "tap2")
    assert said == f"{mac} is known in VNI 100 until the agent ends; the configuration lasts\n"
    until(lambda: setting.far.of(mac) == {"": Announced(), "192.0.2.50": KNOWN, "2001:db8:1::50": KNOWN6})
    until(lambda: setting.vtep.bridge_row(mac) == "tap2 extern_learn")

    setting.host("add", "--mac", mac, "--ip", "192.0.2.51", "--port", "tap1", "--sticky")
    until(lambda: setting.vtep.bridge_row(mac) == "tap1 extern_learn sticky static")
    until(lambda: setting.far.of(mac).keys() == {"", "192.0.2.51"} and setting.far.of(mac)[""].sticky)

    assert setting.host("del", "--mac", mac) == f"{mac} is no longer known in VNI 100\n"
    until(lambda: setting.far.of(mac) == {})
    until(lambda: setting.vtep.bridge_row(mac) == "")


def test_who_is_there_stays_when_it_is_no_longer_known(setting: Setting) -> None:
    mac = a_mac()
    setting.host("add", "--mac", mac, "--ip", "192.0.2.52", "--port", "tap1")
    until(lambda: setting.vtep.bridge_row(mac) == "tap1 extern_learn")
    word = arp_reply(mac, "192.0.2.53", "02:00:00:00:00:01", "192.0.2.1")
    setting.tap2.say(word)  # it has moved, which it may
    until(lambda: setting.far.of(mac).keys() == {"", "192.0.2.52", "192.0.2.53"})

    setting.host("del", "--mac", mac)
    until(lambda: setting.far.of(mac) == {"": Announced(), "192.0.2.53": Announced()})

    def answered() -> bool:
        setting.tap2.say(word)
        return setting.vtep.bridge_row(mac) == "tap2"

    until(answered)
    assert setting.far.of(mac) == {"": Announced(), "192.0.2.53": Announced()}


def test_what_was_added_is_there_after_a_reload(setting: Setting) -> None:
    vtep, mac, new = setting.vtep, a_mac(), a_mac()
    setting.host("add", "--mac", mac, "--port", "tap2")
    until(lambda: setting.vtep.bridge_row(mac) == "tap2 extern_learn")
    vtep.configure(vnis=[{**vtep.settings["vnis"][0], "hosts": [*HOSTS[:3], {"mac": new, "port": "tap1"}]}])
    assert vtep.process
    vtep.process.send_signal(signal.SIGHUP)

    until(lambda: setting.far.of(new) and not setting.far.of(WAITING))
    until(lambda: vtep.bridge_row(new) == "tap1 extern_learn" and not vtep.bridge_row(WAITING))
    assert vtep.bridge_row(mac) == "tap2 extern_learn"
    assert setting.far.withdrawn(mac) == []
    said = setting.host("del", "--mac", new, status=2)
    assert said.endswith(f"Error: {new} is in the configuration; take it out there, and reload\n")


def test_a_restart_of_the_agent_forgets_what_was_added_and_nothing_else(setting: Setting) -> None:
    vtep, mac = setting.vtep, a_mac()
    setting.host("add", "--mac", mac, "--port", "tap2", "--ip", "192.0.2.54")
    until(lambda: vtep.bridge_row(mac) == "tap2 extern_learn" and "192.0.2.54" in setting.far.of(mac))
    lasting = [PLACED, ROAMING, STICKY]
    rows = {known: vtep.bridge_row(known) for known in lasting}
    routes = {known: setting.far.of(known) for known in lasting}
    withdrawn = {known: setting.far.withdrawn(known) for known in lasting}
    with setting.fabric.watched(vtep.namespace, "bridge", "monitor", "fdb") as watch:
        os.kill(old := vtep.agent(), signal.SIGKILL)
        until(lambda: (found := vtep.children()) and old not in found and vtep.answers())
        setting.far.begin()
        until(lambda: setting.far.of(mac) == {} and vtep.bridge_row(mac) == "")

    assert {known: vtep.bridge_row(known) for known in lasting} == rows
    assert {known: setting.far.of(known) for known in lasting} == routes
    assert {known: setting.far.withdrawn(known) for known in lasting} == withdrawn
    assert [line for known in lasting for line in watch.about(known)] == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("add", "--mac", "rubbish"), "'rubbish'"),
        (("add", "--mac", "01:00:5e:00:00:01"), "01:00:5e:00:00:01 is no host's; accepted: a unicast MAC"),
        (("add", "--mac", "00:00:00:00:00:00"), "00:00:00:00:00:00 is no host's; accepted: a unicast MAC"),
        (("add", "--mac", "02:00:00:00:09:09", "--ip", "rubbish"), "'rubbish'"),
        (("add", "--mac", "02:00:00:00:09:09", "--ip", "224.0.0.1"), "224.0.0.1 is no host's"),
        (("add", "--mac", "02:00:00:00:09:09", "--ip", IP4), f"{IP4} belongs to {PLACED} already"),
        (("add", "--mac", PLACED), f"{PLACED} is in the configuration; change it there, and reload"),
        (("add", "--mac", "02:00:00:00:09:09", "--port", "no/such"), "no/such"),
        (("add",), "Missing option '--mac'"),
        (("del", "--mac", "02:00:00:00:09:0a"), "02:00:00:00:09:0a was not added in VNI 100"),
        (("del", "--mac", PLACED), f"{PLACED} is in the configuration; take it out there, and reload"),
    ],
)
def test_mistakes_are_told(setting: Setting, words: tuple[str, ...], message: str) -> None:
    said = setting.host(*words, status=2)

    assert said.splitlines()[-1].startswith("Error: ")
    assert message in said.splitlines()[-1]


def test_a_vni_that_is_not_there(setting: Setting) -> None:
    said = setting.vtep.evpn("host", "add", "--vni", "5", "--mac", a_mac(), config=True, status=2)
    assert said.splitlines()[-1] == "Error: VNI 5 is not configured; configured: 100"


def test_without_an_agent(setting: Setting) -> None:
    where = setting.vtep.directory / "nowhere"
    said = setting.vtep.evpn("host", "del", "--vni", "5", "--mac", a_mac(), "--run-dir", str(where), status=3)
    assert said.startswith(f"Error: {where}/control.sock: no agent is running there (")
