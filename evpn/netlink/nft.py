"""Rules of nftables, written by `nft`: a transaction is one text, and all of it happens or none.

The program rather than netlink, because an operator has to read these rules, write them himself, and find them again.
"""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

_TIMEOUT = 3.0


class NftError(Exception):
    """What `nft` said, in one line."""


class NftSilentError(NftError):
    """It could not be started, or has not ended: what the kernel holds is not known."""


class NftTimeoutError(NftSilentError):
    """It has not ended; somebody holds a lock, or has very many rules."""


def apply(text: str) -> None:
    _nft(text, "-f", "-")


def elements(family: str, table: str, name: str) -> set[str] | None:
    """What a set holds; None: there is no such set, or no table."""
    try:
        told = json.loads(_nft("", "-j", "list", "set", family, table, name))
    except NftSilentError:
        raise
    except NftError:
        return None
    return {text for entry in told["nftables"] if "set" in entry for text in _texts(entry["set"].get("elem", ()))}


def names_of_sets(family: str, table: str) -> set[str]:
    """None when there is no such table, nor a program to ask."""
    try:
        told = json.loads(_nft("", "-j", "list", "sets", family))
    except NftSilentError:
        raise
    except NftError:
        return set()
    return {entry["set"]["name"] for entry in told["nftables"] if "set" in entry and entry["set"]["table"] == table}


def rules_of(family: str, table: str, chain: str) -> dict[int, str]:
    """Handle -> comment of the rules of a chain, in their order; none when there is no such chain."""
    try:
        told = json.loads(_nft("", "-j", "list", "chain", family, table, chain))
    except NftSilentError:
        raise
    except NftError:
        return {}
    found = [entry["rule"] for entry in told["nftables"] if "rule" in entry]
    return {rule["handle"]: rule.get("comment", "") for rule in found}


def chains(family: str, table: str) -> dict[str, int]:
    """Names of the chains of a table, and how many rules each has; none when there is no such table."""
    known = {entry["table"]["name"] for entry in _listed("tables", family) if "table" in entry}
    told = _listed("table", family, table) if table in known else []
    found = {entry["chain"]["name"]: 0 for entry in told if "chain" in entry}
    for entry in told:
        if "rule" in entry:
            found[entry["rule"]["chain"]] += 1
    return found


def _listed(*what: str) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = json.loads(_nft("", "-j", "list", *what))["nftables"]
    return told


def _texts(values: list[object]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str | int):
            yield str(value)


def _nft(text: str, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["nft", *arguments], input=text, capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except FileNotFoundError:
        raise NftError("no program nft: install nftables") from None
    except OSError as error:  # no descriptors, no memory, no further process: another time
        raise NftSilentError(f"nft cannot be started: {(error.strerror or str(error)).lower()}") from None
    except subprocess.TimeoutExpired:
        raise NftTimeoutError(f"nft has not ended after {_TIMEOUT:.0f} s") from None
    if done.returncode:
        raise NftError(next(iter(done.stderr.splitlines()), f"nft ended with {done.returncode}").strip())
    return done.stdout
