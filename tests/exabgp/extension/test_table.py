"""The last word on a route wins, whatever the order, the batching and the sessions in between."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from evpn.exabgp.extension.table import Table, keyed, share

from .made import NEXT_HOP, nlri, route, with_mobility

NAMES = st.sampled_from("ABC")
MOVES = st.one_of(
    st.tuples(st.just("announce"), NAMES, st.integers(1, 3), st.integers(100, 101)),
    st.tuples(st.just("withdraw"), NAMES),
    st.tuples(st.sampled_from(["send", "flap", "resend", "fail while sending"])),
)


class Peer:
    """What a neighbour holds after the batches it was sent."""

    def __init__(self) -> None:
        self.routes: dict[bytes, tuple[Any, bytes]] = {}

    def hear(self, table: Table, part: int | None = None) -> None:
        batch = table.drain()
        for octets in batch.withdrawn[:part]:
            self.routes.pop(keyed(octets)[0][0], None)
        for shared, routes in batch.announced[:part]:
            for octets in routes:
                self.routes[keyed(octets)[0][0]] = (shared, octets)


@given(st.lists(MOVES, max_size=40))
def test_a_peer_ends_with_what_was_last_said(moves: list[tuple[Any, ...]]) -> None:
    table, peer, said = Table(), Peer(), dict[bytes, Any]()
    table.up()
    for move in moves:
        match move:
            case ["announce", name, sequence, vni]:
                table.announce(with_mobility(sequence), route(name, vni))
                said[keyed(nlri(name))[0][0]] = (with_mobility(sequence), nlri(name, vni))
            case ["withdraw", name]:
                table.withdraw([keyed(nlri(name))[0][0]])
                said.pop(keyed(nlri(name))[0][0], None)
            case ["send"]:
                peer.hear(table)
            case ["resend"]:
                table.resend(framed=False)
            case ["flap" | "fail while sending" as how]:
                if how != "flap":
                    peer.hear(table, part=1)
                table.down()
                peer.routes.clear()
                table.up()
    peer.hear(table)

    assert peer.routes == said
    assert not table.dirty


def test_nothing_is_remembered_of_what_came_and_went_while_the_session_was_down() -> None:
    table = Table()

    for name in "ABC":
        table.announce(with_mobility(1), route(name))
        table.withdraw([key for key, _ in route(name)])

    assert not table.dirty and not table.routes


def test_what_is_said_again_is_not_sent_again() -> None:
    table = Table()
    table.up()
    table.announce(with_mobility(1), route("A"))
    table.drain()

    assert table.announce(with_mobility(1), route("A")) == 0
    assert not table.dirty


def test_a_withdrawal_repeats_the_octets_that_were_announced() -> None:
    table = Table()
    table.up()
    table.announce(with_mobility(1), route("A", vni=100))
    table.drain()

    assert table.withdraw([key for key, _ in route("A", vni=0)]) == 1
    assert table.drain().withdrawn == [nlri("A", vni=100)]


def test_another_vni_of_the_same_mac_is_the_same_route() -> None:
    table = Table()
    table.up()
    table.announce(with_mobility(1), route("A", vni=100))
    table.announce(with_mobility(1), route("A", vni=200))

    assert table.drain().announced == [(with_mobility(1), [nlri("A", vni=200)])]


def test_routes_with_the_same_attributes_share_them() -> None:
    table = Table()
    table.up()
    for name in "ABC":
        table.announce(share(b"", NEXT_HOP, "helper"), route(name))

    assert [len(routes) for _, routes in table.drain().announced] == [3]


def test_a_sync_withdraws_what_was_not_said_again_and_sends_nothing_of_the_rest() -> None:
    table = Table()
    table.up()
    for name in "ABC":
        table.announce(with_mobility(1), route(name))
    table.drain()

    table.begin_sync("helper", "1")
    table.announce(with_mobility(1), route("A"))
    table.announce(with_mobility(2), route("B"))

    assert table.end_sync("helper") == (2, 1)
    batch = table.drain()
    assert batch.withdrawn == [nlri("C")]
    assert batch.announced == [(with_mobility(2), [nlri("B")])]


def test_a_sync_leaves_the_routes_of_others_alone() -> None:
    table = Table()
    table.announce(with_mobility(1, owner="other"), route("A"))
    table.announce(with_mobility(1), route("B"))

    table.begin_sync("helper", "1")
    table.announce(with_mobility(1, owner="other"), route("B"))

    assert table.end_sync("helper") == (0, 0)
    assert len(table.routes) == 2


def test_a_second_begin_starts_over() -> None:
    table = Table()
    table.announce(with_mobility(1), route("A"))
    table.begin_sync("helper", "1")
    table.announce(with_mobility(1), route("A"))

    table.begin_sync("helper", "2")

    assert table.end_sync("helper") == (0, 1)
