"""One route announced, moved and withdrawn through a made-up session: what comes out must be these octets.

Run at start, after the surfaces are found to be as expected: names and signatures can agree where the meaning does not.
"""

from types import SimpleNamespace
from typing import Any

import exabgp.rib
from exabgp.protocol.family import AFI, SAFI

from evpn.exabgp.extension.table import keyed, share

_NLRI = bytes.fromhex("0221 00010a0000030064 00000000000000000000 00000000 30 505433000009 00 000064")
_COMMUNITIES = bytes.fromhex("c01010 0002fde800000064 0600000000000007")
_NEXT_HOP = bytes((10, 0, 0, 3))

_ANNOUNCED = bytes.fromhex(
    "ffffffffffffffffffffffffffffffff 0068 02 0000 0051"
    "900e002c 0019 46 04 0a000003 00"
    "0221 00010a0000030064 00000000000000000000 00000000 30 505433000009 00 000064"
    "400101 00 400200 400504 00000064 c01010 0002fde800000064 0600000000000007"
)
_WITHDRAWN = bytes.fromhex(
    "ffffffffffffffffffffffffffffffff 0041 02 0000 002a"
    "900f0026 0019 46"
    "0221 00010a0000030064 00000000000000000000 00000000 30 505433000009 00 000064"
)


def run() -> list[str]:
    """What is wrong, in words; empty when all is well."""
    try:
        return _run()
    except Exception as error:  # any exception here says that ExaBGP is not what this was written for
        return [f"self-test: {type(error).__name__} {error}"]


def _run() -> list[str]:
    faults = []
    rib: Any = exabgp.rib.RIB("evpn self-test", False, True, [(AFI.l2vpn, SAFI.evpn)])
    try:
        outgoing = rib.outgoing
        outgoing.replace_restart([], [])
        routes = keyed(_NLRI)
        outgoing.evpn.announce(share(_COMMUNITIES, _NEXT_HOP, "self-test"), routes)
        if not outgoing.pending() or _sent(outgoing) != [_ANNOUNCED]:
            faults.append("self-test: an announcement is not encoded as expected")
        if [str(change.nlri) for change in outgoing.cached_changes()] == []:
            faults.append("self-test: show adj-rib out does not list a route")
        outgoing.evpn.withdraw([key for key, _ in routes])
        if _sent(outgoing) != [_WITHDRAWN] or outgoing.pending():
            faults.append("self-test: a withdrawal is not encoded as expected")
    finally:
        rib.uncache()
    return faults


def _sent(outgoing: Any) -> list[bytes]:
    session = SimpleNamespace(
        local_as=65000, peer_as=65000, asn4=True, msg_size=4096, families=[(AFI.l2vpn, SAFI.evpn)]
    )
    return [message for update in outgoing.updates(True) for message in update.messages(session, True)]
