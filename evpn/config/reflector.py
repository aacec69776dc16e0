"""What a route reflector must be told that stands in no VTEP's file, and what it makes of routes of an IPv6 VTEP."""

from collections.abc import Sequence

from evpn.config.errors import ConfigError
from evpn.config.settings import NeighborSettings, Settings
from evpn.text import format_ip
from evpn.values import IpAddress


def frr_warnings(settings: Settings) -> tuple[str, ...]:
    """Type 3 routes name the VTEP, and FRR learnt in two steps to read that; its version is in no file of ours."""
    if len(settings.vtep) == 4:
        return ()
    return (
        "FRR before 10.6 resets the session on type 3 routes of an IPv6 VTEP, 10.6 treats them as withdrawn, and 10.7"
        " is the first that takes them",
    )


def reflector_id(address: IpAddress, given: str = "") -> str:
    """`given`, or an IPv4 address, or the last four octets of an IPv6 one: not zero, once in the AS (RFC 6286)."""
    last = address[-4:]
    if not given and not any(last):
        raise ConfigError(f"no router id in {format_ip(address)}; accepted: --router-id with an IPv4 address")
    return given or format_ip(IpAddress(last))


def gobgp_ranges(neighbor: NeighborSettings, ranges: Sequence[str]) -> Sequence[str]:
    """GoBGP gives the password of a peer-group to the neighbors that it knows, not to those that come."""
    if ranges and neighbor.password is not None:
        raise ConfigError("GoBGP has no passwords for a --client-range; accepted: --client for each VTEP")
    return ranges
