"""`evpn flush`: what bears our mark on the devices of the configuration goes, all else stays."""

from collections.abc import Iterator

import pytest

from tests.interop.fabric import FLOOD, Fabric, Vtep, address

pytestmark = pytest.mark.kernel

FAR, NEAR = address(99), address(98)
MAC, STICKY, FOREIGN, OVER_OURS = (f"02:00:00:00:00:2{n}" for n in (1, 2, 3, 4))


@pytest.fixture
def vtep() -> Iterator[Vtep]:
    """A host with devices of two VNIs, of which the configuration has one; no agent."""
    with Fabric("flush", frr=False) as fabric:
        vtep = fabric.vtep(11)
        for vni in (100, 200):
            vtep.run("ip", "link", "add", f"br{vni}", "up", "type", "bridge")
            kind = ("type", "vxlan", "id", str(vni), "local", vtep.address, "dstport", "4789", "nolearning")
            vtep.run("ip", "link", "add", f"vxlan{vni}", "up", "master", f"br{vni}", *kind)
        yield vtep


def add(vtep: Vtep, row: str, how: str = "add") -> None:
    vtep.run("bridge", "fdb", how, *row.split())


def mark(vtep: Vtep, vni: int) -> None:
    """Rows as the agent writes them: a MAC, two VTEPs to flood to, a neighbor."""
    device, bridge = f"vxlan{vni}", f"br{vni}"
    add(vtep, f"{MAC} dev {device} dst {FAR} self master extern_learn dynamic")
    for flood in (FAR, NEAR):
        add(vtep, f"{FLOOD} dev {device} dst {flood} self extern_learn permanent", "append")
    neighbor = f"ip neigh add 192.0.2.21 lladdr {MAC} dev {bridge} nud noarp extern_learn proto bgp"
    vtep.run(*neighbor.split())


def test_rows_of_every_kind_are_removed_from_the_vni_of_the_configuration(vtep: Vtep) -> None:
    clean = vtep.tables()
    mark(vtep, 100)
    assert vtep.remote(MAC) == {"bridge", FAR}

    assert vtep.evpn("flush", config=True) == "4 rows removed\n"

    assert vtep.tables() == clean
    assert vtep.run("ip", "neigh", "show", "dev", "br100") == ""


def test_other_vnis_are_left_alone(vtep: Vtep) -> None:
    mark(vtep, 200)
    before, neighbors = vtep.tables(), vtep.run("ip", "neigh", "show", "dev", "br200")

    assert vtep.evpn("flush", config=True) == "0 rows removed\n"
    assert vtep.run("ip", "neigh", "show", "dev", "br200") == neighbors
    assert vtep.tables() == before


def test_discovery_makes_every_vni_one_of_the_configuration(vtep: Vtep) -> None:
    mark(vtep, 100)
    mark(vtep, 200)
    vtep.configure(discover=True, vnis=None)

    assert vtep.evpn("flush", config=True) == "8 rows removed\n"


def test_half_a_row_is_removed_as_well(vtep: Vtep) -> None:
    clean = vtep.tables()
    add(vtep, f"{MAC} dev vxlan100 dst {FAR} self extern_learn dynamic")
    add(vtep, f"{STICKY} dev vxlan100 master extern_learn dynamic")

    assert vtep.evpn("flush", config=True) == "2 rows removed\n"
    assert vtep.tables() == clean


def test_a_sticky_row_is_removed_from_both_tables(vtep: Vtep) -> None:
    """It bears our mark on the bridge only."""
    clean = vtep.tables()
    add(vtep, f"{STICKY} dev vxlan100 dst {FAR} self master extern_learn dynamic")
    add(vtep, f"{STICKY} dev vxlan100 dst {FAR} self master static sticky", "replace")
    assert [row["flags"] for row in vtep.fdb(STICKY)] == [["extern_learn", "sticky"], ["self", "sticky"]]

    assert vtep.evpn("flush", config=True) == "1 row removed\n"
    assert vtep.tables() == clean


def add_tap(vtep: Vtep) -> None:
    """A port with a carrier, for one without loses what was learnt on it; behind it a host that says nothing."""
    vtep.run("ip", "link", "add", "tap1", "type", "veth", "peer", "other")
    vtep.run("sysctl", "-qw", "net.ipv6.conf.other.disable_ipv6=1")
    vtep.run("ip", "link", "set", "other", "up")
    vtep.run("ip", "link", "set", "tap1", "up", "master", "br100")


def test_hosts_known_beforehand_are_removed_from_local_ports(vtep: Vtep) -> None:
    add_tap(vtep)
    clean = vtep.tables()
    add(vtep, f"{MAC} dev tap1 master extern_learn dynamic")
    add(vtep, f"{STICKY} dev tap1 master extern_learn dynamic")
    add(vtep, f"{STICKY} dev tap1 master static sticky", "replace")

    assert vtep.evpn("flush", config=True) == "2 rows removed\n"
    assert vtep.tables() == clean


def test_what_others_have_put_there_stays(vtep: Vtep) -> None:
    add_tap(vtep)
    add(vtep, f"{OVER_OURS} dev tap1 master extern_learn dynamic")
    add(vtep, f"{OVER_OURS} dev tap1 master static", "replace")
    for row in (
        f"{FOREIGN} dev vxlan100 dst {FAR} self static",
        f"{FOREIGN} dev tap1 master static",
        f"{STICKY} dev tap1 master static sticky",
        f"{MAC} dev tap1 master dynamic",
        f"{FLOOD} dev vxlan100 dst {FAR} self permanent",
    ):
        add(vtep, row)
    for words in ("192.0.2.31 nud permanent", "192.0.2.32 nud noarp proto bgp", "192.0.2.33 nud noarp extern_learn"):
        address, *rest = words.split()
        vtep.run("ip", "neigh", "add", address, "lladdr", MAC, "dev", "br100", *rest)
    before, neighbors = vtep.tables(), vtep.run("ip", "neigh", "show", "dev", "br100")

    said = vtep.evpn("flush", config=True)

    assert said == "0 rows removed\n1 flood row without our mark left alone, see `bridge fdb`\n"
    assert vtep.run("ip", "neigh", "show", "dev", "br100") == neighbors
    assert vtep.tables() == before


def test_flood_rows_whose_mark_somebody_has_cleared_are_counted(vtep: Vtep) -> None:
    mark(vtep, 100)
    add(vtep, f"{FLOOD} dev vxlan100 dst {address(97)} self permanent", "append")

    said = vtep.evpn("flush", config=True)

    assert said == "2 rows removed\n3 flood rows without our mark left alone, see `bridge fdb`\n"
    assert len(vtep.fdb(FLOOD)) == 3


@pytest.mark.parametrize("gone", ["ip link del vxlan100", "ip link set vxlan100 nomaster"])
def test_devices_that_are_not_there_are_no_error(vtep: Vtep, gone: str) -> None:
    vtep.run(*gone.split())

    assert vtep.evpn("flush", config=True) == "0 rows removed\n"


@pytest.mark.parametrize("device", ["vxlan100", "br100"])
def test_rows_on_devices_that_are_down_are_removed(vtep: Vtep, device: str) -> None:
    mark(vtep, 100)
    vtep.run("ip", "link", "set", device, "down")

    vtep.evpn("flush", config=True)

    assert [row for row in vtep.fdb() if "extern_learn" in row["flags"]] == []
    assert vtep.run("ip", "neigh", "show", "dev", "br100") == ""


def test_ten_thousand_rows(vtep: Vtep) -> None:
    clean = vtep.tables()
    rows = [f"fdb add 02:01:00:00:{n >> 8:02x}:{n & 255:02x} dev vxlan100 dst {FAR}" for n in range(10_000)]
    batch = vtep.directory / "batch"
    batch.write_text("".join(f"{row} self master extern_learn dynamic\n" for row in rows))
    vtep.run("bridge", "-batch", str(batch))

    assert vtep.evpn("flush", config=True) == "10000 rows removed\n"
    assert vtep.tables() == clean


def test_it_needs_a_configuration(vtep: Vtep) -> None:
    assert "Missing option '--config'" in vtep.evpn("flush", status=2)
    vtep.configure(local_as="x")
    assert vtep.evpn("flush", config=True, status=2).startswith(f"{vtep.config}: local-as: ")


def test_it_is_refused_while_an_agent_runs(vtep: Vtep) -> None:
    mark(vtep, 100)
    vtep.start()

    said = vtep.evpn("flush", config=True, status=1)

    assert said == f"{vtep.run_dir}: an agent is running there and would write the rows again; stop it first\n"
    assert vtep.remote(MAC) == {"bridge", FAR}
