"""A bridge or VXLAN device that we make is no way into the host (docs/isolation.md).

Linux delivers what is addressed to the MAC of a bridge, or of a port of it, to any address of the host, and routes the
rest. Two layers keep that from happening. Settings of the device, which need nothing: no IPv6 addresses, no ARP for
addresses of other devices, no routing of IPv4, and no IPv4 from sources that are not routed to it; IPv6 has no such
settings. And a chain of nftables on the bridge, which only lets in what is for an address of this very device: on a
bridge without addresses, nothing.
"""

from errno import EIO
from pathlib import Path

from evpn.netlink.errors import NetlinkError
from evpn.netlink.nft import NftError, apply, chains

_SYSCTL = Path("/proc/sys/net")
_SETTINGS: dict[str, dict[str, int]] = {
    "ipv4": {"forwarding": 0, "arp_ignore": 1, "rp_filter": 1, "accept_redirects": 0},
    "ipv6": {"addr_gen_mode": 1, "accept_ra": 0, "autoconf": 0},
}
_MARKS = (("ipv4", "arp_ignore"), ("ipv4", "rp_filter"), ("ipv6", "addr_gen_mode"), ("ipv6", "accept_ra"))
"""Settings by which a later agent knows a bridge that an earlier one has made: nobody changes them for all devices."""

_CHAIN = """\
add table netdev evpn
add chain netdev evpn {name} {{ type filter hook ingress device "{device}" priority filter; policy drop; }}
flush chain netdev evpn {name}
add rule netdev evpn {name} meta protocol arp accept
add rule netdev evpn {name} icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert }} accept
add rule netdev evpn {name} fib daddr . iif type local accept
"""
_RULES = _CHAIN.count("add rule")
_PREFIX = "dev_"


def isolate(device: str) -> None:
    """The settings; an `OSError` names the one that cannot be written."""
    for family, settings in _SETTINGS.items():
        folder = _SYSCTL / family / "conf" / device
        if folder.exists():
            for setting, value in settings.items():
                (folder / setting).write_text(str(value))


def is_isolated(device: str) -> bool:
    """It bears the settings that `isolate` gives; a `NetlinkError` when that cannot be known for want of something."""
    conf = [(_setting(_SYSCTL / family / "conf" / device / name), _SETTINGS[family][name]) for family, name in _MARKS]
    return conf[0][0] is not None and all(found in (None, value) for found, value in conf)


def _setting(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except FileNotFoundError:  # there is no IPv6, or the device is just going
        return None
    except OSError as error:
        raise _unknown(error, file) from error


def _devices() -> list[str]:
    folder = _SYSCTL / "ipv4" / "conf"
    try:
        return [found.name for found in folder.iterdir()]
    except OSError as error:
        raise _unknown(error, folder) from error


def _unknown(error: OSError, path: Path) -> NetlinkError:
    return NetlinkError(error.errno or EIO, f"read {path}")


def guard(bridge: str) -> str | None:
    """The chain, once more if need be; what is wrong when it cannot be had."""
    if '"' in bridge:
        return "nftables cannot quote its name"
    try:
        apply(_CHAIN.format(name=chain_of(bridge), device=bridge))
    except NftError as error:
        return str(error)
    return None


def guarded() -> set[str]:
    """Chains that are there, and as we have made them; those of bridges that are gone are taken away.

    Linux 6.18 keeps a chain whose device goes, for the next one of its name, whosever that is.
    """
    present = chains("netdev", "evpn")
    ours = {chain_of(device) for device in _devices() if is_isolated(device)}
    gone = [name for name in present if name.startswith(_PREFIX) and name not in ours]
    if gone:
        apply("".join(f"flush chain netdev evpn {name}\ndelete chain netdev evpn {name}\n" for name in gone))
    return {name for name, rules in present.items() if rules == _RULES} - set(gone)


def chain_of(bridge: str) -> str:
    """nftables takes fewer characters in names than the kernel in those of devices."""
    safe = "".join(letter if letter.isascii() and letter.isalnum() else f"_{ord(letter):x}" for letter in bridge)
    return f"{_PREFIX}{safe}"
