"""Hosts of a bridge domain, for the tests of who has which address."""

from evpn.evi.bindings import Source
from evpn.evi.bridge_domain import BridgeDomain
from evpn.evi.foreknown import expect
from evpn.evi.journal import What
from evpn.rib.path import Path
from evpn.values import IpAddress, MacAddress
from tests.builders import IP1, M1, VTEP3, a_mac_route, a_path, attributes, rd_of

PORT, OTHER_PORT = 11, 12


def host(domain: BridgeDomain, mac: MacAddress = M1, *ips: IpAddress, now: float = 0.0) -> None:
    """One of ours, on a port, that uses these addresses."""
    domain.learn(mac, PORT)
    for address in ips:
        domain.addresses.saw(address, mac, now, Source.SNOOP)


def known(domain: BridgeDomain, mac: MacAddress = M1, address: IpAddress = IP1, sticky: bool = False) -> None:
    """One known beforehand, with an address, wherever it is."""
    expect(domain, mac, 0, sticky)
    domain.addresses.configure(address, mac)


def immutable(mac: MacAddress, vtep: IpAddress = VTEP3, address: IpAddress = IP1, sequence: int = 0) -> Path:
    """Their route, with an address that does not move (flag I of RFC 9047)."""
    shared = attributes("target:65000:100", "arp-nd:immutable", sequence=sequence)
    return a_path(a_mac_route(mac, address, rd_of(vtep)), vtep, shared=shared)


def holder(domain: BridgeDomain, address: IpAddress = IP1) -> MacAddress | None:
    """The MAC that we announce an address with."""
    found = domain.addresses.holder(address)
    return found.mac if found else None


def neighbor(domain: BridgeDomain, address: IpAddress = IP1) -> MacAddress | None:
    """The remote MAC that an address belongs to."""
    found = domain.addresses.neighbor(address)
    return found[0] if found else None


def sequence(domain: BridgeDomain, mac: MacAddress = M1) -> int:
    claim = domain.local_claim(mac)
    assert claim is not None
    return claim.sequence


def told(domain: BridgeDomain) -> list[What]:
    """What happened since the last time."""
    events = [event.what for event in domain.events]
    domain.events.clear()
    return events
