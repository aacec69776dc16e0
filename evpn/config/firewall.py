"""`firewall`: the rules that take VXLAN packets from known VTEPs alone, as `nft` reads them (docs/isolation.md).

One table for each address family, which several agents share: each has two sets and two rules, told apart by its
run-dir. What one of them knows gets in, and what none of them knows gets to the rules that drop, which stand last.
"""

from collections.abc import Iterable

from evpn.config.settings import Settings
from evpn.values import IpAddress

TABLE, CHAIN = "evpn", "input"

_SETS = """\
add table {family} evpn
add set {family} evpn vteps_{owner} {{ type {type}; }}
add set {family} evpn ports_{owner} {{ type inet_service; }}
add counter {family} evpn refused_{owner}
add chain {family} evpn input {{ type filter hook input priority filter; policy accept; }}
flush set {family} evpn ports_{owner}
add element {family} evpn ports_{owner} {{ {ports} }}
"""
_RULES = """\
insert rule {family} evpn input udp dport @ports_{owner} {family} saddr @vteps_{owner} accept comment "{owner}"
add rule {family} evpn input udp dport @ports_{owner} counter name refused_{owner} drop comment "{owner}"
"""


def family_of(vtep: IpAddress) -> str:
    return "ip" if len(vtep) == 4 else "ip6"


def owner_of(settings: Settings) -> str:
    """Names of nftables have few characters: a run-dir of others stands for itself in a longer form."""
    text = str(settings.run_dir).strip("/")
    return "".join(one if one.isascii() and one.isalnum() else "_" if one == "/" else f"_{ord(one):x}" for one in text)


def sets(settings: Settings, ports: Iterable[int]) -> str:
    """Table, sets and chain, as far as they are not there, and exactly these ports."""
    kind = "ipv4_addr" if len(settings.vtep) == 4 else "ipv6_addr"
    shown = ", ".join(map(str, sorted(ports)))
    return _SETS.format(family=family_of(settings.vtep), owner=owner_of(settings), type=kind, ports=shown)


def rules(settings: Settings) -> str:
    """The two rules; once more is harmless, and the agent takes away what is too much."""
    return _RULES.format(family=family_of(settings.vtep), owner=owner_of(settings))
