"""A VTEP without an agent: a bridge, its VXLAN device and a local port, in a namespace that the test has entered."""

import socket
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

import pytest

from evpn.netlink.events import Event
from evpn.netlink.neighbor import NeighborMessage
from evpn.netlink.newcomers import HostsSeen
from evpn.netlink.socket import Monitor, Writer
from tests.namespaces import Namespace

T = TypeVar("T")


class Vtep(NamedTuple):
    namespace: Namespace
    bridge: int
    device: int
    port: int
    device6: int
    """A second VXLAN device, over IPv6, in the same bridge."""

    def fdb(self, device: str = "vx100") -> list[str]:
        """The rows of a device as `bridge -d fdb` shows them, in order."""
        shown = self.namespace.run("bridge", "-d", "fdb", "show", "dev", device).splitlines()
        return sorted(" ".join(line.split()) for line in shown if "permanent" not in line or "dst" in line)

    def neighbors(self) -> list[str]:
        """The neighbours on the bridge as `ip -d neigh` shows them, without the multicast ones of the kernel itself."""
        lines: list[str] = []
        for family in ("-4", "-6"):
            lines += self.namespace.run("ip", "-d", family, "neigh", "show", "nud", "all", "dev", "br100").splitlines()
        return sorted(" ".join(line.split()) for line in lines if not line.startswith(("224.", "ff02:")))


@pytest.fixture
def vtep() -> Iterator[Vtep]:
    with Namespace("vtep") as made:
        for line in (
            "link add br100 address 02:00:00:00:00:10 type bridge",
            "link add vx100 type vxlan id 100 local 10.0.0.1 dstport 4789 nolearning",
            "link add vx6 type vxlan id 100 local 2001:db8::1 dstport 4789 nolearning",
            "link add port1 type veth peer name host1",
            "link set vx100 master br100",
            "link set vx6 master br100",
            "link set port1 master br100",
        ):
            made.run("ip", *line.split())
        for name in ("br100", "vx100", "vx6", "port1", "host1"):
            made.run("sysctl", "-qw", f"net.ipv6.conf.{name}.addr_gen_mode=1")
            made.run("ip", "link", "set", name, "up")
        with made.entered():
            yield Vtep(made, *map(socket.if_nametoindex, ("br100", "vx100", "port1", "vx6")))


@pytest.fixture
def writer(vtep: Vtep) -> Iterator[Writer]:
    opened = Writer()
    opened.open()
    yield opened
    opened.close()


@pytest.fixture
def monitor(vtep: Vtep) -> Iterator[Monitor]:
    opened = Monitor()
    opened.open()
    yield opened
    opened.close()


def rows_of(events: list[Event]) -> list[NeighborMessage]:
    """Told one by one, or together."""
    found: list[NeighborMessage] = []
    for event in events:
        if isinstance(event, NeighborMessage):
            found.append(event)
        elif isinstance(event, HostsSeen):
            found += event.rows()
    return found


def until(question: Callable[[], T], seconds: float = 40.0) -> T:
    """Ask until the answer is true."""
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline, f"still {answer!r} after {seconds} s"
        time.sleep(0.01)
    return answer
