"""A frame on a port of the bridge: any octets say something that a host can say, or nothing."""

from evpn.packet import frames
from evpn.packet.ethernet import Frame, is_station
from evpn.packet.filter import LONGEST as PASSED
from evpn.packet.sighting import Sighting, decode, is_host_address
from evpn.text import parse_ip, parse_mac
from tests.packet.hosts import ALL_NODES, IP6, MAC, NONCE, OVERRIDE, SOURCE_LINK_LAYER, advertisement, arp, solicitation

SEEDS = {
    "arp": arp(),
    "gratuitous": arp(target=parse_ip("192.0.2.9")),
    "solicitation": solicitation(options=NONCE + SOURCE_LINK_LAYER),
    "advertisement": advertisement(),
    "unsolicited": advertisement(flags=OVERRIDE, destination=ALL_NODES),
    "probe": frames.probe(MAC, IP6, parse_mac("02:00:00:00:00:01")),
}
WORDS = ()
LONGEST = 1514


def check(octets: bytes) -> None:
    found = decode(octets)
    assert decode(octets[:PASSED]) in (found, None), "the beginning of a frame says something else than all of it"
    if found is None:
        return
    assert decode(octets + bytes(18)) == found, "what fills a frame up means something"
    frame = Frame.decode(octets)
    assert frame is not None and found.mac == frame.source and frame.encode() == octets
    assert is_station(found.mac) and len(found.mac) == 6
    assert is_host_address(found.ip) and len(found.ip) in (4, 16)
    news = decode(frames.announcement(found.mac, found.ip, bool(found.router)))
    router = None if len(found.ip) == 4 else bool(found.router)
    assert news == Sighting(found.mac, found.ip, router)
