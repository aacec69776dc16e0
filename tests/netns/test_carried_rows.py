"""What a device that is made again takes along from the one before it."""

from itertools import takewhile

import pytest

from evpn.netlink import neighbor
from evpn.netlink.socket import Writer
from evpn.text import parse_ip, parse_mac
from tests.namespaces import is_subscribed

from .conftest import until
from .test_devices import Host, host, multicast

__all__ = ["host"]

pytestmark = pytest.mark.kernel

MAC, STICKY, IP, IP6 = "00:00:5e:00:53:01", "00:00:5e:00:53:02", "192.0.2.1", "2001:db8:1::1"
REMOTE = parse_ip("10.0.0.9")
PROXY = ("static-l3", "dynamic-l3")


def a_vni(strategy: str, **more: object) -> dict[str, object]:
    return multicast() | {"strategy": strategy} | more


def write(host: Host, home: str) -> None:
    """As an agent does; neighbors on `home`."""
    device, on, writer = host.index(), host.index(home), Writer()
    writer.open()
    messages = [
        neighbor.flood(0, device, REMOTE),
        neighbor.remote_mac(1, device, parse_mac(MAC), REMOTE),
        neighbor.sticky_mac(2, device, parse_mac(STICKY), REMOTE),
        neighbor.neighbor(3, on, parse_ip(IP), parse_mac(MAC)),
        neighbor.neighbor(4, on, parse_ip(IP6), parse_mac(MAC)),
    ]
    assert writer.apply(messages) == []
    writer.close()


def rows(host: Host) -> set[str]:
    shown = host.run("bridge -d fdb show dev vxlan100").splitlines()
    return {" ".join(line.split()) for line in shown if "00:00:5e" in line or "00:00:00:00:00:00" in line}


def neighbors(host: Host, device: str) -> set[str]:
    return {line.split()[0] for line in host.run(f"ip neigh show dev {device} proto bgp").splitlines()} | {
        line.split()[0] for line in host.run(f"ip -6 neigh show dev {device} proto bgp").splitlines()
    }


MARKED = {f"{MAC} extern_learn master br100", f"{MAC} dst 10.0.0.9 self extern_learn"}
FLOOD = "00:00:00:00:00:00 dst 10.0.0.9 self extern_learn permanent"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("static-l2", "static-l3"),
        ("static-l2", "dynamic-l3"),
        ("static-l3", "static-l2"),
        ("static-l3", "dynamic-l3"),
        ("dynamic-l3", "static-l2"),
        ("dynamic-l3", "static-l3"),
    ],
)
def test_rows_of_bgp_are_on_the_new_device_at_once(host: Host, old: str, new: str) -> None:
    host.configure(a_vni(old))
    index, home = host.index(), "vxlan100" if new in PROXY else "br100"
    write(host, "vxlan100" if old in PROXY else "br100")
    host.configure(a_vni(new))

    assert host.index() != index
    assert rows(host) >= MARKED
    assert [line for line in rows(host) if line.startswith(STICKY) and "sticky" in line and "10.0.0.9" in line]
    assert neighbors(host, home) == {IP, IP6}
    assert (FLOOD in rows(host)) == (new == "static-l2")


@pytest.mark.parametrize("new", ["static-flood", "multicast"])
def test_a_device_that_learns_is_taught_them(host: Host, new: str) -> None:
    host.configure(a_vni("static-l3"))
    write(host, "vxlan100")
    host.configure(a_vni(new))

    taught = {f"{MAC} master br100", f"{MAC} dst 10.0.0.9 self"}
    assert rows(host) >= taught
    assert not MARKED & rows(host)
    assert (FLOOD in rows(host)) == (new == "static-flood")


def test_what_nobody_has_used_lately_is_not_there_on_demand(host: Host) -> None:
    host.configure(a_vni("static-l2"))
    write(host, "br100")
    host.run("sleep 1.1")
    host.configure(a_vni("dynamic-l3", **{"idle-timeout": 1}))

    assert rows(host) == set()
    assert neighbors(host, "vxlan100") == set()


def test_rows_of_somebody_else_are_not_carried(host: Host) -> None:
    """They went with the device that he has put them on."""
    host.configure(a_vni("static-l2"))
    host.run(f"bridge fdb add {MAC} dev vxlan100 dst 10.0.0.9 self")
    host.run(f"ip neigh add {IP} lladdr {MAC} dev br100")
    host.configure(a_vni("static-l3"))

    assert rows(host) == set()
    assert neighbors(host, "vxlan100") == set()


def test_each_of_many_has_its_rows_before_the_next_one_is_made(host: Host) -> None:
    """So that one of them is not without rows for as long as all of them take."""
    vnis = [a_vni("static-l2", vni=vni, device=f"vx{vni}", bridge=f"br{vni}") for vni in (101, 102)]
    host.configure(*vnis)
    for vni in (101, 102):
        host.run(f"bridge fdb add {MAC} dev vx{vni} dst 10.0.0.9 self master extern_learn dynamic")
    with host.namespace.popen("bridge", "monitor", "fdb") as watched:
        said = iter(watched.stdout or ())
        until(lambda: is_subscribed(watched.pid))
        host.configure(*(vni | {"strategy": "static-l3"} for vni in vnis))
        before = list(takewhile(lambda line: not (MAC in line and "vx102" in line and "Deleted" in line), said))
        watched.terminate()

    assert [line for line in before if MAC in line and "vx101" in line and "Deleted" not in line]
