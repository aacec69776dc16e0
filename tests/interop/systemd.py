"""systemd as process 1 of namespaces of its own, with one unit of ours: this machine, whatever runs it, is not touched.

Its file system is an overlay of this one, kept in memory; its cgroups are below one that is made for it; its network is
a node of a fabric. None of the units of this machine is started, and the kernel's settings cannot be written, but for
those of that network.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from .frr import Namespace, run, until

ROOT = Path(__file__).parents[2]
SITE = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
EVPN = "/opt/evpn/bin/evpn"
"""The command inside: outside of /root and /home, which the unit may not see."""

_IN_A_CGROUP = """
mount -t cgroup2 cgroup2 "$SCRATCH"
mkdir "$SCRATCH/$CGROUP"
echo $$ > "$SCRATCH/$CGROUP/cgroup.procs"
umount "$SCRATCH"
exec unshare --pid --fork --kill-child --cgroup --ipc --uts sh -ec "$1"
"""
_BOOT = """
root=$SCRATCH/root
mount -t tmpfs tmpfs "$SCRATCH"
mkdir "$SCRATCH/upper" "$SCRATCH/work" "$root"
mount -t overlay -o "lowerdir=/,upperdir=$SCRATCH/upper,workdir=$SCRATCH/work" overlay "$root"
mkdir -p "$root/opt/python" "$root/opt/packages" "$root/opt/checkout" "$root/etc/evpn" "$root/old"
mount --rbind "$PYTHON" "$root/opt/python"
mount --rbind "$PACKAGES" "$root/opt/packages"
mount --rbind "$CHECKOUT" "$root/opt/checkout"
mount -t proc proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount --bind "$root/proc/sys/net" "$root/proc/sys/net"
mount -o remount,bind,rw "$root/proc/sys/net"
mount -t sysfs sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for node in null zero full random urandom tty; do
    touch "$root/dev/$node"
    mount --bind "/dev/$node" "$root/dev/$node"
done
mkdir "$root/dev/pts" "$root/dev/shm" "$root/dev/mqueue" "$root/dev/hugepages"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
rm -rf "$root/etc/systemd/system" "$root/var/log/journal"
mkdir -p "$root/etc/systemd/system" "$root/etc/systemd/system-generators" "$root/var/log/journal"
for generator in /lib/systemd/system-generators/*; do
    ln -sf /dev/null "$root/etc/systemd/system-generators/${generator##*/}"
done
for early in /lib/systemd/system/sysinit.target.wants/* /lib/systemd/system/local-fs.target.wants/*; do
    [ "${early##*/}" = systemd-journald.service ] || ln -sf /dev/null "$root/etc/systemd/system/${early##*/}"
done
printf '[Unit]\\nWants=evpn.service systemd-journald.service\\n' > "$root/etc/systemd/system/test.target"
printf '[Unit]\\nDescription=The network is there\\n' > "$root/etc/systemd/system/network-online.target"
cp "$FILES"/*.service "$root/etc/systemd/system/"
cp "$FILES"/vtep.yaml "$FILES"/password "$root/etc/evpn/"
chroot "$root" useradd --system --user-group --no-create-home --groups games evpn
chroot "$root" chown root:evpn /etc/evpn/vtep.yaml /etc/evpn/password
chmod 640 "$root/etc/evpn/vtep.yaml" "$root/etc/evpn/password"
echo /opt/python/lib > "$root/etc/ld.so.conf.d/000-python.conf" # a Python may have a library at a fixed place
chroot "$root" ldconfig
chroot "$root" /opt/python/bin/python3 -m venv --without-pip /opt/evpn
printf '/opt/packages\\n/opt/checkout\\n' > "$root/opt/evpn/$SITE/evpn.pth"
printf '#!/opt/evpn/bin/python3\\nfrom evpn.cli.main import main\\nmain()\\n' > "$root/opt/evpn/bin/evpn"
chmod 755 "$root/opt/evpn/bin/evpn"
cd "$root"
pivot_root . old
umount --lazy /old
PATH=/usr/sbin:/usr/bin:/sbin:/bin
exec env -i container=lxc PATH=$PATH /lib/systemd/systemd --system --unit=test.target --show-status=no
"""
_REMOVE = 'mount -t cgroup2 cgroup2 "$SCRATCH" && find "$SCRATCH/$CGROUP" -depth -type d -exec rmdir {} +'


class Systemd:
    """On a node; `files` has evpn.service, vtep.yaml and password."""

    def __init__(self, node: Namespace, files: Path) -> None:
        self.node = node
        self.files = files
        self.scratch = files / "scratch"
        self.pid = 0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.scratch.mkdir()
        with (self.files / "console").open("wb") as console:
            shell = ["unshare", "--mount", "sh", "-ec", _IN_A_CGROUP, "sh", _BOOT]
            # not `ip netns exec`, which hides the cgroups
            command = ["nsenter", f"--net=/run/netns/{self.node.name}", *shell]
            self._process = subprocess.Popen(
                command, env=os.environ | self._environment(), stdin=subprocess.DEVNULL, stdout=console, stderr=console
            )
        try:
            until(self._runs)
        except BaseException:
            self._tell()
            self._end()
            raise
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is not None:
            self._tell()
        self._end()

    def run(self, *command: str) -> str:
        return run("nsenter", "--target", str(self.pid), "--all", *command)

    def property(self, name: str) -> str:
        """Of the unit."""
        return self.run("systemctl", "show", "--property", name, "--value", "evpn").strip()

    def agent(self) -> str:
        """Process id of the agent, as seen inside; nothing between two of them."""
        children = Path(f"/proc/{self.pid}/root/proc/{self.property('MainPID')}")
        found = [path.read_text().split() for path in children.glob("task/*/children")]
        return next((pid for pids in found for pid in pids), "")

    def status_of(self, pid: str) -> Mapping[str, str]:
        """Fields of /proc/PID/status of a process inside."""
        lines = self.run("cat", f"/proc/{pid}/status").splitlines()
        return {name: " ".join(value.split()) for name, _, value in (line.partition(":") for line in lines)}

    def _tell(self) -> None:
        """What has been said, for the report of a failure."""
        print((self.files / "console").read_text())
        if self.pid:
            asked = ["nsenter", "--target", str(self.pid), "--all", "journalctl", "--no-pager", "--lines", "200"]
            subprocess.run(asked, check=False, timeout=20)

    def _runs(self) -> bool:
        """The unit has been started; systemd is the only child of the process that made its namespaces."""
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"no systemd: {(self.files / 'console').read_text()}")
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        self.pid = int(children[0]) if children else 0
        if not self.pid or Path(f"/proc/{self.pid}/comm").read_text() != "systemd\n":
            return False
        asked = ["nsenter", "--target", str(self.pid), "--all", "systemctl", "is-active", "evpn"]
        return subprocess.run(asked, capture_output=True, text=True, check=False).stdout == "active\n"

    def _end(self) -> None:
        """All processes inside end with the first one, or with the one that was about to make it."""
        assert self._process is not None
        if self._process.poll() is None:
            os.kill(self.pid or self._process.pid, signal.SIGKILL)
        self._process.wait(40)
        removal = ["unshare", "--mount", "sh", "-ec", _REMOVE]
        until(lambda: subprocess.run(removal, env=os.environ | self._environment(), check=False).returncode == 0)

    def _environment(self) -> dict[str, str]:
        return {
            "SCRATCH": str(self.scratch),
            "CGROUP": f"{self.node.name}-systemd",
            "FILES": str(self.files),
            "PYTHON": sys.base_prefix,
            "PACKAGES": f"{sys.prefix}/{SITE}",
            "CHECKOUT": str(ROOT),
            "SITE": SITE,
        }
