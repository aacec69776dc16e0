"""Memory as recvmmsg(2) and sendmmsg(2) want it."""

import ctypes
import os
from collections.abc import Callable
from ctypes import POINTER, Structure, c_int, c_size_t, c_uint, c_void_p

_libc = ctypes.CDLL(None, use_errno=True)
recvmmsg: Callable[..., int] = _libc.recvmmsg
sendmmsg: Callable[..., int] = _libc.sendmmsg


class Part(Structure):
    """`struct iovec`"""

    _fields_ = (("at", c_void_p), ("size", c_size_t))


class Header(Structure):
    """`struct msghdr`"""

    _fields_ = (
        ("name", c_void_p),
        ("name_size", c_uint),
        ("parts", POINTER(Part)),
        ("part_count", c_size_t),
        ("control", c_void_p),
        ("control_size", c_size_t),
        ("flags", c_int),
    )


class Message(Structure):
    """`struct mmsghdr`"""

    _fields_ = (("header", Header), ("size", c_uint))


def failure() -> OSError:
    """Of the call before."""
    return OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
