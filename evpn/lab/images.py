"""What a container image would start when the topology names no command of its own."""

from typing import NamedTuple

FRR_LOGS = "/var/log/frr"

# The image's own start script does the same: read /etc/frr/daemons, then let watchfrr start and watch what it enables.
_START_FRR = """\
install -d -o frr -g frr -m 0755 /var/run/frr /var/log/frr /var/tmp/frr
chown frr:frr /etc/frr
. /usr/lib/frr/frrcommon.sh
exec /usr/lib/frr/watchfrr $watchfrr_options $(daemon_list)
"""


class Image(NamedTuple):
    """A stand-in for an image, out of what this machine has installed."""

    command: tuple[str, ...]
    needs: tuple[str, ...]
    """Files that must be here, or the node cannot run."""
    package: str
    """Debian package that has them."""
    logs: str | None = None
    """Directory in the node where its daemons log."""


_FRR = Image(("/bin/bash", "-c", _START_FRR), ("/usr/lib/frr/frrcommon.sh", "/usr/lib/frr/watchfrr"), "frr", FRR_LOGS)
_IDLE = Image((), (), "")


def stand_in(image: str) -> Image:
    """FRR for images with `frr` in their name, an idle node for all others."""
    return _FRR if "frr" in image.lower() else _IDLE
