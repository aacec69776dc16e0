"""An UPDATE is judged by the kind of session that it came over (RFC 7606 section 7)."""

import pytest

from evpn.text import parse_ip
from evpn.wire.as_path import AS_SEQUENCE, AsPathSegment
from evpn.wire.update import encode_announce
from tests.builders import CONFIGURATION, RR1, VTEP2, a_core, a_mac_route, attributes

EXTERNAL = CONFIGURATION.replace("10.0.0.251", "10.0.0.251, peer-as: 65001")
PATH = (AsPathSegment(AS_SEQUENCE, (65001,)),)


def told(configuration: str, **shared: object) -> tuple[list[int | None], int]:
    """Local preferences of what the peer said, as the RIB has them; and its faults."""
    core = a_core(configuration)
    core.update_received(RR1, encode_announce([a_mac_route()], VTEP2, attributes(**shared)))  # type: ignore[arg-type]
    paths = [path for paths in core.rib.routes.values() for path in paths]
    return [path.attributes.local_preference for path in paths], core.peers.peers[RR1].faults


@pytest.mark.parametrize(
    ("configuration", "shared", "expected"),
    [
        (CONFIGURATION, {"local_preference": 200}, ([200], 0)),
        (CONFIGURATION, {"local_preference": None}, ([], 1)),
        (EXTERNAL, {"as_path": PATH, "local_preference": None}, ([None], 0)),
        (EXTERNAL, {"as_path": PATH, "local_preference": 200}, ([None], 1)),
        (EXTERNAL, {"as_path": PATH, "local_preference": None, "originator_id": parse_ip("10.0.0.10")}, ([None], 1)),
        (EXTERNAL, {"local_preference": None}, ([], 1)),
    ],
)
def test_what_a_peer_may_and_must_say(configuration, shared, expected) -> None:
    assert told(configuration, **shared) == expected
