"""A fabric under load, and what of it is lost meanwhile: kernel rows, packets, routes at the peers, sessions."""

import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from threading import Event, Thread
from typing import NamedTuple

from evpn.text import parse_ip, parse_mac
from evpn.wire import update
from evpn.wire.routes import InclusiveMulticastRoute, MacIpRoute
from tests.builders import a_mac_route, attributes

from .frr import Namespace, run
from .host import Host
from .raw_peer import RawPeer, socket_in
from .vtep import Vtep
from .watch import Watch

STREAMED, NOISE = "02:00:00:03:", "02:00:00:04:"
"""MACs that come and go: of routes, and on a port."""

_FAR = "10.0.0.99"
_NOISE_ETHERTYPE = b"\x88\xb5"


class Losses(NamedTuple):
    rows: list[str]
    """Changes of rows on the watched VTEPs that nobody has asked for."""
    pings: int
    of_pings: int
    withdrawals: dict[str, int]
    """Reflector -> routes that it has withdrawn, of those that should have stayed."""
    sessions: int

    def __str__(self) -> str:
        withdrawn = ", ".join(f"{count} withdrawals by {peer}" for peer, count in self.withdrawals.items())
        pings = f"{self.pings} of {self.of_pings} pings lost"
        return f"{len(self.rows)} rows changed, {pings}, {withdrawn}, {self.sessions} sessions lost"


def is_steady(text: str) -> bool:
    return STREAMED not in text and NOISE not in text


@contextmanager
def streaming(feeders: dict[str, RawPeer]) -> Iterator[None]:
    """Routes that come and go all the while, as fast as a busy fabric's."""
    stop = Event()

    def stream() -> None:
        number = 0
        while not stop.wait(0.005):
            for feeder in feeders.values():
                with suppress(OSError):  # its session may be the one that is lost
                    feeder.update(_route(number % 400))
                    feeder.update(update.encode_withdraw([_streamed((number + 200) % 400)]))
            number += 1

    yield from _meanwhile(stream, stop)


@contextmanager
def noise(node: Namespace) -> Iterator[None]:
    """Hosts behind a port, 200 of them, that speak in turn."""
    stop = Event()

    def speak() -> None:
        number = 0
        with socket_in(node, socket.AF_PACKET, socket.SOCK_RAW) as port:
            port.bind(("eth0", 0))
            while not stop.wait(0.01):
                source = parse_mac(f"{NOISE}00:{number % 200:02x}")
                port.send(b"\xff" * 6 + source + _NOISE_ETHERTYPE + bytes(46))
                number += 1

    yield from _meanwhile(speak, stop)


@contextmanager
def measured(
    vtep: Vtep, watched: list[Vtep], hosts: tuple[Host, Host], feeders: dict[str, RawPeer]
) -> Iterator[Callable[[], Losses]]:
    """While hosts ping each other every 10 ms; `vtep` is the one whose routes and sessions are counted."""
    with ExitStack() as stack:
        watches = [
            stack.enter_context(_watch(one.namespace, *command))
            for one in watched
            for command in (("bridge", "monitor", "fdb"), ("ip", "monitor", "neigh"))
        ]
        pings = [stack.enter_context(_pinging(one, other)) for one, other in (hosts, hosts[::-1])]
        sessions, heard = _sessions(vtep), {peer: len(feeder.said) for peer, feeder in feeders.items()}
        told: list[Losses] = []
        yield lambda: told[0]
        gone = len(sessions - _sessions(vtep))
        withdrawals = {
            peer: sum(map(_steady_withdrawals, (body for code, body in feeder.said[heard[peer] :] if code == 2)))
            for peer, feeder in feeders.items()
        }
    rows = [line for watch in watches for line in watch.lines if _is_ours(line) and is_steady(line)]
    counts = [ping() for ping in pings]
    told.append(Losses(rows, sum(lost for lost, _ in counts), sum(sent for _, sent in counts), withdrawals, gone))


def announce_many(feeders: dict[str, RawPeer], macs: list[str]) -> None:
    """In UPDATEs of 50 routes."""
    for at in range(0, len(macs), 50):
        routes = [a_mac_route(parse_mac(mac), rd=f"{_FAR}:100") for mac in macs[at : at + 50]]
        body = update.encode_announce(routes, parse_ip(_FAR), attributes())
        for feeder in feeders.values():
            feeder.update(body)


def _meanwhile(work: Callable[[], None], stop: Event) -> Iterator[None]:
    thread = Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _streamed(number: int) -> MacIpRoute:
    return a_mac_route(parse_mac(f"{STREAMED}{number >> 8:02x}:{number & 255:02x}"), rd=f"{_FAR}:100")


def _route(number: int) -> bytes:
    return update.encode_announce([_streamed(number)], parse_ip(_FAR), attributes())


@contextmanager
def _watch(node: Namespace, *command: str) -> Iterator[Watch]:
    watch = Watch(node, *command)
    try:
        yield watch
    finally:
        watch.stop()


def _is_ours(line: str) -> bool:
    """Remote rows and flood rows, and neighbors that BGP told of."""
    return "dev vxlan100" in line or "proto bgp" in line


@contextmanager
def _pinging(one: Host, other: Host) -> Iterator[Callable[[], tuple[int, int]]]:
    command = one.namespace.command("ping", "-i", "0.01", "-W", "1", other.ip)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    output: list[str] = []

    def counted() -> tuple[int, int]:
        """Lost and sent; the last one may be on its way when it ends."""
        text = "".join(output)
        found = re.search(r"(\d+) packets transmitted", text)
        assert found, text[-500:]
        sent, answered = int(found[1]), {int(number) for number in re.findall(r"icmp_seq=(\d+) ttl", text)}
        return len(set(range(1, sent)) - answered), sent

    try:
        yield counted
    finally:
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        output.append(process.communicate(timeout=40)[0])


def _sessions(vtep: Vtep) -> set[str]:
    """The TCP connections of BGP that are established."""
    shown = run("ip", "netns", "exec", vtep.namespace.name, "ss", "-tnH", "state", "established")
    return {" ".join(line.split()[2:4]) for line in shown.splitlines() if ":179" in line}


def _steady_withdrawals(body: bytes) -> int:
    """Of MACs and VTEPs that have not left."""
    withdrawn = [
        route for route in update.decode(body).withdrawn if isinstance(route, MacIpRoute | InclusiveMulticastRoute)
    ]
    moving = (parse_mac(f"{STREAMED}00:00")[:4], parse_mac(f"{NOISE}00:00")[:4])
    return sum(not (isinstance(route, MacIpRoute) and route.mac[:4] in moving) for route in withdrawn)
