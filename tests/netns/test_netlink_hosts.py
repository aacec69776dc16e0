"""Hosts known beforehand, in a real bridge: what is written, what others do to it, and what the kernel tells of it."""

import socket
from itertools import product

import pytest

from evpn.dataplane.comparison import observe_all
from evpn.dataplane.dataplane import Dataplane
from evpn.dataplane.entries import RTM_DELNEIGH, Fact, HostRow, LocalGone, LocalSeen, MacRow, mac_row
from evpn.dataplane.segment import Segment
from evpn.netlink import rows
from evpn.netlink.dump import dump_bridge_domain, read_link
from evpn.netlink.socket import Monitor, Writer
from evpn.values import IpAddress, MacAddress, Vni

from .conftest import Vtep, rows_of, until

pytestmark = pytest.mark.kernel

V100 = Vni(100)
MAC, OTHER = MacAddress(bytes.fromhex("505433000001")), MacAddress(bytes.fromhex("505433000002"))
VTEP = IpAddress(bytes((10, 0, 0, 2)))

MARKED = {"extern_learn"}
MARKED_STICKY = {"extern_learn", "sticky", "static"}


class Site:
    """VNI 100 on its devices: wishes are pushed, notifications listened to."""

    def __init__(self, vtep: Vtep, writer: Writer, monitor: Monitor) -> None:
        self.vtep, self.writer, self.monitor = vtep, writer, monitor
        self.port, self.other_port = vtep.port, socket.if_nametoindex("port2")
        self.restart()

    def restart(self) -> None:
        """All is forgotten, and the kernel looked at."""
        self.dataplane = Dataplane()
        self.dataplane.add(V100)
        device, bridge = read_link("vx100"), read_link("br100")
        assert device is not None
        assert bridge is not None
        self.dataplane.attach(V100, device, bridge)
        self.local = observe_all(self.segment, *dump_bridge_domain(bridge.ifindex))
        del self.dataplane.unobserved[V100]
        while self.monitor.read():
            continue

    @property
    def segment(self) -> Segment:
        return self.dataplane.segments[V100]

    def want(self, wish: HostRow | MacRow | None) -> None:
        self.segment.hosts.want(MAC, wish if isinstance(wish, HostRow) else None)
        self.segment.macs.want(MAC, wish if isinstance(wish, MacRow) else None)
        self.push()

    def push(self) -> None:
        self.dataplane.touch(V100)
        while batch := self.dataplane.batch(512, removals=True):
            refused = rows.refused(self.writer.apply(rows.encode(batch)))
            assert refused == {}
            self.dataplane.settle(batch, refused, 0.0)

    def listen(self) -> list[Fact | None]:
        """What the notifications about the host say."""
        told = [row for row in rows_of(self.monitor.read()) if row.lladdr == MAC]
        return [self.segment.observe(row, row.type != RTM_DELNEIGH) for row in told]

    def run(self, command: str) -> None:
        self.vtep.namespace.run(*command.split())

    def after(self, command: str) -> list[Fact | None]:
        """What is heard of one command, and nothing before it."""
        self.listen()
        self.run(command)
        return self.listen()

    def frame(self, host: str) -> list[Fact | None]:
        """What is heard of a frame from the host behind a port."""
        self.listen()
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
            sender.bind((host, 0))
            sender.send(bytes.fromhex("ffffffffffff") + MAC + b"\x88\xb5" + bytes(46))
        return self.listen()

    def rows(self) -> dict[str, set[str]]:
        """Device -> words of the bridge's row on it, its name and the bridge's left out."""
        shown = [line.split() for line in self.vtep.namespace.run("bridge", "-d", "fdb", "show").splitlines()]
        found = [words for words in shown if words[0] == MAC.hex(":") and "master" in words]
        return {words[2]: set(words[3:]) - {"master", "br100"} for words in found}


@pytest.fixture
def site(vtep: Vtep, writer: Writer, monitor: Monitor) -> Site:
    """With a second port, and a VXLAN port that does not learn."""
    for line in (
        "ip link add port2 type veth peer name host2",
        "sysctl -qw net.ipv6.conf.port2.addr_gen_mode=1 net.ipv6.conf.host2.addr_gen_mode=1",
        "ip link set port2 up master br100",
        "ip link set host2 up",
        "bridge link set dev vx100 learning off",
    ):
        vtep.namespace.run(*line.split())
    return Site(vtep, writer, monitor)


@pytest.fixture
def host(site: Site) -> HostRow:
    """Wanted, and written."""
    wish = HostRow(site.port, sticky=False)
    site.want(wish)
    assert site.rows() == {"port1": MARKED}
    return wish


@pytest.fixture
def sticky(site: Site) -> HostRow:
    wish = HostRow(site.port, sticky=True)
    site.want(wish)
    assert site.rows() == {"port1": MARKED_STICKY}
    return wish


# Writing


def test_the_echo_says_what_was_written(site: Site, host: HostRow) -> None:
    assert site.listen() == [LocalSeen(MAC, site.port, static=True)]
    assert (site.segment.hosts.actual, site.segment.pending) == ({MAC: host}, 0)


def test_the_two_echoes_of_a_sticky_one_do_as_well(site: Site, sticky: HostRow) -> None:
    assert site.listen() == [LocalSeen(MAC, site.port, static=True)] * 2
    assert (site.segment.hosts.actual, site.segment.pending) == ({MAC: sticky}, 0)


def test_what_is_there_already_is_no_news(site: Site, sticky: HostRow) -> None:
    site.listen()
    site.segment.hosts.observe(MAC, None)
    site.push()

    assert site.listen() == []


def test_every_row_of_a_mac_becomes_every_other(site: Site) -> None:
    """Host or remote, sticky or not, here or there; and what is heard of it is what was done."""
    ends: dict[HostRow | MacRow | None, dict[str, set[str]]] = {
        None: {},
        HostRow(site.port, sticky=False): {"port1": MARKED},
        HostRow(site.port, sticky=True): {"port1": MARKED_STICKY},
        HostRow(site.other_port, sticky=False): {"port2": MARKED},
        HostRow(site.other_port, sticky=True): {"port2": MARKED_STICKY},
        mac_row(VTEP): {"vx100": MARKED},
        mac_row(VTEP, sticky=True): {"vx100": MARKED_STICKY},
    }
    for before, after in product(ends, repeat=2):
        for wish in (before, after):
            site.want(wish)

            assert site.rows() == ends[wish]
            assert any("self" in line for line in site.vtep.fdb()) == isinstance(wish, MacRow)
            site.listen()
            assert site.segment.pending == 0


@pytest.mark.parametrize("down", ["port1", "br100"])
@pytest.mark.parametrize("is_sticky", [False, True])
def test_a_port_that_is_down_takes_a_row(site: Site, down: str, is_sticky: bool) -> None:
    site.run(f"ip link set {down} down")
    site.want(HostRow(site.port, is_sticky))

    assert site.rows() == {"port1": MARKED_STICKY if is_sticky else MARKED}


# What frames and time do to it


def test_a_host_that_turns_up_elsewhere_takes_its_row_along_without_our_mark(site: Site, host: HostRow) -> None:
    assert site.frame("host1") == []
    assert site.frame("host2") == [LocalSeen(MAC, site.other_port, static=False)]
    assert site.rows() == {"port2": set()}
    assert site.segment.hosts.actual == {}

    site.want(HostRow(site.other_port, sticky=False))
    assert site.rows() == {"port2": MARKED}


def test_a_sticky_host_stays_where_it_is(site: Site, sticky: HostRow) -> None:
    site.listen()

    assert site.frame("host2") == []
    assert site.rows() == {"port1": MARKED_STICKY}


def test_a_host_that_was_learnt_before_is_ours_from_then_on(site: Site) -> None:
    assert site.frame("host1") == [LocalSeen(MAC, site.port, static=False)]

    site.want(HostRow(site.port, sticky=False))

    assert site.listen() == [LocalSeen(MAC, site.port, static=True)]


@pytest.mark.parametrize("is_sticky", [False, True])
def test_only_a_row_that_was_learnt_ages_and_the_kernel_says_that_it_did(site: Site, is_sticky: bool) -> None:
    site.want(HostRow(site.port, is_sticky))
    site.run("ip link set br100 type bridge ageing_time 10")
    site.run("bridge fdb add 50:54:33:00:00:02 dev port1 master dynamic")
    gone: list[Fact | None] = []

    def aged() -> bool:
        events = rows_of(site.monitor.read())
        gone.extend(site.segment.observe(row, False) for row in events if row.type == RTM_DELNEIGH)
        return bool(gone)

    until(aged, 15.0)
    assert gone == [LocalGone(OTHER, site.port, aged=True)]
    assert "port1" in site.rows()


@pytest.mark.parametrize(
    "command",
    [
        "ip link set port1 down",
        "bridge fdb del 50:54:33:00:00:01 dev port1 master",
        "bridge fdb flush dev br100",
        "ip link set port1 nomaster",
        "ip link del port1",
    ],
)
def test_a_row_that_was_flushed_has_not_aged(site: Site, command: str) -> None:
    site.frame("host1")

    assert site.after(command) == [LocalGone(MAC, site.port, aged=False)]


def test_ports_and_bridges_that_go_down_and_come_back_have_kept_the_row(site: Site, host: HostRow) -> None:
    for device, state in product(("port1", "host1", "br100"), ("down", "up")):
        assert site.after(f"ip link set {device} {state}") == []

    assert site.rows() == {"port1": MARKED}


# What others do to it


@pytest.mark.parametrize("wish", ["host", "sticky"])
@pytest.mark.parametrize(
    "command",
    [
        "bridge fdb del 50:54:33:00:00:01 dev port1 master",
        "bridge fdb flush dev br100",
        "bridge fdb replace 50:54:33:00:00:01 dev port2 master dynamic",
        "bridge fdb replace 50:54:33:00:00:01 dev port2 master static sticky",
    ],
)
def test_what_is_done_to_it_is_undone(site: Site, wish: str, command: str, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue(wish)
    before = site.rows()

    assert len(site.after(command)) == 1
    assert site.segment.pending == 1

    site.push()
    assert site.rows() == before


@pytest.mark.parametrize("port", ["port1", "port2"])
def test_an_operators_static_row_over_it_is_not_ours_any_more(site: Site, host: HostRow, port: str) -> None:
    site.after(f"bridge fdb replace 50:54:33:00:00:01 dev {port} master static")

    assert site.segment.reserved_host(MAC) == "static entry of somebody else"
    site.want(None)
    assert site.rows() == {port: {"extern_learn", "static"}}


def test_an_operators_static_row_is_never_ours(site: Site) -> None:
    told = site.after("bridge fdb add 50:54:33:00:00:01 dev port1 master static")
    assert told == [LocalSeen(MAC, site.port, static=True)]

    for _ in ("heard of", "found"):
        assert site.segment.reserved_host(MAC) == "static entry of somebody else"
        site.push()
        assert site.rows() == {"port1": {"static"}}
        site.restart()
        assert site.local[MAC] == (site.port, True)


def test_a_row_goes_with_its_port_and_that_is_no_refusal(site: Site, host: HostRow) -> None:
    site.listen()
    site.run("ip link del port1")

    site.want(None)  # before the news of it
    assert site.listen() == [LocalGone(MAC, site.port, aged=False)]
    assert site.segment.pending == 0


# After a restart


@pytest.mark.parametrize("wish", ["host", "sticky"])
def test_a_restarted_agent_knows_its_rows_and_writes_nothing(
    site: Site, wish: str, request: pytest.FixtureRequest
) -> None:
    wanted = request.getfixturevalue(wish)
    site.restart()

    assert site.local[MAC] == (site.port, True)
    assert site.segment.hosts.actual == {MAC: wanted}
    site.want(wanted)
    assert site.listen() == []


def test_what_is_not_wanted_after_a_restart_is_removed(site: Site, sticky: HostRow) -> None:
    site.restart()

    site.push()

    assert site.rows() == {}
