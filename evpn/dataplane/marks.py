"""Keys of which something is true, such as that somebody else has them; whether it was true before matters."""

from typing import TypeVar

from evpn.values import IpAddress, MacAddress

K = TypeVar("K", MacAddress, IpAddress)


def mark(marked: set[K], key: K, wanted: bool) -> bool:
    """Have it marked or not; True when that is news."""
    if (key in marked) == wanted:
        return False
    if wanted:
        marked.add(key)
    else:
        marked.discard(key)
    return True
