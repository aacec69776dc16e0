"""Hosts of ours known beforehand, by the configuration or an operator: announced whether they were seen or not."""

from evpn.evi.bridge_domain import BridgeDomain
from evpn.evi.claims import new_claim, surviving_claim
from evpn.evi.entries import Expected, LocalMac
from evpn.evi.journal import What
from evpn.values import MacAddress


def expect(domain: BridgeDomain, mac: MacAddress, port: int, sticky: bool) -> None:
    """Known from now on, or otherwise than until now. `port`: an ifindex; 0 is wherever it turns up."""
    before = domain.expected.get(mac)
    domain.expected[mac] = Expected(port, sticky)
    domain.quiet.pop(mac, None)
    domain.frozen.pop(mac, None)
    known, case = domain.local.get(mac) or LocalMac(0, False, None), domain.case(mac)
    # once it has moved away, another port is no reason to call it back
    claimed = known.claim or (new_claim(case) if before is None else None)
    # only our own row may tell that it is where it was to be
    elsewhere = before is not None and port and known.port == before.port != port
    _become(domain, mac, known._replace(claim=claimed, port=0 if elsewhere else known.port), sticky)
    if before is None:
        domain.tell(What.EXPECTED, mac, domain.local[mac])
    if sticky and case.is_between_sticky_ones:
        domain.tell(What.STICKY_ELSEWHERE, mac, domain.local[mac])


def unexpect(domain: BridgeDomain, mac: MacAddress, seen: bool) -> None:
    """No longer known beforehand. `seen`: the bridge has a row of it that is not ours; else it is asked."""
    if domain.expected.pop(mac, None) is None:
        return
    known = domain.local[mac]
    domain.tell(What.NOT_EXPECTED, mac, known)
    asked = not seen and known.port and known.claim and domain.addresses.suspect_all(mac)
    if asked:
        domain.quiet[mac] = known.port
    if seen or asked:
        _become(domain, mac, known, sticky=False)
    else:
        domain.forget(mac)


def _become(domain: BridgeDomain, mac: MacAddress, entry: LocalMac, sticky: bool) -> None:
    """Sticky or not from now on, if the other claims let it."""
    entry = entry._replace(claim=entry.claim._replace(sticky=sticky) if entry.claim else None)
    domain.set_local(mac, entry._replace(claim=surviving_claim(domain.case(mac), entry)))
