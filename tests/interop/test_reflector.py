"""Two of our VTEPs behind an FRR route reflector: what FRR shows, what the kernels hold, what gets through.

VNI 100 has h1 and h2, which stay where they are; what disturbs happens to other hosts, or in VNI 200.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest

from evpn.text import parse_rd
from evpn.wire import update
from evpn.wire.routes import InclusiveMulticastRoute

from .fabric import Fabric, Host, View, Vtep, address, same_update, say_until, sequence_of, stays
from .frr import until

pytestmark = pytest.mark.interop

ONE, TWO = address(11), address(12)
UPDATE = 2
VNIS = [{"vni": 100, "ports": ["tap1"]}, {"vni": 200}]


class Setting(NamedTuple):
    fabric: Fabric
    view: View
    one: Vtep
    two: Vtep
    h1: Host
    h2: Host
    capture: Path


@pytest.fixture(scope="module")
def setting() -> Iterator[Setting]:
    with Fabric("rr") as fabric:
        one, two = fabric.vtep(11, vnis=VNIS), fabric.vtep(12, vnis=VNIS)
        h1, h2 = fabric.host(one, 1), fabric.host(two, 2)
        view = View(fabric.reflector(1, one, clients=(11, 12)))
        capture = one.directory / "bgp.pcap"
        dump = ("tcpdump", "-Z", "root", "-U", "-i", "eth0", "-w", str(capture), "tcp port 179")
        with fabric.watched(one.namespace, *dump) as tcpdump:
            until(lambda: tcpdump.about("listening on"))
            one.start()
            two.start()
            until(lambda: view.established() == {ONE, TWO})
            until(lambda: one.flood() == {TWO} and two.flood() == {ONE})
            until(lambda: h1.reaches(h2))
            until(lambda: one.remote(h2.mac) == {"bridge", TWO} and two.remote(h1.mac) == {"bridge", ONE})
            yield Setting(fabric, view, one, two, h1, h2, capture)


_numbers = count(10)


@contextmanager
def a_host(setting: Setting, vtep: Vtep, bridge: str = "br100") -> Iterator[Host]:
    """One more host, which has spoken and is known everywhere; unplugged at the end."""
    device = bridge.replace("br", "vxlan")
    host = setting.fabric.newcomer(vtep, the_other(setting, vtep), next(_numbers), bridge)
    try:
        yield host
    finally:
        host.namespace.run("sh", "-c", "for end in eth0 eth1; do ip link del $end; done; true")
        until(lambda: not setting.one.remote(host.mac, device) and not setting.two.remote(host.mac, device))


def the_other(setting: Setting, vtep: Vtep) -> Vtep:
    return setting.two if vtep is setting.one else setting.one


def communities(path: dict[str, object]) -> str:
    return str(path["extendedCommunity"]["string"])  # type: ignore[index]


def test_hosts_reach_each_other_both_ways(setting: Setting) -> None:
    assert setting.h1.reaches(setting.h2)
    assert setting.h2.reaches(setting.h1)


def test_packets_of_full_size_go_through(setting: Setting) -> None:
    assert setting.h1.reaches(setting.h2, "-M", "do", "-s", "1472")


def test_the_reflector_shows_our_routes_as_we_mean_them(setting: Setting) -> None:
    mac, multicast = setting.view.mac(setting.h1.mac, ONE), setting.view.multicast(ONE)

    assert mac and multicast
    assert (mac["rd"], mac["vni"], mac["valid"], communities(mac)) == (f"{ONE}:100", "100", True, "RT:65000:100 ET:8")
    assert (multicast["rd"], communities(multicast)) == (f"{ONE}:100", "RT:65000:100 ET:8")
    assert multicast["pmsi"] == {"tunnelType": "Ingress Replication", "label": 100}


def test_a_remote_mac_is_a_marked_row_in_both_tables(setting: Setting) -> None:
    rows = setting.one.fdb(setting.h2.mac)

    assert [(row.get("dst"), row.get("master"), row["state"], row["flags"]) for row in rows] == [
        (None, "br100", "", ["extern_learn"]),
        (TWO, None, "", ["self", "extern_learn"]),
    ]


def test_each_device_floods_to_the_other_vtep_only(setting: Setting) -> None:
    for vtep, other in ((setting.one, TWO), (setting.two, ONE)):
        for device in ("vxlan100", "vxlan200"):
            rows = [row for row in vtep.fdb("00:00:00:00:00:00", device)]
            assert [(row["dst"], row["flags"], row["state"]) for row in rows] == [
                (other, ["self", "extern_learn"], "permanent")
            ]


def test_the_agent_says_the_same(setting: Setting) -> None:
    macs, summary = setting.one.macs(), setting.one.summary()

    assert (macs[setting.h1.mac]["type"], macs[setting.h1.mac]["via"]) == ("local", "tap1")
    assert (macs[setting.h2.mac]["type"], macs[setting.h2.mac]["via"]) == ("remote", TWO)
    assert macs[setting.h2.mac]["kernel"] == "installed"
    assert (summary["peers-up"], summary["in-sync"], summary["vnis-served"], summary["rows-refused"]) == (1, True, 2, 0)


def test_end_of_rib_is_heard_by_the_reflector(setting: Setting) -> None:
    for peer in (ONE, TWO):
        told = setting.view.frr.vtysh_json(f"show bgp neighbors {peer} json")[peer]["gracefulRestartInfo"]
        assert told["endOfRibRecv"] == {"l2VpnEvpn": True}


def test_a_port_that_goes_down_takes_its_host_along(setting: Setting) -> None:
    with a_host(setting, setting.two) as host:
        port = f"tap{host.number}"
        assert setting.view.mac(host.mac, TWO)

        setting.two.run("ip", "link", "set", port, "down")

        until(lambda: not setting.view.mac(host.mac, TWO))
        until(lambda: not setting.one.fdb(host.mac))

        setting.two.run("ip", "link", "set", port, "up")
        say_until(host, lambda: setting.one.remote(host.mac) == {"bridge", TWO})
        until(lambda: setting.h1.reaches(host))


def test_a_host_that_falls_silent_is_withdrawn_when_the_bridge_forgets_it(setting: Setting) -> None:
    with a_host(setting, setting.two, "br200") as host:
        setting.two.run("ip", "link", "set", "br200", "type", "bridge", "ageing_time", "100")
        try:
            until(lambda: not setting.two.port_of(host.mac, "br200"))
            until(lambda: not setting.view.mac(host.mac, TWO))
            until(lambda: not setting.one.fdb(host.mac, "vxlan200"))
        finally:
            setting.two.run("ip", "link", "set", "br200", "type", "bridge", "ageing_time", "30000")


def test_remote_rows_do_not_age(setting: Setting) -> None:
    with a_host(setting, setting.two, "br200") as host, a_host(setting, setting.one, "br200") as silent:
        setting.one.run("ip", "link", "set", "br200", "type", "bridge", "ageing_time", "100")
        try:
            until(lambda: not setting.one.port_of(silent.mac, "br200"))
            assert setting.one.remote(host.mac, "vxlan200") == {"bridge", TWO}
        finally:
            setting.one.run("ip", "link", "set", "br200", "type", "bridge", "ageing_time", "30000")


def test_a_move_to_another_port_of_the_bridge_is_no_news_to_the_fabric(setting: Setting) -> None:
    with a_host(setting, setting.one) as host:
        first, second = f"tap{host.number}", f"tap{host.number}b"
        before = setting.view.mac(host.mac, ONE)
        setting.one.run("ip", "link", "add", second, "type", "veth", "peer", "name", "eth1")
        setting.one.run("ip", "link", "set", "eth1", "address", host.mac, "netns", host.namespace.name)
        setting.one.plug(second)
        host.namespace.run("ip", "link", "set", "eth1", "up")
        host.namespace.run("ip", "address", "del", f"{host.ip}/24", "dev", "eth0")
        host.namespace.run("ip", "address", "add", f"{host.ip}/24", "dev", "eth1")

        with setting.fabric.watched(setting.two.namespace, "bridge", "monitor", "fdb") as watch:
            say_until(host, lambda: setting.one.port_of(host.mac) == second)
            until(lambda: [row["port"] for row in setting.one.show("local") if row["mac"] == host.mac] == [second])
            setting.one.run("ip", "link", "set", first, "down")
            stays(lambda: same_update(setting.view.mac(host.mac, ONE), before), 1)
            assert watch.about(host.mac) == []

        assert setting.h2.reaches(host)


def test_a_host_moves_to_the_other_vtep_and_back(setting: Setting) -> None:
    with a_host(setting, setting.one) as host:
        until(lambda: setting.h2.reaches(host))
        where, sequence = setting.one, 0
        for _ in range(3):
            old, where = where, the_other(setting, where)
            stranger = setting.h1 if where is setting.two else setting.h2
            host.move(where, f"tap{host.number}")
            say_until(host, lambda old=old, where=where: old.remote(host.mac) == {"bridge", where.address})

            path = until(lambda where=where: setting.view.mac(host.mac, where.address))
            # a withdrawal that is faster than the host's first frame leaves nothing to be above of
            assert sequence_of(path) in (sequence, sequence + 1)
            sequence = sequence_of(path)
            until(lambda old=old: not setting.view.mac(host.mac, old.address))
            until(lambda stranger=stranger: stranger.reaches(host))
            assert where.port_of(host.mac) == f"tap{host.number}"
            assert not where.remote(host.mac)
            macs = where.macs()[host.mac], old.macs()[host.mac]
            assert [(row["type"], row["sequence"]) for row in macs] == [("local", sequence), ("remote", sequence)]


def test_a_host_moves_while_its_old_port_still_stands(setting: Setting) -> None:
    """As a virtual machine does: the old bridge's row is still there when the new one learns the MAC."""
    with a_host(setting, setting.one) as host:
        setting.two.run("ip", "link", "add", "ghost", "type", "veth", "peer", "name", "eth1")
        setting.two.run("ip", "link", "set", "eth1", "address", host.mac, "netns", host.namespace.name)
        setting.two.plug("ghost")
        host.namespace.run("ip", "address", "del", f"{host.ip}/24", "dev", "eth0")
        host.namespace.run("ip", "address", "add", f"{host.ip}/24", "dev", "eth1")
        host.namespace.run("ip", "link", "set", "eth1", "up")

        say_until(host, lambda: setting.one.remote(host.mac) == {"bridge", TWO})
        path = until(lambda: setting.view.mac(host.mac, TWO))
        assert communities(path) == "RT:65000:100 ET:8 MM:1"
        until(lambda: not setting.view.mac(host.mac, ONE))
        assert not setting.two.remote(host.mac)
        until(lambda: setting.h1.reaches(host))


def test_a_device_removed_and_made_again(setting: Setting) -> None:
    with a_host(setting, setting.one, "br200") as here, a_host(setting, setting.two, "br200") as there:
        setting.two.run("ip", "link", "del", "vxlan200")

        until(lambda: not setting.view.mac(there.mac, TWO))
        until(lambda: setting.one.flood("vxlan200") == set() and not setting.one.fdb(there.mac, "vxlan200"))
        state = [row["state"] for row in setting.two.show("vni", 200)]
        assert state == ["no VXLAN device with this VNI"]

        add_device(setting.two, 200, TWO)
        until(lambda: setting.one.flood("vxlan200") == {TWO})
        until(lambda: setting.two.remote(here.mac, "vxlan200") == {"bridge", ONE})
        until(lambda: setting.one.remote(there.mac, "vxlan200") == {"bridge", TWO})
        until(lambda: setting.two.flood("vxlan200") == {ONE})
        until(lambda: here.reaches(there) and there.reaches(here))


def add_device(vtep: Vtep, vni: int, local: str) -> None:
    device = f"vxlan{vni}"
    vtep.run(*f"ip link add {device} type vxlan id {vni} local {local} dstport 4789 nolearning".split())
    vtep.plug(device, f"br{vni}")
    vtep.run("bridge", "link", "set", "dev", device, "learning", "off")
    vtep.run("bridge", "link", "set", "dev", device, "neigh_suppress", "on")


@pytest.mark.parametrize("device", ["br200", "vxlan200"])
def test_a_device_down_and_up(setting: Setting, device: str) -> None:
    with a_host(setting, setting.one, "br200") as here, a_host(setting, setting.two, "br200") as there:
        setting.two.run("ip", "link", "set", device, "down")
        until(lambda: not setting.one.flood("vxlan200") and not setting.one.fdb(there.mac, "vxlan200"))
        assert [row["state"] for row in setting.two.show("vni", 200)] == [f"{device} is down"]

        setting.two.run("ip", "link", "set", device, "up")
        until(lambda: setting.one.flood("vxlan200") == {TWO} and setting.two.flood("vxlan200") == {ONE})
        until(lambda: setting.two.remote(here.mac, "vxlan200") == {"bridge", ONE})
        say_until(there, lambda: setting.one.remote(there.mac, "vxlan200") == {"bridge", TWO})
        until(lambda: here.reaches(there) and there.reaches(here))


def test_the_vxlan_device_leaves_the_bridge_and_returns(setting: Setting) -> None:
    with a_host(setting, setting.one, "br200") as here, a_host(setting, setting.two, "br200") as there:
        setting.two.run("ip", "link", "set", "vxlan200", "nomaster")
        until(lambda: not setting.one.flood("vxlan200") and not setting.one.fdb(there.mac, "vxlan200"))

        setting.two.plug("vxlan200", "br200")
        setting.two.run("bridge", "link", "set", "dev", "vxlan200", "learning", "off")
        until(lambda: setting.one.flood("vxlan200") == {TWO})
        until(lambda: setting.two.remote(here.mac, "vxlan200") == {"bridge", ONE})
        say_until(there, lambda: setting.one.remote(there.mac, "vxlan200") == {"bridge", TWO})
        until(lambda: here.reaches(there) and there.reaches(here))


def test_a_port_removed_from_the_bridge(setting: Setting) -> None:
    with a_host(setting, setting.two) as host:
        setting.two.run("ip", "link", "set", f"tap{host.number}", "nomaster")

        until(lambda: not setting.view.mac(host.mac, TWO) and not setting.one.fdb(host.mac))


def test_a_static_entry_of_the_operator_is_announced_until_it_is_deleted(setting: Setting) -> None:
    mac, entry = "02:00:00:00:99:01", ("02:00:00:00:99:01", "dev", "tap1", "master", "static")
    setting.two.run("bridge", "fdb", "add", *entry)
    until(lambda: setting.one.remote(mac) == {"bridge", TWO})
    assert setting.two.macs()[mac]["reason"] == "static"

    setting.two.run("bridge", "fdb", "del", *entry[:4])
    until(lambda: not setting.one.fdb(mac) and not setting.view.mac(mac, TWO))


def test_rows_of_others_are_not_touched(setting: Setting) -> None:
    one, far = setting.one, address(99)
    theirs = [
        (f"02:00:00:00:99:02 dev vxlan100 dst {far} self permanent", "02:00:00:00:99:02"),
        (f"00:00:00:00:00:00 dev vxlan200 dst {far} self permanent", far),
    ]
    for row, _ in theirs:
        one.run("bridge", "fdb", "append", *row.split())
    try:
        # a host with the same MAC turns up elsewhere, as static as it can be
        setting.two.run("bridge", "fdb", "add", "02:00:00:00:99:02", "dev", "tap1", "master", "static")
        row = until(lambda: one.macs().get("02:00:00:00:99:02"))
        assert row["kernel"] == "static entry of somebody else"
        assert [row.get("dst") for row in one.fdb("02:00:00:00:99:02")] == [far]
        assert one.flood("vxlan200") == {TWO, far}

        one.run("bridge", "fdb", "del", "02:00:00:00:99:02", "dev", "vxlan100", "dst", far, "self")
        until(lambda: one.remote("02:00:00:00:99:02") == {"bridge", TWO})
    finally:
        setting.two.run("bridge", "fdb", "del", "02:00:00:00:99:02", "dev", "tap1", "master")
        one.run("bridge", "fdb", "del", "00:00:00:00:00:00", "dev", "vxlan200", "dst", far, "self")
    until(lambda: not one.fdb("02:00:00:00:99:02"))
    assert one.flood("vxlan200") == {TWO}


def test_a_row_of_ours_that_somebody_deletes_is_written_again(setting: Setting) -> None:
    one, mac = setting.one, setting.h2.mac
    for deleted in (("dst", TWO, "self"), ("master",)):
        one.run("bridge", "fdb", "del", mac, "dev", "vxlan100", *deleted)
        until(lambda: one.remote(mac) == {"bridge", TWO})
    one.run("bridge", "fdb", "del", "00:00:00:00:00:00", "dev", "vxlan100", "dst", TWO, "self")
    until(lambda: one.flood() == {TWO})


def test_what_we_sent_is_well_formed(setting: Setting) -> None:
    """With all that the tests before this one have made us send."""
    ours = f"bgp && ip.src == {ONE}"

    assert tshark(setting, f"{ours} && (_ws.malformed || _ws.expert.group == 0x07000000)", "frame.number") == []
    endpoints = tshark(setting, ours, "bgp.update.path_attribute.pmsi.ingress_rep_ip")
    assert {word for line in endpoints for word in line.split(",")} == {ONE}


def test_end_of_rib_follows_the_first_routes(setting: Setting) -> None:
    stream = bytes.fromhex("".join(tshark(setting, f"tcp.len > 0 && ip.src == {ONE}", "tcp.payload")))
    updates = [update.decode(body) for code, body in messages(stream) if code == UPDATE]
    end = next(index for index, one in enumerate(updates) if one.end_of_rib)

    first = [route for one in updates[:end] for route in one.announced]
    assert {route.rd for route in first if isinstance(route, InclusiveMulticastRoute)} == {
        parse_rd(f"{ONE}:100"),
        parse_rd(f"{ONE}:200"),
    }
    assert not any(one.end_of_rib for one in updates[end + 1 :])


def tshark(setting: Setting, which: str, field: str) -> list[str]:
    """A field of the captured packets, where there is one."""
    command = ["tshark", "-r", str(setting.capture), "-Y", which, "-T", "fields", "-e", field]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if line]


def messages(stream: bytes) -> Iterator[tuple[int, bytes]]:
    """Types and bodies of BGP messages."""
    while len(stream) >= 19:
        length = int.from_bytes(stream[16:18])
        yield stream[18], stream[19:length]
        stream = stream[length:]
