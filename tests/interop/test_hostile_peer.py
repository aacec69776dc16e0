"""A peer that sends rubbish: the agent goes on, counts it, and installs what is right (RFC 7606)."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from evpn.cli.client import ask
from evpn.text import parse_ip, parse_mac
from evpn.wire import update
from evpn.wire.pmsi import ingress_replication
from evpn.wire.routes import Route
from tests.builders import a_mac_route, a_multicast_route

from .broken import (
    DISCARDED,
    FAR,
    HARMLESS,
    NLRI,
    RESETS,
    TREATED_AS_WITHDRAWN,
    UNKNOWN_ROUTES,
    announce,
    keeps_the_session,
    many,
    multicast,
    shared,
    with_attribute,
    with_nlri,
    withdraw,
    without_attribute,
)
from .fabric import FLOOD, Fabric, Host, Vtep, address, stays
from .fabric import mac as host_mac
from .frr import until
from .raw_peer import END_OF_RIB, KEEPALIVE, NOTIFICATION, REFRESH, UPDATE, RawPeer

pytestmark = pytest.mark.interop

OURS, PEER = address(11), address(1)
BRIDGE_IP = "192.0.2.100"


class Setting(NamedTuple):
    vtep: Vtep
    peer: RawPeer
    host: Host

    def faults(self) -> int:
        return int(self.vtep.peers()[PEER]["faults"])

    def in_step(self) -> None:
        """What was sent so far has been dealt with: an UPDATE behind it has been."""
        mac = parse_mac("02:00:00:00:77:77")
        self.peer.update(announce(mac))
        until(lambda: self.vtep.remote("02:00:00:00:77:77") == {"bridge", FAR})
        self.peer.update(withdraw(mac))
        until(lambda: not self.vtep.fdb("02:00:00:00:77:77"))


@pytest.fixture(scope="module")
def running() -> Iterator[Setting]:
    with Fabric("hostile", frr=False) as fabric:
        vtep = fabric.vtep(11, (PEER,), vnis=[{"vni": 100, "ports": ["tap1"]}])
        host, node = fabric.host(vtep, 1), fabric.node(1)
        vtep.start()
        vtep.run("ip", "address", "add", f"{BRIDGE_IP}/24", "dev", "br100")
        with RawPeer(node, PEER, OURS) as peer:
            yield Setting(vtep, peer, host)


@pytest.fixture
def setting(running: Setting) -> Iterator[Setting]:
    """A session in order before the test, and the same agent after it."""
    if not running.peer.is_up:
        until(running.peer.connect)
    running.peer.update(END_OF_RIB)
    until(lambda: running.vtep.summary()["in-sync"])
    agent = running.vtep.agent()
    yield running
    assert running.vtep.agent() == agent
    assert running.vtep.answers()


def test_a_right_route_is_installed_and_withdrawn(setting: Setting) -> None:
    mac = "02:00:00:00:55:99"
    setting.peer.update(announce(mac))
    setting.peer.update(multicast())
    until(lambda: setting.vtep.remote(mac) == {"bridge", FAR} and setting.vtep.flood() == {FAR})

    setting.peer.update(withdraw(parse_mac(mac)))
    setting.peer.update(update.encode_withdraw([a_multicast_route(parse_ip(FAR), rd=f"{FAR}:100")]))
    until(lambda: not setting.vtep.fdb(mac) and not setting.vtep.fdb(FLOOD))
    assert setting.faults() == 0


@pytest.mark.parametrize("body", TREATED_AS_WITHDRAWN.values(), ids=TREATED_AS_WITHDRAWN.keys())
def test_malformed_attributes_withdraw_the_route_and_keep_the_session(setting: Setting, body: bytes) -> None:
    setting.peer.update(announce())
    until(lambda: setting.vtep.remote("02:00:00:00:55:01") == {"bridge", FAR})
    before = setting.faults()

    setting.peer.update(body)

    until(lambda: not setting.vtep.fdb("02:00:00:00:55:01"))
    assert setting.faults() > before
    setting.in_step()
    assert setting.peer.is_up


ODD = DISCARDED | HARMLESS


@pytest.mark.parametrize("body", ODD.values(), ids=ODD.keys())
def test_other_oddities_of_attributes_cost_no_route(setting: Setting, body: bytes) -> None:
    setting.peer.update(body)

    until(lambda: setting.vtep.remote("02:00:00:00:55:01") == {"bridge", FAR})
    setting.peer.update(withdraw(parse_mac("02:00:00:00:55:01")))
    until(lambda: not setting.vtep.fdb("02:00:00:00:55:01"))
    assert setting.peer.is_up


UNREADABLE = {name: (nlri, 1) for name, nlri in NLRI.items()} | {
    name: (nlri, 0) for name, nlri in UNKNOWN_ROUTES.items()
}


@pytest.mark.parametrize(("nlri", "faults"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_route_that_cannot_be_read_costs_itself_only(setting: Setting, nlri: str, faults: int) -> None:
    before = setting.faults()
    good = a_mac_route(parse_mac("02:00:00:00:55:02"), rd=f"{FAR}:100").encode().hex()

    setting.peer.update(with_nlri(nlri + good))

    until(lambda: setting.vtep.remote("02:00:00:00:55:02") == {"bridge", FAR})
    assert setting.faults() == before + faults
    setting.peer.update(withdraw(parse_mac("02:00:00:00:55:02")))
    until(lambda: not setting.vtep.fdb("02:00:00:00:55:02"))
    assert setting.peer.is_up


@pytest.mark.parametrize(("body", "notification"), RESETS.values(), ids=RESETS.keys())
def test_the_session_ends_only_where_routes_cannot_be_told_apart(
    setting: Setting, body: bytes, notification: tuple[int, int] | None
) -> None:
    setting.peer.update(announce("02:00:00:00:55:03"))
    until(lambda: setting.vtep.remote("02:00:00:00:55:03") == {"bridge", FAR})

    setting.peer.update(body)

    until(lambda: not setting.peer.is_up)
    assert setting.peer.notification() == notification or (notification is None and setting.peer.notification())
    assert setting.vtep.remote("02:00:00:00:55:03") == {"bridge", FAR}  # held: nobody else is there to ask
    until(setting.peer.connect)
    setting.peer.update(END_OF_RIB)
    until(lambda: not setting.vtep.fdb("02:00:00:00:55:03"))


NEXT_HOPS = {
    "0.0.0.0": "next hop is no unicast address of another host",
    "127.0.0.1": "next hop is no unicast address of another host",
    "224.0.0.1": "next hop is no unicast address of another host",
    "255.255.255.255": "next hop is no unicast address of another host",
    OURS: "next hop is our own VTEP",
    "2001:db8::1": "next hop is of another address family than our VTEP",
}


@pytest.mark.parametrize(("next_hop", "reason"), NEXT_HOPS.items())
def test_a_next_hop_that_leads_nowhere(setting: Setting, next_hop: str, reason: str) -> None:
    mac = "02:00:00:00:55:04"
    setting.peer.update(announce(mac, next_hop))

    row = until(lambda: next((row for row in setting.vtep.show("rib") if row["route"] == mac), None))
    assert (row["best"], row["reason"]) == (False, reason)
    setting.in_step()
    assert setting.vtep.fdb(mac) == []
    setting.peer.update(withdraw(parse_mac(mac)))
    setting.in_step()


LOOPS = {
    "our AS number is in the AS path": "40020e 0203 0000fde9 0000fde8 0000fdea",
    "originator is our router id": "800904 0a00000b",
    "our router id is in the cluster list": "800a08 0a000001 0a00000b",
}


@pytest.mark.parametrize(("reason", "attribute"), LOOPS.items())
def test_what_has_been_here_before(setting: Setting, reason: str, attribute: str) -> None:
    octets = bytes.fromhex(attribute)
    body = with_attribute(without_attribute(announce("02:00:00:00:55:06"), octets[1]), octets.hex())

    setting.peer.update(body)

    setting.in_step()
    (row,) = [row for row in setting.vtep.show("rib") if row["route"] == "02:00:00:00:55:06"]
    assert (row["best"], row["reason"]) == (False, reason)
    assert setting.vtep.fdb("02:00:00:00:55:06") == []
    setting.peer.update(withdraw(parse_mac("02:00:00:00:55:06")))


def test_our_own_routes_reflected(setting: Setting) -> None:
    """To the last octet, as a reflector that forgets whom it has them from would."""
    setting.host.speak()
    until(lambda: host_mac(1) in setting.vtep.macs())
    before = setting.vtep.tables()
    said = until(lambda: [body for body in setting.peer.updates() if update.decode(body).announced])

    for body in said:
        setting.peer.update(body)

    setting.in_step()
    rows = [row for row in setting.vtep.show("rib") if row["next-hop"] == OURS]
    assert {row["reason"] for row in rows} == {"next hop is our own VTEP"}
    assert setting.vtep.tables() == before
    assert setting.vtep.macs()[host_mac(1)]["type"] == "local"
    for body in said:
        setting.peer.update(update.encode_withdraw(update.decode(body).announced))


EXTREMES = {"tag of all segments": ("ffffffff", 100), "VNI 0": ("00000000", 0)}


@pytest.mark.parametrize(("tag", "vni"), EXTREMES.values(), ids=EXTREMES.keys())
def test_a_tag_or_a_label_that_is_none(setting: Setting, tag: str, vni: int) -> None:
    before, faults = setting.vtep.fdb(), setting.faults()
    mac = a_mac_route(parse_mac("02:00:00:00:55:07"), rd=f"{FAR}:100", vni=vni)._replace(tag=bytes.fromhex(tag))
    flood: Route = a_multicast_route(parse_ip(FAR), rd=f"{FAR}:100")._replace(tag=bytes.fromhex(tag))
    pmsi = ingress_replication(vni, parse_ip(FAR))

    setting.peer.update(update.encode_announce([mac], parse_ip(FAR), shared()))
    setting.peer.update(update.encode_announce([flood], parse_ip(FAR), shared(pmsi=pmsi)))

    setting.in_step()
    assert setting.vtep.fdb() == before
    assert setting.faults() > faults
    setting.peer.update(update.encode_withdraw([flood]))


@pytest.mark.parametrize(("tag", "vni"), [("fffffffe", 100), ("00000fff", 0xFFFFFF)])
def test_other_tags_and_labels_are_those_of_its_route_target(setting: Setting, tag: str, vni: int) -> None:
    """As FRR has it: what the route target says is right, and our VNI is the one on the wire."""
    route = a_mac_route(parse_mac("02:00:00:00:55:08"), rd=f"{FAR}:100", vni=vni)._replace(tag=bytes.fromhex(tag))

    setting.peer.update(update.encode_announce([route], parse_ip(FAR), shared()))

    until(lambda: setting.vtep.remote("02:00:00:00:55:08") == {"bridge", FAR})
    setting.peer.update(update.encode_withdraw([route._replace(vni=0)]))
    until(lambda: not setting.vtep.fdb("02:00:00:00:55:08"))


@pytest.mark.parametrize("ip", ["0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "::", "::1", "ff02::1"])
def test_an_ip_that_is_no_hosts(setting: Setting, ip: str) -> None:
    route = a_mac_route(parse_mac("02:00:00:00:55:09"), parse_ip(ip), rd=f"{FAR}:100")

    setting.peer.update(update.encode_announce([route], parse_ip(FAR), shared()))

    until(lambda: setting.vtep.remote("02:00:00:00:55:09") == {"bridge", FAR})
    setting.in_step()
    assert not [line for line in setting.vtep.run("ip", "neigh").splitlines() if line.split()[0] == ip]
    setting.peer.update(update.encode_withdraw([route]))
    setting.in_step()


def test_more_routes_than_the_peer_may_have_and_more_macs_than_the_vni(setting: Setting) -> None:
    vtep, peer = setting.vtep, setting.peer
    macs = [f"02:00:00:01:{number >> 8:02x}:{number & 255:02x}" for number in range(600)]
    vtep.configure(neighbors=[{"address": PEER, "hold-time": 9, "max-routes": 500}])
    vtep.configure(vnis=[{"vni": 100, "ports": ["tap1"], "max-remote-macs": 300}])
    list(ask(vtep.run_dir, {"command": "reload", "config": str(vtep.config)}))
    try:
        for mac in macs:
            peer.update(announce(mac))
        until(lambda: vtep.peers()[PEER]["over-limit"] >= 100)
        (vni,) = vtep.show("vni", 100)
        assert (vtep.peers()[PEER]["routes"], vni["remote-macs"], vni["waiting-macs"]) == (500, 300, 200)
        until(lambda: len([row for row in vtep.fdb() if row["mac"] in macs and "dst" in row]) == 300)
        assert "max-routes reached" in vtep.log() and "max-remote-macs reached" in vtep.log()
        for mac in macs[:250]:
            peer.update(withdraw(parse_mac(mac)))
        until(lambda: vtep.remote(macs[499]) == {"bridge", FAR})
        until(lambda: REFRESH in peer.types())  # there is room for what was not taken
    finally:
        for mac in macs:
            peer.update(withdraw(parse_mac(mac)))
        vtep.configure(neighbors=[{"address": PEER, "hold-time": 9}], vnis=[{"vni": 100, "ports": ["tap1"]}])
        list(ask(vtep.run_dir, {"command": "reload", "config": str(vtep.config)}))
    setting.in_step()
    assert peer.is_up


@pytest.mark.parametrize("endpoint", ["0.0.0.0", "127.0.0.1", "224.0.0.1", OURS])
def test_a_flood_endpoint_that_leads_nowhere(setting: Setting, endpoint: str) -> None:
    route: Route = a_multicast_route(parse_ip(FAR), rd=f"{FAR}:100")
    setting.peer.update(update.encode_announce([route], parse_ip(FAR), shared(endpoint=parse_ip(endpoint))))
    setting.in_step()
    assert setting.vtep.fdb(FLOOD) == []
    setting.peer.update(update.encode_withdraw([route]))


@pytest.mark.parametrize("mac", ["01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff", "33:33:00:00:00:01", FLOOD])
def test_a_mac_that_is_no_hosts(setting: Setting, mac: str) -> None:
    before = setting.vtep.fdb()

    setting.peer.update(announce(mac))

    setting.in_step()
    assert setting.vtep.fdb() == before
    setting.peer.update(withdraw(parse_mac(mac)))


@pytest.mark.parametrize("device", ["br100", "vxlan100", "tap1"])
@pytest.mark.parametrize("sticky", [False, True])
def test_a_mac_of_our_own_is_not_given_away(setting: Setting, device: str, sticky: bool) -> None:
    vtep, host = setting.vtep, setting.host
    mac = vtep.run("cat", f"/sys/class/net/{device}/address").strip()
    rows = sorted(line for line in vtep.run("bridge", "fdb").splitlines() if mac in line)

    with host.pinging(Host(vtep.namespace, 100)) as pings:
        setting.peer.update(announce(mac, with_=shared(sequence=7, sticky=sticky)))
        row = until(lambda: vtep.macs().get(mac))
        setting.in_step()
        assert row["kernel"] == "MAC of an interface of this host"
        assert sorted(line for line in vtep.run("bridge", "fdb").splitlines() if mac in line) == rows
        setting.peer.update(withdraw(parse_mac(mac)))
        until(lambda: mac not in vtep.macs())
        setting.in_step()
    sent, received = pings()
    assert sent == received > 0
    assert sorted(line for line in vtep.run("bridge", "fdb").splitlines() if mac in line) == rows


def test_our_host_can_be_claimed_but_speaks_itself_back(setting: Setting) -> None:
    vtep, mac = setting.vtep, host_mac(1)
    setting.host.speak()
    until(lambda: vtep.macs()[mac]["type"] == "local")
    setting.peer.update(announce(mac, with_=shared(sequence=41)))
    until(lambda: vtep.remote(mac) == {"bridge", FAR})

    setting.host.speak()

    until(lambda: vtep.macs()[mac]["type"] == "local")
    assert vtep.macs()[mac]["sequence"] == 42
    assert vtep.port_of(mac) == "tap1"
    assert setting.host.reaches(Host(vtep.namespace, 100))
    setting.peer.update(withdraw(parse_mac(mac)))
    setting.in_step()
    assert vtep.port_of(mac) == "tap1"


def test_the_highest_sequence_number_does_not_overflow(setting: Setting) -> None:
    vtep, mac = setting.vtep, "02:00:00:00:99:05"
    vtep.run("bridge", "fdb", "add", mac, "dev", "tap1", "master", "static")
    until(lambda: vtep.macs().get(mac))

    setting.peer.update(announce(mac, with_=shared(sequence=0xFFFFFFFF)))

    setting.in_step()
    assert vtep.macs()[mac]["sequence"] in (0xFFFFFFFF, 0)
    setting.peer.update(withdraw(parse_mac(mac)))
    vtep.run("bridge", "fdb", "del", mac, "dev", "tap1", "master")
    until(lambda: mac not in vtep.macs())


def test_three_hundred_damaged_updates_in_one_session(setting: Setting) -> None:
    before = setting.faults()
    for body in many(300, keeps_the_session):
        setting.peer.update(body)

    setting.in_step()
    assert setting.peer.is_up and NOTIFICATION not in setting.peer.types()
    assert setting.faults() > before + 100
    rows = setting.vtep.fdb()
    assert all(int(row["mac"][:2], 16) & 1 == 0 for row in rows if "extern_learn" in row["flags"])
    assert setting.vtep.summary()["rows-pending"] == 0


def test_updates_damaged_beyond_reading_cost_the_session_only(setting: Setting) -> None:
    for body in many(6, lambda body: not keeps_the_session(body)):
        if not setting.peer.is_up:
            until(setting.peer.connect)
        setting.peer.update(body)
        mark = len(setting.peer.said)
        until(lambda mark=mark: not setting.peer.is_up or KEEPALIVE in setting.peer.types()[mark:])
    until(lambda: setting.peer.is_up or setting.peer.connect())
    setting.peer.update(END_OF_RIB)
    setting.in_step()


def test_a_peer_that_announces_and_withdraws_without_end(setting: Setting) -> None:
    mac = parse_mac("02:00:00:00:66:77")
    for _ in range(2000):
        setting.peer.update(announce(mac))
        setting.peer.update(withdraw(mac))
    setting.in_step()
    stays(lambda: not setting.vtep.fdb("02:00:00:00:66:77"), 0.5)


def test_what_we_announce_goes_to_such_a_peer_as_well(setting: Setting) -> None:
    setting.host.speak()
    until(lambda: setting.vtep.show("neigh"))
    setting.peer.close()
    until(setting.peer.connect)

    def told() -> list[update.Update]:
        return [update.decode(body) for code, body in setting.peer.said if code == UPDATE]

    until(lambda: any(one.end_of_rib for one in told()))
    routes = [route for one in told() for route in one.announced]
    assert sorted(route.key[0] for route in routes) == [2, 2, 3]  # a MAC, with and without its IP, and a VTEP
    assert [one.end_of_rib for one in told()].index(True) == len(told()) - 1
