"""All rows, links or addresses there are (RFC 3549 section 2.3.1): a socket per dump, so none finds another's remains.

A dump walks a table that goes on changing: rows may be missing or come twice. Subscribe first, then dump.
"""

import errno
import socket
import sys
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from struct import Struct
from typing import TypeVar

from evpn.dataplane.entries import AF_BRIDGE, RTM_GETNEIGH
from evpn.dataplane.link import Link
from evpn.netlink import link_message, neighbor
from evpn.netlink.columns import Place, Table
from evpn.netlink.constants import (
    AF_INET,
    AF_INET6,
    AF_UNSPEC,
    IFLA_EXT_MASK,
    IFLA_IFNAME,
    NDA_IFINDEX,
    NDA_MASTER,
    NETLINK_GET_STRICT_CHK,
    NLM_F_DUMP,
    NLM_F_DUMP_INTR,
    NLM_F_REQUEST,
    NLMSG_DONE,
    NLMSG_ERROR,
    RTEXT_FILTER_SKIP_STATS,
    RTM_GETADDR,
    RTM_GETLINK,
    RTM_NEWADDR,
    RTM_NEWLINK,
    SOL_NETLINK,
)
from evpn.netlink.errors import NetlinkError, malformed
from evpn.netlink.link_message import Address
from evpn.netlink.messages import HEADER, attribute, refusal, split
from evpn.netlink.neighbor import NeighborMessage
from evpn.netlink.socket import open_route_socket
from evpn.values import MacAddress

_BUFFER = 1 << 20
_LARGEST = 1 << 16  # the kernel puts 32 KiB into one read at most
_ATTEMPTS = 8
QUESTIONS = 128
"""Asked at a time: their answers fit into the receive buffer."""
_ABSENT = (errno.ENOENT, errno.ENODEV, errno.EINVAL)
"""No such row, or no longer such a device or bridge port."""

_NUMBER = Struct("=I")
_NDMSG = Struct("=B11x")
_IFINFOMSG = Struct("=B15x")
_IFINFOMSG_OF = Struct("=B3xi8x")  # family, ifindex
_IFADDRMSG = Struct("=B7x")
_NAMES = {RTM_GETNEIGH: "neighbours", RTM_GETLINK: "links", RTM_GETADDR: "addresses"}


T = TypeVar("T")


def dump_neighbors(family: int, ifindex: int = 0, master: int = 0) -> list[NeighborMessage]:
    """AF_BRIDGE: the FDB rows of a device (its own, and its bridge's on it) or of a bridge; else neighbours."""
    return _retried(lambda: [row for rows in walk_neighbors(family, ifindex, master) for row in rows])


def walk_neighbors(family: int, ifindex: int = 0, master: int = 0) -> Iterator[list[NeighborMessage]]:
    """The same, some hundred rows at a time; EINTR in its midst means: forget them and begin again."""
    return map(neighbor.decode, _answers(RTM_GETNEIGH, _limits(family, ifindex, master)))


def dump_table(
    places: Collection[Place],
    family: int,
    ifindex: int = 0,
    master: int = 0,
    enough: Callable[[Table], bool] = lambda table: False,
    known: Mapping[int, Container[MacAddress]] | None = None,
) -> Table:
    """The same by the column, where the many rows of ours are; not to the end, if something is `enough`."""

    def dumped() -> Table:
        table = Table(places, known)
        for answer in _answers(RTM_GETNEIGH, _limits(family, ifindex, master)):
            table.read(answer)
            if enough(table):
                break
        return table

    return _retried(dumped)


def ask(requests: Sequence[bytes]) -> list[NeighborMessage]:
    """The rows that `get_tunnel_row` and the like ask for, in their order, but for those that there are not."""
    rows: list[NeighborMessage] = []
    what = "question for rows"
    with reporting(what), connected() as opened:
        for start in range(0, len(requests), QUESTIONS):
            asked = requests[start : start + QUESTIONS]
            opened.send(b"".join(asked))
            for _ in asked:
                answer = opened.recv(_LARGEST)
                if not is_absent(answer, what):
                    rows += neighbor.decode(answer)
    return rows


def is_absent(answer: bytes, what: str) -> bool:
    """Whether it says that there is no such row; raises another refusal."""
    refused = [refused for part in split(answer) if (refused := refusal(part))]
    if refused and refused[0].errno not in _ABSENT:
        raise NetlinkError(refused[0].errno, what)
    return bool(refused)


def _limits(family: int, ifindex: int, master: int) -> bytes:
    wanted = _NDMSG.pack(family)
    if ifindex:
        wanted += attribute(NDA_IFINDEX, _NUMBER.pack(ifindex))
    if master:
        wanted += attribute(NDA_MASTER, _NUMBER.pack(master))
    return wanted


def dump_bridge_domain(bridge: int, devices: Iterable[int] = ()) -> tuple[list[NeighborMessage], list[NeighborMessage]]:
    """The FDB rows of a bridge, its ports' own ones among them, and the neighbours on these devices, or on it."""
    neighbors = []
    for device in devices or (bridge,):
        neighbors += dump_neighbors(AF_INET, ifindex=device) + dump_neighbors(AF_INET6, ifindex=device)
    return dump_neighbors(AF_BRIDGE, master=bridge), neighbors


def walk_bridge_domain(
    bridge: int, devices: Iterable[int]
) -> Iterator[tuple[list[NeighborMessage], list[NeighborMessage]]]:
    """The same, some hundred rows at a time; EINTR in its midst means: forget them and begin again."""
    for rows in walk_neighbors(AF_BRIDGE, master=bridge):
        yield rows, []
    for device in devices:
        for family in (AF_INET, AF_INET6):
            for rows in walk_neighbors(family, ifindex=device):
                yield [], rows


def dump_links() -> list[Link]:
    wanted = _IFINFOMSG.pack(AF_UNSPEC) + attribute(IFLA_EXT_MASK, _NUMBER.pack(RTEXT_FILTER_SKIP_STATS))
    links = map(link_message.decode_link, _payloads(RTM_GETLINK, RTM_NEWLINK, wanted))
    return [link for link in links if link]


def dump_addresses() -> list[Address]:
    wanted = _IFADDRMSG.pack(AF_UNSPEC)
    return [link_message.decode_address(payload) for payload in _payloads(RTM_GETADDR, RTM_NEWADDR, wanted)]


def read_link(device: int | str) -> Link | None:
    """One device, by ifindex or name; None when there is no such device."""
    if isinstance(device, int):
        wanted = _IFINFOMSG_OF.pack(AF_UNSPEC, device)
    else:
        wanted = _IFINFOMSG_OF.pack(AF_UNSPEC, 0) + attribute(IFLA_IFNAME, device.encode() + b"\0")
    request = HEADER.pack(HEADER.size + len(wanted), RTM_GETLINK, NLM_F_REQUEST, 1, 0) + wanted
    answer = _single(request, "device", errno.ENODEV)
    return link_message.decode_link(answer[HEADER.size :]) if answer else None


def _payloads(kind: int, answer_kind: int, wanted: bytes) -> list[bytes]:
    answers = _retried(lambda: list(_answers(kind, wanted)))
    return [part.payload for answer in answers for part in split(answer) if part.type == answer_kind]


def _retried(dump: Callable[[], T]) -> T:
    """What a dump brought once nothing interrupted it."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return dump()
        except NetlinkError as error:
            if error.errno != errno.EINTR:
                raise
    return dump()


def _answers(kind: int, wanted: bytes) -> Iterator[bytes]:
    """The datagrams of one dump."""
    request = HEADER.pack(HEADER.size + len(wanted), kind, NLM_F_REQUEST | NLM_F_DUMP, 1, 0) + wanted
    what = f"dump of {_NAMES[kind]}"
    last = False
    with reporting(what), _asking(request) as opened:
        while not last:
            answer = opened.recv(_LARGEST)
            last = _is_last(answer, what)
            yield answer


def _single(request: bytes, what: str, absent: int) -> bytes | None:
    """The one message that answers a request; None when the kernel says `absent`."""
    with reporting(what), _asking(request) as opened:
        answer = opened.recv(_LARGEST)
    for message in split(answer):
        refused = refusal(message)
        if refused and refused.errno != absent:
            raise NetlinkError(refused.errno, what)
        return None if refused else answer
    raise malformed(f"no answer in {len(answer)} octets")


def _asking(request: bytes) -> socket.socket:
    """A socket on which this request has been made."""
    opened = connected()
    try:
        opened.send(request)
    except OSError:
        opened.close()
        raise
    return opened


def connected() -> socket.socket:
    """A socket of one's own, which waits for what it reads."""
    opened = open_route_socket(_BUFFER)
    opened.setblocking(True)
    opened.setsockopt(SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1)  # else the kernel ignores what limits a dump
    return opened


@contextmanager
def reporting(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NetlinkError(error.errno or errno.EIO, what) from error


def _is_last(answer: bytes, what: str) -> bool:
    """True when the dump ends in this datagram; raises what the kernel says against it."""
    start, end = 0, len(answer)
    if end >= HEADER.size and _are_alike(answer, HEADER.unpack_from(answer)[0]):
        end = HEADER.size  # what the first one says, all say
    while start + HEADER.size <= end:
        length, type_, flags, _, _ = HEADER.unpack_from(answer, start)
        if flags & NLM_F_DUMP_INTR:
            raise NetlinkError(errno.EINTR, what)
        if type_ in (NLMSG_DONE, NLMSG_ERROR):
            return _ended(answer[start:], what)
        if length < HEADER.size:
            raise malformed(f"netlink message of {length} octets")
        start += length + 3 & ~3
    return False


def _are_alike(answer: bytes, size: int) -> bool:
    """Whether its messages have so many octets, and are of one type, with the same flags."""
    if size < HEADER.size or len(answer) % size:
        return False
    columns = (answer[octet::size] for octet in range(8))
    return all(column.count(column[0]) == len(column) for column in columns)


def _ended(rest: bytes, what: str) -> bool:
    """NLMSG_DONE and NLMSG_ERROR both begin with a negative errno, 0 for none."""
    if code := int.from_bytes(rest[HEADER.size : HEADER.size + 4], sys.byteorder, signed=True):
        raise NetlinkError(-code, what)
    return True
