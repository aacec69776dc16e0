"""Which multicast groups this host has joined on a device (/proc/net/igmp, /proc/net/igmp6)."""

from errno import EIO
from pathlib import Path
from struct import pack

from evpn.netlink.errors import NetlinkError
from evpn.values import IpAddress

_NET = Path("/proc/thread-self/net")
_LIMIT = Path("/proc/sys/net/ipv4/igmp_max_memberships")


def allow(count: int) -> None:
    """Let a socket join so many IPv4 groups: VXLAN devices of one port share one, and Linux lets it have 20."""
    if int(_LIMIT.read_text()) >= count:
        return
    try:
        _LIMIT.write_text(str(count))
    except OSError as error:
        raise NetlinkError(error.errno or EIO, f"sysctl net.ipv4.igmp_max_memberships={count}") from error


def users(group: IpAddress, ifindex: int) -> int:
    """How many sockets have joined a group; a VXLAN device counts as one."""
    return _users4(group, ifindex) if len(group) == 4 else _users6(group, ifindex)


def _users4(group: IpAddress, ifindex: int) -> int:
    """A line for each device, and indented ones for its groups, each a number in the byte order of the host."""
    of = 0
    for line in (_NET / "igmp").read_text().splitlines()[1:]:
        words = line.split()
        if not line.startswith("\t"):
            of = int(words[0])
        elif of == ifindex and pack("=I", int(words[0], 16)) == group:
            return int(words[1])
    return 0


def _users6(group: IpAddress, ifindex: int) -> int:
    for line in (_NET / "igmp6").read_text().splitlines():
        of, _, joined, users, *_ = line.split()
        if int(of) == ifindex and bytes.fromhex(joined) == group:
            return int(users)
    return 0
