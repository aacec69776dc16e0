"""Identifiers of EVPN (RFC 7432 section 7), as bytes in network order: typed for mypy, free at run time.

Text lives at the edges only; `evpn.text` converts.
"""

from typing import NewType

MacAddress = NewType("MacAddress", bytes)
"""6 octets."""

IpAddress = NewType("IpAddress", bytes)
"""4 or 16 octets; empty where a route or a row carries none."""

RouteDistinguisher = NewType("RouteDistinguisher", bytes)
"""8 octets, type first (RFC 4364 section 4.2)."""

ExtendedCommunity = NewType("ExtendedCommunity", bytes)
"""8 octets, type and sub-type first (RFC 4360)."""

RouteTarget = NewType("RouteTarget", bytes)
"""An extended community of 8 octets and of sub-type 2 (RFC 4360 section 4)."""

RouteTargetPattern = NewType("RouteTargetPattern", bytes)
"""What an import matches: a whole route target of 8 octets, or a local part of 4 under any administrator (`*:VNI`)."""

EthernetSegmentIdentifier = NewType("EthernetSegmentIdentifier", bytes)
"""10 octets (RFC 7432 section 5)."""

EthernetTag = NewType("EthernetTag", bytes)
"""4 octets; all zero in the VLAN-based service (RFC 7432 section 6.1)."""

RouteKey = NewType("RouteKey", bytes)
"""Route type and the key fields of RFC 7432 section 7 and RFC 9136 section 3.1: what identifies a route in a RIB."""

Vni = NewType("Vni", int)
"""1 to 2^24 - 1 (RFC 7348 section 5)."""

ZERO_MAC = MacAddress(bytes(6))
ZERO_ESI = EthernetSegmentIdentifier(bytes(10))
ZERO_TAG = EthernetTag(bytes(4))
MAX_ET = EthernetTag(b"\xff" * 4)
"""Of A-D routes per segment only (RFC 7432 section 8.2.1)."""
NO_IP = IpAddress(b"")

MAX_VNI = (1 << 24) - 1
