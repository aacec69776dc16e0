"""Rules of nftables, written by `nft`: a transaction is one text, and all of it happens or none.

The program rather than netlink, because an operator has to read these rules, write them himself, and find them again.
"""

import json
import subprocess
from collections.abc import Iterator

_TIMEOUT = 10.0


class NftError(Exception):
    """What `nft` said, in one line."""


def apply(text: str) -> None:
    _nft(text, "-f", "-")


def elements(family: str, table: str, name: str) -> set[str] | None:
    """What a set holds; None: there is no such set, or no table."""
    try:
        told = json.loads(_nft("", "-j", "list", "set", family, table, name))
    except NftError:
        return None
    return {text for entry in told["nftables"] if "set" in entry for text in _texts(entry["set"].get("elem", ()))}


def chains(family: str, table: str) -> set[str]:
    """Names of the chains of a table; none when there is no such table."""
    told = json.loads(_nft("", "-j", "list", "chains", family))
    found = [entry["chain"] for entry in told["nftables"] if "chain" in entry]
    return {chain["name"] for chain in found if chain["table"] == table}


def _texts(values: list[object]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value


def _nft(text: str, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["nft", *arguments], input=text, capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except FileNotFoundError:
        raise NftError("no program nft: install nftables") from None
    except subprocess.TimeoutExpired:
        raise NftError(f"nft has not ended after {_TIMEOUT:.0f} s") from None
    if done.returncode:
        raise NftError(next(iter(done.stderr.splitlines()), f"nft ended with {done.returncode}").strip())
    return done.stdout
