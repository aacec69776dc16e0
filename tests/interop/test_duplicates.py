"""Two hosts with one MAC or one IP, behind two of our VTEPs that tell each other (RFC 7432 section 15.1)."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import pytest

from .cable import Cable, a_frame, gratuitous
from .fabric import Fabric, Vtep, address, stays
from .far_side import a_mac
from .frr import until

pytestmark = pytest.mark.interop

WARN, FREEZE, RECOVER, FIXED = 100, 200, 300, 400
DETECTION = {
    WARN: {"moves": 5, "seconds": 180},
    FREEZE: {"moves": 5, "seconds": 180, "action": "freeze"},
    RECOVER: {"moves": 3, "seconds": 60, "action": "freeze", "recovery": 2},
}
MOVES = {WARN: 5, FREEZE: 5, RECOVER: 3}


class Setting(NamedTuple):
    one: Vtep
    two: Vtep
    cables: dict[tuple[str, int], Cable]

    def say(self, vtep: Vtep, vni: int, *frames: bytes) -> None:
        self.cables[vtep.address, vni].say(*frames)

    def other(self, vtep: Vtep) -> Vtep:
        return self.two if vtep is self.one else self.one

    def moves(self, vtep: Vtep, vni: int, mac: str, *, says: bytes | None = None) -> None:
        """Heard at a VTEP, and both know it."""
        self.say(vtep, vni, says or a_frame(mac))
        until(lambda: self.is_at(vtep, vni, mac), every=0.02)

    def is_at(self, vtep: Vtep, vni: int, mac: str) -> bool:
        rows = {row.get("dst", "bridge") for row in self.other(vtep).fdb(mac, f"vxlan{vni}")}
        here = vtep.port_of(mac, f"br{vni}") == f"tap{vni}" and not vtep.fdb(mac, f"vxlan{vni}")
        return here and rows == {"bridge", vtep.address}

    def becomes_a_duplicate(self, vni: int, mac: str) -> Vtep:
        """Moved as often as it takes; where it is then."""
        here = self.one
        self.moves(here, vni, mac)
        for _ in range(MOVES[vni]):
            here = self.other(here)
            self.moves(here, vni, mac)
        until(lambda: self.duplicate(self.one, mac) and self.duplicate(self.two, mac))
        return here

    def is_refused(self, vtep: Vtep, vni: int, mac: str) -> None:
        """It is heard at a VTEP, and so is another host after it."""
        marker = a_mac()
        self.say(vtep, vni, a_frame(mac), a_frame(marker))
        until(lambda: self.is_at(vtep, vni, marker), every=0.02)
        assert self.is_at(self.other(vtep), vni, mac)

    def duplicate(self, vtep: Vtep, what: str) -> dict[str, Any]:
        """Of `evpn show duplicates`, a MAC or an IP."""
        return next((row for row in vtep.show("duplicates") if what in (row["mac"], row["ip"])), {})


@pytest.fixture(scope="module")
def setting() -> Iterator[Setting]:
    vnis: list[dict[str, Any]] = [
        {"vni": vni, "ports": [f"tap{vni}"], "duplicate-detection": detection} for vni, detection in DETECTION.items()
    ]
    vnis.append({"vni": FIXED, "ports": [f"tap{FIXED}"]})
    with Fabric("duplicates", frr=False) as fabric, ExitStack() as stack:
        one = fabric.vtep(11, (), neighbors=[{"address": address(12), "passive": True}], vnis=vnis)
        two = fabric.vtep(12, (), neighbors=[{"address": address(11)}], vnis=vnis)
        cables = {}
        for vtep in (one, two):
            for vni in (*DETECTION, FIXED):
                host = fabric.host(vtep, vni // 100 + (100 if vtep is two else 0), f"tap{vni}")
                cables[vtep.address, vni] = stack.enter_context(Cable(host.namespace))
        one.start(wait=False)
        two.start()
        until(lambda: one.answers() and one.flood() == {two.address} and two.flood() == {one.address})
        yield Setting(one, two, cables)


def test_one_that_moves_too_often_is_told_of(setting: Setting) -> None:
    mac = a_mac()
    where = setting.becomes_a_duplicate(WARN, mac)

    for vtep in (setting.one, setting.two):
        row = setting.duplicate(vtep, mac)
        assert (row["vni"], row["moves"], row["action"], row["frozen"]) == (WARN, 5, "warn", False)
        assert 500 < row["recovers-in"] <= 540
        assert f"evpn WARNING duplicate mac vni={WARN} mac={mac} port=tap{WARN} vtep=" in vtep.log()
        events = [event["event"] for event in vtep.show("events", WARN) if event["mac"] == mac]
        assert sorted(events[-2:]) in (["moved away", "moves too often"], ["moved here", "moves too often"])
    setting.moves(setting.other(where), WARN, mac)  # it goes on
    assert setting.duplicate(setting.one, mac)["moves"] == 6


def test_fewer_moves_are_none(setting: Setting) -> None:
    mac = a_mac()
    for vtep in (setting.one, setting.two, setting.one, setting.two):
        setting.moves(vtep, WARN, mac)
    assert not setting.duplicate(setting.one, mac)
    assert not setting.duplicate(setting.two, mac)


def test_one_that_is_frozen_stays_where_it_is(setting: Setting) -> None:
    mac = a_mac()
    where = setting.becomes_a_duplicate(FREEZE, mac)
    elsewhere = setting.other(where)

    until(lambda: elsewhere.bridge_row(mac, f"br{FREEZE}") == f"vxlan{FREEZE} extern_learn sticky static")
    assert (setting.duplicate(where, mac)["frozen"], setting.duplicate(elsewhere, mac)["frozen"]) == (True, True)
    before = elsewhere.peers()[where.address]["updates"]
    for _ in range(3):
        setting.is_refused(elsewhere, FREEZE, mac)
        setting.say(where, FREEZE, a_frame(mac))
    assert elsewhere.peers()[where.address]["updates"] == before


def test_an_operator_clears_it(setting: Setting) -> None:
    mac, other = a_mac(), a_mac()
    where = setting.becomes_a_duplicate(FREEZE, mac)
    setting.becomes_a_duplicate(FREEZE, other)
    for vtep in (setting.one, setting.two):
        assert vtep.evpn("clear", "duplicates", mac, config=True) == "1 cleared\n"
        assert vtep.evpn("clear", "duplicates", mac, config=True) == "0 cleared\n"
        assert not setting.duplicate(vtep, mac)
        assert setting.duplicate(vtep, other)["frozen"]

    setting.moves(setting.other(where), FREEZE, mac)
    for vtep in (setting.one, setting.two):
        cleared = vtep.evpn("clear", "duplicates", "--vni", str(FREEZE), config=True)
        assert int(cleared.split()[0]) >= 1
        assert not setting.duplicate(vtep, other)
    assert setting.duplicate(setting.one, mac) == {}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("rubbish",), "'rubbish'"),
        (("--vni", "5"), "VNI 5 is not configured; configured: 100, 200, 300, 400"),
    ],
)
def test_mistakes_are_told(setting: Setting, words: tuple[str, ...], message: str) -> None:
    said = setting.one.evpn("clear", "duplicates", *words, config=True, status=2)
    assert message in said.splitlines()[-1]


def test_one_recovers_by_itself(setting: Setting) -> None:
    mac = a_mac()
    where = setting.becomes_a_duplicate(RECOVER, mac)
    until(lambda: not setting.duplicate(setting.one, mac) and not setting.duplicate(setting.two, mac))

    for vtep in (setting.one, setting.two):
        events = [event["event"] for event in vtep.show("events", RECOVER) if event["mac"] == mac]
        assert events[-1] == "no longer held for a duplicate"
    setting.moves(setting.other(where), RECOVER, mac)


def test_one_that_is_held_and_leaves_is_held_no_longer(setting: Setting) -> None:
    """Neither where it was nor elsewhere: no row without a route, and the other host may have the MAC."""
    mac = a_mac()
    where = setting.becomes_a_duplicate(FREEZE, mac)
    elsewhere = setting.other(where)
    where.run("bridge", "fdb", "del", mac, "dev", f"tap{FREEZE}", "master")

    until(lambda: elsewhere.fdb(mac, f"vxlan{FREEZE}") == [])
    setting.moves(elsewhere, FREEZE, mac)


@pytest.mark.parametrize("vni", [WARN, FREEZE], ids=["warn", "freeze"])
def test_one_ip_at_two_hosts(setting: Setting, vni: int) -> None:
    ip, macs = f"192.0.2.{vni // 100 + 30}", {setting.one.address: a_mac(), setting.two.address: a_mac()}
    here = setting.one
    for _ in range(6):
        here = setting.other(here)
        mac = macs[here.address]
        setting.say(here, vni, gratuitous(mac, ip))
        until(lambda mac=mac, here=here: bound(setting.other(here), vni, ip) == mac, every=0.02)

    for vtep in (setting.one, setting.two):
        row = until(lambda vtep=vtep: setting.duplicate(vtep, ip))
        assert (row["vni"], row["ip"], row["mac"], row["frozen"]) == (vni, ip, "", vni == FREEZE)
        assert f"evpn WARNING duplicate ip vni={vni} mac=" in vtep.log()
    elsewhere = setting.other(here)
    marker = a_mac()
    setting.say(elsewhere, vni, gratuitous(macs[elsewhere.address], ip), a_frame(marker))
    until(lambda: setting.is_at(elsewhere, vni, marker), every=0.02)
    if vni == FREEZE:
        assert bound(elsewhere, vni, ip) == macs[here.address]
        for vtep in (setting.one, setting.two):
            assert vtep.evpn("clear", "duplicates", ip, config=True) == "1 cleared\n"
        setting.say(elsewhere, vni, gratuitous(macs[elsewhere.address], ip))
    until(lambda: bound(here, vni, ip) == macs[elsewhere.address])


def bound(vtep: Vtep, vni: int, ip: str) -> str:
    """MAC of the neighbor on the bridge."""
    words = vtep.run("ip", "neigh", "show", ip, "dev", f"br{vni}").split()
    return words[words.index("lladdr") + 1] if "lladdr" in words else ""


@contextmanager
def known_at_both(setting: Setting, kind: str) -> Iterator[None]:
    """A copied configuration, or rows of two operators."""
    with ExitStack() as stack:
        for number, vtep in enumerate((setting.one, setting.two)):
            mac = {"sticky": "02:00:00:00:07:07", "static": "02:00:00:00:07:08"}.get(kind, f"02:00:00:00:07:0{number}")
            if kind == "static":
                row = (mac, "dev", f"tap{FIXED}", "master")
                vtep.run("bridge", "fdb", "replace", *row, "static")
                stack.callback(vtep.run, "bridge", "fdb", "del", *row)
                continue
            where = ("--vni", str(FIXED), "--mac", mac, "--config", str(vtep.config))
            how = ("--sticky",) if kind == "sticky" else ("--ip", "192.0.2.77")
            vtep.evpn("host", "add", *where, "--port", f"tap{FIXED}", *how)
            stack.callback(vtep.evpn, "host", "del", *where)
        yield


@pytest.mark.parametrize("kind", ["sticky", "static", "address"])
def test_what_does_not_move_is_at_two_places(setting: Setting, kind: str) -> None:
    """Both keep it, and leave the others alone."""
    with known_at_both(setting, kind):
        until(lambda: beside_each_other(setting))
        at_rest = until(lambda: calm(setting))
        stays(lambda: updates(setting) == at_rest, 0.5)
        for vtep in (setting.one, setting.two):
            rows = [row for row in vtep.show("mac", FIXED) if row["type"] == "local"]
            assert [row["via"] for row in rows] == [f"tap{FIXED}"]
            if kind != "address":
                assert f"evpn WARNING mac that does not move is claimed elsewhere vni={FIXED}" in vtep.log()


def beside_each_other(setting: Setting) -> bool:
    """Each has heard of the other's."""
    return all(any(row["type"] == 2 for row in vtep.show("rib", FIXED)) for vtep in (setting.one, setting.two))


def updates(setting: Setting) -> tuple[int, int]:
    return (
        setting.one.peers()[setting.two.address]["updates"],
        setting.two.peers()[setting.one.address]["updates"],
    )


def calm(setting: Setting) -> tuple[int, int] | None:
    """Nothing was said for a while."""
    before = updates(setting)
    try:
        stays(lambda: updates(setting) == before, 0.5)
    except AssertionError:
        return None
    return before
