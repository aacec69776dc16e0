"""Hosts of the overlay: 192.0.2.0/24, and 2001:db8:1::/64 for those that speak IPv6."""

import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .frr import Namespace, until
from .underlay import mac
from .vtep import Vtep


class Host:
    """A host of the overlay."""

    def __init__(self, namespace: Namespace, number: int) -> None:
        self.namespace = namespace
        self.number = number
        self.ip = f"192.0.2.{number}"
        self.ip6 = f"2001:db8:1::{number}"
        self.mac = mac(number)

    def reaches(self, other: "Host", *more: str) -> bool:
        return self._pings(other.ip, *more)

    def reaches6(self, other: "Host", *more: str) -> bool:
        return self._pings(other.ip6, *more)

    def speak(self) -> None:
        """A frame to everybody."""
        command = self.namespace.command("ping", "-b", "-c", "1", "-W", "0.01", "192.0.2.255")
        subprocess.run(command, capture_output=True, check=False)

    def ask(self, ip: str) -> None:
        """An ARP request, or a neighbor solicitation, for an address that may be nobody's."""
        command = self.namespace.command("ping", "-c", "1", "-W", "0.01", ip)
        subprocess.run(command, capture_output=True, check=False)

    def ask_from(self, own: str, ip: str) -> None:
        """The same from another address of its own."""
        command = self.namespace.command("ping", "-c", "1", "-W", "0.01", "-I", own, ip)
        subprocess.run(command, capture_output=True, check=False)

    @contextmanager
    def pinging(self, other: "Host", interval: float = 0.05) -> Iterator[Callable[[], tuple[int, int]]]:
        """Pings all the while; afterwards the function says how many were sent and how many answered."""
        command = self.namespace.command("ping", "-q", "-i", str(interval), "-W", "1", other.ip)
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        output: list[str] = []

        def counted() -> tuple[int, int]:
            found = re.search(r"(\d+) packets transmitted, (\d+) received", "".join(output))
            assert found, output
            return int(found[1]), int(found[2])

        try:
            yield counted
        finally:
            process.send_signal(signal.SIGINT)
            output.append(process.communicate(timeout=40)[0])

    def move(self, vtep: Vtep, port: str, bridge: str = "br100") -> None:
        """Unplugged where it is, plugged in at `vtep` as `port`, with its MAC and IP; says nothing by itself."""
        self.namespace.run("ip", "link", "del", "eth0")
        peer = ("peer", "name", port, "netns", vtep.namespace.name)
        self.namespace.run("ip", "link", "add", "eth0", "address", self.mac, "type", "veth", *peer)
        vtep.plug(port, bridge)
        self.namespace.run("ip", "address", "add", f"{self.ip}/24", "dev", "eth0")
        self.namespace.run("ip", "link", "set", "eth0", "up")

    def _pings(self, address: str, *more: str) -> bool:
        command = self.namespace.command("ping", "-c", "1", "-W", "1", *more, address)
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


def say_until(host: Host, question: Callable[[], Any]) -> None:
    """The host speaks until it is true: a port that has just come up may not forward the first frame."""

    def spoken() -> Any:
        host.speak()
        return question()

    until(spoken)
