"""What this process may do (capabilities(7))."""

from pathlib import Path

_CAP_NET_ADMIN = 12
_STATUS = Path("/proc/self/status")


def has_net_admin(status: Path = _STATUS) -> bool:
    """CAP_NET_ADMIN is in effect: without it rows can be read but not written."""
    for line in status.read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "CapEff":
            return bool(int(value, 16) >> _CAP_NET_ADMIN & 1)
    return False
