"""UPDATEs leave at once on connections that we open.

Surface: the name `asynchronous` in `exabgp.reactor.network.outgoing`, called for every socket that is made. ExaBGP
switches Nagle's algorithm (RFC 896) off for connections that it takes, and not for those it opens: there a second
UPDATE waits for the peer to acknowledge the first one, 40 ms where the peer has something to say as well.
"""

from typing import Any

from exabgp.reactor.network import outgoing
from exabgp.reactor.network.tcp import nagle

_stock_asynchronous = outgoing.asynchronous


def asynchronous(io: Any, ip: Any) -> None:
    _stock_asynchronous(io, ip)
    nagle(io, ip)


def install() -> None:
    outgoing.asynchronous = asynchronous
