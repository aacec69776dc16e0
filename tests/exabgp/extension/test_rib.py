"""ExaBGP's Adj-RIB-Out with EVPN in a table: the batches that its own gets wrong, and each of its methods."""

from typing import Any

import pytest
from exabgp.bgp.message.open.capability.refresh import REFRESH
from exabgp.protocol.family import AFI, SAFI

from evpn.exabgp.extension.rib import EVPN_FAMILY
from evpn.wire.routes import MacIpRoute

from .made import NEXT_HOP, route, said, session, with_mobility

BORR, EORR = bytes.fromhex("0019 01 46"), bytes.fromhex("0019 02 46")


def sent(outgoing: Any) -> list[bytes]:
    return [message for update in outgoing.updates(True) for message in update.messages(session(), True)]


def held(messages: list[bytes]) -> dict[str, int]:
    """What a peer has of them: the letter of a MAC and its mobility."""
    routes: dict[str, int] = {}
    for update in map(said, messages):
        for gone in update.withdrawn:
            assert isinstance(gone, MacIpRoute)
            routes.pop(chr(gone.mac[5]), None)
        for come in update.announced:
            assert isinstance(come, MacIpRoute) and update.attributes
            routes[chr(come.mac[5])] = update.attributes.mobility.sequence
    return routes


def announce(outgoing: Any, name: str, sequence: int) -> None:
    outgoing.evpn.announce(with_mobility(sequence), route(name))


def withdraw(outgoing: Any, name: str) -> None:
    outgoing.evpn.withdraw([key for key, _ in route(name)])


def test_a_mac_that_moved_twice_in_a_batch_keeps_the_last_sequence(outgoing: Any) -> None:
    announce(outgoing, "B", 8)
    announce(outgoing, "A", 7)
    announce(outgoing, "A", 8)

    assert held(sent(outgoing)) == {"A": 8, "B": 8}


def test_a_mac_withdrawn_and_announced_in_a_batch_is_there(outgoing: Any) -> None:
    announce(outgoing, "A", 1)
    sent(outgoing)

    announce(outgoing, "C", 9)
    withdraw(outgoing, "A")
    announce(outgoing, "A", 9)

    assert held(sent(outgoing)) == {"A": 9, "C": 9}


def test_withdrawals_go_first(outgoing: Any) -> None:
    announce(outgoing, "A", 1)
    sent(outgoing)
    announce(outgoing, "B", 1)
    withdraw(outgoing, "A")

    first, second = map(said, sent(outgoing))

    assert first.withdrawn and second.announced


def test_nothing_is_withdrawn_in_the_first_batch_of_a_session(outgoing: Any) -> None:
    announce(outgoing, "A", 1)
    withdraw(outgoing, "A")

    messages = [m for update in outgoing.updates(True) for m in update.messages(session(), include_withdraw=False)]

    assert messages == []


def test_a_session_that_comes_back_hears_everything(outgoing: Any) -> None:
    announce(outgoing, "A", 1)
    announce(outgoing, "B", 2)
    sent(outgoing)

    outgoing.reset()
    assert not outgoing.pending()
    outgoing.replace_restart([], [])

    assert outgoing.pending()
    assert held(sent(outgoing)) == {"A": 1, "B": 2}


def test_without_adj_rib_out_a_session_that_comes_back_hears_only_what_is_new(installed: list[str]) -> None:
    import exabgp.rib

    rib = exabgp.rib.RIB("neighbor without adj-rib-out", False, False, [EVPN_FAMILY])
    rib.uncache()
    rib.outgoing.replace_restart([], [])
    announce(rib.outgoing, "A", 1)
    sent(rib.outgoing)

    rib.outgoing.reset()
    announce(rib.outgoing, "B", 2)
    rib.outgoing.replace_restart([], [])

    assert held(sent(rib.outgoing)) == {"B": 2}


@pytest.mark.parametrize("family", [None, EVPN_FAMILY])
def test_an_enhanced_refresh_is_framed(outgoing: Any, family: Any) -> None:
    announce(outgoing, "A", 1)
    sent(outgoing)

    outgoing.resend(True, family)
    begin, routes, end, *_ = sent(outgoing)  # behind them, with None, the frame of IPv4

    assert (begin[19:], end[19:]) == (BORR, EORR)
    assert held([routes]) == {"A": 1}


@pytest.mark.parametrize("negotiated", [REFRESH.NORMAL, REFRESH.ABSENT])
def test_a_frame_is_not_for_a_peer_that_does_not_know_it(outgoing: Any, negotiated: int) -> None:
    """As after `flush adj-rib out`, which looks at the configuration only."""
    announce(outgoing, "A", 1)
    sent(outgoing)

    outgoing.resend(True, EVPN_FAMILY)
    plain = session(refresh=negotiated)

    assert held([m for update in outgoing.updates(True) for m in update.messages(plain, True)]) == {"A": 1}


def test_a_plain_refresh_is_not_framed(outgoing: Any) -> None:
    announce(outgoing, "A", 1)
    sent(outgoing)

    outgoing.resend(False, EVPN_FAMILY)

    assert held(sent(outgoing)) == {"A": 1}


def test_a_refresh_of_another_family_sends_no_evpn(outgoing: Any) -> None:
    announce(outgoing, "A", 1)
    sent(outgoing)

    outgoing.resend(False, (AFI.ipv4, SAFI.unicast))

    assert sent(outgoing) == []


def test_clear_adj_rib_out_withdraws_everything(outgoing: Any) -> None:
    announce(outgoing, "A", 1)
    sent(outgoing)

    outgoing.withdraw()

    assert [len(said(message).withdrawn) for message in sent(outgoing)] == [1]
    assert list(outgoing.cached_changes()) == []


def test_a_neighbor_that_lost_the_family_in_a_reload_forgets_its_routes(outgoing: Any) -> None:
    announce(outgoing, "A", 1)

    outgoing.delete_cached_family([(AFI.ipv4, SAFI.unicast)])

    assert not outgoing.evpn.routes


def test_show_adj_rib_out_lists_routes_in_the_words_of_the_grammar(outgoing: Any) -> None:
    announce(outgoing, "A", 7)

    (change,) = outgoing.cached_changes()

    assert str(change.nlri) == "mac-ip rd 10.0.0.3:100 mac 50:54:33:00:00:41 vni 100"
    assert change.extensive().endswith("next-hop 10.0.0.3 extended-community [ mac-mobility:7 ]")
    assert change.as_dict()["nlri"]["code"] == 2
    assert list(outgoing.cached_changes([(AFI.ipv4, SAFI.unicast)])) == []


def test_a_change_of_the_configuration_file_is_a_route_like_any_other(outgoing: Any) -> None:
    from evpn.exabgp.extension.changes import change_of

    def change(vni: int) -> Any:
        (only,) = route("A", vni)
        return change_of(only[1], b"", NEXT_HOP)

    outgoing.add_to_rib_watchdog(change(100))
    outgoing.add_to_rib(change(200))
    assert [u.announced[0].vni for u in map(said, sent(outgoing)) if isinstance(u.announced[0], MacIpRoute)] == [200]

    outgoing.replace_reload([change(100)], [])
    assert [len(said(message).withdrawn) for message in sent(outgoing)] == [1]


def test_a_route_that_the_file_has_no_more_stays_when_a_helper_took_it_over(outgoing: Any) -> None:
    from evpn.exabgp.extension.changes import change_of

    (only,) = route("A")
    of_the_file = change_of(only[1], b"", NEXT_HOP)
    outgoing.add_to_rib(of_the_file)
    announce(outgoing, "A", 7)
    sent(outgoing)

    outgoing.replace_reload([of_the_file], [])

    assert sent(outgoing) == []
    assert len(outgoing.evpn.routes) == 1


def test_stock_routes_go_out_beside_ours(outgoing: Any) -> None:
    from exabgp.bgp.message import Action
    from exabgp.bgp.message.update.attribute import Attributes
    from exabgp.bgp.message.update.nlri.cidr import CIDR
    from exabgp.bgp.message.update.nlri.inet import INET
    from exabgp.protocol.ip import IP
    from exabgp.rib.change import Change

    inet = INET(AFI.ipv4, SAFI.unicast, Action.ANNOUNCE)
    inet.cidr, inet.nexthop = CIDR(bytes((192, 0, 2, 0)), 24), IP.create("10.0.0.3")
    outgoing.add_to_rib(Change(inet, Attributes()))
    announce(outgoing, "A", 1)

    families = [(AFI.ipv4, SAFI.unicast), EVPN_FAMILY]
    messages = [m for u in outgoing.updates(True) for m in u.messages(session(families=families), True)]

    assert len(messages) == 2
    assert len(list(outgoing.cached_changes())) == 2
    outgoing.reset()
    outgoing.replace_restart([], [])
    assert len([m for u in outgoing.updates(True) for m in u.messages(session(families=families), True)]) == 2
