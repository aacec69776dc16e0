"""A route of a type not decoded here: kept as it came, so that it can be counted and shown (RFC 7606 section 5.4)."""

from typing import NamedTuple

from evpn.values import RouteKey


class UnknownRoute(NamedTuple):
    kind: int
    body: bytes

    @property
    def key(self) -> RouteKey:
        """All of it: which octets are the key is not known."""
        return RouteKey(bytes((self.kind,)) + self.body)

    def encode(self) -> bytes:
        return bytes((self.kind, len(self.body))) + self.body
