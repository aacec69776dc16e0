"""What went wrong between us and the kernel, in one exception."""

from errno import EBADMSG, EMFILE, ENFILE, ENOBUFS, ENOMEM, errorcode
from os import strerror

SCARCE = frozenset({EMFILE, ENFILE, ENOBUFS, ENOMEM})
"""What may be had again a little later."""


class NetlinkError(Exception):
    """The kernel refused what was asked for, or said what cannot be read (EBADMSG)."""

    def __init__(self, errno: int, what: str) -> None:
        super().__init__(errno, what)
        self.errno = errno
        self.what = what

    def __str__(self) -> str:
        return f"{self.what}: {describe(self.errno)}"


def describe(errno: int) -> str:
    """`ENOENT (No such file or directory)`, for people."""
    return f"{errorcode[errno]} ({strerror(errno)})" if errno in errorcode else f"errno {errno}"


def malformed(what: str) -> NetlinkError:
    return NetlinkError(EBADMSG, what)
