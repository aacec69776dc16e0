"""The body of an UPDATE as the agent reads it: any octets are a value or a reset, and what is a value can be said."""

from evpn.packet.ethernet import is_station
from evpn.rib.best import rank
from evpn.rib.path import Path, Speaker, rejection
from evpn.text import parse_ip
from evpn.wire import update
from evpn.wire.attributes import PathAttributes
from evpn.wire.communities import format_community, parse_community
from evpn.wire.errors import Disposition, WireError
from evpn.wire.routes import MacIpRoute, Route, decode_routes, key_of
from evpn.wire.update import Update
from tests.wire.captured import UPDATES, captured

SEEDS = {name: captured(name) for name in UPDATES}
WORDS = ()
LONGEST = 4096

_SPEAKER = Speaker(parse_ip("10.0.0.10"), parse_ip("10.0.0.10"), 65000)
_SESSIONS = ((True, None), (True, False), (True, True), (False, False))
_MOST_TO_ENCODE = 16384  # octets: AS numbers of two octets come out as four
_MOST_TO_SPELL = 8  # communities: they are slow, and one is like the other


def check(octets: bytes) -> None:
    for asn4, external in _SESSIONS:
        try:
            found = update.decode(octets, asn4, external)
        except WireError as error:
            assert error.disposition is Disposition.RESET
            continue
        _check_shape(found, len(octets))
        for route in (*found.announced, *found.withdrawn):
            _check_route(route)
        if found.attributes is not None:
            _check_attributes(found.attributes)
        if found.announced and found.attributes is not None:
            _check_use(found, found.attributes)
        if len(octets) <= _MOST_TO_ENCODE:
            _check_said_again(found)


def _check_shape(found: Update, size: int) -> None:
    """`Update` keeps its own promises, and what is kept of it is no more than what came."""
    assert not found.end_of_rib or found == Update([], [], found.next_hop, None, (), True)
    assert not found.announced or (found.attributes is not None and len(found.next_hop) in (4, 16))
    assert len(found.announced) + len(found.withdrawn) <= size // 2
    # at most one fault for a route, and some for each of 256 attributes
    assert len(found.faults) <= size // 2 and len(found.faults) <= 3 * 256 + size // 2
    assert all(fault.__traceback__ is None and str(fault) for fault in found.faults)
    assert all(fault.disposition is not Disposition.RESET for fault in found.faults)


def _check_route(route: Route) -> None:
    octets = route.encode()
    assert decode_routes(octets) == ([route], [])
    assert key_of(octets) == route.key
    assert not isinstance(route, MacIpRoute) or is_station(route.mac)


def _check_attributes(attributes: PathAttributes) -> None:
    """Whatever is worked out of them can be, and communities have words that mean the same."""
    assert attributes.as_path_length >= 0
    assert all(0 <= number < 1 << 32 for number in attributes.as_numbers)
    assert attributes.route_targets <= set(attributes.extended)
    assert len(attributes.import_patterns) <= 2 * len(attributes.route_targets)
    assert 0 <= attributes.mobility.sequence < 1 << 32
    assert attributes.vxlan in (True, False) and attributes.default_gateway in (True, False)
    assert attributes.arp_nd is None or 0 <= attributes.arp_nd < 256
    assert attributes.router_mac is None or len(attributes.router_mac) == 6
    for community in set(attributes.extended[:_MOST_TO_SPELL]):
        assert parse_community(format_community(community)) == community


def _check_use(found: Update, attributes: PathAttributes) -> None:
    """It is refused for a reason, or leads somewhere; and it has its place among other paths."""
    why = rejection(_SPEAKER, found.next_hop, attributes)
    path = Path("10.0.0.251", found.next_hop, attributes, found.announced[0], why)
    other = path._replace(peer="10.0.0.252")
    assert rank(path, False) < rank(other, False) < rank(path, True)


def _check_said_again(found: Update) -> None:
    """Encoded, it is the same without what was wrong with it."""
    if found.announced:
        again = update.decode(
            update.encode(found.announced, found.withdrawn, found.next_hop, found.attributes), asn4=True
        )
        assert again == found._replace(faults=())
    elif found.withdrawn:
        again = update.decode(update.encode_withdraw(found.withdrawn))
        assert (again.withdrawn, again.faults) == (found.withdrawn, ())
