"""Programs run by ordinary users, with the capabilities that a service manager would give them and no others."""

import sys
from collections.abc import Iterable
from pathlib import Path

from .frr import Namespace

USER, STRANGER, MEMBER = 54321, 54322, 54323
"""Users without names, of groups of their own."""
NEEDED = ("net_admin", "net_raw", "net_bind_service")

# A directory on the way to Python may be root's alone. In this mount namespace, gone with the program, all may pass: an
# overlay, for the mode of the directory itself must stay as it is.
_OPENED = """
mount -t tmpfs tmpfs /var/tmp
while [ "$1" != -- ]; do
    mkdir -p "/var/tmp/upper$1" "/var/tmp/work$1"
    mount -t overlay -o "lowerdir=$1,upperdir=/var/tmp/upper$1,workdir=/var/tmp/work$1" overlay "$1" || exit 98
    chmod a+x "$1"
    shift
done
shift
exec "$@"
"""


def as_user(
    node: Namespace,
    *command: str,
    user: int = USER,
    groups: Iterable[int] = (),
    capabilities: Iterable[str] = (),
    bounded: bool = True,
) -> list[str]:
    """The command that runs this one on a node as a user; `bounded`: it can never have more than it gets."""
    listed = ",".join(["-all", *(f"+{name}" for name in capabilities)])
    supplementary = ",".join(map(str, groups))
    words = [
        *("setpriv", "--reuid", str(user), "--regid", str(user)),
        *(("--groups", supplementary) if supplementary else ("--clear-groups",)),
        *("--no-new-privs", "--inh-caps", listed, "--ambient-caps", listed),
        *(("--bounding-set", listed) if bounded else ()),
    ]
    # env: setpriv itself still has all that it gives away when it looks for a program
    return node.command("sh", "-c", _OPENED, "sh", *closed(), "--", *words, "env", *command)


def closed() -> list[str]:
    """Directories on the way to this Python and its packages that others may not pass."""
    places = {Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve(), Path(__file__).resolve()}
    parents = {parent for place in places for parent in place.parents}
    return sorted(str(parent) for parent in parents if not parent.stat().st_mode & 1)


def capability_sets(pid: int) -> dict[str, set[str]]:
    """CapInh, CapPrm, CapEff, CapBnd, CapAmb of a process -> names; what is not among the needed is a number."""
    names = {12: "net_admin", 13: "net_raw", 10: "net_bind_service"}
    status = Path(f"/proc/{pid}/status").read_text()
    masks = {line[:6]: int(line.split()[1], 16) for line in status.splitlines() if line.startswith("Cap")}
    return {name: {names.get(bit, str(bit)) for bit in range(64) if mask >> bit & 1} for name, mask in masks.items()}


def status_of(pid: int, field: str) -> str:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(" ".join(line.split()[1:]) for line in lines if line.startswith(f"{field}:"))
