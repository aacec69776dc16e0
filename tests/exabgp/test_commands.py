import pytest

from evpn.exabgp import commands
from evpn.wire.routes import encode_routes
from tests.builders import M1, M2, OURS, RR1, RR2, a_mac_route

NLRI = [a_mac_route(M1).encode(), a_mac_route(M2).encode()]


def test_routes_that_share_attributes_are_one_line() -> None:
    (line,) = commands.announce(7, b"\x40\x01\x01\x00", OURS, NLRI)

    assert line == (
        b"announce evpn bulk id 7 attributes 40010100 next-hop 0a00000a nlri " + b"".join(NLRI).hex().encode() + b"\n"
    )


def test_a_withdrawal_names_routes_only() -> None:
    (line,) = commands.withdraw(8, NLRI[:1])

    assert line == f"withdraw evpn bulk id 8 nlri {NLRI[0].hex()}\n".encode()


@pytest.mark.parametrize(
    ("neighbors", "selector"),
    [
        ((), b""),
        ((RR1,), b"neighbor 10.0.0.251 "),
        ((RR1, RR2), b"neighbor 10.0.0.251, neighbor 10.0.0.252 "),
    ],
)
def test_neighbors_are_named_in_front_unless_all_are_meant(neighbors, selector: bytes) -> None:
    assert next(iter(commands.announce(1, b"", OURS, NLRI, neighbors))).startswith(selector + b"announce evpn bulk")
    assert next(iter(commands.withdraw(1, NLRI, neighbors))).startswith(selector + b"withdraw evpn bulk")


@pytest.mark.parametrize(("routes", "lines"), [(0, 0), (1, 1), (500, 1), (501, 2), (1500, 3)])
def test_a_line_has_a_limit_and_none_is_empty(routes: int, lines: int) -> None:
    nlri = [a_mac_route(M1, bytes(16)).encode()] * routes

    made = list(commands.announce(1, b"\0" * 100, OURS, nlri))

    assert len(made) == lines
    assert all(len(line) < 1 << 16 for line in made)
    assert sum(line.count(nlri[0].hex().encode()) for line in made if nlri) == routes


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (commands.sync_begin(3), b"evpn sync begin 3\n"),
        (commands.sync_end(3), b"evpn sync end 3\n"),
        (commands.list_peers(4), b"evpn peers 4\n"),
        (commands.list_routes(5), b"evpn routes 5\n"),
        (commands.end_of_rib(6, RR1), b"neighbor 10.0.0.251 evpn eor 6\n"),
        (commands.route_refresh(RR1), b"neighbor 10.0.0.251 announce route-refresh l2vpn evpn\n"),
    ],
)
def test_other_commands(line: bytes, text: bytes) -> None:
    assert line == text


def test_the_extension_reads_back_what_was_written() -> None:
    bulk = pytest.importorskip("evpn.exabgp.extension.bulk")
    shared = bytes.fromhex("4001010040020040050400000064")
    (line,) = commands.announce(7, shared, OURS, NLRI)

    parsed = bulk.parse(line.decode().split()[5:], announce=True)

    assert (parsed.attributes, parsed.next_hop) == (shared, OURS)
    assert [nlri for _, nlri in parsed.routes] == NLRI
    assert encode_routes([a_mac_route(M1), a_mac_route(M2)]) == b"".join(NLRI)
