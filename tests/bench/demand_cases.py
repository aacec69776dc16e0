"""What is measured of `dynamic-l3` beside `static-l2`: the first packets of a host, while very many routes are known.

It asks for each of some others once, as hosts do that ask again only after a second; then for as many more, again and
again. A life gives samples as those of `cases` do.
"""

import json
import random
import socket
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from evpn.packet import arp, ethernet
from evpn.packet.arp import ArpPacket
from evpn.packet.ethernet import BROADCAST, Frame
from evpn.text import parse_ip
from evpn.values import ZERO_MAC, IpAddress, MacAddress
from tests.bench import processes, stream
from tests.bench.scene import CALM, Samples, Size, is_flood
from tests.bench.site import Site
from tests.bench.speaker import Speaker
from tests.bench.stream import ROWS_PER_ROUTE
from tests.bench.vteps import Ours
from tests.bench.watch import rows
from tests.interop.frr import until
from tests.namespaces import entered

CASE = "demand"
DYNAMIC, STATIC = "dynamic-l3", "static-l2"
_FLAGS = {DYNAMIC: ("nolearning", "proxy", "l2miss", "l3miss"), STATIC: ("nolearning",)}

_TALKERS = 50
_GAP = (0.005, 0.025)
_AGAIN, _LOST = 0.002, 3.0
"""Seconds after which it asks again, where it does; and after which a question counts as unanswered."""
_MAC, _IP = stream.local_mac(0), parse_ip("192.0.2.1")
_LOCAL_EXPERIMENT = 0x88B5


class Scene(NamedTuple):
    """`host` and `underlay` are sockets at the far ends of the VTEP's two cables."""

    site: Site
    host: socket.socket
    underlay: socket.socket
    samples: Samples

    def note(self, figure: str, value: float) -> None:
        self.samples[figure].append(value)


def talkers(size: Size) -> int:
    return min(_TALKERS, size.routes // 2)


def demand_life(strategy: str, size: Size, only: str = "") -> Samples:
    count = talkers(size)
    step = size.routes // (2 * count)
    with living(strategy, size) as scene:
        for number in range(count):
            _talks(scene, 2 * number * step)
        scene.note("demand.rows", rows(scene.site))
        for number in range(count):
            _insists(scene, (2 * number + 1) * step)
        return dict(scene.samples)


@contextmanager
def living(strategy: str, size: Size) -> Iterator[Scene]:
    """A VTEP that knows all routes and has done what it does for them."""
    with Site(_FLAGS[strategy]) as site, Speaker(site) as speaker:
        system = Ours(site, strategy=strategy)
        try:
            system.start()
            if speaker.wait_for(is_flood, 40) is None:
                raise RuntimeError(f"{strategy}: no type 3 route told: {system.log()[-2000:]}")
            speaker.send_behind(stream.announcements(0, size.routes))
            until(lambda: json.loads(system.show("summary"))[0]["routes"] >= size.routes, size.timeout)
            if strategy == STATIC:
                until(lambda: rows(site) == ROWS_PER_ROUTE * size.routes, size.timeout)
            site.know_vteps()
            with entered(site.fabric), _listen("host0") as host, _listen("under0") as underlay:
                host.send(_first_word())
                processes.wait_for_calm(CALM)
                yield Scene(site, host, underlay, defaultdict(list))
        finally:
            system.stop()


def _talks(scene: Scene, number: int) -> None:
    """One question, its answer, and a packet there: until it leaves the tunnel's near end."""
    mac, ip = _remote(number)
    time.sleep(random.uniform(*_GAP))
    began = time.monotonic()
    scene.host.send(_question(ip))
    if not _answered(scene.host, mac, ip, began + _LOST):
        raise RuntimeError(f"the only question for {ip.hex()} was not answered")
    scene.note("demand.answer", 1000 * (time.monotonic() - began))
    packet = Frame(mac, _MAC, _LOCAL_EXPERIMENT, b"first" + mac + bytes(35)).encode()
    scene.host.send(packet)
    if not any(packet in heard for heard in _hear(scene.underlay, began + _LOST)):
        raise RuntimeError(f"the first packet to {mac.hex(':')} was lost")
    scene.note("demand.packet", 1000 * (time.monotonic() - began))


def _insists(scene: Scene, number: int) -> None:
    """The same question until there is an answer."""
    mac, ip = _remote(number)
    time.sleep(random.uniform(*_GAP))
    began = now = time.monotonic()
    while not _answered(scene.host, mac, ip, now):
        now = time.monotonic()
        if now > began + _LOST:
            raise RuntimeError(f"no question for {ip.hex()} was answered")
        scene.host.send(_question(ip))
        now += _AGAIN
    scene.note("demand.insisting", 1000 * (time.monotonic() - began))


def _answered(host: socket.socket, mac: MacAddress, ip: IpAddress, deadline: float) -> bool:
    for octets in _hear(host, deadline):
        frame = Frame.decode(octets)
        packet = ArpPacket.decode(frame.payload) if frame and frame.protocol == ethernet.ARP else None
        if packet is not None and (packet.operation, packet.sender_mac, packet.sender_ip) == (arp.REPLY, mac, ip):
            return True
    return False


def _hear(end: socket.socket, deadline: float) -> Iterator[bytes]:
    while (left := deadline - time.monotonic()) > 0:
        end.settimeout(left)
        try:
            yield end.recv(1 << 16)
        except TimeoutError:
            return


def _listen(device: str) -> socket.socket:
    end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    end.bind((device, 3))  # ETH_P_ALL
    return end


def _remote(number: int) -> tuple[MacAddress, IpAddress]:
    route = stream.route(number, stream.VTEPS[0])
    return route.mac, route.ip


def _question(ip: IpAddress) -> bytes:
    packet = ArpPacket(arp.REQUEST, _MAC, _IP, ZERO_MAC, ip)
    return Frame(BROADCAST, _MAC, ethernet.ARP, packet.encode()).encode()


def _first_word() -> bytes:
    """The bridge learns where the host is."""
    return Frame(BROADCAST, _MAC, _LOCAL_EXPERIMENT, bytes(46)).encode()
