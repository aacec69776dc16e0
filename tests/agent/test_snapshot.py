"""What a snapshot says is what was put into it, or nothing; whatever it holds, nobody is harmed."""

import json
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evpn.agent.snapshot import MOST_AGE, Origin, SnapshotError, body, pack, unpack
from evpn.evi.mobility import Claim
from evpn.evi.originate import Announcement, Instance, arp_nd_flags, inclusive_multicast, mac_ip
from evpn.values import NO_IP, IpAddress, MacAddress, Vni
from evpn.wire.attributes import encode
from tests.builders import IP1, M1, M2, M3, OURS, a_core, ip
from tests.wire.strategies import ips, mac_ip_routes, macs, path_attributes, routes

HERE = Origin("a-boot", "10.0.0.10", 5000.0)
V100 = Vni(100)
INSTANCE = Instance(V100, OURS, b"\0\1\n\0\0\n\0\1", ())  # type: ignore[arg-type]
IP6 = ip("2001:db8::1")


def a_route(mac: MacAddress = M1, address: IpAddress = NO_IP, sequence: int = 0, flags: int | None = None):
    return mac_ip(INSTANCE, mac, Claim(OURS, sequence), address, flags)


def a_snapshot(*announced: Announcement, origin: Origin = HERE) -> bytes:
    return pack(origin, *body(announced))


def recalled(octets: bytes, here: Origin = HERE):
    """A bridge domain to which it was told."""
    core = a_core()
    for attributes, nlri in unpack(octets, here).told:
        core.recall(attributes, nlri)
    return core.fabric.domains[V100]


def titled(rest: bytes) -> bytes:
    return b"evpn-snapshot 1 %08x\n" % crc32(rest) + rest


def headed(**fields: object) -> bytes:
    head = {"boot": HERE.boot, "vtep": HERE.vtep, "written": HERE.now, "routes": 0, **fields}
    return titled(json.dumps(head).encode() + b"\n")


# What is kept


def test_addresses_and_sequence_numbers_are_kept() -> None:
    router = arp_nd_flags(IP6, router=True, configured=False)

    domain = recalled(a_snapshot(a_route(M1, IP1, 3), a_route(M2, IP6, 0, router), a_route(M3, sequence=7)))

    assert {ip: (one.mac, one.router) for ip, one in domain.addresses.bindings.of_ip.items()} == {
        IP1: (M1, False),
        IP6: (M2, True),
    }
    assert domain.highest_seen == {M1: 2, M3: 6}


def test_what_is_known_from_elsewhere_is_not_kept() -> None:
    configured = a_route(M1, IP1, flags=arp_nd_flags(IP1, router=False, configured=True))

    assert body([a_route(M1), configured, inclusive_multicast(INSTANCE)[1]]) == (0, b"")


def test_the_same_routes_make_the_same_lines_in_whatever_order_they_came() -> None:
    several = [a_route(M1, IP1), a_route(M2, IP6), a_route(M3, sequence=2), a_route(M2, sequence=2)]

    assert body(several) == body(several[::-1])


def test_no_more_are_kept_than_can_be_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evpn.agent.snapshot.MOST_ROUTES", 3)

    count, _ = body([a_route(M1, ip(f"192.0.2.{number}"), number % 2) for number in range(6)])

    assert count == 3


hosts = st.dictionaries(st.tuples(macs, ips), st.tuples(st.integers(0, 1 << 31), st.booleans()), max_size=8)


@given(hosts)
def test_what_is_told_is_what_was_announced(known: dict) -> None:
    flagged = [
        (mac, address, sequence, arp_nd_flags(address, router, False))
        for (mac, address), (sequence, router) in known.items()
    ]
    wanted = [a_route(MacAddress(mac), *rest) for mac, *rest in flagged]

    count, lines = body(wanted)
    told = unpack(pack(HERE, count, lines), HERE).told

    kept = {(fact.attributes, nlri) for fact in told for nlri in _each(fact.nlri)}
    assert kept == {(encode(shared), nlri) for nlri, shared in wanted}
    assert count == len(wanted)


def _each(nlri: bytes) -> list[bytes]:
    return [nlri[:2] + rest for rest in _bodies(nlri)]


def _bodies(nlri: bytes):
    while nlri:
        yield nlri[2 : 2 + nlri[1]]
        nlri = nlri[2 + nlri[1] :]


# What is not believed


@pytest.mark.parametrize(
    ("origin", "reason"),
    [
        (HERE._replace(boot="another"), "of an earlier boot"),
        (HERE._replace(boot=""), "of an earlier boot"),
        (HERE._replace(vtep="10.0.0.11"), "of vtep-address '10.0.0.11'"),
        (HERE._replace(now=HERE.now - MOST_AGE - 1), "too old"),
        (HERE._replace(now=HERE.now + 5), "of a later time"),
    ],
)
def test_a_snapshot_of_another_place_or_time_is_refused(origin: Origin, reason: str) -> None:
    with pytest.raises(SnapshotError, match=reason):
        unpack(a_snapshot(a_route(M1, IP1), origin=origin), HERE)


def test_where_the_boot_is_not_known_none_is_believed() -> None:
    nowhere = HERE._replace(boot="")
    with pytest.raises(SnapshotError, match="boot"):
        unpack(a_snapshot(a_route(M1, IP1), origin=nowhere), nowhere)


@given(st.data())
def test_a_damaged_one_is_refused(data: st.DataObject) -> None:
    octets = bytearray(a_snapshot(a_route(M1, IP1), a_route(M2, sequence=2)))
    at = data.draw(st.integers(0, len(octets) - 1))
    match data.draw(st.sampled_from(["flipped", "cut", "longer", "mixed"])):
        case "flipped":
            octets[at] ^= 1 << data.draw(st.integers(0, 7))
        case "cut":
            del octets[at:]
        case "longer":
            octets[at:at] = data.draw(st.binary(min_size=1, max_size=20))
        case _:
            octets[at:] = a_snapshot(a_route(M3, IP6), origin=HERE._replace(now=1.0))[at // 2 :]

    with pytest.raises(SnapshotError):
        unpack(bytes(octets), HERE)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\n",
        titled(b""),
        titled(b"[" * 100_000),
        titled(b"\xff"),
        headed(written="now"),
        headed(routes="two"),
        headed(boot=None),
        headed(vtep=["10.0.0.10"]),
    ],
)
def test_what_has_no_sound_head_is_damaged(octets: bytes) -> None:
    with pytest.raises(SnapshotError, match="damaged"):
        unpack(octets, HERE)


@pytest.mark.parametrize("written", [float("1e308"), -1e308, 1 << 70])
def test_no_time_is_too_strange(written: float) -> None:
    with pytest.raises(SnapshotError, match=r"too old|of a later time"):
        unpack(headed(written=written), HERE)


told_lines = st.builds(
    lambda attributes, nlri: json.dumps({"type": "evpn-routes", "attributes": attributes, "nlri": nlri}).encode(),
    (st.binary(max_size=60) | path_attributes.map(encode)).map(bytes.hex) | st.text(max_size=5),
    st.lists(st.binary(max_size=40) | (routes | mac_ip_routes).map(lambda route: route.encode()), max_size=4).map(
        lambda pieces: b"".join(pieces).hex()
    ),
)


@given(st.lists(told_lines | st.binary(max_size=60), max_size=6))
def test_whoever_has_written_it_nothing_breaks(lines: list[bytes]) -> None:
    domain = recalled(pack(HERE, len(lines), b"\n".join(lines)))

    assert domain.local == {}
