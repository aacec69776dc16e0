"""Command lines for ExaBGP with our extension: ASCII, one line each, the bulk form for routes (docs/exabgp.md)."""

from collections.abc import Iterable, Sequence

_FAMILY = "l2vpn evpn"
NLRI_PER_LINE = 500
"""7 to 35 kB a line; ExaBGP reads 16 kB a turn and ends a helper whose line passes 1 MiB."""


def announce(
    id: int, attributes: bytes, next_hop: bytes, nlri: Sequence[bytes], neighbors: Sequence[str] = ()
) -> Iterable[bytes]:
    """Routes that share attributes (packed, without MP_REACH_NLRI); `neighbors` empty means all."""
    head = f"{_selector(neighbors)}announce evpn bulk id {id} attributes {attributes.hex()} next-hop {next_hop.hex()}"
    return _lines(head, nlri)


def withdraw(id: int, nlri: Sequence[bytes], neighbors: Sequence[str] = ()) -> Iterable[bytes]:
    return _lines(f"{_selector(neighbors)}withdraw evpn bulk id {id}", nlri)


def sync_begin(id: int) -> bytes:
    return b"evpn sync begin %d\n" % id


def sync_end(id: int) -> bytes:
    return b"evpn sync end %d\n" % id


def list_peers(id: int) -> bytes:
    return b"evpn peers %d\n" % id


def list_routes(id: int) -> bytes:
    return b"evpn routes %d\n" % id


def end_of_rib(id: int, neighbor: str) -> bytes:
    """Behind every route announced before."""
    return f"neighbor {neighbor} evpn eor {id}\n".encode()


def route_refresh(neighbor: str) -> bytes:
    """Ask a peer to say all its routes again (RFC 2918)."""
    return f"neighbor {neighbor} announce route-refresh {_FAMILY}\n".encode()


def _selector(neighbors: Sequence[str]) -> str:
    return f"{', '.join(f'neighbor {address}' for address in neighbors)} " if neighbors else ""


def _lines(head: str, nlri: Sequence[bytes]) -> Iterable[bytes]:
    for start in range(0, len(nlri), NLRI_PER_LINE):
        yield f"{head} nlri {b''.join(nlri[start : start + NLRI_PER_LINE]).hex()}\n".encode()
