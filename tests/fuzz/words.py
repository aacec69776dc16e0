"""Routes in words and in hexadecimal, as people and programs announce them: what is taken can be sent, and said again.

A line that begins with `bulk` is of the form for programs.
"""

from evpn.exabgp.extension import bulk, grammar
from evpn.exabgp.extension.attribute_words import REFUSED
from evpn.exabgp.extension.attribute_words import WORDS as ATTRIBUTES
from evpn.exabgp.extension.attributes import Session, complete, unpack
from evpn.exabgp.extension.describe import describe
from evpn.text import parse_ip
from evpn.wire import attributes as path_attributes
from evpn.wire.communities import EXAMPLES
from evpn.wire.errors import WireError
from evpn.wire.routes import key_of, split

_OURS = parse_ip("10.0.0.3")
_SESSIONS = (
    Session(65000, 65000, asn4=True, size=4096),
    Session(65000, 65001, asn4=True, size=4096, aigp=True),
    Session(65000, 65000, asn4=False, size=4096),
    Session(4200000000 % 65536, 65001, asn4=False, size=65535),
)

SEEDS = {
    name: line.encode()
    for name, line in {
        "mac": "mac-ip rd 10.0.0.3:100 mac 50:54:33:00:00:09 ip 192.0.2.9 vni [ 100 5000 ] next-hop self med 5",
        "multicast": "multicast rd 1:1 ip 10.0.0.3 next-hop 10.0.0.3 pmsi leaf ingress label 100 10.0.0.3",
        "ad": "ethernet-ad rd 1:1 esi 00:11:22:33:44:55:66:77:88:99 etag max vni 0 next-hop 2001:db8::3",
        "segment": "ethernet-segment rd 1:1 esi 0 ip 10.0.0.3 next-hop self origin egp",
        "prefix": "prefix rd 1:1 prefix 2001:db8::/32 gateway 2001:db8::1 vni 7 next-hop self as-path [ 1 ( 2 3 ) ]",
        "raw": "raw nlri 0x0603010203 next-hop self attribute [ 0x63 0xc0 0x00 ] atomic-aggregate",
        "attributes": "raw nlri 0x0600 next-hop self aggregator ( 65000:10.0.0.3 ) community [ 1:2 no-export ] aigp 9"
        " large-community 1:2:3 originator-id 10.0.0.3 cluster-list ( 10.0.0.4 ) local-preference 9",
        "communities": f"raw nlri 0x0600 next-hop self extended-community [ "
        f"{' '.join(example.split(' or ')[-1] for example in EXAMPLES.values())} ]",
        "srv6": "raw nlri 0x0600 next-hop self bgp-prefix-sid-srv6 ( l2-service 2001:db8::1 0x15 [32,16,16,0,16,48] )",
        "bulk": "bulk attributes 40010100 next-hop 0a000003 nlri 060101 nlri 0x0600",
    }.items()
}
WORDS = (
    *(f" {word} " for word in (*grammar.KINDS, *ATTRIBUTES, *REFUSED, "bulk", "attributes", "next-hop", "nlri")),
    *(
        f" {word} "
        for word in ("self", "rd", "esi", "etag", "mac", "ip", "gateway", "vni", "label", "attribute", "0x", "max")
    ),
    *(f" {word}:" for word in EXAMPLES),
    *(" attribute [ 0x63 0xc0 0x00 ] ", " med 5 ", " attribute [ 0x04 0x80 0x00000005 ] "),
    *(" [ ", " ] ", " ( ", " ) ", ",", ";", "'"),
)
LONGEST = 1024


def check(octets: bytes) -> None:
    words = octets.decode(errors="replace").split()
    if words[:1] == ["bulk"]:
        _check_bulk(words[1:])
        return
    for announce in (True, False):
        try:
            parsed = grammar.parse(words, announce)
        except ValueError as error:
            assert str(error) and len(str(error)) < 4096, "a mistake of one word is not to be told in very many"
            continue
        key_of(parsed.nlri)
        _check_attributes(parsed.attributes)
        if announce:
            text = describe(parsed.nlri, parsed.next_hop or _OURS, parsed.attributes)
            assert grammar.parse(text.split(), announce) == parsed._replace(next_hop=parsed.next_hop or _OURS)


def _check_bulk(words: list[str]) -> None:
    for announce in (True, False):
        try:
            parsed = bulk.parse(words, announce)
        except (ValueError, WireError) as error:
            assert str(error) and len(str(error)) < 4096
            continue
        assert parsed.routes
        assert all(split(nlri) == [nlri] and key_of(nlri) == key for key, nlri in parsed.routes)
        assert not announce or len(parsed.next_hop) in (4, 16)
        _check_attributes(parsed.attributes)


def _check_attributes(packed: bytes) -> None:
    """Whatever is taken makes UPDATEs that no peer can find fault with."""
    codes = [attribute.code for attribute in unpack(packed)]
    assert len(codes) == len(set(codes))
    for session in _SESSIONS:
        sent = complete(packed, session)
        _, faults = path_attributes.decode(sent, session.asn4, session.local_as != session.peer_as)
        assert faults == (), (packed.hex(), faults)
        assert len(sent) < 4096 - 23 - 100, "there is no room for a route"
