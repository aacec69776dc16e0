"""A host of the overlay that moves, also without its old port noticing."""

import subprocess

from tests.interop.frr import Namespace, run
from tests.interop.underlay import mac

NOBODY, NOBODY6 = "192.0.2.250", "2001:db8:1::250"


class Guest:
    """`device` is the end of its present port; an old one may go on beside it, without addresses."""

    def __init__(self, namespace: Namespace, number: int, vni: int) -> None:
        self.namespace = namespace
        self.number = number
        self.vni = vni
        self.ip, self.ip6 = addresses(number)
        self.mac = mac(number)
        self.port = ""
        """On its VTEP; each has a name of its own."""
        self.old_ports: list[str] = []
        self._plugged = 0

    def plug(self, node: Namespace, leave: bool = True) -> None:
        """A new port on a node; `leave`: the one before is removed first, else it loses nothing but its addresses."""
        old, self._plugged = self.device, self._plugged + 1
        if self.port:
            self._run(f"ip link del {old}" if leave else f"ip addr flush dev {old}; ip link set {old} arp off")
            if not leave:
                self.old_ports.append(old)
        self.port, device = f"tap{self.number}x{self._plugged}", self.device
        ends = ("peer", "name", self.port, "netns", node.name)
        self.namespace.run("ip", "link", "add", device, "address", self.mac, "type", "veth", *ends)
        node.run("ip", "link", "set", self.port, "up")
        self._run(f"ip link set {device} addrgenmode none up; {self._addresses()}")

    def swap_addresses(self, other: "Guest") -> None:
        """Each has the other's from now on, and uses it."""
        for one in (self, other):
            one._run(f"ip addr flush dev {one.device}")
        (self.ip, self.ip6), (other.ip, other.ip6) = (other.ip, other.ip6), (self.ip, self.ip6)
        for one in (self, other):
            one._run(one._addresses())
            one.speak()

    def remove_old_ports(self) -> None:
        for old in self.old_ports:
            self._run(f"ip link del {old} 2>/dev/null; true")
        self.old_ports.clear()

    def speak(self) -> None:
        """A question to everybody in either family, whatever becomes of it; nobody waits."""
        self._ping(NOBODY, NOBODY6)

    def talk(self, other: "Guest") -> None:
        self._ping(other.ip, other.ip6)

    def unreached(self, others: list["Guest"]) -> subprocess.Popen[str]:
        """Starts pings to all addresses of the others; says those of which nothing comes back, in three attempts.

        All are asked for: where a host believes that another one is says nothing of the fabric.
        """
        ping = "ping -q -c 1 -W 1 $ip >/dev/null 2>&1"
        ips = " ".join(ip for other in others for ip in (other.ip, other.ip6))
        asked = f"for ip in {ips}; do {ping} || {ping} || {ping} || echo $ip; done"
        script = f"ip neigh flush nud all; ip -6 neigh flush nud all; {asked}"
        return subprocess.Popen(self.namespace.command("sh", "-c", script), stdout=subprocess.PIPE, text=True)

    @property
    def device(self) -> str:
        return f"eth{self._plugged}"

    def _addresses(self) -> str:
        return f"ip addr add {self.ip}/24 dev {self.device}; ip addr add {self.ip6}/64 dev {self.device} nodad"

    def _ping(self, *ips: str) -> None:
        for ip in ips:
            command = self.namespace.command("ping", "-c", "1", "-W", "0.01", ip)
            subprocess.run(command, capture_output=True, check=False)

    def _run(self, script: str) -> None:
        run("ip", "netns", "exec", self.namespace.name, "sh", "-c", script)


def addresses(number: int) -> tuple[str, str]:
    """That a host has at first."""
    return f"192.0.2.{number}", f"2001:db8:1::{number:x}"
