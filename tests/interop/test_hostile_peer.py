"""A peer that sends rubbish: the agent goes on, counts it, and installs what is right (RFC 7606)."""

from collections.abc import Callable, Iterator
from random import Random
from typing import NamedTuple

import pytest

from evpn.exabgp.extension import framing
from evpn.text import parse_ip, parse_mac
from evpn.values import MacAddress
from evpn.wire import update
from evpn.wire.attributes import PathAttributes
from evpn.wire.routes import Route
from tests.builders import a_mac_route, a_multicast_route, attributes

from .fabric import FLOOD, Fabric, Host, Vtep, address, stays
from .fabric import mac as host_mac
from .frr import until
from .raw_peer import END_OF_RIB, KEEPALIVE, NOTIFICATION, UPDATE, RawPeer

pytestmark = pytest.mark.interop

OURS, PEER, FAR = address(11), address(1), address(99)
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
        until(running.peer.connect, 30)
    running.peer.update(END_OF_RIB)
    until(lambda: running.vtep.summary()["in-sync"])
    agent = running.vtep.agent()
    yield running
    assert running.vtep.agent() == agent
    assert running.vtep.answers()


def shared(*communities: str, **more: object) -> PathAttributes:
    return attributes(*communities, **{"local_preference": 100, **more})  # type: ignore[arg-type]


def announce(
    mac: MacAddress | str = "02:00:00:00:55:01", next_hop: str = FAR, with_: PathAttributes | None = None
) -> bytes:
    mac = parse_mac(mac) if isinstance(mac, str) else mac
    route = a_mac_route(mac, rd=f"{FAR}:100")
    return update.encode_announce([route], parse_ip(next_hop), with_ or shared())


def withdraw(mac: MacAddress) -> bytes:
    return update.encode_withdraw([a_mac_route(mac, rd=f"{FAR}:100")])


def multicast(endpoint: str = FAR, with_: PathAttributes | None = None) -> bytes:
    route = a_multicast_route(parse_ip(endpoint), rd=f"{FAR}:100")
    return update.encode_announce([route], parse_ip(endpoint), with_ or shared(endpoint=parse_ip(endpoint)))


def with_attribute(body: bytes, attribute: str) -> bytes:
    """One more path attribute at the end."""
    block = body[4:] + bytes.fromhex(attribute)
    return bytes(2) + len(block).to_bytes(2) + block


def without_attribute(body: bytes, code: int) -> bytes:
    block = body[4:]
    at, rest = 0, b""
    while at < len(block):
        head = 4 if block[at] & 0x10 else 3
        end = at + head + int.from_bytes(block[at + 2 : at + head])
        rest += b"" if block[at + 1] == code else block[at:end]
        at = end
    return bytes(2) + len(rest).to_bytes(2) + rest


def with_nlri(nlri: str) -> bytes:
    """An announcement of these octets."""
    octets = bytes.fromhex(nlri)
    reach = bytes.fromhex("001946") + b"\x04" + parse_ip(FAR) + b"\0" + octets
    rest = without_attribute(announce(), 14)[4:]
    block = b"\x90\x0e" + len(reach).to_bytes(2) + reach + rest
    return bytes(2) + len(block).to_bytes(2) + block


MAC_ROUTE = a_mac_route(parse_mac("02:00:00:00:55:01"), rd=f"{FAR}:100").encode().hex()


def test_a_right_route_is_installed_and_withdrawn(setting: Setting) -> None:
    mac = "02:00:00:00:55:99"
    setting.peer.update(announce(mac))
    setting.peer.update(multicast())
    until(lambda: setting.vtep.remote(mac) == {"bridge", FAR} and setting.vtep.flood() == {FAR})

    setting.peer.update(withdraw(parse_mac(mac)))
    setting.peer.update(update.encode_withdraw([a_multicast_route(parse_ip(FAR), rd=f"{FAR}:100")]))
    until(lambda: not setting.vtep.fdb(mac) and not setting.vtep.fdb(FLOOD))
    assert setting.faults() == 0


TREATED_AS_WITHDRAWN: dict[str, bytes] = {
    "no ORIGIN": without_attribute(announce(), 1),
    "no AS_PATH": without_attribute(announce(), 2),
    "ORIGIN 9": with_attribute(without_attribute(announce(), 1), "40010109"),
    "ORIGIN of 2 octets": with_attribute(without_attribute(announce(), 1), "4001020000"),
    "AS_PATH that overruns": with_attribute(without_attribute(announce(), 2), "4002020205"),
    "no LOCAL_PREF": without_attribute(announce(), 5),
    "LOCAL_PREF of 3 octets": with_attribute(without_attribute(announce(), 5), "400503000064"),
    "communities of 7 octets": with_attribute(without_attribute(announce(), 16), "c01007" + "00" * 7),
    "PMSI of 3 octets": with_attribute(announce(), "c01603000600"),
    "unknown well-known attribute": with_attribute(announce(), "40fe0100"),
    "attribute that overruns the block": with_attribute(announce(), "c008ff00"),
    "half an attribute": with_attribute(announce(), "c0"),
}


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


DISCARDED = {
    "ATOMIC_AGGREGATE of 1 octet": with_attribute(announce(), "40060100"),
    "AGGREGATOR of 3 octets": with_attribute(announce(), "c00703000000"),
    "LOCAL_PREF twice": with_attribute(announce(), "40050400000001"),
    "unknown optional attribute": with_attribute(announce(), "c0fe0100"),
    "unlisted extended community": announce(with_=shared("target:65000:100", "target:9:9")),
}


@pytest.mark.parametrize("body", DISCARDED.values(), ids=DISCARDED.keys())
def test_other_oddities_of_attributes_cost_no_route(setting: Setting, body: bytes) -> None:
    setting.peer.update(body)

    until(lambda: setting.vtep.remote("02:00:00:00:55:01") == {"bridge", FAR})
    setting.peer.update(withdraw(parse_mac("02:00:00:00:55:01")))
    until(lambda: not setting.vtep.fdb("02:00:00:00:55:01"))
    assert setting.peer.is_up


NLRI = {
    "route type 6": ("06020000", 0),
    "route type 255, empty": ("ff00", 0),
    "type 2 too short": ("0205" + "00" * 5, 1),
    "type 2, MAC of 40 bits": (MAC_ROUTE[:4] + MAC_ROUTE[4:].replace("30020000005501", "28020000005501"), 1),
    "type 2, IP of 33 bits": (MAC_ROUTE.replace("3002000000550100", "3002000000550121"), 1),
    "type 3 of 1 octet": ("030100", 1),
    "type 5 of 3 octets": ("0503000000", 1),
}


@pytest.mark.parametrize(("nlri", "faults"), NLRI.values(), ids=NLRI.keys())
def test_a_route_that_cannot_be_read_costs_itself_only(setting: Setting, nlri: str, faults: int) -> None:
    before = setting.faults()
    good = a_mac_route(parse_mac("02:00:00:00:55:02"), rd=f"{FAR}:100").encode().hex()

    setting.peer.update(with_nlri(nlri + good))

    until(lambda: setting.vtep.remote("02:00:00:00:55:02") == {"bridge", FAR})
    assert setting.faults() == before + faults
    setting.peer.update(withdraw(parse_mac("02:00:00:00:55:02")))
    until(lambda: not setting.vtep.fdb("02:00:00:00:55:02"))
    assert setting.peer.is_up


RESETS = {
    "attributes overrun the message": (b"\0\0\0\xff" + announce()[4:], (3, 1)),
    "NLRI overruns its attribute": (with_nlri("0240" + "00" * 8), (3, 9)),
    "next hop of 5 octets": (announce().replace(b"\x00\x19\x46\x04", b"\x00\x19\x46\x05", 1), (3, 9)),
    "MP_REACH twice": (with_attribute(announce(), announce()[4 : 4 + 44].hex()), None),
}


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
    until(setting.peer.connect, 30)
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


def damaged(random: Random) -> bytes:
    """A right UPDATE with some octets changed, cut out or put in."""
    body = bytearray(
        random.choice(
            (
                announce(f"02:00:00:00:66:{random.randrange(256):02x}"),
                multicast(address(random.randrange(100, 200))),
                announce("02:00:00:00:66:01", with_=shared("target:65000:100", "target:1:1", sequence=5)),
                update.encode_withdraw([a_mac_route(parse_mac("02:00:00:00:66:01"))] * 3),
            )
        )
    )
    for _ in range(random.randrange(1, 6)):
        at = random.randrange(4, len(body))
        match random.randrange(4):
            case 0 | 1:
                body[at] = random.randrange(256)
            case 2:
                del body[at : at + random.randrange(1, 5)]
            case 3:
                body[at:at] = random.randbytes(random.randrange(1, 5))
    body[2:4] = (len(body) - 4).to_bytes(2)
    return bytes(body)


def keeps_the_session(body: bytes) -> bool:
    return framing.check(body) == b""


def many(wanted: Callable[[bytes], bool], count: int) -> list[bytes]:
    random, found = Random(7606), []
    while len(found) < count:
        body = damaged(random)
        if wanted(body):
            found.append(body)
    return found


def test_three_hundred_damaged_updates_in_one_session(setting: Setting) -> None:
    before = setting.faults()
    for body in many(keeps_the_session, 300):
        setting.peer.update(body)

    setting.in_step()
    assert setting.peer.is_up and NOTIFICATION not in setting.peer.types()
    assert setting.faults() > before + 100
    rows = setting.vtep.fdb()
    assert all(int(row["mac"][:2], 16) & 1 == 0 for row in rows if "extern_learn" in row["flags"])
    assert setting.vtep.summary()["rows-pending"] == 0


def test_updates_damaged_beyond_reading_cost_the_session_only(setting: Setting) -> None:
    for body in many(lambda body: not keeps_the_session(body), 6):
        if not setting.peer.is_up:
            until(setting.peer.connect, 30)
        setting.peer.update(body)
        mark = len(setting.peer.said)
        until(lambda mark=mark: not setting.peer.is_up or KEEPALIVE in setting.peer.types()[mark:], 10)
    until(lambda: setting.peer.is_up or setting.peer.connect(), 30)
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
    until(setting.peer.connect, 30)

    def told() -> list[update.Update]:
        return [update.decode(body) for code, body in setting.peer.said if code == UPDATE]

    until(lambda: any(one.end_of_rib for one in told()))
    routes = [route for one in told() for route in one.announced]
    assert sorted(route.key[0] for route in routes) == [2, 2, 3]  # a MAC, with and without its IP, and a VTEP
    assert [one.end_of_rib for one in told()].index(True) == len(told()) - 1
