"""A peer's OPEN: any octets are a value or a reset, and its lengths leave no octet over."""

from evpn.wire import open as bgp_open
from evpn.wire.errors import Disposition, WireError
from evpn.wire.open import Open
from tests.wire.captured import OPENS, captured

SEEDS = {name: captured(name) for name in OPENS}
WORDS = ()
LONGEST = 4096


def check(octets: bytes) -> None:
    found = _decoded(octets)
    if found is None:
        return
    assert _decoded(octets) == found
    assert _decoded(octets[:-1]) is None or len(octets) <= 10
    assert _decoded(octets + b"\0") is None
    assert _decoded(octets + b"\1\0") is None, "a parameter beyond the length of all"
    assert 0 <= found.as_number < 1 << 32 and len(found.router_id) == 4
    assert all(0 <= afi < 1 << 16 and 0 <= safi < 1 << 8 for afi, safi in found.families)
    assert found.asn4 or found.as_number < 1 << 16
    if found.graceful_restart is not None:
        assert 0 <= found.graceful_restart.time < 1 << 12
        assert len(found.graceful_restart.families) <= len(octets) // 4


def _decoded(octets: bytes) -> Open | None:
    try:
        return bgp_open.decode(octets)
    except WireError as error:
        assert error.disposition is Disposition.RESET and str(error)
        return None
