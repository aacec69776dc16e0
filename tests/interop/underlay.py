"""Addresses of a fabric: nodes and hosts have numbers, and a number is the end of every address."""

from typing import NamedTuple


class Underlay(NamedTuple):
    """The network that carries the VXLAN packets, with room for their headers around 1500 octets."""

    prefix: str
    length: int
    mtu: int
    options: tuple[str, ...] = ()
    """Of `ip address add`."""

    def address(self, number: int) -> str:
        return f"{self.prefix}{number}"


V4 = Underlay("10.0.0.", 24, 1550)
V6 = Underlay("2001:db8::", 64, 1570, ("nodad",))
UNDERLAYS = {4: V4, 6: V6}


def address(number: int) -> str:
    """Of a node over IPv4."""
    return V4.address(number)


def mac(number: int) -> str:
    return f"02:00:00:00:00:{number:02x}"
