import pytest

from evpn.agent.core import Core
from evpn.agent.session import Session
from evpn.exabgp import messages
from tests.builders import RR1, RR2, a_core
from tests.wire.captured import captured

END_OF_RIB = bytes.fromhex("00000006800f03001946")


@pytest.fixture
def core() -> Core:
    return a_core()


def hear(core: Core, *facts: messages.Fact, now: float = 1.0) -> list[bytes]:
    session = Session(core)
    return [line for fact in facts for line in session.hear(fact, now)]


def up(address: str = RR1, asn4: bool = True, graceful_restart: int = 0) -> messages.PeerState:
    return messages.PeerState(address, True, asn4, graceful_restart)


def test_a_session_comes_up_and_goes_down(core: Core) -> None:
    hear(core, messages.PeerUp(RR1))
    assert core.peers.peers[RR1].up

    hear(core, messages.PeerDown(RR1, "hold timer expired"))
    assert (core.peers.peers[RR1].up, core.peers.peers[RR1].last_reason) == (False, "hold timer expired")


def test_a_stranger_is_nobody(core: Core) -> None:
    facts = [
        messages.PeerUp("10.9.9.9"),
        messages.UpdateReceived("10.9.9.9", END_OF_RIB),
        messages.OpenReceived("10.9.9.9", b""),
        messages.RefreshReceived("10.9.9.9", 2),
        messages.PeerDown("10.9.9.9", ""),
        messages.PeersListed(1, (up("10.9.9.9"),)),
    ]

    assert hear(core, *facts) == []
    assert list(core.peers.peers) == [RR1, RR2]


def test_an_open_tells_how_as_numbers_are_written(core: Core) -> None:
    core.peers.peers[RR1].asn4 = False

    hear(core, messages.OpenReceived(RR1, captured("frr-open")))

    assert core.peers.peers[RR1].asn4


def test_a_bad_open_is_not_believed(core: Core) -> None:
    hear(core, messages.OpenReceived(RR1, b"\4"))

    assert core.peers.peers[RR1].asn4


@pytest.mark.parametrize(
    ("fact", "complete"),
    [
        (messages.UpdateReceived(RR1, END_OF_RIB), True),
        (messages.RefreshReceived(RR1, 2), True),
        (messages.RefreshReceived(RR1, 0), False),
        (messages.RefreshReceived(RR1, 1), False),
    ],
)
def test_the_routes_are_complete_at_end_of_rib_or_at_the_end_of_a_refresh(core: Core, fact, complete) -> None:
    hear(core, messages.PeerUp(RR1), fact)

    assert core.peers.peers[RR1].end_of_rib is complete


def test_a_session_that_was_up_before_us_is_asked_for_its_routes(core: Core) -> None:
    listed = messages.PeersListed(1, (up(RR1, asn4=False, graceful_restart=120), up(RR2)._replace(up=False)))

    assert hear(core, listed) == [b"neighbor 10.0.0.251 announce route-refresh l2vpn evpn\n"]
    peer = core.peers.peers[RR1]
    assert (peer.up, peer.asn4, peer.restart_time) == (True, False, 120)
    assert not core.peers.peers[RR2].up


def test_a_session_that_came_up_under_our_eyes_is_not_asked(core: Core) -> None:
    assert hear(core, messages.PeerUp(RR1), messages.PeersListed(1, (up(RR1),))) == []


def test_a_refusal_of_exabgp_is_counted_and_logged(core: Core, caplog: pytest.LogCaptureFixture) -> None:
    hear(core, messages.CommandFailed(7, "nlri: there is none"))

    assert core.announcer.failures == 1
    assert caplog.messages == ["exabgp refused command=7 error=nlri: there is none"]


def test_what_cannot_be_read_is_counted() -> None:
    session = Session(a_core())

    list(session.hear(messages.Unreadable(b"{"), 1.0))

    assert session.unreadable == 1


def test_an_announced_shutdown_is_known() -> None:
    session = Session(a_core())

    list(session.hear(messages.ShutdownAnnounced(), 1.0))

    assert session.shutdown


def test_a_notification_alone_changes_nothing(core: Core) -> None:
    hear(core, messages.PeerUp(RR1), messages.NotificationReceived(RR1, 6, 4), messages.Acknowledged(1, 1, 0))

    assert core.peers.peers[RR1].up
