"""What the kernel says: any octets are messages or a `NetlinkError`, and an agent that hears of them goes on."""

from evpn.dataplane.entries import RTM_DELNEIGH, RTM_GETNEIGH, RTM_NEWNEIGH
from evpn.netlink import dump, events, link_message, messages, neighbor
from evpn.netlink.constants import NLMSG_DONE, RTM_NEWADDR, RTM_NEWLINK
from evpn.netlink.errors import NetlinkError
from evpn.netlink.events import Event
from evpn.netlink.messages import Message
from evpn.netlink.neighbor import NeighborMessage
from tests.builders import M1, OURS, VTEP2, ip
from tests.fuzz.agent import an_agent, check_rows
from tests.fuzz.corpus import kept

SEEDS = {
    **kept("recorded-netlink"),
    "written": neighbor.remote_mac(1, 2, M1, VTEP2) + neighbor.delete_bridge_row(2, 2, M1),
    "sticky": neighbor.sticky_mac(1, 2, M1, ip("2001:db8::2"), router=True),
    "host": neighbor.host(1, 11, M1, sticky=True),
    "flood": neighbor.flood(1, 2, VTEP2) + neighbor.delete_flood(2, 2, VTEP2),
    "neighbor": neighbor.neighbor(1, 1, OURS, M1) + neighbor.delete_neighbor(2, 1, OURS),
    "acknowledged": messages.HEADER.pack(20, NLMSG_DONE, 0, 1, 0) + bytes(4),
}
WORDS = ()
LONGEST = 4096

_ROWS = (RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH)


def check(octets: bytes) -> None:
    parts = _parts(octets)
    told = _told(octets)
    _check_dump(octets)
    if parts is None:
        assert told is None, "events of a datagram that is none"
        return
    assert sum(messages.HEADER.size + len(part.payload) for part in parts) <= len(octets), "octets are read twice"
    for part in parts:
        _check_part(part)
    if told is not None:
        _check_rows_are_the_same(octets, parts, told)
        _hear(told)


def _parts(octets: bytes) -> list[Message] | None:
    try:
        return list(messages.split(octets))
    except NetlinkError as error:
        assert str(error)
        return None


def _told(octets: bytes) -> list[Event] | None:
    try:
        return events.decode(octets)
    except NetlinkError as error:
        assert str(error)
        return None


def _check_part(part: Message) -> None:
    """As answers to a dump are read, which has no look at the family first."""
    for decode, kind in ((link_message.decode_link, RTM_NEWLINK), (link_message.decode_address, RTM_NEWADDR)):
        try:
            decode(part.payload)
        except NetlinkError as error:
            assert str(error), kind
    try:
        refused = messages.refusal(part)
    except NetlinkError:
        return
    assert refused is None or str(NetlinkError(refused.errno, "a row"))


def _check_dump(octets: bytes) -> None:
    """A dump goes on, is over, or says why not."""
    try:
        assert dump._is_last(octets, "dump") in (True, False)
    except NetlinkError as error:
        assert str(error)


def _check_rows_are_the_same(octets: bytes, parts: list[Message], told: list[Event]) -> None:
    """However a row is read: alone, or among other messages."""
    rows = [event for event in told if isinstance(event, NeighborMessage)]
    if rows and all(part.type in _ROWS for part in parts):
        assert rows == neighbor.decode(memoryview(octets))


def _hear(told: list[Event]) -> None:
    core = an_agent()
    for event in told:
        if isinstance(event, NeighborMessage):
            core.kernel.row_event(event, 1.0)
        else:
            core.kernel.link_event(event)
    core.instances.attach_devices()
    core.settle(1.0)
    check_rows(core)
