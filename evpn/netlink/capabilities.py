"""What this process may do (capabilities(7))."""

from pathlib import Path

NET_ADMIN, NET_RAW = 12, 13
_STATUS = Path("/proc/self/status")


def has(capability: int, status: Path = _STATUS) -> bool:
    """It is in effect. Without NET_ADMIN rows can be read but not written, without NET_RAW no frame can be heard."""
    for line in status.read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "CapEff":
            return bool(int(value, 16) >> capability & 1)
    return False
