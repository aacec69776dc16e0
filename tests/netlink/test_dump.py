"""How a dump ends; what it brings is tested against the kernel."""

import errno
from collections.abc import Callable

import pytest

from evpn.dataplane.entries import RTM_NEWNEIGH
from evpn.netlink import dump
from evpn.netlink.constants import AF_INET, NLM_F_DUMP_INTR, NLMSG_DONE, NLMSG_ERROR
from evpn.netlink.errors import NetlinkError
from evpn.netlink.isolation import is_isolated
from evpn.netlink.messages import HEADER
from evpn.netlink.nft import NftSilentError, elements
from evpn.netlink.socket import open_route_socket
from tests.scarcity import no_descriptors

INTERRUPTED = NetlinkError(errno.EINTR, "dump")


def message(kind: int, flags: int = 0, code: int = 0) -> bytes:
    return HEADER.pack(HEADER.size + 4, kind, flags, 1, 0) + code.to_bytes(4, "little", signed=True)


def interrupted(times: int) -> "list[NetlinkError]":
    return [INTERRUPTED] * times


def failing(errors: list[NetlinkError]) -> list[int]:
    if errors:
        raise errors.pop()
    return [1, 2]


def test_an_interrupted_dump_is_made_again() -> None:
    errors = interrupted(7)

    assert dump._retried(lambda: failing(errors)) == [1, 2]


def test_a_dump_that_is_interrupted_for_ever_is_given_up() -> None:
    errors = interrupted(8)

    with pytest.raises(NetlinkError, match="EINTR"):
        dump._retried(lambda: failing(errors))


def test_other_errors_are_not_tried_again() -> None:
    errors = [INTERRUPTED, NetlinkError(errno.EPERM, "dump")]

    with pytest.raises(NetlinkError, match="EPERM"):
        dump._retried(lambda: failing(errors))


def test_a_dump_ends_with_done_and_not_before() -> None:
    assert not dump._is_last(message(RTM_NEWNEIGH) + message(RTM_NEWNEIGH), "dump")
    assert dump._is_last(message(RTM_NEWNEIGH) + message(NLMSG_DONE), "dump")


@pytest.mark.parametrize(
    "last, errno_",
    [
        (message(NLMSG_ERROR, code=-errno.EINVAL), errno.EINVAL),
        (message(NLMSG_DONE, code=-errno.ENOMEM), errno.ENOMEM),
        (message(NLMSG_DONE, NLM_F_DUMP_INTR), errno.EINTR),
        (message(RTM_NEWNEIGH, NLM_F_DUMP_INTR), errno.EINTR),
        (HEADER.pack(3, RTM_NEWNEIGH, 0, 1, 0), errno.EBADMSG),
    ],
    ids=["refused", "failed at the end", "interrupted at the end", "interrupted", "malformed"],
)
def test_what_the_kernel_says_against_a_dump_is_raised(last: bytes, errno_: int) -> None:
    with pytest.raises(NetlinkError) as raised:
        dump._is_last(message(RTM_NEWNEIGH) + last, "dump")
    assert raised.value.errno == errno_


@pytest.mark.parametrize(
    "look",
    [
        dump.dump_links,
        lambda: dump.dump_neighbors(AF_INET),
        lambda: dump.read_link("lo"),
        lambda: dump.ask([b""]),
        lambda: open_route_socket(1 << 16),
        lambda: is_isolated("lo"),
    ],
)
def test_without_descriptors_nothing_is_known_and_that_is_told(look: Callable[[], object]) -> None:
    with no_descriptors(), pytest.raises(NetlinkError, match="EMFILE"):
        look()


def test_without_descriptors_a_set_is_not_taken_for_one_that_is_not_there() -> None:
    with no_descriptors(), pytest.raises(NftSilentError, match="too many open files"):
        elements("ip", "evpn", "vteps")
