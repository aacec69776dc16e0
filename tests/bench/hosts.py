"""Hosts behind the VTEP's port: frames of many sources, all at once or again and again."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from evpn.packet import arp, ethernet
from evpn.packet.arp import ArpPacket
from evpn.packet.ethernet import BROADCAST, Frame
from evpn.values import ZERO_MAC, IpAddress, MacAddress
from tests.bench import stream
from tests.bench.site import BRIDGE_MAC, Site
from tests.namespaces import entered

_ETHERTYPE = b"\x88\xb5"  # for local experiments: nobody reads it, nobody answers
_EMPTY = bytes(46)
_STEP = 0.02
"""Seconds between two handfuls of frames."""


def open_host(site: Site) -> socket.socket:
    with entered(site.fabric):
        host = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        host.bind(("host0", 0))
    return host


def frame(mac: bytes) -> bytes:
    """To the bridge itself, which learns the source and floods nothing."""
    return BRIDGE_MAC + mac + _ETHERTYPE + _EMPTY


def gratuitous_arp(mac: MacAddress, ip: IpAddress) -> bytes:
    """It says who it is, to all."""
    packet = ArpPacket(arp.REQUEST, mac, ip, ZERO_MAC, ip)
    return Frame(BROADCAST, mac, ethernet.ARP, packet.encode()).encode()


def frames(first: int, count: int) -> list[bytes]:
    return [frame(stream.local_mac(first + index)) for index in range(count)]


def send_behind(site: Site, sent: Sequence[bytes]) -> None:
    """From a thread: whoever counts the UPDATEs must not wait for the last frame."""

    def send() -> None:
        with open_host(site) as host:
            for each in sent:
                host.send(each)

    threading.Thread(target=send, daemon=True).start()


@contextmanager
def talking(site: Site, sent: Sequence[bytes], every: float) -> Iterator[None]:
    """Meanwhile each of these frames is sent once in `every` seconds, evenly."""
    done = threading.Event()
    share = max(1, round(len(sent) * _STEP / every))

    def talk() -> None:
        with open_host(site) as host:
            at = 0
            while not done.wait(share * every / len(sent)):
                for each in sent[at : at + share]:
                    host.send(each)
                at = (at + share) % len(sent)

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
