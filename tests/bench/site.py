"""Two network namespaces: the fabric (our BGP speaker and a host) and the VTEP that is measured, devices made.

    fabric                               vtep
      under0  10.0.0.1/24 ------------ under0  10.0.0.3/24
      host0 -------------------------- port0 in br100, with vxlan100

Both systems find the same devices with the same flags, so that neither has to make or mend any.
"""

import json
import os
import socket
import subprocess
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from evpn.text import format_ip
from tests.bench.stream import VNI, VTEPS
from tests.interop.frr import run
from tests.namespaces import entered

FABRIC_ADDRESS, VTEP_ADDRESS = "10.0.0.1", "10.0.0.3"
BRIDGE_MAC = bytes.fromhex("0e0000000001")  # no host of the bench has it
BRIDGE, DEVICE = f"br{VNI}", f"vxlan{VNI}"

_VTEP_COMMANDS = f"""
link add {BRIDGE} address {BRIDGE_MAC.hex(":")} type bridge
link add {DEVICE} type vxlan id {VNI} local {VTEP_ADDRESS} dstport 4789 FLAGS
link set {DEVICE} master {BRIDGE}
link set port0 master {BRIDGE}
link set {BRIDGE} up
link set {DEVICE} up
link set port0 addrgenmode none up
"""


class Site:
    """Made on entry; removed on exit with whatever is left in it."""

    def __init__(self, flags: Sequence[str] = ("nolearning",)) -> None:
        """`flags` of the VXLAN device."""
        self._flags = flags
        self.fabric, self.vtep = (f"evpn-bench-{os.getpid()}-{role}" for role in ("fabric", "vtep"))
        self.device = self.bridge = 0  # ifindexes

    def __enter__(self) -> Self:
        try:
            self._make()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._remove()

    def command(self, *command: str) -> list[str]:
        """What runs a command as a process of the VTEP; `ip` becomes it, so that the process id is its own."""
        return ["ip", "netns", "exec", self.vtep, *command]

    def know_vteps(self) -> None:
        """The other VTEPs are behind our end of the cable, where nobody unpacks what is sent to them."""
        (link,) = json.loads(run("ip", "-n", self.fabric, "-j", "link", "show", "under0"))
        for vtep in VTEPS:
            row = (format_ip(vtep.address), "lladdr", link["address"], "dev", "under0")
            run("ip", "-n", self.vtep, "neigh", "replace", *row)

    def _make(self) -> None:
        for name in (self.fabric, self.vtep):
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        for ours, theirs in (("under0", "under0"), ("host0", "port0")):
            link = ("link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", self.vtep)
            run("ip", "-n", self.fabric, *link)
            run("ip", "-n", self.fabric, "link", "set", ours, "addrgenmode", "none", "up")
        for name, address in ((self.fabric, FABRIC_ADDRESS), (self.vtep, VTEP_ADDRESS)):
            run("ip", "-n", name, "address", "add", f"{address}/24", "dev", "under0")
            run("ip", "-n", name, "link", "set", "under0", "up")
        for line in _VTEP_COMMANDS.replace("FLAGS", " ".join(self._flags)).strip().splitlines():
            run("ip", "-n", self.vtep, *line.split())
        suppression = "off" if "proxy" in self._flags else "on"
        port_flags = ("link", "set", "dev", DEVICE, "learning", "off", "neigh_suppress", suppression)
        run("bridge", "-n", self.vtep, *port_flags)
        with entered(self.vtep):
            self.device, self.bridge = socket.if_nametoindex(DEVICE), socket.if_nametoindex(BRIDGE)

    def _remove(self) -> None:
        for name in (self.fabric, self.vtep):
            if not os.path.exists(f"/run/netns/{name}"):
                continue
            left = subprocess.run(("ip", "netns", "pids", name), capture_output=True, text=True, check=False)
            for pid in left.stdout.split():
                subprocess.run(("kill", "-9", pid), capture_output=True, check=False)
            subprocess.run(("ip", "netns", "del", name), check=False)
