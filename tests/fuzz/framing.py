"""Which UPDATE the extension lets through to the agent: none that the agent then calls too damaged, and no other."""

from evpn.exabgp.extension import framing
from evpn.wire import update
from evpn.wire.errors import WireError
from tests.wire.captured import UPDATES, captured

SEEDS = {name: captured(name) for name in UPDATES}
WORDS = ()
LONGEST = 4096

_SUBCODES = (framing.MALFORMED_ATTRIBUTE_LIST, framing.OPTIONAL_ATTRIBUTE_ERROR)


def check(octets: bytes) -> None:
    left = framing.check(octets)
    try:
        found = update.decode(octets)
    except WireError:
        found = None
    if isinstance(left, framing.Fault):
        assert left.subcode in _SUBCODES and left.reason
        assert found is None or not (found.announced or found.withdrawn), "a session is reset for nothing"
    elif left == b"":
        assert found is not None, "an UPDATE is passed on that the agent cannot use"
    elif left != octets:
        _check_taken_out(octets, left)
    else:
        assert found is None or not (found.announced or found.withdrawn or found.end_of_rib), "routes are not seen"


def _check_taken_out(octets: bytes, left: bytes) -> None:
    """What is left is an UPDATE without EVPN that has the same routes of IPv4."""
    assert len(left) < len(octets)
    rest = framing.check(left)
    assert isinstance(rest, framing.Fault) or rest == left, "routes are left in it"
    withdrawn = 2 + int.from_bytes(octets[:2])
    assert left[:withdrawn] == octets[:withdrawn]
    after = withdrawn + 2 + int.from_bytes(octets[withdrawn : withdrawn + 2])
    end = withdrawn + 2 + int.from_bytes(left[withdrawn : withdrawn + 2])
    assert left[end:] == octets[after:]
